"""Stands between functions and store, as IAM does. Rule: a request that a function's policies do not allow is refused.

Each function signs with an access key id that is its own name, as on AWS each has a role of its own. The engine checks
no signature. The gate passes requests on under one shared id, because DynamoDB Local keeps a set of tables for each id.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import select
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from local.cloudformation.intrinsics import ACCOUNT, REGION
from local.dynamodb.provisioning import KEY_ID
from local.iam.policies import DYNAMODB, UNKNOWN, asked
from local.machine import HOST

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator, Mapping

    from local.iam.policies import Permission

Json = dict[str, Any]

_CREDENTIAL = re.compile(r"Credential=([^/,\s]+)/")
_OF_A_CONNECTION: Final = frozenset({"connection", "content-length", "host", "keep-alive", "transfer-encoding"})
_ANSWER_SECONDS: Final = 60  # far longer than any function waits


class Gate:
    """Decides about the functions' requests and records them; `tell` is called with each refusal, in IAM's words."""

    def __init__(self, granted: Mapping[str, frozenset[Permission]], tell: Callable[[str], None]) -> None:
        self.granted = granted
        self.used: set[tuple[str, str, str]] = set()
        self.refused: set[tuple[str, str, str]] = set()
        self._tell = tell

    def problem(self, function: str, operation: str, request: Any) -> str | None:
        """Why a request of a function is refused, in IAM's words; None when it may go on."""
        granted = self.granted.get(function, frozenset())
        permissions = _permissions(operation, request)
        lacking = sorted(permissions - granted)
        if not lacking:
            self.used.update((function, *permission) for permission in permissions)
            return None
        self.refused.update((function, *permission) for permission in lacking)
        resource, action = lacking[0]
        user = f"arn:aws:sts::{ACCOUNT}:assumed-role/{function}Role/{function}"
        problem = (
            f"User: {user} is not authorized to perform: {action} "
            f"on resource: arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{resource} "
            f"because no identity-based policy allows the {action} action"
        )
        self._tell(problem)
        return problem

    def shown(self) -> dict[str, list[Json]]:
        """Each permission that a function has or lacked, and whether it asked for it."""
        asked_for = self.used | self.refused
        every = asked_for | {(function, *permission) for function, had in self.granted.items() for permission in had}
        shown: dict[str, list[Json]] = {function: [] for function in self.granted}
        for function, resource, action in sorted(every):
            row = (function, resource, action)
            about = {"resource": resource, "action": action, "granted": row not in self.refused}
            shown.setdefault(function, []).append({**about, "asked": row in asked_for})
        return shown


def _permissions(operation: str, request: Any) -> set[Permission]:
    try:
        return set(asked(operation, request))
    except (AttributeError, KeyError, TypeError, ValueError):
        return {(UNKNOWN, DYNAMODB + operation)}  # no function has this permission: what cannot be read is refused


class _Upstream:
    """One connection to the store, made anew when the store has closed it."""

    def __init__(self, endpoint: str) -> None:
        address = urlsplit(endpoint)
        made = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = made(address.hostname or HOST, address.port, timeout=_ANSWER_SECONDS)

    def send(self, path: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, list[tuple[str, str]], bytes]:
        if self._connection.sock is not None and _can_be_read(self._connection.sock):
            self._connection.close()  # nothing was sent yet: what can be read is that the store closed it
        self._connection.request("POST", path, body, headers)
        response = self._connection.getresponse()
        return response.status, response.reason, response.getheaders(), response.read()

    def close(self) -> None:
        self._connection.close()


def _can_be_read(connection: socket.socket) -> bool:
    poll = select.poll()  # `select` cannot look at more than 1024 files
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # all runtimes may connect at once

    def __init__(self, gate: Gate, endpoint: str) -> None:
        self.gate, self.endpoint = gate, endpoint
        super().__init__((HOST, 0), _Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # an answer goes out in one piece
    server: _Server

    def handle(self) -> None:
        self._upstream = _Upstream(self.server.endpoint)
        with contextlib.closing(self._upstream), contextlib.suppress(ConnectionError):
            super().handle()

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        match = _CREDENTIAL.search(self.headers.get("Authorization", ""))
        function = match[1] if match else ""
        operation = self.headers.get("X-Amz-Target", "").partition(".")[2]
        problem = self.server.gate.problem(function, operation, _json(body))
        if problem is not None:
            denied = {"__type": "com.amazon.coral.service#AccessDeniedException", "Message": problem}
            kind = [("Content-Type", "application/x-amz-json-1.0")]
            self._answer(400, "Bad Request", kind, json.dumps(denied).encode())
            return
        headers = {name.lower(): value for name, value in self.headers.items() if name.lower() not in _OF_A_CONNECTION}
        if match:
            headers["authorization"] = _CREDENTIAL.sub(f"Credential={KEY_ID}/", headers["authorization"])
        try:
            answer = self._upstream.send(self.path, body, headers)
        except (OSError, http.client.HTTPException):
            self.close_connection = True  # as the store would: the function finds its connection closed
            return
        self._answer(*answer)

    def log_message(self, *_: object) -> None:
        """Log nothing: the gate reports what it refuses."""

    def _answer(self, status: int, reason: str, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status, reason)
        for name, value in headers:
            if name.lower() not in _OF_A_CONNECTION:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None


@contextlib.contextmanager
def running(gate: Gate, endpoint: str) -> Iterator[str]:
    """The URL under which functions reach the store at `endpoint`, while the gate stands."""
    server = _Server(gate, endpoint)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://{HOST}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
