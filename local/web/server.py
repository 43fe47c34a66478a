"""The HTTP server of the stack, on waitress. Rule: translates WSGI requests, and passes each to what answers it."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from contextlib import closing
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from waitress import wasyncore
from waitress.server import create_server

from local import settings
from local.apigateway import http_api
from local.identity import endpoints
from local.identity.clients import origins
from local.machine import HOST
from local.messages import HttpRequest, HttpResponse
from local.web import console, controls, invoke_api, reference
from modelpass.api.claims import names_of
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.stack import Stack

    Door = Callable[[HttpRequest], HttpResponse | None]

_THREADS: Final = 64
_CONNECTIONS: Final = 512
_LARGEST_READ: Final = 2**30
_STOP_SECONDS: Final = 5
_NO_BODY: Final = (204, 304)

Environ = dict[str, Any]


class HttpServer:
    """Listens on the port, answers once started. Raises `CommandError` when the port cannot be used."""

    def __init__(self, stack: Stack, port: int) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # it warns whenever a caller waits for a thread
        self._sockets: dict[int, Any] = {}
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._run, daemon=True)
        try:
            self._server = create_server(
                _application(stack, _doors(stack, port)),
                map=self._sockets,
                host=HOST,
                port=port,
                threads=_THREADS,
                connection_limit=_CONNECTIONS,
                ident=None,
                max_request_body_size=_LARGEST_READ,  # what is too large is refused as API Gateway does
                clear_untrusted_proxy_headers=False,
            )
        except OSError as error:
            raise _unusable(port, error) from None

    def start(self) -> None:
        """Begin to answer."""
        self._loop.start()

    def stop(self) -> None:
        """Let running requests end, for some seconds, and close every connection."""
        for name in ("waitress", "waitress.queue"):
            logging.getLogger(name).setLevel(logging.CRITICAL)  # what is still running finds its connection closed
        self._server.task_dispatcher.shutdown()
        self._stopping.set()
        if self._loop.is_alive():
            self._server.pull_trigger()
            self._loop.join(_STOP_SECONDS)
        wasyncore.close_all(self._sockets)

    def _run(self) -> None:
        # The sockets belong to this thread: were another thread to close them, it would fail.
        while not self._stopping.is_set():
            wasyncore.loop(timeout=1, use_poll=True, map=self._sockets, count=1)


def _doors(stack: Stack, port: int) -> tuple[Door, ...]:
    """What answers instead of the APIs, in this order, each by what is asked of it."""
    issuer = endpoints.issuer(port)
    provider = endpoints.Provider(stack.template, stack.signing_key, port)
    names = names_of(stack.template.environment())
    served = console.Console(console.configuration(issuer, settings.router_url(), names), origins(port)[0])
    return (provider.handle, partial(controls.handle, stack), reference.handle, served.handle)


def _application(stack: Stack, doors: tuple[Door, ...]) -> Callable[[Environ, Callable[..., Any]], Iterable[bytes]]:
    def application(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        response = _answer(stack, doors, _request(environ))
        headers = list(response.headers.items())
        if response.stream is not None:
            start(f"{response.status} OK", headers)
            return response.stream
        if response.status not in _NO_BODY:
            headers.append(("Content-Length", str(len(response.body))))
        start(f"{response.status} {HTTPStatus(response.status).phrase}", headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    return application


def require_free(port: int) -> None:
    """Raise `CommandError` at once when the port cannot be used."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server binds
        try:
            probe.bind((HOST, port))
        except OSError as error:
            raise _unusable(port, error) from None


def _unusable(port: int, error: OSError) -> CommandError:
    if error.errno == errno.EADDRINUSE:
        return CommandError(f"Port {port} is taken: stop what listens there, or name another with PORT=…")
    return CommandError(f"Port {port} cannot be used: {error.strerror}; name another with PORT=…")


def _answer(stack: Stack, doors: tuple[Door, ...], request: HttpRequest) -> HttpResponse:
    for door in doors:
        own = door(request)
        if own is not None:
            return own
    function = invoke_api.function_of(request.raw_path)
    if function is not None and request.method == "POST":
        return invoke_api.handle(stack, function, request)
    return http_api.handle(stack, request)


def _request(environ: Environ) -> HttpRequest:
    headers = {
        name[5:].lower().replace("_", "-"): value.encode("latin-1").decode("utf-8", "replace")
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    if environ.get("CONTENT_TYPE"):
        headers["content-type"] = environ["CONTENT_TYPE"]
    if environ.get("CONTENT_LENGTH"):
        headers["content-length"] = environ["CONTENT_LENGTH"]
    return HttpRequest(
        method=environ["REQUEST_METHOD"],
        raw_path=_raw_path(environ),
        query=environ.get("QUERY_STRING", ""),
        headers=headers,
        body=environ["wsgi.input"].read(http_api.MAX_BODY_BYTES + 1),
        source_ip=environ.get("REMOTE_ADDR", HOST),
    )


def _raw_path(environ: Environ) -> str:
    # REQUEST_URI keeps `%2F` apart from `/`; PATH_INFO does not.
    uri: str = environ.get("REQUEST_URI") or environ["PATH_INFO"]
    return uri.partition("?")[0]
