"""Day and month windows in a time zone, and which of them a hold counts in. Rule: pure; the calendar alone decides.

A day window ends at the next local midnight, so days of 23 and 25 hours are whole days. Month window k begins
k months after the start of the term at the same local time, the day cut to the month's length and always
counted from the original day (31 January, 28 February, 31 March). A local time that is skipped is read with
the offset before the change, a repeated one is its first occurrence: this is `fold=0` of PEP 495.
A segment is the intersection of a day window, a month window and the term: inside one, neither window changes.

Calendars change: a zone's clocks are moved by law, sometimes with a few days' notice, and new time zone data then
disagrees with what was stored. What was sold or opened stays as it was; only what is opened later follows new data.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from modelpass import time_zones
from modelpass.entitlements.model import Entitlement, Hold, Term
from modelpass.times import from_ms, to_ms

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

_MONTHS_PER_YEAR = 12


class Segment(NamedTuple):
    """The intersection of one day window and one month window; all in milliseconds, ends are exclusive."""

    day_start_ms: int
    month_start_ms: int
    end_ms: int
    day: str
    day_end_ms: int
    month: int
    month_end_ms: int

    @property
    def start_ms(self) -> int:
        """The instant from which both windows are in force."""
        return max(self.day_start_ms, self.month_start_ms)


class WindowNames(NamedTuple):
    """The day window by its local date, and the month window by its number in the term, from 0."""

    day: str
    month: int


class _Day(NamedTuple):
    """A day window: its local date, and when it begins and ends."""

    date: date
    start_ms: int
    end_ms: int


def term_of(starts_at_ms: int, months: int, time_zone: str) -> Term:
    """A term as it is sold: it ends when its last month window ends."""
    return Term(starts_at_ms, months, time_zone, _months_later_ms(starts_at_ms, time_zone, months))


@lru_cache(maxsize=1024)
def month_window_start_ms(term: Term, k: int) -> int:
    """The first millisecond of month window `k` of a term; `k = months` is the end of the term."""
    if k == 0:
        return term.starts_at_ms
    if k == term.months:
        return term.ends_at_ms
    return _months_later_ms(term.starts_at_ms, term.time_zone, k)


@lru_cache(maxsize=4096)
def segment_at(term: Term, at_ms: int) -> Segment:
    """The segment in force at an instant; before the term its first, after the term its last."""
    at_ms = min(max(at_ms, term.starts_at_ms), term.ends_at_ms - 1)
    month = next(k for k in range(term.months) if at_ms < month_window_start_ms(term, k + 1))
    month_end = month_window_start_ms(term, month + 1)
    day = _day_at(time_zones.zone(term.time_zone), at_ms)
    return Segment(
        day_start_ms=day.start_ms,
        month_start_ms=month_window_start_ms(term, month),
        end_ms=min(day.end_ms, month_end),
        day=day.date.isoformat(),
        day_end_ms=day.end_ms,
        month=month,
        month_end_ms=month_end,
    )


@lru_cache(maxsize=4096)
def opened_segment(term: Term, day_start_ms: int, month_start_ms: int, end_ms: int, day: str, month: int) -> Segment:
    """A segment as it was opened, whatever time zone data says of it by now.

    Its windows end no sooner than the segment does: until then, requests count in them.
    """
    next_day = date.fromisoformat(day) + timedelta(days=1)
    return Segment(
        day_start_ms=day_start_ms,
        month_start_ms=month_start_ms,
        end_ms=end_ms,
        day=day,
        day_end_ms=max(end_ms, _midnight_ms(time_zones.zone(term.time_zone), next_day)),
        month=month,
        month_end_ms=max(end_ms, month_window_start_ms(term, month + 1)),
    )


def day_of(at_ms: int, time_zone: str) -> date:
    """The day window that an instant lies in, by its local date."""
    return _day_at(time_zones.zone(time_zone), at_ms).date


def day_before(day: str) -> str:
    """The date before a date, both as texts such as `2026-11-24`."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def stored_segment(entitlement: Entitlement) -> Segment:
    """The windows that the stored counters belong to."""
    return opened_segment(
        entitlement.term,
        entitlement.day_start_ms,
        entitlement.month_start_ms,
        entitlement.segment_end_ms,
        entitlement.day,
        entitlement.month,
    )


def windows_of(entitlement: Entitlement, hold: Hold) -> WindowNames:
    """The day and the month window a hold was granted in."""
    return windows_at(entitlement, hold.granted_at_ms)


def windows_at(entitlement: Entitlement, at_ms: int) -> WindowNames:
    """The day and the month window of an instant before the end of the stored ones.

    Whether the instant lies in a stored window follows from when that began, which no new calendar changes. A window
    before it is named by the calendar of now, but never by the name of a stored one.
    """
    day, month = entitlement.day, entitlement.month
    if at_ms >= entitlement.segment_start_ms:
        return WindowNames(day, month)
    named = segment_at(entitlement.term, at_ms)
    if at_ms < entitlement.day_start_ms:
        day = min(named.day, day_before(day))
    if at_ms < entitlement.month_start_ms:
        month = min(named.month, month - 1)
    return WindowNames(day, month)


def of_stored_month(entitlement: Entitlement, hold: Hold) -> bool:
    """Whether a hold counts in the stored month window."""
    return hold.granted_at_ms >= entitlement.month_start_ms


def segment_after(entitlement: Entitlement, now_ms: int) -> Segment:
    """The segment in force at `now_ms`, once the stored one is over.

    By a newer calendar, `now_ms` may lie in a day or month before the stored one: then the stored one goes on.
    """
    new = segment_at(entitlement.term, now_ms)
    if new.day >= entitlement.day and new.month >= entitlement.month:
        return new
    day, month = max(new.day, entitlement.day), max(new.month, entitlement.month)
    return opened_segment(entitlement.term, new.day_start_ms, new.month_start_ms, new.end_ms, day, month)


def expired_holds(entitlement: Entitlement, now_ms: int) -> tuple[Hold, ...]:
    """The holds whose units are no longer held; those that expired first come first."""
    expired = (h for h in entitlement.holds.values() if h.expires_at_ms <= now_ms)
    return tuple(sorted(expired, key=lambda h: (h.expires_at_ms, h.key)))


def _months_later_ms(starts_at_ms: int, time_zone: str, k: int) -> int:
    zone = time_zones.zone(time_zone)
    start = from_ms(starts_at_ms).astimezone(zone)
    months = start.month - 1 + k
    year, month = start.year + months // _MONTHS_PER_YEAR, months % _MONTHS_PER_YEAR + 1
    next_month = date(year + month // _MONTHS_PER_YEAR, month % _MONTHS_PER_YEAR + 1, 1)
    day = min(start.day, (next_month - timedelta(days=1)).day)
    return to_ms(start.replace(year=year, month=month, day=day, fold=0))


def _day_at(zone: ZoneInfo, at_ms: int) -> _Day:
    day = from_ms(at_ms).astimezone(zone).date()
    # Where clocks go back over midnight, the new day has begun at the first midnight and goes on.
    while at_ms >= (day_end := _midnight_ms(zone, day + timedelta(days=1))):
        day += timedelta(days=1)
    return _Day(day, _midnight_ms(zone, day), day_end)


def _midnight_ms(zone: ZoneInfo, day: date) -> int:
    return to_ms(datetime.combine(day, time.min, tzinfo=zone))
