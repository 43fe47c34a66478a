"""What a slow step does to an entitlement: before, after, and the rows beside it. Rule: pure, and conserving.

Every change keeps, for the stored windows and for every closed one, `cap = left + held + used` and
`limit = left + calls`. A request that finds its window current and room in it needs none of this: it is one
conditional write built from the command alone (`writes.grant`, `writes.settle`).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from modelpass.model import Counters, Entitlement, Hold, Limits, Tier
from modelpass.windows import Segment, segment_at

RECLAIM_BATCH: Final = 40
"""Holds reclaimed in one transaction; DynamoDB takes 100 actions, and every hold is a guard and a row."""
REVISIT_MS: Final = 3_600_000
"""The reset looks again at an entitlement with open holds no sooner than this."""


@dataclass(frozen=True, slots=True)
class DayRow:
    """A closed day's figures, or what is added to them."""

    day: str
    calls: int
    units: int


@dataclass(frozen=True, slots=True)
class MonthRow:
    """A closed month window's figures, or what is added to them."""

    month: int
    left: int
    held: int
    used: int


@dataclass(frozen=True, slots=True)
class Breach:
    """A router served a request in another tier than the one bought."""

    hold: Hold
    served_tier: Tier
    at_ms: int


@dataclass(frozen=True, slots=True)
class Change:
    """One atomic step on one entitlement.

    `exact` steps demand the counters just as they were read; the others add and subtract, guarded by the
    segment and by the value of every hold they touch. `grant` is the hold this step grants, if it does.
    """

    before: Entitlement
    after: Entitlement
    exact: bool = False
    grant: Hold | None = None
    closed_day: DayRow | None = None
    closed_month: MonthRow | None = None
    late_day: DayRow | None = None
    late_months: tuple[MonthRow, ...] = field(default=())
    tickets: tuple[Hold, ...] = field(default=())
    spent_ticket: Hold | None = None
    breach: Breach | None = None

    @property
    def item_only(self) -> bool:
        """Whether the entitlement's own item is all that is written."""
        rows = (self.closed_day, self.closed_month, self.late_day, self.spent_ticket, self.breach)
        return not (any(rows) or self.late_months or self.tickets)


def stored_segment(entitlement: Entitlement) -> Segment:
    """The windows that the stored counters belong to."""
    return segment_at(entitlement.term, entitlement.segment_start_ms)


def of_stored_month(entitlement: Entitlement, hold: Hold) -> bool:
    """Whether a hold counts in the stored month window."""
    return segment_at(entitlement.term, hold.granted_at_ms).month == stored_segment(entitlement).month


def expired_holds(entitlement: Entitlement, now_ms: int) -> tuple[Hold, ...]:
    """Holds that no longer count, the oldest first."""
    expired = (h for h in entitlement.holds.values() if h.expires_at_ms <= now_ms)
    return tuple(sorted(expired, key=lambda h: (h.expires_at_ms, h.key)))


def roll(entitlement: Entitlement, now_ms: int) -> Change:
    """Open the windows in force at `now_ms`; the closed ones go to their rows if anything happened in them."""
    old, new = stored_segment(entitlement), segment_at(entitlement.term, now_ms)
    counters, limits = entitlement.counters, entitlement.limits
    closed_day = closed_month = None
    opened = counters
    if new.day != old.day:
        if _day_touched(counters):
            closed_day = DayRow(old.day, counters.day_calls, counters.day_units)
        opened = replace(opened, day_left=limits.daily_call_limit, day_calls=0, day_units=0)
    if new.month != old.month:
        held = sum(h.units for h in entitlement.holds.values() if of_stored_month(entitlement, h))
        if _month_touched(entitlement):
            closed_month = MonthRow(old.month, counters.month_left, held, counters.month_used)
        opened = replace(opened, month_left=limits.monthly_cap, month_used=0)
    after = replace(entitlement, segment_start_ms=new.start_ms, segment_end_ms=new.end_ms, counters=opened)
    return Change(entitlement, after, exact=True, closed_day=closed_day, closed_month=closed_month)


