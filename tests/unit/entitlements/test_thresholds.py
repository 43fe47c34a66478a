"""Which shares of a limit are told: of what was really used, for the windows that still go on, once per crossing."""

from __future__ import annotations

import pytest

from modelpass.entitlements import accounting, thresholds
from modelpass.entitlements.change import Announcement, Change, Correction
from modelpass.entitlements.model import Threshold
from tests.support.builders import NOON, entitlement, hold, limits, ms

DAY_ENDS, MONTH_ENDS = ms("2026-12-02T00:00:00Z"), ms("2026-12-23T10:30:00Z")
DAY_80, DAY_100 = (next(t for t in Threshold if (t.monthly, t.percent) == (False, p)) for p in (80, 100))
MONTH_80, MONTH_100 = (next(t for t in Threshold if (t.monthly, t.percent) == (True, p)) for p in (80, 100))


def told(step: Change | None) -> list[Threshold]:
    return [] if step is None else [a.threshold for a in step.announcements]


@pytest.mark.parametrize(
    ("calls", "used", "reached"),
    [
        (39, 799, []),
        (40, 0, [DAY_80]),
        (49, 0, [DAY_80]),
        (50, 0, [DAY_80, DAY_100]),
        (0, 800, [MONTH_80]),
        (0, 999, [MONTH_80]),
        (0, 1000, [MONTH_80, MONTH_100]),
        (40, 800, [DAY_80, MONTH_80]),
        (0, 1200, [MONTH_80, MONTH_100]),
    ],
)
def test_share_is_told_from_the_call_or_unit_that_reaches_it(calls: int, used: int, reached: list[Threshold]) -> None:
    step = thresholds.announcing_step(entitlement(calls=calls, used=used), NOON)
    assert told(step) == reached
    assert (step is None) == (not reached)
    if step is not None:
        assert step.after.announced == frozenset(reached)
        events = [(a.threshold, a.window_ends_at_ms, a.at_ms) for a in step.announcements]
        assert events == [(t, MONTH_ENDS if t.monthly else DAY_ENDS, NOON) for t in reached]


@pytest.mark.parametrize(
    ("limit", "least"),
    [(1, (1, 1)), (2, (2, 2)), (4, (4, 4)), (5, (4, 5)), (6, (5, 6)), (10**15, (8 * 10**14, 10**15))],
)
def test_share_of_a_limit_is_the_smallest_whole_number_that_is_not_below_it(limit: int, least: tuple[int, int]) -> None:
    assert (DAY_80.least_of(limit), DAY_100.least_of(limit)) == least
    assert (MONTH_80.least_of(limit), MONTH_100.least_of(limit)) == least


def test_what_was_told_is_not_told_again_and_stays_marked() -> None:
    step = thresholds.announcing_step(entitlement(calls=50, used=800, announced=[DAY_80, MONTH_80]), NOON)
    assert step is not None
    assert (told(step), step.after.announced) == ([DAY_100], frozenset({DAY_80, MONTH_80, DAY_100}))
    assert thresholds.announcing_step(entitlement(calls=50, announced=[DAY_80, DAY_100]), NOON) is None


def test_estimate_reaches_nothing_however_large() -> None:
    assert thresholds.announcing_step(entitlement(used=799, holds=[hold(units=10**6)], calls=1), NOON) is None


def test_calls_of_a_block_count_once_it_has_expired_and_a_single_call_at_once() -> None:
    block = entitlement(calls=40, holds=[hold(calls=2, seconds=60)])
    assert told(thresholds.announcing_step(block, NOON + 59_999)) == []
    assert told(thresholds.announcing_step(block, NOON + 60_000)) == [DAY_80]
    assert told(thresholds.announcing_step(entitlement(calls=40, holds=[hold(calls=1)]), NOON)) == [DAY_80]
    beside = entitlement(calls=42, holds=[hold("block", calls=2), hold("single")])
    assert told(thresholds.announcing_step(beside, NOON)) == [DAY_80]


def test_block_of_a_day_before_takes_nothing_from_what_is_used_today() -> None:
    at_midnight = ms("2026-12-01T00:00:00Z")
    today = hold(calls=5, at_ms=at_midnight, seconds=86_400)
    yesterday = hold(calls=5, at_ms=at_midnight - 1, seconds=86_400)
    assert told(thresholds.announcing_step(entitlement(calls=44, holds=[today]), NOON)) == []
    assert told(thresholds.announcing_step(entitlement(calls=44, holds=[yesterday]), NOON)) == [DAY_80]


def test_mark_lapses_with_what_was_counted_and_the_next_crossing_is_told() -> None:
    fallen = entitlement(calls=49, used=799, announced=list(Threshold), lapses=4)
    step = thresholds.announcing_step(fallen, NOON)
    assert step is not None
    assert (told(step), step.after.announced, step.after.lapses) == ([], frozenset({DAY_80}), 5)
    assert thresholds.announcing_step(step.after, NOON) is None
    again = thresholds.announcing_step(entitlement(calls=50, announced=[DAY_80], lapses=5), NOON)
    assert again is not None
    assert (told(again), again.after.announced, again.after.lapses) == ([DAY_100], frozenset({DAY_80, DAY_100}), 5)


