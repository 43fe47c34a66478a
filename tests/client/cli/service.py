"""An HTTP service that answers what a test says, in the place of an API or an identity provider.

Rule: it keeps every request as it came, and answers each path from a list, whose last entry goes on.
"""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qs

from tests.support.loopback import listening

if TYPE_CHECKING:
    from collections.abc import Iterator


class Request(NamedTuple):
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return {name: value for name, (value, *_) in parse_qs(self.body.decode()).items()}


@dataclass(slots=True)
class Service:
    url: str = ""
    answers: dict[str, list[Any]] = field(default_factory=lambda: defaultdict(list))
    """By method and path without query: `(status, body)`, with headers as a third; None breaks the connection."""
    asked: list[Request] = field(default_factory=list)

    def on(self, line: str, *answers: Any) -> None:
        self.answers[line] = list(answers)

    def to(self, path: str) -> list[Request]:
        return [request for request in self.asked if request.target.partition("?")[0] == path]


@contextmanager
def serving() -> Iterator[Service]:
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        def handle_one(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            service.asked.append(Request(self.command, self.path, dict(self.headers), body))
            left = service.answers.get(f"{self.command} {self.path.partition('?')[0]}") or [
                (404, {"message": "Not Found"})
            ]
            answer = left.pop(0) if len(left) > 1 else left[0]
            if answer is None:
                self.connection.close()
                return
            status, told, *more = answer
            raw = told if isinstance(told, bytes) else b"" if told is None else json.dumps(told).encode()
            self.send_response(status)
            for name, value in (more[0] if more else {}).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PUT = do_DELETE = handle_one  # noqa: N815 - as http.server calls them

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with listening(Handler) as service.url:
        yield service
