"""What customers are answered. Rule: a refusal has the form that the customer's SDK knows, whatever LiteLLM made of it.

OpenAI's and Anthropic's clients raise their typed errors by the status, and repeat 409, 429 and 5xx by themselves:
`x-should-retry: false` keeps them from that where coming back soon cannot help.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.errors import Refused
from modelpass_client.rendering import anthropic_response, openai_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, MutableMapping

    from modelpass_client.litellm.exchange import Exchange
    from modelpass_client.litellm.routes import Dialect

    Message = MutableMapping[str, Any]
    Send = Callable[[Message], Awaitable[None]]

_KEY_PREFIX: Final = "sk-custom-"
_MOST_KEY_CHARACTERS: Final = 256
_COMING_BACK_IS_VAIN: Final = frozenset({"monthly_cap_reached", "daily_call_limit_reached"})
_LIMITS: Final = ("x-ratelimit-", "anthropic-ratelimit-", "ratelimit")
_OPERATORS: Final = ("x-litellm-", "llm_provider-")
_CALL_ID: Final = "x-litellm-call-id"


class Answer:
    """Sends an exchange's answer on: with the limits if it was granted, and as the refusal if it was refused."""

    def __init__(self, exchange: Exchange, send: Send) -> None:
        """Send nothing yet."""
        self._exchange, self._send = exchange, send
        self._replaced = False
        self._started = False
        self._complete = False

    def disconnected(self) -> None:
        """Tell that nobody listens any more; servers say so as well when an answer was sent to its end."""
        if not self._complete:
            self._exchange.left = True

    async def __call__(self, message: Message) -> None:
        """Take a message of LiteLLM's application."""
        if message["type"] == "http.response.start" and not self._started:
            self._started = True
            if self._exchange.refused is not None:
                self._replaced = True
                await send_refusal(self._send, self._exchange.refused, self._exchange.dialect)
                return
            grant = self._exchange.grant
            message = {**message, "headers": _shown(message["headers"], {} if grant is None else grant.headers())}
        if not self._replaced:
            await self._send(message)
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._complete = True


async def send_refusal(send: Send, refused: Refused, dialect: Dialect) -> None:
    """Answer with a refusal."""
    rendered = anthropic_response(refused) if dialect == "anthropic" else openai_response(refused)
    headers = dict(rendered.headers)
    if refused.code in _COMING_BACK_IS_VAIN:
        headers["x-should-retry"] = "false"
    await send_json(send, rendered.status, rendered.body, headers)


async def send_json(send: Send, status: int, body: object, headers: dict[str, str] | None = None) -> None:
    """Answer with JSON."""
    raw = json.dumps(body).encode()
    named = {"content-type": "application/json", **(headers or {}), "content-length": str(len(raw))}
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in named.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": raw})


def looks_like_a_key(key: str) -> bool:
    """Whether this has the form of a key of Modelpass's."""
    return key.startswith(_KEY_PREFIX) and len(key) <= _MOST_KEY_CHARACTERS and key.isascii() and key.isprintable()


def no_such_key() -> Refused:
    """The refusal of what has not the form of a key, as the service would word it."""
    error = {"message": "The API key is not valid.", "type": "authentication_error", "code": "invalid_api_key"}
    return Refused({"allowed": False, "statusCode": 401, "error": error})


def _shown(headers: list[tuple[bytes, bytes]], limits: dict[str, str]) -> list[tuple[bytes, bytes]]:
    """An answer's headers with the customer's limits in the place of the upstream's, and without what is internal."""
    kept = [(name, value) for name, value in headers if _is_the_customers(name.decode("latin-1").lower())]
    return kept + [(name.encode("latin-1"), value.encode("latin-1")) for name, value in limits.items()]


def _is_the_customers(name: str) -> bool:
    return name == _CALL_ID or not name.startswith(_LIMITS + _OPERATORS)
