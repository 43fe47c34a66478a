"""Day and month windows in a time zone. Rule: the calendar alone decides; no clock is read here.

A day window ends at the next local midnight, so days of 23 and 25 hours are whole days. Month window k begins
k months after the start of the term at the same local time, the day cut to the month's length and always
counted from the original day (31 January, 28 February, 31 March). A local time that is skipped is read with
the offset before the change, a repeated one is its first occurrence: this is `fold=0` of PEP 495.
A segment is a day window cut with a month window and the term: inside one, neither window changes.

Calendars change: a zone's clocks are moved by law, sometimes with a few days' notice, and new time zone data then says
otherwise than what was stored. What was sold or opened stays as it was; only what is opened later follows new data.
"""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from modelpass.entitlements.model import Term
from modelpass.times import from_ms, to_ms

_MONTHS_PER_YEAR = 12


class Segment(NamedTuple):
    """One day window cut with one month window; ends are exclusive, in milliseconds."""

    day_start_ms: int
    month_start_ms: int
    end_ms: int
    day: str
    day_end_ms: int
    month: int
    month_end_ms: int

    @property
    def start_ms(self) -> int:
        """Since when both windows are in force."""
        return max(self.day_start_ms, self.month_start_ms)


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Every IANA name of the pinned tzdata package."""
    from importlib import resources  # noqa: PLC0415 - for those who sell; it takes longer to load than all of this

    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - {"Factory"}


def day_of(at_ms: int, time_zone: str) -> date:
    """The local date of an instant: the day window it lies in."""
    return _day_at(ZoneInfo(time_zone), at_ms)[0]


@lru_cache(maxsize=1024)
def month_start_ms(term: Term, k: int) -> int:
    """The first millisecond of month window `k` of a term; `k = months` is the end of the term."""
    if k == 0:
        return term.starts_at_ms
    if k == term.months:
        return term.ends_at_ms
    return _months_later_ms(term.starts_at_ms, term.time_zone, k)


def _months_later_ms(starts_at_ms: int, time_zone: str, k: int) -> int:
    zone = ZoneInfo(time_zone)
    start = from_ms(starts_at_ms).astimezone(zone)
    months = start.month - 1 + k
    year, month = start.year + months // _MONTHS_PER_YEAR, months % _MONTHS_PER_YEAR + 1
    next_month = date(year + month // _MONTHS_PER_YEAR, month % _MONTHS_PER_YEAR + 1, 1)
    day = min(start.day, (next_month - timedelta(days=1)).day)
    return to_ms(start.replace(year=year, month=month, day=day, fold=0))


def term_of(starts_at_ms: int, months: int, time_zone: str) -> Term:
    """A term as it is sold: it ends when its last month window ends."""
    return Term(starts_at_ms, months, time_zone, _months_later_ms(starts_at_ms, time_zone, months))


@lru_cache(maxsize=4096)
def segment_at(term: Term, at_ms: int) -> Segment:
    """The segment in force at an instant; before the term its first, after the term its last."""
    at_ms = min(max(at_ms, term.starts_at_ms), term.ends_at_ms - 1)
    month = next(k for k in range(term.months) if at_ms < month_start_ms(term, k + 1))
    month_end = month_start_ms(term, month + 1)
    day, day_start, day_end = _day_at(ZoneInfo(term.time_zone), at_ms)
    return Segment(
        day_start_ms=day_start,
        month_start_ms=month_start_ms(term, month),
        end_ms=min(day_end, month_end),
        day=day.isoformat(),
        day_end_ms=day_end,
        month=month,
        month_end_ms=month_end,
    )


@lru_cache(maxsize=4096)
def opened_segment(term: Term, starts_ms: tuple[int, int], end_ms: int, day: str, month: int) -> Segment:
    """A segment that is in force as it was opened, whatever the zone's calendar has become since.

    `starts_ms` are those of its day and its month. Its windows end no sooner than it does: until then, what is counted
    counts in them.
    """
    next_day = date.fromisoformat(day) + timedelta(days=1)
    return Segment(
        day_start_ms=starts_ms[0],
        month_start_ms=starts_ms[1],
        end_ms=end_ms,
        day=day,
        day_end_ms=max(end_ms, _midnight_ms(ZoneInfo(term.time_zone), next_day)),
        month=month,
        month_end_ms=max(end_ms, month_start_ms(term, month + 1)),
    )


def day_before(day: str) -> str:
    """The date before a date."""
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()


def _day_at(zone: ZoneInfo, at_ms: int) -> tuple[date, int, int]:
    day = from_ms(at_ms).astimezone(zone).date()
    # Where clocks went back over midnight, the new day began at the first midnight and goes on.
    while at_ms >= (day_end := _midnight_ms(zone, day + timedelta(days=1))):
        day += timedelta(days=1)
    return day, _midnight_ms(zone, day), day_end


def _midnight_ms(zone: ZoneInfo, day: date) -> int:
    return to_ms(datetime.combine(day, time.min, tzinfo=zone))
