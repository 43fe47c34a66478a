"""An upstream that does as it is told. Rule: it remembers what it sent, and how far the proxy read.

It speaks as much of OpenAI's chat, responses, embeddings and images, and of Anthropic's messages, as the proxy uses.
What it does is chosen by a word in the request: a test writes a `Plan`, and puts the plan's word into its prompt.
"""

from __future__ import annotations

import contextlib
import http.server
import itertools
import json
import socket
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]

WORD = " tree"  # one token in every tokenizer that is used here
_NUMBERS = itertools.count(1)
WAIT_SECONDS = 20


@dataclass
class Plan:
    """What happens to requests that hold its word."""

    word: str = field(default_factory=lambda: f"plan{next(_NUMBERS)}z")
    statuses: list[int] = field(default_factory=list)
    """The status of each POST, one after the other; 200 once there are no more."""
    chunks: int = 3
    """How many chunks of one word a stream has, and how many words an answer."""
    prompt: int = 11
    cached: int = 0
    reasoning: int = 0
    tells_usage: bool = True
    breaks_after: int | None = None
    """The connection is cut after so many chunks."""
    says_why: bool = False
    """An error is told in the stream in place of the cut."""
    holds_after: int | None = None
    """The stream waits after so many chunks, until `go_on` is set."""
    holds_first: bool = False
    """The answer waits before its first byte."""
    images: int | None = None
    go_on: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)
    """Set when the upstream waits, or has ended."""
    posts: list[tuple[str, Json, dict[str, str]]] = field(default_factory=list)
    sent: int = 0
    """How many chunks were sent in all."""
    refused_write: threading.Event = field(default_factory=threading.Event)
    """Set when the proxy had hung up."""

    @property
    def output(self) -> int:
        return self.chunks + self.reasoning

    @property
    def units(self) -> int:
        """What a complete request uses."""
        return self.prompt + self.output


@dataclass
class Upstream:
    port: int
    plans: dict[str, Plan] = field(default_factory=dict)
    strays: list[Json] = field(default_factory=list)
    """Requests that no plan knows."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def plan(self, **told: Any) -> Plan:
        made = Plan(**told)
        self.plans[made.word] = made
        return made

    def plan_of(self, text: str) -> Plan:
        for word, plan in list(self.plans.items()):
            if word in text:
                return plan
        return Plan()


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    upstream: Upstream

    def handle_error(self, request: Any, client_address: Any) -> None:
        """The proxy may hang up at any time."""


@contextlib.contextmanager
def running() -> Iterator[Upstream]:
    server = _Server(("127.0.0.1", 0), _Handler)
    server.upstream = Upstream(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server.upstream
    finally:
        for plan in server.upstream.plans.values():
            plan.go_on.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing: the tests look by themselves."""

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers["content-length"]))
        body: Json = json.loads(raw)
        plan = self.server.upstream.plan_of(raw.decode())
        if plan.word not in self.server.upstream.plans:
            self.server.upstream.strays.append(body)
        plan.posts.append((self.path, body, {name.lower(): value for name, value in self.headers.items()}))
        status = plan.statuses.pop(0) if plan.statuses else 200
        if plan.holds_first:
            plan.begun.set()
            plan.go_on.wait(WAIT_SECONDS)
        if status != 200:
            self._json(
                status, {"error": {"message": "as planned", "type": "server_error", "code": None, "param": None}}
            )
        elif body.get("stream"):
            self._stream(plan, _EVENTS[self.path.rpartition("/")[2]](plan, body))
        else:
            plan.sent += plan.chunks
            self._json(200, _ANSWERS[self.path.rpartition("/")[2]](plan, body))
        plan.begun.set()

    def _json(self, status: int, body: Json) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(raw)))
        self.send_header("x-ratelimit-remaining-requests", "77777")
        self.end_headers()
        self.wfile.write(raw)

    def _stream(self, plan: Plan, events: Iterator[tuple[bool, bytes]]) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        output = 0
        try:
            for is_output, event in events:
                if is_output and plan.breaks_after == output:
                    self._break(plan)
                    return
                if is_output and plan.holds_after == output:
                    plan.begun.set()
                    plan.go_on.wait(WAIT_SECONDS)
                self._write(event)
                output += is_output
                plan.sent += is_output
            self._write(b"")
        except OSError:
            plan.refused_write.set()
            self.close_connection = True

    def _write(self, event: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(event), event))
        self.wfile.flush()

    def _break(self, plan: Plan) -> None:
        self.close_connection = True
        if plan.says_why:
            error = {"type": "overloaded_error", "code": 503, "message": "as planned"}
            self._write(_named({"type": "error", "error": error}))
            self._write(b"")
            return
        self.connection.shutdown(socket.SHUT_RDWR)


def _data(event: Json) -> bytes:
    return b"data: " + json.dumps(event).encode() + b"\n\n"


def _named(event: Json) -> bytes:
    return f"event: {event['type']}\n".encode() + _data(event)


def _chat_usage(plan: Plan) -> Json:
    return {
        "prompt_tokens": plan.prompt,
        "completion_tokens": plan.output,
        "total_tokens": plan.units,
        "prompt_tokens_details": {"cached_tokens": plan.cached},
        "completion_tokens_details": {"reasoning_tokens": plan.reasoning},
    }


