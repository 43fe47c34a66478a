"""What of a customer's body reaches LiteLLM. Rule: pure; only fields that are known to be harmless pass.

LiteLLM obeys many fields of a body that are meant for its operator: fallbacks, retries, other upstreams, made-up
answers, no logging. What is not listed here is dropped, so that a field which a later version obeys is dropped as well.
What would make a request that nobody can measure beforehand or afterwards is refused by its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass_client.asking import refusal

if TYPE_CHECKING:
    from modelpass_client.litellm.routes import Kind

Json = dict[str, Any]

_SAMPLING: Final = frozenset(
    {"temperature", "top_p", "top_k", "seed", "stop", "user", "presence_penalty", "frequency_penalty"}
)
_TOOLS: Final = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
_PASSED: Final[dict[Kind, frozenset[str]]] = {
    "chat": _SAMPLING
    | _TOOLS
    | {"model", "messages", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens", "response_format"}
    | {
        "logit_bias",
        "logprobs",
        "top_logprobs",
        "reasoning_effort",
        "thinking",
        "verbosity",
        "functions",
        "function_call",
    }
    | {"modalities", "prompt_cache_key", "safety_identifier"},
    "responses": _SAMPLING
    | _TOOLS
    | {
        "model",
        "input",
        "instructions",
        "stream",
        "max_output_tokens",
        "max_tool_calls",
        "reasoning",
        "text",
        "truncation",
    }
    | {"include", "store", "prompt_cache_key", "safety_identifier", "top_logprobs"},
    "messages": _SAMPLING
    | _TOOLS
    | {
        "model",
        "messages",
        "system",
        "stream",
        "max_tokens",
        "stop_sequences",
        "thinking",
        "output_config",
        "metadata",
    },
    "images": frozenset({"model", "prompt", "n", "size", "quality", "style", "response_format", "user", "background"})
    | {"moderation", "output_compression", "output_format"},
    "embeddings": frozenset({"model", "input", "dimensions", "encoding_format", "user"}),
}
_REFUSED: Final = {
    "previous_response_id": "What was said before must be sent along: its size cannot be told beforehand otherwise.",
    "conversation": "What was said before must be sent along: its size cannot be told beforehand otherwise.",
    "prompt_id": "A stored prompt cannot be measured beforehand.",
    "web_search_options": "Searching inside a request cannot be measured beforehand.",
    "mcp_servers": "Tools that the upstream calls by itself cannot be measured beforehand.",
    "container": "Tools that the upstream calls by itself cannot be measured beforehand.",
    "audio": "Audio cannot be measured.",
}
_TEXT_PARTS: Final = frozenset(
    {"text", "input_text", "output_text", "refusal", "summary_text", "reasoning_text", "thinking", "redacted_thinking"}
    | {"tool_use", "tool_result", "message", "reasoning", "search_result", "tool_reference"}
    | {"function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"}
)
_IMAGE_PARTS: Final = frozenset({"image", "image_url", "input_image"})
_CLIENT_TOOLS: Final = ("function", "custom", "bash_", "text_editor_", "computer_", "memory_")
_MAX_DEPTH: Final = 12


def passed(kind: Kind, body: object) -> Json:
    """A new body of what may pass; raises `Refused` for what cannot be metered, by its name."""
    if not isinstance(body, dict):
        raise refusal(400, "invalid_request", "The body must be a JSON object.")
    if not isinstance(body.get("model"), str) or not body["model"]:
        raise refusal(400, "invalid_request", "A model must be named.", "model")
    for field, why in _REFUSED.items():
        if body.get(field) is not None:
            raise refusal(400, "invalid_request", why, field)
    kept: Json = {name: value for name, value in body.items() if name in _PASSED[kind]}
    if kind == "responses":
        _check_responses(body)
    if "modalities" in kept and kept["modalities"] not in (None, ["text"]):
        raise refusal(400, "invalid_request", "Only text can be measured.", "modalities")
    if "stream" in kept and not isinstance(kept["stream"], (bool, type(None))):
        raise refusal(400, "invalid_request", "stream must be true or false.", "stream")
    if "stream_options" in kept:
        kept["stream_options"] = _stream_options(kept["stream_options"])
    if kind == "messages" and "metadata" in kept:
        kept["metadata"] = _user_alone(kept["metadata"])
    _check_tools(kept.get("tools"))
    return {name: value for name, value in kept.items() if value is not None}


def images_in(kind: Kind, body: Json) -> tuple[int, int]:
    """How many images are in a prompt, and how many bytes of it are theirs; raises `Refused` for other media."""
    found = _Images()
    for field in {"chat": ("messages",), "messages": ("messages", "system"), "responses": ("input",)}.get(kind, ()):
        found.look(body.get(field), field, 0)
    return found.number, found.size


class _Images:
    def __init__(self) -> None:
        self.number = 0
        self.size = 0

    def look(self, value: object, where: str, depth: int) -> None:
        if depth > _MAX_DEPTH:
            raise refusal(400, "invalid_request", "The prompt is nested too deeply.", where)
        if isinstance(value, list):
            for number, item in enumerate(value):
                self.look(item, f"{where}[{number}]", depth + 1)
        elif isinstance(value, dict):
            self._part(value, where, depth)

    def _part(self, part: Json, where: str, depth: int) -> None:
        told = part.get("type")
        kind = told if isinstance(told, str) else "" if told is not None else None
        if kind in _IMAGE_PARTS:
            if part.get("file_id") is not None or _file_source(part):
                raise refusal(400, "invalid_request", "Files cannot be measured beforehand.", where)
            self.number += 1
            self.size += _inline_bytes(part)
        elif kind is None or kind in _TEXT_PARTS:
            for field in ("content", "output"):
                self.look(part.get(field), f"{where}.{field}", depth + 1)
        else:
            raise refusal(400, "invalid_request", "A part of this type cannot be measured beforehand.", f"{where}.type")


def _file_source(part: Json) -> bool:
    source = part.get("source")
    return isinstance(source, dict) and source.get("type") == "file"


def _inline_bytes(part: Json) -> int:
    """How much of the body an image takes that is sent in it: the `data:` URL or base64 text."""
    held = part.get("image_url", part.get("source"))
    text = held.get("url", held.get("data")) if isinstance(held, dict) else held
    return len(text) if isinstance(text, str) else 0


def _check_responses(body: Json) -> None:
    if body.get("background"):
        raise refusal(400, "invalid_request", "Requests in the background cannot be metered.", "background")
    if body.get("prompt") is not None:
        raise refusal(400, "invalid_request", "A stored prompt cannot be measured beforehand.", "prompt")
    if not isinstance(body.get("input"), (str, list)):
        raise refusal(400, "invalid_request", "input must be a text or a list.", "input")


def _stream_options(options: object) -> Json | None:
    if options is None:
        return None
    usage = options.get("include_usage") if isinstance(options, dict) else options
    if not isinstance(usage, (bool, type(None))):
        raise refusal(400, "invalid_request", "include_usage must be true or false.", "stream_options.include_usage")
    return {"include_usage": True} if usage else None


def _user_alone(metadata: object) -> Json | None:
    user = metadata.get("user_id") if isinstance(metadata, dict) else None
    return {"user_id": user} if isinstance(user, str) else None


def _check_tools(tools: object) -> None:
    if tools is None:
        return
    if not isinstance(tools, list):
        raise refusal(400, "invalid_request", "tools must be a list.", "tools")
    for number, tool in enumerate(tools):
        kind = tool.get("type", "custom") if isinstance(tool, dict) else None
        if not isinstance(kind, str) or not kind.startswith(_CLIENT_TOOLS):
            why = "Tools that the upstream calls by itself cannot be measured beforehand."
            raise refusal(400, "invalid_request", why, f"tools[{number}].type")
