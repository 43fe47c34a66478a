"""Stands between the proxy and the service. Rule: what passes is passed on unchanged, and kept."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any

from tests.support.loopback import listening

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

HOST = "127.0.0.1"


@dataclass
class Gate:
    url: str = ""
    passing: threading.Event = field(default_factory=threading.Event)
    """While it is not set, requests wait."""
    waiting: threading.Event = field(default_factory=threading.Event)
    """Set when a request waits."""
    failing: int = 0
    """How many reports are answered by an error from now on."""
    passed: list[tuple[Json, Json]] = field(default_factory=list)
    """Each payload that came, with its answer once there is one."""

    def settles_of(self, key: str) -> list[Json]:
        """The reports of what was granted to a key."""
        granted = [answer.get("authorizationId") for asked, answer in self.passed if asked.get("apiKey") == key]
        return [asked for asked, _ in self.passed if asked.get("authorizationId") in granted]

    @contextlib.contextmanager
    def hanging(self) -> Iterator[None]:
        """Let nothing pass for a while."""
        self.waiting.clear()
        self.passing.clear()
        try:
            yield
        finally:
            self.passing.set()


@contextlib.contextmanager
def before(port: int) -> Iterator[Gate]:
    """A gate before the service at a port."""
    gate = Gate()
    gate.passing.set()

    class Passing(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            answered: Json = {}
            gate.passed.append((json.loads(body), answered))
            if gate.failing and b"authorizationId" in body:
                gate.failing -= 1
                self.send_response(500)
                self.send_header("content-length", "0")
                self.end_headers()
                return
            if not gate.passing.is_set():
                gate.waiting.set()
                gate.passing.wait()
            connection = http.client.HTTPConnection(HOST, port)
            with contextlib.closing(connection):
                kept = {name: value for name, value in self.headers.items() if name.lower() != "connection"}
                connection.request("POST", self.path, body, kept)
                response = connection.getresponse()
                raw = response.read()
            answered.update(json.loads(raw))
            self.send_response(response.status)
            for name, value in response.getheaders():
                if name.lower() not in {"connection", "content-length", "transfer-encoding", "date", "server"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with listening(Passing) as gate.url:
        try:
            yield gate
        finally:
            gate.passing.set()