def _chat(plan: Plan, body: Json) -> Json:
    message = {"role": "assistant", "content": WORD * plan.chunks}
    choices = [{"index": n, "message": message, "finish_reason": "stop"} for n in range(body.get("n", 1))]
    answer: Json = {"id": "c1", "object": "chat.completion", "created": 1, "model": body["model"], "choices": choices}
    return {**answer, "usage": _chat_usage(plan)} if plan.tells_usage else answer


def _chat_events(plan: Plan, body: Json) -> Iterator[tuple[bool, bytes]]:
    frame: Json = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}
    for number in range(plan.chunks):
        delta = {"content": WORD, **({"role": "assistant"} if number == 0 else {})}
        yield True, _data({**frame, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield False, _data({**frame, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    if plan.tells_usage and (body.get("stream_options") or {}).get("include_usage"):
        yield False, _data({**frame, "choices": [], "usage": _chat_usage(plan)})
    yield False, b"data: [DONE]\n\n"


def _response_of(plan: Plan, body: Json, status: str, words: int) -> Json:
    text = {"type": "output_text", "text": WORD * words, "annotations": []}
    item = {"type": "message", "id": "m1", "role": "assistant", "status": "completed", "content": [text]}
    answer: Json = {
        "id": "resp_1", "object": "response", "created_at": 1, "status": status, "model": body["model"], "error": None,
        "incomplete_details": None, "instructions": None, "metadata": {}, "parallel_tool_calls": True,
        "temperature": 1.0, "tool_choice": "auto", "tools": [], "top_p": 1.0, "output": [item] if words else [],
    }  # fmt: skip
    if plan.tells_usage and status == "completed":
        answer["usage"] = {
            "input_tokens": plan.prompt,
            "output_tokens": plan.output,
            "total_tokens": plan.units,
            "input_tokens_details": {"cached_tokens": plan.cached},
            "output_tokens_details": {"reasoning_tokens": plan.reasoning},
        }
    return answer


def _responses(plan: Plan, body: Json) -> Json:
    return _response_of(plan, body, "completed", plan.chunks)


def _responses_events(plan: Plan, body: Json) -> Iterator[tuple[bool, bytes]]:
    numbers = itertools.count()
    begun = _response_of(plan, body, "in_progress", 0)
    yield False, _named({"type": "response.created", "sequence_number": next(numbers), "response": begun})
    for _ in range(plan.chunks):
        delta = {"item_id": "m1", "output_index": 0, "content_index": 0, "delta": WORD}
        yield True, _named({"type": "response.output_text.delta", "sequence_number": next(numbers), **delta})
    done = _response_of(plan, body, "completed", plan.chunks)
    yield False, _named({"type": "response.completed", "sequence_number": next(numbers), "response": done})


def _message_usage(plan: Plan) -> Json:
    usage = {"input_tokens": plan.prompt - plan.cached, "output_tokens": plan.output}
    return {**usage, "cache_read_input_tokens": plan.cached, "cache_creation_input_tokens": 0}


def _messages(plan: Plan, body: Json) -> Json:
    answer: Json = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": body["model"], "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": WORD * plan.chunks}],
    }  # fmt: skip
    return {**answer, "usage": _message_usage(plan)} if plan.tells_usage else answer


def _messages_events(plan: Plan, body: Json) -> Iterator[tuple[bool, bytes]]:
    message = {**_messages(plan, body), "content": [], "stop_reason": None}
    if plan.tells_usage:
        message["usage"] = {**_message_usage(plan), "output_tokens": 1}
    yield False, _named({"type": "message_start", "message": message})
    block = {"type": "text", "text": ""}
    yield False, _named({"type": "content_block_start", "index": 0, "content_block": block})
    for _ in range(plan.chunks):
        delta = {"type": "text_delta", "text": WORD}
        yield True, _named({"type": "content_block_delta", "index": 0, "delta": delta})
    yield False, _named({"type": "content_block_stop", "index": 0})
    ended: Json = {"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": None}}
    yield False, _named({**ended, "usage": {"output_tokens": plan.output}} if plan.tells_usage else ended)
    yield False, _named({"type": "message_stop"})


def _embeddings(plan: Plan, body: Json) -> Json:
    inputs = body["input"] if isinstance(body["input"], list) else [body["input"]]
    data = [{"object": "embedding", "index": n, "embedding": [0.5, 0.25]} for n in range(len(inputs))]
    answer: Json = {"object": "list", "model": body["model"], "data": data}
    return (
        {**answer, "usage": {"prompt_tokens": plan.prompt, "total_tokens": plan.prompt}} if plan.tells_usage else answer
    )


def _images(plan: Plan, body: Json) -> Json:
    number = body.get("n", 1) if plan.images is None else plan.images
    return {"created": 1, "data": [{"url": f"https://example.test/{n}.png"} for n in range(number)]}


_ANSWERS = {
    "completions": _chat,
    "responses": _responses,
    "messages": _messages,
    "embeddings": _embeddings,
    "generations": _images,
}
_EVENTS = {"completions": _chat_events, "responses": _responses_events, "messages": _messages_events}
