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
    from modelpass.entitlements.model import Contract, Entitlement, Hold


class Part(NamedTuple):
    """One report on a hold that is to go on: the units `used` and the `calls` made since the report before.

    `wanted` is to take the place of the hold, from now on. `refusal` is what keeps new work from going on and is not in
    the entitlement: a tier that is down. `told` is what the subscription's row says, where only that can tell
    (`rules.needs_contract`).
    """

    key_hash: bytes
    hold: Hold
    used: int
    calls: int
    wanted: Hold
    refusal: Refusal | None
    told: Contract | None = None


class Step(NamedTuple):
    """What to write for a part: a booking, after which `rest` is in the hold's place; or, without one, clear the way.

    `refusal` says why no new work may go on, None where it may.
    """

    change: Change
    rest: Hold | None = None
    refusal: Refusal | None = None


class Standing(NamedTuple):
    """A hold as it stands; `reclaimed` says that it has left the item, and a ticket stands for it."""

    hold: Hold
    reclaimed: bool

    def units_at(self, now_ms: int) -> int:
        """How many units are held for it: none of a reclaimed hold, whatever a clock that is behind makes of it."""
        return 0 if self.reclaimed or now_ms >= self.hold.expires_at_ms else self.hold.units


def open_step(entitlement: Entitlement, hold: Hold) -> Hold | None:
    """What is in the item for the grant of a hold, whichever step of it the hold is; None where nothing is any more."""
    stored = entitlement.holds.get(hold.key)
    return stored if stored is not None and authorization_ids.is_of_same_grant(stored, hold) else None


def refuse_new_work(entitlement: Entitlement, part: Part, standing: Standing, now_ms: int) -> Refusal | None:
    """The refusal that new work on a hold would get, None where it may go on: authorize's rules, in their order."""
    refusal = rules.refuse_access(entitlement, part.key_hash, now_ms, part.told)
    if refusal is not None:
        # Of what it is refused for, a part names the key alone; its model is that of the hold.
        return refusal._replace(param="continue.apiKey" if refusal.param == "apiKey" else None)
    if not rules.is_of_current_windows(entitlement, standing.hold, now_ms):
        return ended("The day or the month that this was authorized in has ended: authorize anew.")
    if standing.reclaimed or now_ms >= standing.hold.expires_at_ms:
        return ended("The hold has expired or was released: authorize anew.")
    return None if part.refusal is None else rules.without_vain_wait(entitlement, part.refusal, now_ms)


def next_step(
    entitlement: Entitlement, part: Part, now_ms: int, *, reclaimed: bool, closed_calls: int | None = None
) -> Step:
    """The step that books a part, or one that first gives back expired holds whose units it asks for.

    `reclaimed` says that the hold has left the item already and a ticket stands for it; `closed_calls` are the calls of
    its day where that is closed (`accounting.book`).
    """
    hold, wanted, standing = part.hold, part.wanted, Standing(part.hold, reclaimed)
    refusal = refuse_new_work(entitlement, part, standing, now_ms)
    if refusal is not None:
        rest = _for_begun_work(part, standing.units_at(now_ms))
        change = _booked(entitlement, part, rest, reclaimed=reclaimed, closed_calls=closed_calls)
        return Step(change, rest, refusal)
    units = max(0, entitlement.counters.month_left + hold.units - part.used)
    calls = max(0, entitlement.counters.day_left + hold.calls - part.calls)
    if wanted.units > units and rules.units_back(entitlement, now_ms):
        return Step(accounting.reclaim(entitlement, rules.reclaimable(entitlement, now_ms)))
    rest = wanted._replace(units=min(wanted.units, units), calls=min(wanted.calls, calls))
    return Step(_booked(entitlement, part, rest, reclaimed=False)._replace(goes_on=rest), rest)


def _booked(
    entitlement: Entitlement, part: Part, rest: Hold, *, reclaimed: bool, closed_calls: int | None = None
) -> Change:
    hold, used, calls = part.hold, part.used, part.calls
    return accounting.book(entitlement, hold, used, calls, reclaimed=reclaimed, rest=rest, closed_calls=closed_calls)


def _for_begun_work(part: Part, held: int) -> Hold:
    """The lesser of what was asked and what the hold still has of the units `held`, until its old end."""
    hold, wanted = part.hold, part.wanted
    return hold._replace(
        nonce=authorization_ids.next_nonce(hold.nonce),
        units=min(wanted.units, max(0, held - part.used)),
        calls=min(wanted.calls, hold.calls - part.calls),
    )


def ended(message: str) -> Refusal:
    """The refusal of new work on a hold that is of the past."""
    return Refusal(ErrorCode.AUTHORIZATION_NOT_FOUND, param="authorizationId", message=message)
