"""Router payloads, checked by hand. Rule: pure and light: the hot path loads no validation library.

Every check names the field it refuses. Unknown fields are refused, `true` and `1.0` are not whole numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeGuard, TypeVar

from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, Tier
from modelpass.entitlements.model import DEFAULT_HOLD_SECONDS, MAX_HOLD_SECONDS
from modelpass.errors import ErrorCode, Refusal, Refused, invalid, shown
from modelpass.ids import MODEL_ID, MODEL_ID_RULE

_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_AUTHORIZE_FIELDS: Final = frozenset(
    {
        "apiKey",
        "modelId",
        "requestId",
        "estimatedUsage",
        "calls",
        "channelTier",
        "holdSeconds",
    }
)
_SETTLE_FIELDS: Final = frozenset({"authorizationId", "actualUsage", "calls", "servedTier"})
_TIERS: Final = {tier.value: tier for tier in Tier}

_T = TypeVar("_T")
_D = TypeVar("_D")
_Check = Callable[[str, object], _T]


class AuthorizePayload(NamedTuple):
    """A well-formed authorize; the key may still be anything."""

    api_key: str
    model_id: str
    request_id: str
    units: int
    calls: int
    tier: Tier | None
    hold_seconds: int

    def __repr__(self) -> str:
        return f"AuthorizePayload({self.model_id}, {self.request_id})"


class SettlePayload(NamedTuple):
    """A well-formed settle; the authorization id may still be anything."""

    authorization_id: str
    used: int
    calls: int | None
    served_tier: Tier | None


def authorize(event: object) -> AuthorizePayload:
    """Check an authorize payload; raises `invalid_request` naming the first field at fault."""
    fields = _fields(event, _AUTHORIZE_FIELDS)
    return AuthorizePayload(
        api_key=_text(fields, "apiKey"),
        model_id=_pattern(fields, "modelId", MODEL_ID, MODEL_ID_RULE),
        request_id=_pattern(fields, "requestId", _REQUEST_ID, "1 to 64 of A-Z a-z 0-9 _ -"),
        units=_UNITS("estimatedUsage", _required(fields, "estimatedUsage")),
        calls=_optional(fields, "calls", _SOME_CALLS, 1),
        tier=_optional(fields, "channelTier", _tier, None),
        hold_seconds=_optional(fields, "holdSeconds", _SECONDS, DEFAULT_HOLD_SECONDS),
    )


def names(event: object) -> dict[str, str]:
    """The request id and the model that an authorize names, each where it is well-formed, whatever else is wrong."""
    fields = event if isinstance(event, dict) else {}
    patterns = {"requestId": _REQUEST_ID, "modelId": MODEL_ID}
    return {name: fields[name] for name, pattern in patterns.items() if _matches(pattern, fields.get(name))}


def settle(event: object) -> SettlePayload:
    """Check a settle payload; raises `invalid_request` naming the first field at fault."""
    fields = _fields(event, _SETTLE_FIELDS)
    return SettlePayload(
        authorization_id=_text(fields, "authorizationId"),
        used=_UNITS("actualUsage", _required(fields, "actualUsage")),
        calls=_optional(fields, "calls", _CALLS, None),
        served_tier=_optional(fields, "servedTier", _tier, None),
    )


def refuse_too_many_calls(held: int) -> Refused:
    """A settle reports more calls than its authorization holds."""
    message = f"calls must be at most the {held} held by the authorization."
    return Refused(Refusal(ErrorCode.INVALID_REQUEST, param="calls", message=message))


def _fields(event: object, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(event, dict):
        raise invalid(None, "The payload must be a JSON object.")
    for name in event:
        if name not in known:
            raise invalid(shown(name), "Unknown field.")
    return event


def _required(fields: dict[str, Any], name: str) -> Any:
    if name not in fields:
        raise invalid(name, f"{name} is required.")
    return fields[name]


def _text(fields: dict[str, Any], name: str) -> str:
    value = _required(fields, name)
    if not isinstance(value, str):
        raise invalid(name, f"{name} must be a string.")
    return value


def _pattern(fields: dict[str, Any], name: str, pattern: re.Pattern[str], rule: str) -> str:
    value = _text(fields, name)
    if pattern.fullmatch(value) is None:
        raise invalid(name, f"{name} must be {rule}.")
    return value


def _matches(pattern: re.Pattern[str], value: object) -> TypeGuard[str]:
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def _whole_in(low: int, high: int) -> _Check[int]:
    def check(name: str, value: object) -> int:
        # bool is an int in Python, not in JSON
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise invalid(name, f"{name} must be a whole number from {low} to {high}.")
        return value

    return check


def _tier(name: str, value: object) -> Tier:
    if not isinstance(value, str) or value not in _TIERS:
        raise invalid(name, f"{name} must be one of {', '.join(_TIERS)}.")
    return _TIERS[value]


def _optional(fields: dict[str, Any], name: str, check: _Check[_T], default: _D) -> _T | _D:
    return check(name, fields[name]) if name in fields else default


_UNITS: Final = _whole_in(0, MAX_UNITS)
_CALLS: Final = _whole_in(0, MAX_CALLS)
_SOME_CALLS: Final = _whole_in(1, MAX_CALLS)
_SECONDS: Final = _whole_in(1, MAX_HOLD_SECONDS)