def test_one_write_tells_what_is_crossed_upwards_and_takes_away_what_is_crossed_downwards() -> None:
    step = thresholds.announcing_step(entitlement(calls=40, used=799, announced=[MONTH_80]), NOON)
    assert step is not None
    assert (told(step), step.after.announced, step.after.lapses) == ([DAY_80], frozenset({DAY_80}), 1)


def test_no_clock_makes_a_mark_lapse() -> None:
    """A machine whose clock is behind finds a block open that others have seen expire, and told of."""
    marked = entitlement(calls=40, holds=[hold(calls=2, seconds=60)], announced=[DAY_80])
    for now_ms in (NOON - 86_400_000, NOON, NOON + 60_000, NOON + 3_600_000):
        assert thresholds.announcing_step(marked, now_ms) is None


def test_mark_of_a_window_that_is_over_goes_with_its_window() -> None:
    marked = entitlement(calls=39, used=799, announced=list(Threshold))
    step = thresholds.announcing_step(marked, DAY_ENDS)
    assert step is not None
    assert (step.after.announced, step.after.lapses) == (frozenset({DAY_80, DAY_100}), 1)
    assert thresholds.announcing_step(step.after, DAY_ENDS) is None
    closing = thresholds.announce(accounting.roll(marked, DAY_ENDS), DAY_ENDS)
    assert (told(closing), closing.after.announced, closing.after.lapses) == ([], frozenset(), 1)
    only_days = thresholds.announce(accounting.roll(entitlement(announced=[DAY_80]), DAY_ENDS), DAY_ENDS)
    assert (only_days.after.announced, only_days.after.lapses) == (frozenset(), 0)


def test_correction_lets_a_mark_lapse_with_its_own_write() -> None:
    def corrected(units: int) -> tuple[frozenset[Threshold], int]:
        stored = entitlement(calls=50, used=1000, day_units=1000, announced=list(Threshold))
        made = Correction("key", b"body", b"nonce", "operator", units, NOON, "reason", NOON)
        after = thresholds.without_lapsed(accounting.correct(stored, made)).after
        return after.announced, after.lapses

    assert corrected(10) == (frozenset(Threshold), 0)
    assert corrected(-1) == (frozenset(Threshold) - {MONTH_100}, 1)
    assert corrected(-200) == (frozenset(Threshold) - {MONTH_100}, 1)
    assert corrected(-201) == (frozenset({DAY_80, DAY_100}), 1)


def test_window_that_is_over_is_told_no_more_but_as_it_is_closed() -> None:
    used = entitlement(calls=40, used=800)
    assert told(thresholds.announcing_step(used, DAY_ENDS - 1)) == [DAY_80, MONTH_80]
    assert told(thresholds.announcing_step(used, DAY_ENDS)) == [MONTH_80]
    closing = thresholds.announce(accounting.roll(used, DAY_ENDS), DAY_ENDS)
    assert (told(closing), closing.after.announced) == ([DAY_80, MONTH_80], frozenset({MONTH_80}))
    both = entitlement(at_ms=MONTH_ENDS - 1, calls=40, used=800)
    assert told(thresholds.announcing_step(both, MONTH_ENDS - 1)) == [DAY_80, MONTH_80]
    assert told(thresholds.announcing_step(both, MONTH_ENDS)) == [DAY_80]  # its day goes on to midnight
    assert told(thresholds.announcing_step(both, MONTH_ENDS + 86_400_000)) == []
    closed = thresholds.announce(accounting.roll(both, MONTH_ENDS), MONTH_ENDS)
    assert (told(closed), closed.after.announced) == ([DAY_80, MONTH_80], frozenset({DAY_80}))


def test_block_counts_if_it_expired_within_its_day_however_late_the_day_is_closed() -> None:
    def closed_with(seconds: int) -> list[Threshold]:
        block = hold(calls=2, at_ms=DAY_ENDS - 60_000, seconds=seconds)
        stored = entitlement(calls=40, holds=[block])
        return told(thresholds.announce(accounting.roll(stored, DAY_ENDS + 86_400_000), DAY_ENDS + 86_400_000))

    assert closed_with(59) == [DAY_80]
    assert closed_with(60) == []


def test_clock_that_is_behind_the_stored_windows_tells_of_these() -> None:
    step = thresholds.announcing_step(entitlement(calls=40, bought=limits()), ms("2026-11-30T12:00:00Z"))
    assert step is not None
    assert step.announcements == (Announcement(DAY_80, DAY_ENDS, ms("2026-12-01T00:00:00Z"), 40),)
