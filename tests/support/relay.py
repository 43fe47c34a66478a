"""Stands between functions and the engine: passes requests on, hangs, refuses, or lets a test act before or after one.

Rule: what is passed on is passed on unchanged, unless a caller asks for more than the sender did (`asking`); who
starts it stops it.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tests.support.loopback import listening

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def nothing(_: str) -> None:
    """Let a request pass."""


def as_sent(_: str, body: bytes) -> bytes:
    """Pass a request on as it came."""
    return body


def unheard(_: str, __: bytes, ___: bytes) -> None:
    """Do not listen."""


@dataclass(slots=True)
class Relay:
    """What a test can do to requests that pass; an operation is named as DynamoDB names it: `UpdateItem`."""

    url: str = ""
    before: Callable[[str], None] = nothing
    after: Callable[[str], None] = nothing
    asking: Callable[[str, bytes], bytes] = as_sent
    """What goes on in place of a request; only an engine that checks no signature carries it out."""
    heard: Callable[[str, bytes, bytes], None] = unheard
    """Is told each operation with the bodies of its request and its reply."""
    passing: threading.Event = field(default_factory=threading.Event)
    """While it is not set, requests wait, and are not sent on."""
    refusing: str | None = None
    """While it names an error of DynamoDB's, requests are answered with it, and are not sent on."""


@contextlib.contextmanager
def relay_to(engine: str) -> Iterator[Relay]:
    relay = Relay()
    relay.passing.set()
    behind = urlsplit(engine)

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            operation = self.headers["X-Amz-Target"].rpartition(".")[2]
            relay.passing.wait()
            relay.before(operation)
            if relay.refusing is not None:
                self.answer(400, {}, json.dumps({"__type": f"com.amazonaws.dynamodb#{relay.refusing}"}).encode())
                return
            body = relay.asking(operation, body)
            connection = http.client.HTTPConnection(str(behind.hostname), behind.port)
            with contextlib.closing(connection):
                left_out = ("connection", "content-length")
                kept = {name: value for name, value in self.headers.items() if name.lower() not in left_out}
                connection.request("POST", "/", body, kept)
                response = connection.getresponse()
                raw = response.read()
            relay.heard(operation, body, raw)
            relay.after(operation)
            names = ("Content-Type", "x-amzn-RequestId", "x-amz-crc32")
            headers = {name: str(response.getheader(name)) for name in names if response.getheader(name)}
            self.answer(response.status, headers, raw)

        def answer(self, status: int, headers: dict[str, str], raw: bytes) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with listening(Passing) as relay.url:
        try:
            yield relay
        finally:
            relay.passing.set()
