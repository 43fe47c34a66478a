"""Day and month windows: every expected instant was worked out by hand and is written as UTC text."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.entitlements import windows
from modelpass.entitlements.windows import month_window_start_ms, segment_at, term_of
from modelpass.times import rfc3339
from tests.support.builders import PROPERTY, ms, terms

if TYPE_CHECKING:
    from modelpass.entitlements.model import Term

MONTHS = [
    # zone, start, months on, where that window begins
    ("UTC", "2026-01-31T10:30:00Z", 1, "2026-02-28T10:30:00Z"),
    ("UTC", "2026-01-31T10:30:00Z", 2, "2026-03-31T10:30:00Z"),
    ("UTC", "2026-01-31T10:30:00Z", 3, "2026-04-30T10:30:00Z"),
    ("UTC", "2026-01-31T10:30:00Z", 12, "2027-01-31T10:30:00Z"),
    ("UTC", "2028-01-31T00:00:00Z", 1, "2028-02-29T00:00:00Z"),
    ("UTC", "2028-01-30T23:59:59Z", 1, "2028-02-29T23:59:59Z"),
    ("UTC", "2028-02-29T08:00:00Z", 1, "2028-03-29T08:00:00Z"),
    ("UTC", "2028-02-29T08:00:00Z", 12, "2029-02-28T08:00:00Z"),
    ("UTC", "2027-12-31T00:00:00Z", 1, "2028-01-31T00:00:00Z"),
    ("UTC", "2027-12-31T00:00:00Z", 2, "2028-02-29T00:00:00Z"),
    ("UTC", "2026-11-30T00:00:00Z", 1, "2026-12-30T00:00:00Z"),
    ("UTC", "2026-11-30T00:00:00Z", 3, "2027-02-28T00:00:00Z"),
    # 00:30 on 1 March in Berlin is still February in UTC: the local day is the one that counts
    ("Europe/Berlin", "2026-02-28T23:30:00Z", 1, "2026-03-31T22:30:00Z"),
    # 02:30 on 29 March is skipped (02:00 becomes 03:00): read at +01:00, the offset before
    ("Europe/Berlin", "2026-01-29T01:30:00Z", 1, "2026-02-28T01:30:00Z"),
    ("Europe/Berlin", "2026-01-29T01:30:00Z", 2, "2026-03-29T01:30:00Z"),
    ("Europe/Berlin", "2026-01-29T01:30:00Z", 3, "2026-04-29T00:30:00Z"),
    # 02:30 on 25 October happens twice: the first is at +02:00
    ("Europe/Berlin", "2026-09-25T00:30:00Z", 1, "2026-10-25T00:30:00Z"),
    ("Europe/Berlin", "2026-09-25T00:30:00Z", 2, "2026-11-25T01:30:00Z"),
    # bought in the second 02:30: the window begins there, later ones by the clock on the wall
    ("Europe/Berlin", "2026-10-25T01:30:00Z", 0, "2026-10-25T01:30:00Z"),
    ("Europe/Berlin", "2026-10-25T01:30:00Z", 1, "2026-11-25T01:30:00Z"),
    ("Europe/Berlin", "2026-10-25T01:30:00Z", 12, "2027-10-25T00:30:00Z"),
    ("America/New_York", "2026-02-08T07:30:00Z", 1, "2026-03-08T07:30:00Z"),  # 02:30 is skipped
    ("America/New_York", "2026-02-08T07:30:00Z", 2, "2026-04-08T06:30:00Z"),
    ("America/New_York", "2026-10-01T05:30:00Z", 1, "2026-11-01T05:30:00Z"),  # 01:30 is repeated
    ("America/New_York", "2026-10-01T05:30:00Z", 2, "2026-12-01T06:30:00Z"),
    ("Asia/Kolkata", "2026-01-30T18:30:00Z", 1, "2026-02-27T18:30:00Z"),  # midnights at +05:30
    ("Asia/Kolkata", "2026-01-30T18:30:00Z", 2, "2026-03-30T18:30:00Z"),
    ("Australia/Lord_Howe", "2026-03-04T14:45:00Z", 1, "2026-04-04T14:45:00Z"),  # 01:45 repeated, by half an hour
    ("Australia/Lord_Howe", "2026-03-04T14:45:00Z", 2, "2026-05-04T15:15:00Z"),
    ("Australia/Lord_Howe", "2026-09-03T15:45:00Z", 1, "2026-10-03T15:45:00Z"),  # 02:15 skipped, by half an hour
    ("Australia/Lord_Howe", "2026-09-03T15:45:00Z", 2, "2026-11-03T15:15:00Z"),
    ("America/Sao_Paulo", "2018-10-04T03:00:00Z", 1, "2018-11-04T03:00:00Z"),  # midnight is skipped
    ("America/Sao_Paulo", "2018-10-04T03:00:00Z", 2, "2018-12-04T02:00:00Z"),
    ("Asia/Beirut", "2026-01-28T22:00:00Z", 1, "2026-02-27T22:00:00Z"),
    ("Asia/Beirut", "2026-01-28T22:00:00Z", 2, "2026-03-28T22:00:00Z"),  # midnight is skipped
    ("Asia/Beirut", "2026-01-28T22:00:00Z", 3, "2026-04-28T21:00:00Z"),
    ("America/Havana", "2023-10-05T04:00:00Z", 1, "2023-11-05T04:00:00Z"),  # midnight is repeated
    ("America/Havana", "2023-10-05T04:00:00Z", 2, "2023-12-05T05:00:00Z"),
]

DAYS = [
    # zone, the day, its first instant, the first instant after it, its hours
    ("UTC", "2028-02-29", "2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", 24),
    ("Europe/Berlin", "2026-03-29", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23),
    ("Europe/Berlin", "2026-10-25", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25),
    ("America/New_York", "2026-03-08", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 23),
    ("America/New_York", "2026-11-01", "2026-11-01T04:00:00Z", "2026-11-02T05:00:00Z", 25),
    ("Asia/Kolkata", "2026-07-15", "2026-07-14T18:30:00Z", "2026-07-15T18:30:00Z", 24),
    ("Asia/Kathmandu", "2026-07-15", "2026-07-14T18:15:00Z", "2026-07-15T18:15:00Z", 24),
    ("Australia/Lord_Howe", "2026-04-05", "2026-04-04T13:00:00Z", "2026-04-05T13:30:00Z", 24.5),
    ("Australia/Lord_Howe", "2026-10-04", "2026-10-03T13:30:00Z", "2026-10-04T13:00:00Z", 23.5),
    # clocks go forward at midnight: the day begins at 01:00
    ("America/Sao_Paulo", "2018-11-04", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", 23),
    ("Africa/Cairo", "2026-04-24", "2026-04-23T22:00:00Z", "2026-04-24T21:00:00Z", 23),
    ("Asia/Beirut", "2026-03-29", "2026-03-28T22:00:00Z", "2026-03-29T21:00:00Z", 23),
    # clocks go back at midnight: the hour before it happens twice
    ("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T03:00:00Z", 25),
    ("Africa/Cairo", "2026-10-29", "2026-10-28T21:00:00Z", "2026-10-29T22:00:00Z", 25),
    # midnight itself happens twice: the day begins with the first
    ("America/Havana", "2023-11-04", "2023-11-04T04:00:00Z", "2023-11-05T04:00:00Z", 24),
    ("America/Havana", "2023-11-05", "2023-11-05T04:00:00Z", "2023-11-06T05:00:00Z", 25),
    # one minute into Sunday clocks went back to 23:01 on Saturday: Sunday had begun, and goes on
    ("America/St_Johns", "2010-11-06", "2010-11-06T02:30:00Z", "2010-11-07T02:30:00Z", 24),
    ("America/St_Johns", "2010-11-07", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z", 25),
    # a day that never was: Friday the 30th
    ("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", 24),
    ("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", 24),
]

CUT = term_of(ms("2026-01-31T10:30:00Z"), 2, "UTC")
SEGMENTS = [
    # at, segment start, segment end, day, day end, month, month start, month end
    ("2026-01-31T10:30:00Z", "01-31T10:30", "02-01T00:00", "01-31", "02-01T00:00", 0, "01-31T10:30", "02-28T10:30"),
    ("2026-01-31T23:59:59.999Z", "01-31T10:30", "02-01T00:00", "01-31", "02-01T00:00", 0, "01-31T10:30", "02-28T10:30"),
    ("2026-02-01T00:00:00Z", "02-01T00:00", "02-02T00:00", "02-01", "02-02T00:00", 0, "01-31T10:30", "02-28T10:30"),
    ("2026-02-28T10:29:59.999Z", "02-28T00:00", "02-28T10:30", "02-28", "03-01T00:00", 0, "01-31T10:30", "02-28T10:30"),
    ("2026-02-28T10:30:00Z", "02-28T10:30", "03-01T00:00", "02-28", "03-01T00:00", 1, "02-28T10:30", "03-31T10:30"),
    ("2026-03-31T10:29:59.999Z", "03-31T00:00", "03-31T10:30", "03-31", "04-01T00:00", 1, "02-28T10:30", "03-31T10:30"),
    # outside the term: its first and its last
    ("2020-01-01T00:00:00Z", "01-31T10:30", "02-01T00:00", "01-31", "02-01T00:00", 0, "01-31T10:30", "02-28T10:30"),
    ("2026-03-31T10:30:00Z", "03-31T00:00", "03-31T10:30", "03-31", "04-01T00:00", 1, "02-28T10:30", "03-31T10:30"),
    ("2031-01-01T00:00:00Z", "03-31T00:00", "03-31T10:30", "03-31", "04-01T00:00", 1, "02-28T10:30", "03-31T10:30"),
]


@pytest.mark.parametrize(("zone", "start", "months", "expected"), MONTHS)
def test_month_windows_begin_at_the_same_local_time_of_the_original_day(
    zone: str, start: str, months: int, expected: str
) -> None:
    assert rfc3339(month_window_start_ms(term_of(ms(start), 12, zone), months)) == expected
    if months:
        assert term_of(ms(start), months, zone).ends_at_ms == ms(expected)


@pytest.mark.parametrize(("zone", "day", "start", "end", "hours"), DAYS)
def test_day_windows_end_at_the_next_local_midnight(zone: str, day: str, start: str, end: str, hours: float) -> None:
    assert ms(end) - ms(start) == hours * 3_600_000
    term = term_of(ms(start) - 20 * 86_400_000 - 43_200_000, 3, zone)  # begins at another time of day
    for at_ms in (ms(start), (ms(start) + ms(end)) // 2, ms(end) - 3_000_000, ms(end) - 1):
        segment = segment_at(term, at_ms)
        assert (segment.day, segment.start_ms, segment.end_ms) == (day, ms(start), ms(end))
        assert segment.day_end_ms == ms(end)
    assert segment_at(term, ms(start) - 1).end_ms == ms(start)
    assert segment_at(term, ms(end)).start_ms == ms(end)


@pytest.mark.parametrize(("at", "start", "end", "day", "day_end", "month", "month_start", "month_end"), SEGMENTS)
def test_segments_are_days_cut_with_months_and_the_term(  # noqa: PLR0913, PLR0917 - columns of a table
    at: str, start: str, end: str, day: str, day_end: str, month: int, month_start: str, month_end: str
) -> None:
    expected = windows.Segment(
        day_start_ms=ms(f"2026-{day}T00:00:00Z"),
        month_start_ms=ms(f"2026-{month_start}:00Z"),
        end_ms=ms(f"2026-{end}:00Z"),
        day=f"2026-{day}",
        day_end_ms=ms(f"2026-{day_end}:00Z"),
        month=month,
        month_end_ms=ms(f"2026-{month_end}:00Z"),
    )
    assert segment_at(CUT, ms(at)) == expected
    assert expected.start_ms == ms(f"2026-{start}:00Z")


@PROPERTY
@given(terms())
def test_months_tile_the_term_one_window_for_each_month(term: Term) -> None:
    starts = [month_window_start_ms(term, k) for k in range(term.months + 1)]
    assert starts[0] == term.starts_at_ms
    assert starts[-1] == term.ends_at_ms
    for k, (start, end) in enumerate(pairwise(starts)):
        assert 27 * 86_400_000 < end - start < 32 * 86_400_000
        for at_ms in (start, end - 1):
            segment = segment_at(term, at_ms)
            assert (segment.month, segment.month_end_ms) == (k, end)


@PROPERTY
@given(terms())
def test_segments_tile_the_term_without_gap_or_overlap(term: Term) -> None:
    at_ms, days, seen = term.starts_at_ms, [""], set()
    while at_ms < term.ends_at_ms:
        segment = segment_at(term, at_ms)
        assert segment.start_ms == at_ms < segment.end_ms
        assert segment == segment_at(term, segment.end_ms - 1)
        starts_ms = segment.day_start_ms, segment.month_start_ms
        opened = windows.opened_segment(term, *starts_ms, segment.end_ms, segment.day, segment.month)
        assert opened == segment
        if segment.day != days[-1]:
            days.append(segment.day)
        seen.add((segment.day, segment.month))
        at_ms = segment.end_ms
    assert at_ms == term.ends_at_ms
    assert days == sorted(set(days))
    assert {month for _, month in seen} == set(range(term.months))


@PROPERTY
@given(terms(), st.data())
def test_every_instant_is_in_its_segment_and_in_its_local_day(term: Term, data: st.DataObject) -> None:
    at_ms = data.draw(st.integers(term.starts_at_ms, term.ends_at_ms - 1))
    segment = segment_at(term, at_ms)
    assert segment.start_ms <= at_ms < segment.end_ms
    assert month_window_start_ms(term, segment.month) <= at_ms < segment.month_end_ms
    assert segment.end_ms == min(segment.day_end_ms, segment.month_end_ms)
    # Where clocks go back over midnight, the day that had begun goes on: the latest date of the last hours.
    instant = datetime.fromtimestamp(at_ms / 1000, ZoneInfo(term.time_zone))
    back = [(instant.astimezone(ZoneInfo("UTC")) - timedelta(minutes=10 * n)) for n in range(19)]
    assert segment.day == max(b.astimezone(instant.tzinfo).date() for b in back).isoformat()
