"""What a request used, from what the upstream sent. Rule: pure; a figure is `reported` only if the upstream said it.

| where | units |
|---|---|
| chat, embeddings | `prompt_tokens` + `completion_tokens`: what was cached, thought or spoken is part of them |
| responses | `input_tokens` + `output_tokens`, likewise |
| messages | `input_tokens` + `output_tokens`, and what was read from and written to the cache, beside them |
| images | how many came |
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.litellm.routes import Kind

Json = dict[str, Any]

_SUMS: Final = {
    "chat": ("prompt_tokens", "completion_tokens"),
    "embeddings": ("prompt_tokens", "completion_tokens"),
    "responses": ("input_tokens", "output_tokens"),
    "messages": ("input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"),
}
_TEXTS: Final = frozenset(
    {"content", "reasoning_content", "reasoning", "refusal", "text", "thinking", "partial_json", "delta"}
    | {"arguments", "name", "input"}
)
_PARTS: Final = frozenset({"message", "delta", "content", "tool_calls", "function_call", "function", "summary"})


def plain(value: object) -> Json:
    """A response, chunk or usage as a plain dictionary, whatever LiteLLM made of it."""
    if isinstance(value, dict):
        return value
    dump = getattr(value, "model_dump", None)
    return dump(exclude_none=True, warnings=False) if dump is not None else {}


def units_of(kind: Kind, usage: object) -> int | None:
    """The units of a usage, None where it says nothing."""
    said = plain(usage) if usage is not None else {}
    found = [figure for name in _SUMS.get(kind, ()) if (figure := _count(said.get(name))) is not None]
    units = max(sum(found), _count(said.get("total_tokens")) or 0)
    return units or None


def images_of(response: object) -> int:
    """How many images came."""
    data = plain(response).get("data")
    return len(data) if isinstance(data, list) else 0


def text_of(kind: Kind, response: object) -> list[str]:
    """The text of a whole answer, to be counted where nothing was reported."""
    said = plain(response)
    found: list[str] = []
    for name in ("choices", "output", "content"):
        _gather(said.get(name), found)
    return found if kind != "embeddings" else []


@dataclass
class Seen:
    """What a stream has brought so far."""

    kind: Kind
    units: int | None = None
    """What the upstream reported, the last word of it."""
    counted: bool = False
    """These units are LiteLLM's own count: it fills it in at the end of responses, without the details of OpenAI's."""
    prompt_units: int | None = None
    """What it reported of the prompt alone, at the beginning of a stream of Anthropic's."""
    texts: list[str] = field(default_factory=list)
    output: bool = False
    failed: bool = False
    """The upstream broke it off, or told an error in it."""
    raw: Callable[[], Any] = lambda: None
    """The chunks of a chat as the upstream sent them, where LiteLLM keeps them: what it hands on may be its count."""
    _usage: Json = field(default_factory=dict)
    _rest: bytes = b""

    def chunk(self, chunk: object) -> None:
        """Take a chunk as LiteLLM hands it on: an object, or bytes of an event stream."""
        if isinstance(chunk, (bytes, str)):
            self._bytes(chunk if isinstance(chunk, bytes) else chunk.encode())
        else:
            self._event(plain(chunk))

    def conclude(self) -> None:
        """Look for what the upstream told of a chat; all chunks have come that will come."""
        if self.kind != "chat":
            return
        chunks = [plain(chunk) for chunk in self.raw() or ()]
        told = [chunk["usage"] for chunk in chunks if chunk.get("usage")]
        if not told:
            return
        said = {name: max((_count(plain(usage).get(name)) or 0) for usage in told) for name in _SUMS["chat"]}
        if any(choice.get("finish_reason") for chunk in chunks for choice in chunk.get("choices") or ()):
            self.units = units_of("chat", said)
        else:
            self.prompt_units = said["prompt_tokens"] or None

    def _bytes(self, chunk: bytes) -> None:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        for line in lines:
            if line.startswith(b"data:") and line[5:].strip().startswith(b"{"):
                try:
                    event = json.loads(line[5:])
                except ValueError:
                    continue
                self._event(event if isinstance(event, dict) else {})

    def _event(self, event: Json) -> None:
        if self.kind == "chat":
            self._take_chat(event)
        elif self.kind == "responses":
            self._take_response(event)
        else:
            self._take_message(event)

    def _take_chat(self, event: Json) -> None:
        for choice in event.get("choices") or ():
            self._said((choice or {}).get("delta"))

    def _take_response(self, event: Json) -> None:
        kind = str(getattr(event.get("type"), "value", event.get("type")))  # LiteLLM has these as an enumeration
        if kind.endswith(".delta"):
            self._said({"delta": event.get("delta")})
        if kind in {"response.completed", "response.incomplete", "response.failed"}:
            usage = plain((event.get("response") or {}).get("usage"))
            self.units = units_of("responses", usage) or self.units
            self.counted = not (usage.get("input_tokens_details") or usage.get("output_tokens_details"))
        self.failed = self.failed or kind in {"response.failed", "error"}

    def _take_message(self, event: Json) -> None:
        kind = event.get("type")
        if kind == "message_start":
            self._usage.update(_figures((event.get("message") or {}).get("usage")))
            read = {name: figure for name, figure in self._usage.items() if name != "output_tokens"}
            self.prompt_units = units_of("messages", read)
        elif kind == "message_delta":
            self._usage.update(_figures(event.get("usage")))
            self.units = units_of("messages", self._usage)
        elif kind == "content_block_delta":
            self._said(event.get("delta"))
        elif kind == "content_block_start":
            self._said(event.get("content_block"))
        elif kind == "error":
            self.failed = True

    def _said(self, delta: object) -> None:
        before = len(self.texts)
        _gather(delta, self.texts)
        self.output = self.output or len(self.texts) > before


def _gather(value: object, found: list[str]) -> None:
    """Every text that a model wrote in a part of an answer: words, thoughts, and the calls of tools."""
    if isinstance(value, list):
        for item in value:
            _gather(item, found)
    elif isinstance(value, dict):
        for name, held in value.items():
            if isinstance(held, str):
                if held and name in _TEXTS:
                    found.append(held)
            elif name in _PARTS:
                _gather(held, found)
            elif name == "input" and held:
                found.append(json.dumps(held, default=str))


def _figures(usage: object) -> Json:
    return {name: figure for name, figure in plain(usage).items() if _count(figure) is not None}


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None
