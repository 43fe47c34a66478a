"""A server of raw bytes on 127.0.0.1, for replies that a client of the store has to bear. Rule: who starts it stops it.

`answer` says for each request what is sent, piece by piece. Nothing is added to it: replies may be cut, damaged, late,
of another request, or no replies at all.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import threading
import zlib
from dataclasses import dataclass, field
from enum import Enum
from socketserver import StreamRequestHandler, ThreadingTCPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config

from local.machine import HOST
from modelpass.dynamodb.boto3_client import boto3_send
from modelpass.dynamodb.endpoint import Endpoint
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.dynamodb.sigv4 import Credentials

if TYPE_CHECKING:
    import ssl
    from collections.abc import Callable, Iterable, Iterator

    from modelpass.dynamodb.transport import Send

REGION = "eu-west-1"
CREDENTIALS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG", "a/session+token==")


class Do(Enum):
    """What a server does instead of sending."""

    CLOSE = "close"
    RESET = "reset"
    HANG = "hang"
    """Go on only when the server is `over`."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A request as it came in: which connection it came on, counted from 0, and its bytes."""

    connection: int
    lines: list[bytes]
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        pairs = (line.decode().partition(":") for line in self.lines[1:])
        return {name.lower(): value.strip() for name, _, value in pairs}

    @property
    def operation(self) -> str:
        return self.headers["x-amz-target"].rpartition(".")[2]


def reply(body: bytes, status: int = 200, checksum: int | None = None, **headers: object) -> bytes:
    """A whole reply, with a right checksum unless another is given; `_` in header names stands for `-`."""
    given = {"content_length": len(body), "x_amz_crc32": zlib.crc32(body) if checksum is None else checksum, **headers}
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items() if value is not None]
    return f"HTTP/1.1 {status} Told\r\n{''.join(lines)}\r\n".encode() + body


def told(answer: object, status: int = 200) -> bytes:
    """A whole reply with an answer in JSON."""
    return reply(json.dumps(answer).encode(), status)


@dataclass(slots=True)
class Wire:
    """The server: where it is, what it answers, and what it was asked so far."""

    port: int
    answer: Callable[[Asked], Iterable[bytes | Do]] = lambda _: [told({})]
    asked: list[Asked] = field(default_factory=list)
    connections: list[socket.socket] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    closed: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released for each connection that the server has done with."""

    def wait_until_one_is_closed(self) -> None:
        """Wait until the server has done with one more connection; it sees at once that a client closed it."""
        assert self.closed.acquire(timeout=10), "a connection is still open"

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def sends(self, *pieces: bytes | Do) -> None:
        """Answer every request in the same way from now on."""
        self.answer = lambda _: pieces

    def refuses(self, status: int, error: object) -> None:
        """Answer every request with an error from now on, and end its connection, so that no client keeps one open."""
        self.sends(reply(json.dumps(error).encode(), status, connection="close"), Do.CLOSE)

    def sends_in_turn(self, *replies: Iterable[bytes | Do]) -> None:
        """Answer the next requests one after the other."""
        left = iter(replies)
        self.answer = lambda _: next(left)

    def close_all(self) -> None:
        """Close every connection from here."""
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def lean(self, **credentials: Any) -> LeanClient:
        """A client of it without an SDK."""
        endpoint = Endpoint(HOST, self.port, tls=False, authority=f"{HOST}:{self.port}")
        return LeanClient(endpoint, REGION, credentials.get("credentials", lambda: CREDENTIALS))

    def boto3(self) -> Send:
        """The same by boto3."""
        client = boto3.client(
            "dynamodb",
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id="any",
            aws_secret_access_key="any",
            config=Config(connect_timeout=1, read_timeout=0.5, retries={"total_max_attempts": 1, "mode": "legacy"}),
        )
        return boto3_send(client)


@contextlib.contextmanager
def serving(tls: ssl.SSLContext | None = None) -> Iterator[Wire]:
    """A server that runs while it is needed; with `tls`, names that clients ask for come into `names`."""

    class Connection(StreamRequestHandler):
        disable_nagle_algorithm = True

        def setup(self) -> None:
            self.number = len(wire.connections)
            wire.connections.append(self.request)
            super().setup()

        def handle(self) -> None:
            with contextlib.suppress(OSError):  # the client has closed it, or trusts nobody here
                if tls is not None:
                    self.request.do_handshake()
                while (asked := _request(self.rfile, self.number)) is not None:
                    wire.asked.append(asked)
                    for piece in wire.answer(asked):
                        if not self._does(piece):
                            return

        def _does(self, piece: bytes | Do) -> bool:
            if isinstance(piece, bytes):
                self.request.sendall(piece)
                return True
            if piece is Do.HANG:
                return wire.over.wait()
            if piece is Do.RESET:
                self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            return False

        def finish(self) -> None:
            with contextlib.suppress(OSError):
                super().finish()
            self.request.close()
            wire.closed.release()

    class Server(ThreadingTCPServer):
        request_queue_size = 128

        def get_request(self) -> tuple[Any, Any]:
            connection, address = super().get_request()
            if tls is not None:
                connection = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
            return connection, address

        def shutdown_request(self, request: Any) -> None:
            """Each connection closes itself, orderly or not."""

    with Server((HOST, 0), Connection) as server:
        wire = Wire(server.server_address[1])
        if tls is not None:
            tls.sni_callback = lambda _socket, name, _context: wire.names.append(name)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield wire
        finally:
            server.shutdown()
            wire.over.set()
            wire.close_all()
            thread.join()


def _request(received: Any, connection: int) -> Asked | None:
    lines = []
    while line := received.readline().rstrip(b"\r\n"):
        lines.append(line)
    if not lines:
        return None
    length = next((int(line[15:]) for line in lines if line.lower().startswith(b"content-length:")), None)
    if length is None:
        return None
    body = received.read(length)
    return Asked(connection, lines, body)


def answer_of(engine: str, asked: Asked) -> bytes:
    """What an engine answers to a request, as a whole reply."""
    address = urlsplit(engine)
    connection = http.client.HTTPConnection(str(address.hostname), address.port)
    with contextlib.closing(connection):
        connection.request("POST", "/", asked.body, asked.headers)
        response = connection.getresponse()
        return reply(response.read(), response.status, int(response.headers["x-amz-crc32"]))
