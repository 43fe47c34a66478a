"""HTTP for all of the stack, carried by waitress. Rule: translates WSGI, and passes on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from waitress.server import create_server

from local import controls, gateway, lambda_api
from local.engine import HOST
from local.gateway import HttpRequest, HttpResponse
from local.problems import StartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from local.stack import Stack

_THREADS: Final = 64
_CONNECTIONS: Final = 512
_NO_BODY: Final = (204, 304)

Environ = dict[str, Any]


def create(stack: Stack, port: int) -> Any:
    """A server bound to the port; raises `StartError` when it is taken."""

    def application(environ: Environ, start: Callable[..., Any]) -> Iterable[bytes]:
        response = _answer(stack, _request(environ))
        headers = list(response.headers.items())
        if response.status not in _NO_BODY:
            headers.append(("Content-Length", str(len(response.body))))
        start(f"{response.status} {_REASONS.get(response.status, 'Status')}", headers)
        return [response.body]

    try:
        return create_server(
            application,
            host=HOST,
            port=port,
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            ident=None,
            max_request_body_size=gateway.MAX_BODY_BYTES * 2,
            clear_untrusted_proxy_headers=False,
        )
    except OSError:
        raise StartError(f"Port {port} is taken: stop what listens there, or name another with PORT=…") from None


_REASONS: Final = {
    200: "OK",
    201: "Created",
    202: "Accepted",
    204: "No Content",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    413: "Request Entity Too Large",
    422: "Unprocessable Entity",
    429: "Too Many Requests",
    500: "Internal Server Error",
    503: "Service Unavailable",
}


def _answer(stack: Stack, request: HttpRequest) -> HttpResponse:
    own = controls.handle(stack, request)
    if own is not None:
        return own
    function = lambda_api.function_of(request.raw_path)
    if function is not None and request.method == "POST":
        return lambda_api.handle(stack, function, request)
    return gateway.handle(stack, request)


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
        body=environ["wsgi.input"].read(),
        source_ip=environ.get("REMOTE_ADDR", HOST),
    )


def _raw_path(environ: Environ) -> str:
    # REQUEST_URI keeps `%2F` apart from `/`; PATH_INFO does not.
    uri: str = environ.get("REQUEST_URI") or environ["PATH_INFO"]
    return uri.partition("?")[0]
