"""The reading of one settle that came by the queue. Rule: what is authentic and can be booked is booked.

A router that reports by the queue gets no answer, so a refusal would cost the usage that was reported. Here a field
that cannot be used is passed over where the rest can be booked without it, and unknown fields are ignored. What cannot
be booked is refused by name, and the message is given back to the queue, which parks it with its body. Invoked
directly, settle is strict (`router.settle`). This file is loaded by the first batch: no start waits for it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.entitlements.authorization_ids import parse_authorization_id, unpadded
from modelpass.entitlements.commands.settle import SettleRequest
from modelpass.errors import authorization_not_found
from modelpass.router.validation import SOURCES, TIERS, UNITS, json_object, required, text

if TYPE_CHECKING:
    from modelpass.api_keys import DeploymentKeys
    from modelpass.catalogue.tiers import Tier

_MOST_DIGITS: Final = 20
"""Numbers of more digits are above every bound; Python refuses to read some thousands of them."""
_UNUSABLE: Final = object()
"""In the place of what no field may be: a number that is not whole, and a member that is there with two values."""


class Report(NamedTuple):
    """What a message says that can be booked.

    `unusable` names the known fields that were passed over, in their order, and `unknown` counts the unknown ones.
    """

    request: SettleRequest
    unusable: tuple[str, ...]
    unknown: int


def fields_of(body: object) -> object:
    """The value of a message's JSON text; None for what is no JSON. Numbers that are exactly whole come as such."""
    try:
        return json.loads(
            body,  # type: ignore[arg-type] # what is no text is no JSON
            object_pairs_hook=_members,
            parse_int=lambda digits: int(digits) if len(digits) <= _MOST_DIGITS else _UNUSABLE,
            parse_float=_whole,
            parse_constant=lambda _: _UNUSABLE,
        )
    except (TypeError, ValueError, RecursionError):
        return None


def report_of(message: object, known: frozenset[str], keys: DeploymentKeys) -> Report:
    """Read a message, of which settle knows the `known` fields.

    Raises `Refused` where nothing can be booked: `invalid_request` without an id or a number of units, and
    `authorization_not_found` for an id that is not authentic.
    """
    fields = json_object(message)
    authorization_id = unpadded(text("authorizationId", required(fields, "authorizationId")))
    authorization = parse_authorization_id(authorization_id, keys)
    if authorization is None:
        raise authorization_not_found()
    used = UNITS("actualUsage", required(fields, "actualUsage"))
    calls, tier = _calls(fields.get("calls"), authorization.hold.calls), _tier(fields.get("servedTier"))
    source = _source(fields.get("usageSource"))
    read = {"calls": calls, "servedTier": tier, "usageSource": source}
    unusable = tuple(name for name, value in read.items() if value is None and fields.get(name) is not None)
    return Report(SettleRequest(authorization_id, used, calls, tier, source), unusable, len(fields.keys() - known))


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members: dict[str, object] = {}
    for name, value in pairs:
        members[name] = value if members.get(name, value) == value else _UNUSABLE
    return members


def _whole(text: str) -> object:
    """The whole number that a JSON number with a fraction or an exponent is exactly, such as 1234.0 and 1e3."""
    mantissa, _, power = text.lower().partition("e")
    whole, _, fraction = mantissa.partition(".")
    written = whole + fraction
    digits = written.rstrip("0")
    if not digits.strip("-"):
        return 0
    if len(power) > _MOST_DIGITS:
        return _UNUSABLE
    zeros = int(power or 0) - len(fraction) + len(written) - len(digits)
    if zeros < 0 or len(digits) + zeros > _MOST_DIGITS:
        return _UNUSABLE
    return int(digits + "0" * zeros)


def _calls(value: object, held: int) -> int | None:
    """The calls that were made; None, which stands for all that are held, where that is not a number of them."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if 0 <= value <= held else None


def _tier(value: Any) -> Tier | None:
    """The tier of this name, however it is cased; None where there is no such tier, and so no breach to tell."""
    return TIERS.get(value.strip().lower()) if isinstance(value, str) else None


def _source(value: object) -> str | None:
    """Where the figure comes from, as far as that is one of the three."""
    return value if isinstance(value, str) and value in SOURCES else None
