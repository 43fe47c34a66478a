"""What a customer is shown: refusals as the errors of OpenAI's and Anthropic's APIs, limits as headers. Rule: pure.

The headers tell the day's calls as requests, and the month's units as tokens where the model's unit is tokens. Of what
the answer does not show, such as of a key that is not known, nothing is told.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from modelpass_client.errors import Refused

Json = dict[str, Any]

_DAY_SECONDS: Final = 86_400
_MAX_INTEGER: Final = 10**15 - 1  # of a structured field
_NOT_SOON: Final = frozenset({"monthly_cap_reached", "daily_call_limit_reached"})
"""Refusals that SDKs would ask again within a second unless told otherwise, though that cannot help."""
_ANTHROPIC_TYPES: Final = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "invalid_request_error",
    429: "rate_limit_error",
    503: "overloaded_error",
}


@dataclass(frozen=True)
class Rendered:
    """A refusal as an HTTP answer."""

    status: int
    headers: dict[str, str]
    body: Json


def openai_response(refused: Refused, *, now: datetime | None = None) -> Rendered:
    """The refusal as OpenAI's API would answer it: the service's own envelope is of that form."""
    error = {"message": refused.message, "type": refused.type, "param": refused.param, "code": refused.code}
    return Rendered(refused.status, _response_headers(refused, now), {"error": error})


def anthropic_response(refused: Refused, *, now: datetime | None = None) -> Rendered:
    """The refusal as Anthropic's API would answer it; `code` and `param` are kept beside what its clients read."""
    kind = _ANTHROPIC_TYPES.get(refused.status, "api_error")
    error = {"type": kind, "message": refused.message, "code": refused.code, "param": refused.param}
    return Rendered(refused.status, _response_headers(refused, now), {"type": "error", "error": error})


def headers_of(answer: Json, *, now: datetime | None = None) -> dict[str, str]:
    """The headers of an answer of authorize, granted or refused; names in lower case."""
    now = now or datetime.now(timezone.utc)
    headers: dict[str, str] = {}
    policies: list[str] = []
    rates: list[str] = []
    for name, unit, window in _windows(answer):
        limit, remaining, resets_at = window["limit"] + window.get("topUp", 0), window["remaining"], window["resetsAt"]
        seconds = max(0, math.ceil((_instant(resets_at) - now).total_seconds()))
        if unit in {"requests", "tokens"}:
            headers |= _openai(unit, limit, remaining, seconds) | _anthropic(unit, limit, remaining, resets_at)
        parameters = f";w={_DAY_SECONDS}" if name == "daily" else f';qu="{unit}"'
        policies.append(f'"{name}";q={min(limit, _MAX_INTEGER)}{parameters}')
        rates.append(f'"{name}";r={min(remaining, _MAX_INTEGER)};t={seconds}')
    if policies:
        headers |= {"ratelimit-policy": ", ".join(policies), "ratelimit": ", ".join(rates)}
    if (retry_after := answer.get("retryAfter")) is not None:
        headers["retry-after"] = str(retry_after)
    if (answer.get("error") or {}).get("code") in _NOT_SOON:
        headers["x-should-retry"] = "false"
    return headers


def _windows(answer: Json) -> list[tuple[str, str, Json]]:
    """The windows an answer shows, each with its name and what it counts."""
    shown = (("daily", "requests"), ("monthly", answer.get("unit", "units")))  # not every refusal names the unit
    return [(name, unit, answer[name]) for name, unit in shown if answer.get(name) is not None]


def _openai(unit: str, limit: int, remaining: int, seconds: int) -> dict[str, str]:
    return {
        f"x-ratelimit-limit-{unit}": str(limit),
        f"x-ratelimit-remaining-{unit}": str(remaining),
        f"x-ratelimit-reset-{unit}": duration(seconds),
    }


def _anthropic(unit: str, limit: int, remaining: int, resets_at: str) -> dict[str, str]:
    return {
        f"anthropic-ratelimit-{unit}-limit": str(limit),
        f"anthropic-ratelimit-{unit}-remaining": str(remaining),
        f"anthropic-ratelimit-{unit}-reset": resets_at,
    }


def duration(seconds: int) -> str:
    """A time span as OpenAI writes it: `45s`, `6m0s`, `26h0m5s`."""
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{seconds}s"
    return f"{minutes}m{seconds}s" if minutes else f"{seconds}s"


def _response_headers(refused: Refused, now: datetime | None) -> dict[str, str]:
    return {"content-type": "application/json", **headers_of(refused.answer, now=now)}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))  # Python 3.10 knows no `Z`
