"""What the upstream said, added up as each API means it, and told from what nobody said."""

from __future__ import annotations

import enum
import json
from typing import Any

import pytest

from modelpass_client.litellm.upstream_usage import Seen, images_of, text_of, units_of


@pytest.mark.parametrize(
    ("kind", "usage", "units"),
    [
        ("chat", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}, 15),
        ("chat", {"prompt_tokens": 10, "completion_tokens": 5, "prompt_tokens_details": {"cached_tokens": 9}}, 15),
        ("chat", {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 40}, 40),
        ("chat", {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}, None),
        ("chat", {"prompt_tokens": "10", "completion_tokens": -5}, None),
        ("chat", {}, None),
        ("chat", None, None),
        ("responses", {"input_tokens": 10, "output_tokens": 5, "input_tokens_details": {"cached_tokens": 4}}, 15),
        (
            "messages",
            {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": 4, "cache_creation_input_tokens": 3},
            22,
        ),
        ("messages", {"input_tokens": 10, "output_tokens": 5, "cache_read_input_tokens": None}, 15),
        ("embeddings", {"prompt_tokens": 10, "total_tokens": 10}, 10),
    ],
)
def test_units_of_a_usage(kind: Any, usage: object, units: int | None) -> None:
    assert units_of(kind, usage) == units


def test_images_are_counted_by_what_came() -> None:
    assert images_of({"data": [{}, {}]}) == 2
    assert images_of({"data": None}) == 0


def test_every_text_of_an_answer_is_found() -> None:
    call = {"function": {"name": "f", "arguments": "{}"}}
    message = {"role": "assistant", "content": "a", "reasoning_content": "b", "tool_calls": [call]}
    assert text_of("chat", {"choices": [{"message": message}]}) == ["a", "b", "f", "{}"]
    blocks = [{"type": "thinking", "thinking": "t"}, {"type": "tool_use", "name": "n", "input": {"x": 1}}]
    assert text_of("messages", {"content": blocks}) == ["t", "n", '{"x": 1}']
    output = [{"type": "message", "content": [{"type": "output_text", "text": "o"}]}]
    assert text_of("responses", {"output": output}) == ["o"]


def chat(text: str | None = None, finish: str | None = None, usage: Any = None) -> dict[str, Any]:
    choices = [] if text is finish is None else [{"delta": {"content": text}, "finish_reason": finish}]
    return {"choices": choices, **({"usage": usage} if usage else {})}


USAGE = {"prompt_tokens": 10, "completion_tokens": 2}


def test_a_chat_is_reported_by_the_upstreams_own_chunks_alone() -> None:
    seen = Seen("chat")
    for chunk in (chat("a"), chat("b"), chat(finish="stop"), chat(usage=USAGE)):
        seen.chunk(chunk)
    seen.conclude()
    assert (seen.units, seen.texts, seen.output) == (None, ["a", "b"], True)
    seen.raw = lambda: [chat("a"), chat(finish="stop"), chat(usage=USAGE)]
    seen.conclude()
    assert seen.units == 12


def test_a_chat_that_broke_reports_its_prompt_alone() -> None:
    seen = Seen("chat", raw=lambda: [chat(usage={"prompt_tokens": 10, "completion_tokens": 1}), chat("a")])
    seen.conclude()
    assert (seen.units, seen.prompt_units) == (None, 10)


class Event(str, enum.Enum):  # noqa: UP042 - as LiteLLM has it
    COMPLETED = "response.completed"
    DELTA = "response.output_text.delta"


def test_responses_are_reported_by_their_last_event() -> None:
    seen = Seen("responses")
    seen.chunk({"type": Event.DELTA, "delta": "a"})
    assert (seen.units, seen.output) == (None, True)
    usage = {"input_tokens": 3, "output_tokens": 4, "output_tokens_details": {"reasoning_tokens": 0}}
    seen.chunk({"type": Event.COMPLETED, "response": {"usage": usage}})
    assert (seen.units, seen.counted) == (7, False)


def test_what_litellm_fills_into_responses_is_no_report() -> None:
    seen = Seen("responses")
    usage = {"input_tokens": 3, "output_tokens": 4, "input_tokens_details": None}
    seen.chunk({"type": "response.completed", "response": {"usage": usage}})
    assert (seen.units, seen.counted) == (7, True)


def test_messages_are_read_from_bytes_however_they_are_cut() -> None:
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": {"usage": {"input_tokens": 7, "cache_read_input_tokens": 3}}},
        {"type": "content_block_delta", "delta": {"type": "text_delta", "text": "a"}},
        {"type": "message_delta", "delta": {}, "usage": {"output_tokens": 5}},
    ]
    raw = b"".join(b"event: x\ndata: " + json.dumps(event).encode() + b"\n\n" for event in events)
    for size in (1, 7, len(raw)):
        seen = Seen("messages")
        for start in range(0, len(raw), size):
            seen.chunk(raw[start : start + size])
        assert (seen.units, seen.prompt_units, seen.texts) == (15, 10, ["a"])


@pytest.mark.parametrize(
    ("kind", "event"), [("messages", "error"), ("responses", "error"), ("responses", "response.failed")]
)
def test_an_error_inside_a_stream_is_noticed(kind: Any, event: str) -> None:
    seen = Seen(kind)
    seen.chunk({"type": event})
    assert seen.failed


def test_what_is_no_event_is_passed_over() -> None:
    seen = Seen("messages")
    for chunk in (b": ping\n\n", b"data: [DONE]\n\n", b"data: {broken\n\n", b'data: ["x"]\n\n', "data: {}\n\n"):
        seen.chunk(chunk)
    assert (seen.units, seen.output) == (None, False)
