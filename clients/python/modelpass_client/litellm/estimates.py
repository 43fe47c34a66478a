"""How much a request may use at most. Rule: pure; an upper bound, or a refusal by name.

A token is at least one byte of what is sent, whatever the tokenizer, so the size of the body bounds the tokens of its
text and costs no time to tell. Images in it count as `image_tokens` each, in the place of their bytes. The output is
bounded by what is sent upstream as the bound; where the customer names none, one is set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.asking import refusal
from modelpass_client.litellm.bodies import images_in

if TYPE_CHECKING:
    from modelpass_client.litellm.routes import Kind

Json = dict[str, Any]

_FRAME_TOKENS: Final = 1_024  # what a provider puts around a request: roles, the frame of tools
_MESSAGE_TOKENS: Final = 16  # and around a message
_TOOL_TOKENS: Final = 1_024  # and for tools that it describes to the model by itself
_MAX_CHOICES: Final = 128
_MAX_TOKENS: Final = 10**9
_MAX_IMAGES: Final = 100
_BOUND: Final[dict[Kind, tuple[str, ...]]] = {
    "chat": ("max_completion_tokens", "max_tokens"),
    "responses": ("max_output_tokens",),
    "messages": ("max_tokens",),
}


@dataclass(frozen=True)
class Estimate:
    """What to ask for: `units` at most, `minimum` at least; and of those, what is not output (`prompt`)."""

    units: int
    minimum: int | None
    prompt: int
    choices: int = 1
    bound: str | None = None
    """The field that must be set upstream, since the customer bounded nothing."""

    def output_for(self, held: int) -> int:
        """How much each choice may bring within what is held."""
        return max(1, (held - self.prompt) // self.choices)


def estimate(
    kind: Kind, body: Json, size: int, *, unknown_output: int, least_output: int, image_tokens: int
) -> Estimate:
    """The estimate of a body that takes so many bytes; raises `Refused` for figures that cannot be."""
    if kind == "images":
        images = _whole(body, "n", 1, _MAX_IMAGES)
        return Estimate(images, None, 0)
    number, inline = images_in(kind, body)
    prompt = size - inline + number * image_tokens + _FRAME_TOKENS + _frames(body)
    if kind == "embeddings":
        return Estimate(prompt, None, prompt)
    choices = _whole(body, "n", 1, _MAX_CHOICES)
    named = [_whole(body, field, 1, _MAX_TOKENS) for field in _BOUND[kind] if field in body]
    thinking = _thinking(body)
    if named:
        return Estimate(prompt + choices * (max(named) + thinking), None, prompt, choices)
    most, least = unknown_output + thinking, min(least_output, unknown_output) + thinking
    return Estimate(prompt + choices * most, prompt + choices * least, prompt, choices, _BOUND[kind][-1])


def _frames(body: Json) -> int:
    messages = body.get("messages", body.get("input"))
    tools = body.get("tools")
    messages_in, tools_in = (len(value) if isinstance(value, list) else 0 for value in (messages, tools))
    return _MESSAGE_TOKENS * messages_in + _TOOL_TOKENS * tools_in


def _thinking(body: Json) -> int:
    """Tokens that a model may think beside its bound: with some providers they come on top."""
    thinking = body.get("thinking")
    if not isinstance(thinking, dict) or "budget_tokens" not in thinking:
        return 0
    return _whole(thinking, "budget_tokens", 1, _MAX_TOKENS, "thinking.budget_tokens")


def _whole(body: Json, field: str, default: int, most: int, name: str | None = None) -> int:
    value = body.get(field, default)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= most:
        raise refusal(
            400, "invalid_request", f"{name or field} must be a whole number from 1 to {most}.", name or field
        )
    return value
