"""The equations of one entitlement and of what the history has of it. Rule: pure; every figure is recomputed.

The equations of the item alone hold whenever it is read. Those that compare it with rows of the history hold at any one
moment, so a caller who has read item and rows one after the other reads them again before it reports a breach.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.catalogue.tiers import MAX_CALLS
from modelpass.entitlements import accounting, windows
from modelpass.entitlements.history import TICKET_KEPT_MS
from ops.audit.breaches import Breach, Equation, named, unless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.entitlements.model import Entitlement
    from modelpass.schema import Item
    from ops.audit.rows import Beside

_CALENDARS_DIFFER_MS: Final = 3 * 3_600_000
"""How far new time zone data may move the bounds of windows that were stored before it (ADR 6)."""


def held_in_stored_month(entitlement: Entitlement) -> int:
    """The units of the holds that count in the stored month window, expired or not."""
    return sum(h.units for h in entitlement.holds.values() if windows.of_stored_month(entitlement, h))


def month(entitlement: Entitlement) -> Iterator[Breach]:
    """The cap with the top-ups is what is left, held and used of both."""
    counters, limit = entitlement.counters, entitlement.month_limit
    total = counters.month_left + held_in_stored_month(entitlement) + counters.month_used
    expected = f"cap and top-ups {limit}"
    yield from unless(total == limit, Equation.MONTH, named(entitlement.id), expected, f"left + held + used {total}")


def day(entitlement: Entitlement) -> Iterator[Breach]:
    """The daily limit is what is left and counted of it."""
    counters, limit = entitlement.counters, entitlement.limits.daily_call_limit
    total = counters.day_left + counters.day_calls
    yield from unless(total == limit, Equation.DAY, named(entitlement.id), f"limit {limit}", f"left + calls {total}")


def counters(entitlement: Entitlement) -> Iterator[Breach]:
    """No counter is below zero but what is left: of a month by an overrun, of a day by a lower limit within it."""
    of = entitlement.counters
    figures = {
        "calls left": of.day_left if entitlement.change_number == 0 else 0,
        "top-ups": entitlement.top_up,
        "calls": of.day_calls,
        "units of the day": of.day_units,
        "units used": of.month_used,
        "tickets": entitlement.tickets,
    }
    for name, figure in figures.items():
        yield from unless(figure >= 0, Equation.COUNTERS, named(entitlement.id), f"{name} from 0", figure)


def holds(entitlement: Entitlement, most: int) -> Iterator[Breach]:
    """Open holds are bounded, and were granted in a window of the term."""
    who, opened = named(entitlement.id), list(entitlement.holds.values())
    yield from unless(len(opened) <= most, Equation.HOLDS, who, f"at most {most} open holds", len(opened))
    first_ms, end_ms = entitlement.term.starts_at_ms, entitlement.segment_end_ms
    astray = sum(not first_ms <= h.granted_at_ms < end_ms for h in opened)
    expected = "every hold granted between the start of the term and the end of the stored windows"
    yield from unless(astray == 0, Equation.HOLDS, who, expected, f"{astray} others")


def segment(entitlement: Entitlement) -> Iterator[Breach]:
    """The stored windows lie in the term, and begin and end where the calendar says that windows of their names do."""
    who, term = named(entitlement.id), entitlement.term
    start_ms, end_ms = entitlement.segment_start_ms, entitlement.segment_end_ms
    inside = term.starts_at_ms <= start_ms < end_ms <= term.ends_at_ms and 0 <= entitlement.month < term.months
    yield from unless(inside, Equation.SEGMENT, who, "windows of the term", f"{start_ms} to {end_ms}")
    if not inside:
        return
    named_so = windows.opened_segment(term, 0, 0, 0, entitlement.day, entitlement.month)
    before = windows.opened_segment(term, 0, 0, 0, windows.day_before(entitlement.day), entitlement.month)
    bounds = (
        ("start of the day", entitlement.day_start_ms, before.day_end_ms),
        ("start of the month", entitlement.month_start_ms, windows.month_window_start_ms(term, entitlement.month)),
        ("end of the windows", end_ms, min(named_so.day_end_ms, named_so.month_end_ms, term.ends_at_ms)),
    )
    for name, stored_ms, calendar_ms in bounds:
        near = abs(stored_ms - calendar_ms) <= _CALENDARS_DIFFER_MS
        yield from unless(near, Equation.SEGMENT, who, f"{name} {calendar_ms}", stored_ms)


def due(entitlement: Entitlement) -> Iterator[Breach]:
    """An entitlement with windows to close or holds to give back has a due mark, so that the reset finds it in time.

    The last windows of a model that a change has taken off the list are never closed, as the last of a term are not.
    """
    who, due_at_ms = named(entitlement.id), entitlement.due_at_ms
    if entitlement.holds:
        yield from unless(due_at_ms is not None, Equation.DUE, who, "a due mark, for holds are open", due_at_ms)
    closes_ms = accounting.next_close(entitlement)
    if closes_ms is not None:
        marked = entitlement.change_number > 0 if due_at_ms is None else due_at_ms <= closes_ms
        yield from unless(marked, Equation.DUE, who, f"due by {closes_ms}, when a used window ends", due_at_ms)


def marks(item: Item) -> Iterator[Breach]:
    """An item that is due is in the index, in the shard of its key; an item that is not due is not in the index."""
    shard, expected = item.get("dp", {}).get("S"), None
    if "da" in item:
        expected = schema.due_shard(item["pk"]["S"])
    yield from unless(shard == expected, Equation.DUE, item["pk"]["S"], f"shard {expected}", shard)


def stored_start(item: Item, entitlement: Entitlement) -> Iterator[Breach]:
    """The stored start, which guards every write, is the start of the window that began last."""
    start_ms = schema.optional_number(item, "ws")
    expected = entitlement.segment_start_ms
    yield from unless(start_ms == expected, Equation.SEGMENT, named(entitlement.id), f"start {expected}", start_ms)


def closed_months(entitlement: Entitlement, beside: Beside) -> Iterator[Breach]:
    """Of every closed month, the cap with the top-ups is what is left, held and used of both.

    The cap is that of now, unless a change has reached the entitlement since.
    """
    cap = entitlement.limits.monthly_cap
    for number, row in beside.months.items():
        who, limit = f"{named(entitlement.id)} month {number}", row.cap + row.top_up
        total = row.left + row.held + row.used
        as_now = row.cap == cap or entitlement.change_number > 0
        yield from unless(as_now, Equation.CLOSED_MONTH, who, f"cap {cap}", row.cap)
        expected = f"cap and top-ups {limit}"
        yield from unless(total == limit, Equation.CLOSED_MONTH, who, expected, f"left + held + used {total}")
        least = min(row.held, row.used, row.top_up)
        yield from unless(least >= 0, Equation.CLOSED_MONTH, who, "held, used and top-ups from 0", least)


def closed_days(entitlement: Entitlement, beside: Beside) -> Iterator[Breach]:
    """Of every closed day, calls and units are not below zero, and calls within the limit.

    That limit is known where no change has reached the entitlement since.
    """
    limit = entitlement.limits.daily_call_limit if entitlement.change_number == 0 else MAX_CALLS
    for date, (calls, units) in beside.days.items():
        who = f"{named(entitlement.id)} day {date}"
        yield from unless(0 <= calls <= limit, Equation.CLOSED_DAY, who, f"calls from 0 to {limit}", calls)
        yield from unless(units >= 0, Equation.CLOSED_DAY, who, "units from 0", units)


def open_calls(entitlement: Entitlement, beside: Beside) -> Iterator[Breach]:
    """The calls of open holds of the stored day are counted in it, but for those that an operator gave back."""
    opened = [h for h in entitlement.holds.values() if windows.windows_of(entitlement, h).day == entitlement.day]
    calls = sum(h.calls for h in opened)
    given_back = sum(-c.calls for c in beside.corrections if c.calls < 0 and c.at_ms >= entitlement.day_start_ms)
    most = entitlement.counters.day_calls + given_back
    yield from unless(calls <= most, Equation.HOLDS, named(entitlement.id), f"calls of open holds within {most}", calls)


def one_place(entitlement: Entitlement, beside: Beside) -> Iterator[Breach]:
    """The figures of a window are either in the item or in a row: all rows are of windows before the stored ones."""
    who = named(entitlement.id)
    last_day, last_month = max(beside.days, default=""), max(beside.months, default=-1)
    expected = f"rows of days before {entitlement.day}, which is in the item"
    yield from unless(last_day < entitlement.day, Equation.ONE_PLACE, who, expected, last_day)
    expected = f"rows of months before {entitlement.month}, which is in the item"
    yield from unless(last_month < entitlement.month, Equation.ONE_PLACE, who, expected, last_month)


def units(entitlement: Entitlement, beside: Beside) -> Iterator[Breach]:
    """Units were used on a day and in a month: all days of a term and all its months add up to the same."""
    of = entitlement.counters
    days = of.day_units + sum(units for _, units in beside.days.values())
    months = of.month_used + sum(row.used for row in beside.months.values())
    yield from unless(days == months, Equation.UNITS, named(entitlement.id), f"units of all months {months}", days)


def held(entitlement: Entitlement, beside: Beside) -> Iterator[Breach]:
    """The units held in closed months are those of the open holds that were granted in these months."""
    opened = sum(h.units for h in entitlement.holds.values()) - held_in_stored_month(entitlement)
    rows = sum(row.held for row in beside.months.values())
    yield from unless(
        rows == opened, Equation.HELD, named(entitlement.id), f"open holds of closed months {opened}", rows
    )


def tickets(entitlement: Entitlement, found: int, now_ms: int) -> Iterator[Breach]:
    """The history has as many tickets as the item counts, or fewer once DynamoDB may have deleted some."""
    counted = entitlement.tickets
    kept = now_ms < entitlement.term.starts_at_ms + TICKET_KEPT_MS
    fits = found == counted if kept else found <= counted
    yield from unless(fits, Equation.TICKETS, named(entitlement.id), f"tickets {counted}", found)


COUNTED: Final[tuple[Callable[[Entitlement], Iterator[Breach]], ...]] = (month, day, counters)
"""The equations that every step on an entitlement keeps."""
OF_THE_ITEM: Final = (*COUNTED, segment, due)
"""The equations of the item alone, as far as they need nothing but the entitlement."""
WITH_ROWS: Final = (closed_months, closed_days, open_calls, one_place, units, held)
"""The equations of the item and its rows in the history."""
