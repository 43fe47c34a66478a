"""The slow steps on an entitlement, each worked out as a `Change`: before, after, and the rows beside it. Rule: pure.

Every change keeps `cap + top-ups = left + held + used` for the stored month and for every closed one, and `limit =
left + calls` for the stored day. `rules` and the commands choose the steps, and `transactions` makes requests of them.
A request that finds its windows current, and room in them, needs no step: it is one conditional write built from the
command alone (`updates`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.entitlements.change import Change, Correction, DayRow, MonthRow
from modelpass.entitlements.model import MAX_HOLD_SECONDS, Counters, Entitlement, Hold, Limits
from modelpass.entitlements.windows import expired_holds, segment_after, stored_segment, windows_at, windows_of
from modelpass.times import MS_PER_SECOND

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Contract

RECLAIM_BATCH: Final = 40
"""The most holds reclaimed in one step. Each is guarded and gets a row; a transaction has at most 100 actions."""
REVISIT_MS: Final = 3_600_000
"""The reset comes back for open holds no sooner than this after its last look; a window that ends may bring it back."""


def roll(entitlement: Entitlement, now_ms: int, contract: Contract | None = None) -> Change:
    """Open the windows in force at `now_ms`. A window that is closed gets a row if anything happened in it.

    A month is opened by the `contract`: for the term as it is by now, with the limits of its line. Without one, the
    item is taken to know both.
    """
    known = entitlement if contract is None else entitlement._replace(term=contract.term)
    new = segment_after(known, now_ms)
    counters, limits, top_up, number = known.counters, known.limits, known.top_up, known.change_number
    closed_day = closed_month = None
    announced = known.announced
    # A new window begins no sooner than the stored ones end, so that no hold of theirs looks like one of the new.
    day_start_ms, month_start_ms = known.day_start_ms, known.month_start_ms
    if new.month != known.month:
        month_start_ms = max(new.month_start_ms, known.segment_end_ms)
        closed_month = _closed_month(known)
        if contract is not None:
            limits, number = contract.limits or limits, contract.change_number
        top_up = 0
        counters = counters._replace(month_left=limits.monthly_cap, month_used=0)
        announced = frozenset(t for t in announced if not t.monthly)
    if new.day != known.day:
        day_start_ms = max(new.day_start_ms, known.segment_end_ms)
        if _day_touched(known.counters):
            closed_day = DayRow(known.day, known.counters.day_calls, known.counters.day_units)
        counters = counters._replace(day_left=limits.daily_call_limit, day_calls=0, day_units=0)
        announced = frozenset(t for t in announced if t.monthly)
    else:  # a month that begins within a day may bring another limit of it
        more = limits.daily_call_limit - known.limits.daily_call_limit
        counters = counters._replace(day_left=counters.day_left + more)
    after = known._replace(
        limits=limits,
        earlier_tiers=_earlier_tiers(known, limits, month_start_ms),
        change_number=number,
        top_up=top_up,
        day_start_ms=day_start_ms,
        month_start_ms=month_start_ms,
        segment_end_ms=new.end_ms,
        day=new.day,
        month=new.month,
        counters=counters,
        announced=announced,
    )
    return Change(entitlement, after, exact=True, closed_day=closed_day, closed_month=closed_month)


def _closed_month(entitlement: Entitlement) -> MonthRow | None:
    if not _month_touched(entitlement):
        return None
    counters = entitlement.counters
    taken = entitlement.month_limit - counters.month_left
    held, used = taken - counters.month_used, counters.month_used
    return MonthRow(entitlement.month, -taken, held, used, entitlement.top_up)


def reclaim(entitlement: Entitlement, holds: tuple[Hold, ...]) -> Change:
    """Give back the units of expired holds. Each leaves a ticket, so that its settle can still be booked."""
    counters = entitlement.counters
    kept = {k: h for k, h in entitlement.holds.items() if h not in holds}
    late: dict[int, int] = {}
    left = counters.month_left
    for hold in holds:
        _, month = windows_of(entitlement, hold)
        if month == entitlement.month:
            left += hold.units
        else:
            late[month] = late.get(month, 0) + hold.units
    after = entitlement._replace(
        counters=counters._replace(month_left=left),
        holds=kept,
        tickets=entitlement.tickets + len(holds),
    )
    rows = tuple(MonthRow(month, units, -units, 0) for month, units in late.items() if units)
    return Change(entitlement, after, late_months=rows, tickets=holds)


def with_grant(change: Change, hold: Hold, units_needed: int) -> Change:
    """Let a step also grant a hold, and make sure that the reset will look at the item when the windows end.

    `units_needed` have to be left for it when it is written: at least those that it holds.
    """
    after = change.after
    counters = after.counters
    granted = after._replace(
        counters=counters._replace(
            day_left=counters.day_left - hold.calls,
            day_calls=counters.day_calls + hold.calls,
            month_left=counters.month_left - hold.units,
        ),
        holds={**after.holds, hold.key: hold},
    )
    if not granted.armed:
        granted = granted._replace(due_at_ms=min(hold.expires_at_ms, granted.segment_end_ms))
    return change._replace(after=granted, grant=hold, units_needed=units_needed)


def book(  # noqa: PLR0913 - each says what is booked where
    entitlement: Entitlement,
    hold: Hold,
    used: int,
    calls: int,
    *,
    reclaimed: bool,
    rest: Hold | None = None,
    closed_calls: int | None = None,
) -> Change:
    """Book what was used of a hold in the windows it was granted in, wherever their figures are kept by now.

    `used` is in the model's unit, and `calls`, at most those held, were made. `reclaimed` says that the hold has left
    the item already and a ticket stands for it. The hold ends, but for what is to take its place (`rest`), which is of
    the same windows; of a reclaimed hold, that holds no units, and gets a ticket too.

    No more calls are given back than are counted, for an operator may have given them back before: `closed_calls` are
    those of the hold's day where that is closed, needed only where calls are to be given back.
    """
    counters = entitlement.counters
    day, month = windows_of(entitlement, hold)
    counted = counters.day_calls if day == entitlement.day else closed_calls
    calls_back = hold.calls - calls - (rest.calls if rest else 0)
    if counted is not None:
        calls_back = min(calls_back, counted)
    held = 0 if reclaimed else hold.units - (rest.units if rest else 0)
    late_day = None
    late_months: tuple[MonthRow, ...] = ()
    if day == entitlement.day:
        counters = counters._replace(
            day_left=counters.day_left + calls_back,
            day_calls=counters.day_calls - calls_back,
            day_units=counters.day_units + used,
        )
    elif calls_back or used:
        late_day = DayRow(day, -calls_back, used)
    if month == entitlement.month:
        counters = counters._replace(
            month_left=counters.month_left + held - used,
            month_used=counters.month_used + used,
        )
    elif held or used:
        late_months = (MonthRow(month, held - used, -held, used),)
    holds = {k: h for k, h in entitlement.holds.items() if reclaimed or k != hold.key}
    tickets = (rest,) if rest and reclaimed else ()
    if rest and not reclaimed:
        holds[rest.key] = rest
    after = entitlement._replace(counters=counters, holds=holds, tickets=entitlement.tickets - reclaimed + len(tickets))
    return Change(
        entitlement,
        _due_to_close(after),
        late_day=late_day,
        late_months=late_months,
        tickets=tickets,
        spent_ticket=hold if reclaimed else None,
    )


def correct(entitlement: Entitlement, correction: Correction) -> Change:
    """Add to what was used, or take from it, in the windows of an instant: units in both, calls in the day."""
    counters, units, calls = entitlement.counters, correction.units, correction.calls
    day, month = windows_at(entitlement, correction.at_ms)
    if day == entitlement.day:
        counters = counters._replace(
            day_left=counters.day_left - calls,
            day_calls=counters.day_calls + calls,
            day_units=counters.day_units + units,
        )
    if month == entitlement.month:
        month_left, month_used = counters.month_left - units, counters.month_used + units
        counters = counters._replace(month_left=month_left, month_used=month_used)
    return Change(
        entitlement,
        _due_to_close(entitlement._replace(counters=counters)),
        late_day=None if day == entitlement.day else DayRow(day, calls, units, entitlement.limits.daily_call_limit),
        late_months=() if month == entitlement.month or not units else (MonthRow(month, -units, 0, units),),
        correction=correction,
    )


def rearm(change: Change, now_ms: int, *, closes: bool = True) -> Change:
    """Make a step exact, and let it note when the reset has to look again, or that nothing is left to look for.

    Nothing `closes` the stored windows where the term, or the model's place in it, has ended: they stay in the item.
    """
    due_at_ms = _next_due(change.after, now_ms, closes=closes)
    return change._replace(exact=True, after=change.after._replace(due_at_ms=due_at_ms))


def change_limits(
    entitlement: Entitlement, limits: Limits, number: int, suspended_at_ms: int | None, now_ms: int
) -> Change:
    """Bring an entitlement to its subscription's change of this number: to its line, stopped or not.

    The limits of a month whose window is over stay as they are: those of the next one come with its roll. What is left
    moves by what is added, and open holds are as they were. `suspended_at_ms` is since when an operator has stopped the
    subscription, None where none has; a cancellation is never taken back.
    """
    counters, after = entitlement.counters, entitlement._replace(change_number=number)
    if now_ms < stored_segment(entitlement).month_end_ms:
        counters = counters._replace(
            day_left=counters.day_left + limits.daily_call_limit - entitlement.limits.daily_call_limit,
            month_left=counters.month_left + limits.monthly_cap - entitlement.limits.monthly_cap,
        )
        newest_ms = max((hold.granted_at_ms for hold in entitlement.holds.values()), default=0)
        after = after._replace(
            limits=limits,
            counters=counters,
            earlier_tiers=_earlier_tiers(entitlement, limits, max(now_ms, newest_ms + 1)),
        )
    if entitlement.suspended or entitlement.cancelled_at_ms is None:
        after = after._replace(cancelled_at_ms=suspended_at_ms, suspended=suspended_at_ms is not None)
    return Change(entitlement, after)


def _earlier_tiers(entitlement: Entitlement, limits: Limits, until_ms: int) -> tuple[tuple[int, Tier], ...]:
    """The tiers that open holds may be of, each with the instant until which holds were granted in it."""
    if limits.tier is entitlement.limits.tier:
        return entitlement.earlier_tiers
    oldest_ms = until_ms - MAX_HOLD_SECONDS * MS_PER_SECOND
    kept = tuple(pair for pair in entitlement.earlier_tiers if pair[0] > oldest_ms)
    return (*kept, (until_ms, entitlement.limits.tier))


def top_up(entitlement: Entitlement, units: int) -> Change:
    """Add units to what the stored month has, beside its cap; they are gone with it."""
    counters = entitlement.counters
    more = counters._replace(month_left=counters.month_left + units)
    after = entitlement._replace(counters=more, top_up=entitlement.top_up + units)
    return Change(entitlement, _due_to_close(after))


def next_close(entitlement: Entitlement) -> int | None:
    """When the first stored window that has figures ends, in milliseconds; None when none is to be closed.

    The last windows of a term are never closed: they stay in the item.
    """
    segment, ends = stored_segment(entitlement), []
    if _day_touched(entitlement.counters):
        ends.append(segment.end_ms)
    if _month_touched(entitlement):
        ends.append(segment.month_end_ms)
    return min((end for end in ends if end < entitlement.expires_at_ms), default=None)


def fresh_counters(limits: Limits) -> Counters:
    """The counters of windows in which nothing has happened yet."""
    return Counters(
        day_left=limits.daily_call_limit,
        day_calls=0,
        day_units=0,
        month_left=limits.monthly_cap,
        month_used=0,
    )


def _due_to_close(entitlement: Entitlement) -> Entitlement:
    """Make sure that the reset looks at windows that were idle and have figures now.

    It closes them, and announces the thresholds that they reach in case nobody else does.
    """
    closes_ms = next_close(entitlement) or entitlement.segment_end_ms
    if entitlement.due_at_ms is None or entitlement.due_at_ms > closes_ms:
        return entitlement._replace(due_at_ms=closes_ms)
    return entitlement


def _next_due(entitlement: Entitlement, now_ms: int, *, closes: bool) -> int | None:
    closes_ms = next_close(entitlement) if closes else None
    candidates = [] if closes_ms is None else [closes_ms]
    if expired_holds(entitlement, now_ms):
        candidates.append(now_ms)
    elif entitlement.holds:
        first = min(h.expires_at_ms for h in entitlement.holds.values())
        candidates.append(max(first, now_ms + REVISIT_MS))
    return min(candidates, default=None)


def _day_touched(counters: Counters) -> bool:
    return counters.day_calls != 0 or counters.day_units != 0


def _month_touched(entitlement: Entitlement) -> bool:
    counters = entitlement.counters
    return counters.month_used != 0 or counters.month_left != entitlement.month_limit or entitlement.top_up != 0
