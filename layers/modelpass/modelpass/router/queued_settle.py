"""The reading of one settle that came by the queue. Rule: what is authentic and can be booked is booked.

A router that reports by the queue gets no answer, so a refusal would cost the usage that was reported. Here a field
that cannot be used is passed over where the rest can be booked without it, and unknown fields are ignored. What cannot
be booked is refused by name, and the message is given back to the queue, which parks it with its body. Invoked
directly, settle is strict (`router.settle`). This file is loaded by the first batch: no start waits for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.catalogue.tiers import MAX_CALLS, Tier
from modelpass.entitlements.commands.settle import SettleRequest, not_found
from modelpass.router.validation import UNITS, json_object, required, text

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.entitlements.authorization_ids import Authorization

_KNOWN: Final = frozenset({"authorizationId", "actualUsage", "calls", "servedTier"})
_EXACT_FLOATS: Final = 2**53
"""Up to here, every whole number is a number of its own as a float."""
_TIERS: Final = {tier.value: tier for tier in Tier}


class Report(NamedTuple):
    """What a message says that can be booked.

    `unusable` names the known fields that were passed over, in their order, and `unknown` counts the other fields.
    """

    request: SettleRequest
    unusable: tuple[str, ...]
    unknown: int


def report_of(message: object, authorization_of: Callable[[str], Authorization | None]) -> Report:
    """Read a message; `authorization_of` gives what an authorization id says, None for one that was never issued.

    Raises `Refused` where nothing can be booked: `invalid_request` without an id or a number of units, and
    `authorization_not_found` for an id that is not authentic.
    """
    fields = json_object(message)
    authorization_id = id_in(text("authorizationId", required(fields, "authorizationId")))
    authorization = authorization_of(authorization_id)
    if authorization is None:
        raise not_found()
    used = UNITS("actualUsage", _whole(required(fields, "actualUsage")))
    calls, tier = _calls(fields.get("calls"), authorization.hold.calls), _tier(fields.get("servedTier"))
    read = {"calls": calls, "servedTier": tier}
    unusable = tuple(name for name, value in read.items() if value is None and fields.get(name) is not None)
    return Report(SettleRequest(authorization_id, used, calls, tier), unusable, len(fields.keys() - _KNOWN))


def id_in(text: str) -> str:
    """An authorization id without what other programs put around it: white space, and the padding of base64."""
    return text.strip().rstrip("=")


def _whole(value: object) -> object:
    """A number that is whole as an int, even where it was written with a fraction or an exponent; else as it came."""
    if isinstance(value, float) and value.is_integer() and abs(value) <= _EXACT_FLOATS:
        return int(value)
    return value


def _calls(value: object, held: int) -> int | None:
    """The calls that were made; None, which stands for all that are held, where that is not a number of them."""
    calls = _whole(value)
    usable = isinstance(calls, int) and not isinstance(calls, bool) and 0 <= calls <= min(held, MAX_CALLS)
    return calls if usable else None  # type: ignore[return-value] # an int, as was just seen


def _tier(value: Any) -> Tier | None:
    """The tier of this name, however it is cased; None where there is no such tier, and so no breach to tell."""
    return _TIERS.get(value.strip().lower()) if isinstance(value, str) else None
