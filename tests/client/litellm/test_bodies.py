"""What of a customer's body passes, what is dropped, and what is refused by name."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass_client.errors import Refused
from modelpass_client.litellm.bodies import images_in, passed

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
MESSAGE: dict[str, Any] = {**CHAT, "max_tokens": 5}
RESPONSE: dict[str, Any] = {"model": "m", "input": "x"}


def param_of(kind: Any, body: object) -> str | None:
    with pytest.raises(Refused) as caught:
        passed(kind, body)
    assert (caught.value.status, caught.value.code) == (400, "invalid_request")
    return caught.value.param


def test_what_is_known_passes_and_what_is_not_is_dropped() -> None:
    more = {"temperature": 0.5, "tools": [{"type": "function"}], "fallbacks": ["x"], "of_a_later_version": 1}
    assert passed("chat", {**CHAT, **more}) == {**CHAT, "temperature": 0.5, "tools": [{"type": "function"}]}


def test_null_counts_as_absent() -> None:
    assert passed("chat", {**CHAT, "max_tokens": None, "tools": None, "audio": None, "stream_options": None}) == CHAT


def test_metadata_passes_for_anthropic_alone_and_only_the_user() -> None:
    metadata = {"user_id": "u", "tags": ["free"]}
    assert "metadata" not in passed("chat", {**CHAT, "metadata": metadata})
    assert passed("messages", {**MESSAGE, "metadata": metadata})["metadata"] == {"user_id": "u"}
    assert "metadata" not in passed("messages", {**MESSAGE, "metadata": {"tags": ["free"]}})


@pytest.mark.parametrize("body", [None, [], "x", 7, {}, {"model": ""}, {"model": 7}, {"model": ["a"]}])
def test_a_body_without_a_model_is_refused(body: object) -> None:
    assert param_of("chat", body) in {None, "model"}


@pytest.mark.parametrize(
    ("kind", "body", "param"),
    [
        ("responses", {**RESPONSE, "previous_response_id": "r"}, "previous_response_id"),
        ("responses", {**RESPONSE, "conversation": {"id": "c"}}, "conversation"),
        ("responses", {**RESPONSE, "prompt": {"id": "p"}}, "prompt"),
        ("responses", {**RESPONSE, "background": True}, "background"),
        ("responses", {"model": "m"}, "input"),
        ("chat", {**CHAT, "web_search_options": {}}, "web_search_options"),
        ("chat", {**CHAT, "audio": {}}, "audio"),
        ("chat", {**CHAT, "modalities": ["audio"]}, "modalities"),
        ("chat", {**CHAT, "stream": "yes"}, "stream"),
        ("chat", {**CHAT, "stream_options": {"include_usage": 1}}, "stream_options.include_usage"),
        ("chat", {**CHAT, "tools": {}}, "tools"),
        ("chat", {**CHAT, "tools": [7]}, "tools[0].type"),
        ("responses", {**RESPONSE, "tools": [{"type": "function"}, {"type": "mcp"}]}, "tools[1].type"),
        ("messages", {**MESSAGE, "tools": [{"type": "code_execution_20250522", "name": "c"}]}, "tools[0].type"),
        ("messages", {**MESSAGE, "mcp_servers": []}, "mcp_servers"),
        ("messages", {**MESSAGE, "container": "c"}, "container"),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(kind: str, body: dict[str, Any], param: str) -> None:
    assert param_of(kind, body) == param


@pytest.mark.parametrize("kind", ["bash_20250124", "text_editor_20250728", "computer_20250124", "custom"])
def test_tools_that_the_client_runs_pass(kind: str) -> None:
    tools = [{"type": kind, "name": "t"}, {"name": "of no type", "input_schema": {}}]
    assert passed("messages", {**MESSAGE, "tools": tools})["tools"] == tools


def test_usage_is_asked_for_or_nothing() -> None:
    asked = passed("chat", {**CHAT, "stream_options": {"include_usage": True, "more": 1}})
    assert asked["stream_options"] == {"include_usage": True}
    assert "stream_options" not in passed("chat", {**CHAT, "stream_options": {"include_usage": False}})


DATA = "data:image/png;base64,AAAA"
URL = "https://example.test/x.png"


@pytest.mark.parametrize(
    ("kind", "content", "size"),
    [
        ("chat", [{"type": "image_url", "image_url": {"url": DATA}}], len(DATA)),
        ("chat", [{"type": "image_url", "image_url": URL}], len(URL)),
        ("messages", [{"type": "image", "source": {"type": "base64", "data": "AAAA"}}], 4),
        ("messages", [{"type": "image", "source": {"type": "url", "url": URL}}], len(URL)),
        ("messages", [{"type": "tool_result", "content": [{"type": "image", "source": {"data": "AA"}}]}], 2),
        ("responses", [{"type": "input_image", "image_url": DATA}], len(DATA)),
        ("responses", [{"type": "input_text", "text": "x"}], 0),
    ],
)
def test_images_in_a_prompt_are_found_wherever_they_are(kind: Any, content: list[Any], size: int) -> None:
    field = "input" if kind == "responses" else "messages"
    found = images_in(kind, {field: [{"role": "user", "content": content}]})
    assert found == (1 if size else 0, size)


@pytest.mark.parametrize(
    "part",
    [
        {"type": "file", "file": {"file_id": "f"}},
        {"type": "input_file", "file_id": "f"},
        {"type": "document", "source": {}},
        {"type": "input_audio", "input_audio": {}},
        {"type": "video_url"},
        {"type": "item_reference", "id": "i"},
        {"type": "input_image", "file_id": "f"},
        {"type": "image", "source": {"type": "file", "file_id": "f"}},
        {"type": ["text"]},
    ],
)
@pytest.mark.parametrize("kind", ["chat", "messages", "responses"])
def test_other_media_are_refused_where_they_stand(kind: Any, part: dict[str, Any]) -> None:
    field = "input" if kind == "responses" else "messages"
    with pytest.raises(Refused) as caught:
        images_in(kind, {field: [{"role": "user", "content": [{"type": "text", "text": "x"}, part]}]})
    assert str(caught.value.param).startswith(f"{field}[0].content[1]")


def test_a_prompt_without_end_is_refused() -> None:
    nested: Any = "x"
    for _ in range(500):
        nested = [nested]
    with pytest.raises(Refused):
        images_in("chat", {"messages": nested})
