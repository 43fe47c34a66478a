"""The checks that router payloads are made of. Rule: pure, and no library: the hot path would have to load it.

Which fields a payload has is said by `authorize` and `settle`. Every check raises `invalid_request` and names the field
that it refuses. Unknown fields are refused; `true` and `1.0` are not whole numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, TypeGuard, TypeVar

from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, Tier
from modelpass.entitlements.model import MAX_HOLD_SECONDS
from modelpass.errors import invalid, quoted

if TYPE_CHECKING:
    import re

TIERS: Final = {tier.value: tier for tier in Tier}
"""The service tiers by their names."""
SOURCES: Final = ("reported", "counted", "estimated")
"""Where the figure of a settle may come from: the upstream said it, the router counted it, or it is the estimate."""

_T = TypeVar("_T")
_D = TypeVar("_D")
_Check = Callable[[str, object], _T]


def known_fields(event: object, known: frozenset[str]) -> dict[str, Any]:
    """The payload's fields by name; refuses what is no object, and a field that is not `known`."""
    fields = json_object(event)
    for name in fields:
        if name not in known:
            raise invalid(quoted(name), "Unknown field.")
    return fields


def json_object(event: object) -> dict[str, Any]:
    """The payload's fields by name, whatever they are; refuses what is no object."""
    if not isinstance(event, dict):
        raise invalid(None, "The payload must be a JSON object.")
    return event


def required(fields: dict[str, Any], name: str) -> Any:
    """A field that must be there, of any type."""
    if name not in fields:
        raise invalid(name, f"{name} is required.")
    return fields[name]


def text(name: str, value: object) -> str:
    """A string."""
    if not isinstance(value, str):
        raise invalid(name, f"{name} must be a string.")
    return value


def matching(pattern: re.Pattern[str], rule: str) -> _Check[str]:
    """The check of a string that must match as a whole; `rule` completes the sentence "… must be …"."""

    def check(name: str, value: object) -> str:
        if pattern.fullmatch(text(name, value)) is None:
            raise invalid(name, f"{name} must be {rule}.")
        return text(name, value)

    return check


def matches(pattern: re.Pattern[str], value: object) -> TypeGuard[str]:
    """Whether this is a string that matches as a whole."""
    return isinstance(value, str) and pattern.fullmatch(value) is not None


def true_or_false(name: str, value: object) -> bool:
    """A JSON boolean."""
    if not isinstance(value, bool):
        raise invalid(name, f"{name} must be true or false.")
    return value


def tier_named(name: str, value: object) -> Tier:
    """The service tier that the value of a field names."""
    if not isinstance(value, str) or value not in TIERS:
        raise invalid(name, f"{name} must be one of {', '.join(TIERS)}.")
    return TIERS[value]


def source_named(name: str, value: object) -> str:
    """Where the figure of a report comes from."""
    if not isinstance(value, str) or value not in SOURCES:
        raise invalid(name, f"{name} must be one of {', '.join(SOURCES)}.")
    return value


def optional(fields: dict[str, Any], name: str, check: _Check[_T], default: _D) -> _T | _D:
    """The value of a field that may be left out or null: checked if it is there, else the default."""
    return default if (value := fields.get(name)) is None else check(name, value)


def _whole_in(low: int, high: int) -> _Check[int]:
    def check(name: str, value: object) -> int:
        # bool is an int in Python, but not in JSON
        if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
            raise invalid(name, f"{name} must be a whole number from {low} to {high}.")
        return value

    return check


UNITS: Final = _whole_in(0, MAX_UNITS)
"""Checks a number of the model's unit."""
CALLS: Final = _whole_in(0, MAX_CALLS)
"""Checks a number of calls, of which there may be none."""
SOME_CALLS: Final = _whole_in(1, MAX_CALLS)
"""Checks a number of calls, of which there is at least one."""
SECONDS: Final = _whole_in(1, MAX_HOLD_SECONDS)
"""Checks how many seconds a hold lasts."""