def reclaim(entitlement: Entitlement, holds: tuple[Hold, ...]) -> Change:
    """Give back the units of expired holds; each leaves a ticket, so that a late settle is still booked."""
    counters = entitlement.counters
    kept = {k: h for k, h in entitlement.holds.items() if h not in holds}
    late: dict[int, int] = {}
    left = counters.month_left
    for hold in holds:
        if of_stored_month(entitlement, hold):
            left += hold.units
        else:
            month = segment_at(entitlement.term, hold.granted_at_ms).month
            late[month] = late.get(month, 0) + hold.units
    after = replace(
        entitlement,
        counters=replace(counters, month_left=left),
        holds=kept,
        tickets=entitlement.tickets + len(holds),
    )
    rows = tuple(MonthRow(month, units, -units, 0) for month, units in late.items() if units)
    return Change(entitlement, after, late_months=rows, tickets=holds)


def grant(change: Change, hold: Hold) -> Change:
    """Let a step also grant a hold, and make sure that the reset will look at the window."""
    after = change.after
    counters = after.counters
    granted = replace(
        after,
        counters=replace(
            counters,
            day_left=counters.day_left - hold.calls,
            day_calls=counters.day_calls + hold.calls,
            month_left=counters.month_left - hold.units,
        ),
        holds={**after.holds, hold.key: hold},
    )
    if not granted.armed:
        granted = replace(granted, due_at_ms=min(hold.expires_at_ms, granted.segment_end_ms))
    return replace(change, after=granted, grant=hold)


def book(entitlement: Entitlement, hold: Hold, used: int, calls: int, *, reclaimed: bool) -> Change:
    """Settle a hold in the windows it was granted in, wherever their figures are kept by now.

    `reclaimed` tells that the hold has left the item before and a ticket stands for it.
    """
    counters = entitlement.counters
    granted_in, stored = (
        segment_at(entitlement.term, hold.granted_at_ms),
        stored_segment(entitlement),
    )
    calls_back = hold.calls - calls
    held = 0 if reclaimed else hold.units
    late_day = None
    late_months: tuple[MonthRow, ...] = ()
    if granted_in.day == stored.day:
        counters = replace(
            counters,
            day_left=counters.day_left + calls_back,
            day_calls=counters.day_calls - calls_back,
            day_units=counters.day_units + used,
        )
    elif calls_back or used:
        late_day = DayRow(granted_in.day, -calls_back, used)
    if granted_in.month == stored.month:
        counters = replace(
            counters,
            month_left=counters.month_left + held - used,
            month_used=counters.month_used + used,
        )
    elif held or used:
        late_months = (MonthRow(granted_in.month, held - used, -held, used),)
    after = replace(
        entitlement,
        counters=counters,
        holds={k: h for k, h in entitlement.holds.items() if reclaimed or k != hold.key},
        tickets=entitlement.tickets - reclaimed,
    )
    return Change(
        entitlement,
        after,
        late_day=late_day,
        late_months=late_months,
        spent_ticket=hold if reclaimed else None,
    )


def fresh_counters(limits: Limits) -> Counters:
    """Counters of windows in which nothing happened yet."""
    return Counters(
        day_left=limits.daily_call_limit,
        day_calls=0,
        day_units=0,
        month_left=limits.monthly_cap,
        month_used=0,
    )


def rearm(change: Change, now_ms: int) -> Change:
    """Note when the reset has to look again, or that there is nothing left to look for."""
    return replace(change, exact=True, after=replace(change.after, due_at_ms=_next_due(change.after, now_ms)))


def _next_due(entitlement: Entitlement, now_ms: int) -> int | None:
    segment, counters = stored_segment(entitlement), entitlement.counters
    candidates = []
    if expired_holds(entitlement, now_ms):
        candidates.append(now_ms)
    elif entitlement.holds:
        first = min(h.expires_at_ms for h in entitlement.holds.values())
        candidates.append(max(first, now_ms + REVISIT_MS))
    # The last windows of a term stay in the item: nothing closes them.
    if _day_touched(counters) and segment.end_ms < entitlement.expires_at_ms:
        candidates.append(segment.end_ms)
    if _month_touched(entitlement) and segment.month_end_ms < entitlement.expires_at_ms:
        candidates.append(segment.month_end_ms)
    return min(candidates, default=None)


def _day_touched(counters: Counters) -> bool:
    return counters.day_calls != 0 or counters.day_units != 0


def _month_touched(entitlement: Entitlement) -> bool:
    counters = entitlement.counters
    return counters.month_used != 0 or counters.month_left != entitlement.limits.monthly_cap
