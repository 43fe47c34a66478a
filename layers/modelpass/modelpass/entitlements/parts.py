"""Settling a hold in parts: what takes the hold's place after each report. Rule: pure; a part never ends a hold.

New work goes on only as authorize would begin it. Where it may not, the report is booked all the same, and the hold
keeps what requests that have begun may still need. The write of the hot path (`updates.go_on`) demands all of this at
once; only when it fails is it asked one by one, of the item that the failure brought back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass.entitlements import accounting, authorization_ids, rules
from modelpass.errors import ErrorCode, Refusal

if TYPE_CHECKING:
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, Hold


class Part(NamedTuple):
    """One report on a hold that is to go on: the units `used` and the `calls` made since the report before.

    `wanted` is to take the place of the hold, from now on. `refusal` is what keeps new work from going on and is not in
    the entitlement: a tier that is down.
    """

    key_hash: bytes
    hold: Hold
    used: int
    calls: int
    wanted: Hold
    refusal: Refusal | None


class Step(NamedTuple):
    """What to write for a part: a booking, after which `rest` is in the hold's place; or, without one, clear the way.

    `refusal` says why no new work may go on, None where it may.
    """

    change: Change
    rest: Hold | None = None
    refusal: Refusal | None = None


def refuse_new_work(entitlement: Entitlement, part: Part, hold: Hold, now_ms: int) -> Refusal | None:
    """The refusal that new work on a hold would get, None where it may go on: authorize's rules, in their order."""
    refusal = rules.refuse_access(entitlement, part.key_hash, now_ms)
    if refusal is not None:
        return refusal
    if not rules.is_of_current_windows(entitlement, hold, now_ms):
        return _ended("The day or the month that this was authorized in has ended: authorize anew.")
    if now_ms >= hold.expires_at_ms:
        return _ended("The hold has expired: authorize anew.")
    return part.refusal


def next_step(entitlement: Entitlement, part: Part, now_ms: int, *, reclaimed: bool) -> Step:
    """The step that books a part, or one that first gives back expired holds whose units it asks for.

    `reclaimed` says that the hold has left the item already and a ticket stands for it.
    """
    hold, wanted = part.hold, part.wanted
    refusal = refuse_new_work(entitlement, part, hold, now_ms)
    if refusal is not None:
        rest = _for_begun_work(part, held=not reclaimed and now_ms < hold.expires_at_ms)
        return Step(_booked(entitlement, part, rest, reclaimed=reclaimed), rest, refusal)
    units = max(0, entitlement.counters.month_left + hold.units - part.used)
    calls = entitlement.counters.day_left + hold.calls - part.calls
    if wanted.units > units and rules.units_back(entitlement, now_ms):
        return Step(accounting.reclaim(entitlement, rules.reclaimable(entitlement, now_ms)))
    rest = wanted._replace(units=min(wanted.units, units), calls=min(wanted.calls, calls))
    return Step(_booked(entitlement, part, rest, reclaimed=False)._replace(goes_on=rest), rest)


def _booked(entitlement: Entitlement, part: Part, rest: Hold, *, reclaimed: bool) -> Change:
    return accounting.book(entitlement, part.hold, part.used, part.calls, reclaimed=reclaimed, rest=rest)


def _for_begun_work(part: Part, *, held: bool) -> Hold:
    """The lesser of what was asked and what the hold still has, until its old end; once expired, it holds no units."""
    hold, wanted = part.hold, part.wanted
    return hold._replace(
        nonce=authorization_ids.next_nonce(hold.nonce),
        units=min(wanted.units, max(0, hold.units - part.used)) if held else 0,
        calls=min(wanted.calls, hold.calls - part.calls),
    )


def _ended(message: str) -> Refusal:
    return Refusal(ErrorCode.AUTHORIZATION_NOT_FOUND, param="authorizationId", message=message)
