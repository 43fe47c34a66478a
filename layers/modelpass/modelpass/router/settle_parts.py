"""The router's door to settle a part (`continue`): turns a payload into a command. Rule: nothing is decided here.

This file is loaded by the first report of a part: no start waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from modelpass.entitlements.commands.settle_part import PartRequest, settle_part
from modelpass.entitlements.model import DEFAULT_HOLD_SECONDS
from modelpass.errors import invalid, quoted
from modelpass.router.row import read_contract
from modelpass.router.validation import CALLS, SECONDS, UNITS, optional, required, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.commands.settle import Tiers
    from modelpass.runtime.deps import Deps

_FIELDS: Final = frozenset({"apiKey", "estimatedUsage", "calls", "holdSeconds"})
_OF_THE_LAST: Final = ("servedTier", "usageSource")
_T = TypeVar("_T")


def settle_and_go_on(deps: Deps, tiers: Tiers, fields: dict[str, Any]) -> Json:
    """Answer a settle whose payload has `continue`; raises what `settle_part` does."""
    return settle_part(deps, tiers, request_of(fields), read_contract)


def request_of(fields: dict[str, Any]) -> PartRequest:
    """Check the fields of a payload, all known; raises `invalid_request` naming the first field at fault."""
    for name in _OF_THE_LAST:
        if fields.get(name) is not None:
            raise invalid(name, f"{name} goes with the last settle of a hold, not with continue.")
    wishes = fields["continue"]
    if not isinstance(wishes, dict):
        raise invalid("continue", "continue must be an object.")
    for name in wishes:
        if name not in _FIELDS:
            raise invalid(f"continue.{quoted(name)}", "Unknown field.")
    named = {f"continue.{name}": value for name, value in wishes.items()}
    return PartRequest(
        authorization_id=text("authorizationId", required(fields, "authorizationId")),
        used=UNITS("actualUsage", required(fields, "actualUsage")),
        calls=CALLS("calls", required(fields, "calls")),
        api_key=_of(named, "continue.apiKey", text),
        units=_of(named, "continue.estimatedUsage", UNITS),
        calls_held=_of(named, "continue.calls", CALLS),
        hold_seconds=optional(named, "continue.holdSeconds", SECONDS, DEFAULT_HOLD_SECONDS),
    )


def _of(named: dict[str, Any], name: str, check: Callable[[str, object], _T]) -> _T:
    return check(name, required(named, name))
