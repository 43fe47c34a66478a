"""A scripted upstream with OpenAI's chat completions. Rule: what it does is named by the first message of a request."""

from __future__ import annotations

import contextlib
import json
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final

from local.machine import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
KEY: Final = "sk-of-the-provider"
USAGE: Final = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
TEXT: Final = ("Hello", " world")
WAIT_SECONDS: Final = 20.0


@dataclass(slots=True)
class Upstream:
    """What was asked, and what tests wait for."""

    port: int
    asked: list[tuple[dict[str, str], Json]] = field(default_factory=list)
    """The headers, with the path under `:path`, and the body of each request."""
    begun: threading.Event = field(default_factory=threading.Event)
    """A request that waits is here."""
    go_on: threading.Event = field(default_factory=threading.Event)
    left: threading.Event = field(default_factory=threading.Event)
    """Who asked has closed the connection before the answer was complete."""


@contextlib.contextmanager
def running() -> Iterator[Upstream]:
    """An upstream on a free port."""
    server = ThreadingHTTPServer((HOST, 0), _Handler)
    server.daemon_threads = True
    server.upstream = Upstream(server.server_port)  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.upstream  # type: ignore[attr-defined]
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    @property
    def _upstream(self) -> Upstream:
        found: Upstream = self.server.upstream  # type: ignore[attr-defined]
        return found

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._upstream.asked.append(({**headers, ":path": self.path}, body))
        case = body["messages"][0]["content"]
        try:
            if case == "waits before it answers":
                self._wait()
            if case == "fails":
                self._json(500, {"error": {"message": "no", "type": "server_error", "param": None, "code": None}})
            elif case == "hangs up":
                self.close_connection = True
            elif body.get("stream"):
                self._stream(case, body)
            else:
                choice = {"index": 0, "message": {"role": "assistant", "content": "".join(TEXT)}}
                usage = {} if case == "tells no usage" else {"usage": USAGE}
                self._json(200, {"object": "chat.completion", "choices": [choice], **usage})
        except OSError:
            self._upstream.left.set()
            self.close_connection = True

    def _wait(self) -> None:
        self._upstream.begun.set()
        assert self._upstream.go_on.wait(WAIT_SECONDS)

    def _json(self, status: int, answer: Json) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _stream(self, case: str, body: Json) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._event({"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}], "usage": None})
        for text in TEXT:
            self._event({"choices": [{"index": 0, "delta": {"content": text}}], "usage": None})
            if case == "breaks off":
                self.close_connection = True
                return
            if case == "goes on and on":
                self._go_on()
        told = (body.get("stream_options") or {}).get("include_usage") and case != "tells no usage"
        if told:
            self._event({"choices": [], "usage": USAGE})
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _go_on(self) -> None:
        while not self._upstream.go_on.wait(0.01):
            self._event({"choices": [{"index": 0, "delta": {"content": "more"}}], "usage": None})

    def _event(self, event: Json) -> None:
        self._chunk(f"data: {json.dumps(event)}\n\n".encode())

    def _chunk(self, content: bytes) -> None:
        self.wfile.write(f"{len(content):x}\r\n".encode() + content + b"\r\n")
        self.wfile.flush()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


if __name__ == "__main__":  # for who tries the examples and has no upstream at hand
    with ThreadingHTTPServer((HOST, 11434), _Handler) as alone:
        alone.upstream = Upstream(11434)  # type: ignore[attr-defined]
        alone.serve_forever()
