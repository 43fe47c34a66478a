"""Which shares of a limit are told: at the unit that reaches them, for the windows that still go on, and once."""

from __future__ import annotations

import pytest

from modelpass.entitlements import accounting, thresholds
from modelpass.entitlements.change import Announcement, Change
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
        ends = [MONTH_ENDS if t.monthly else DAY_ENDS for t in reached]
        assert step.announcements == tuple(Announcement(t, end, NOON) for t, end in zip(reached, ends, strict=True))


def test_what_was_told_is_not_told_again_and_stays_marked() -> None:
    step = thresholds.announcing_step(entitlement(calls=50, used=800, announced=[DAY_80, MONTH_80]), NOON)
    assert step is not None
    assert (told(step), step.after.announced) == ([DAY_100], frozenset({DAY_80, MONTH_80, DAY_100}))
    assert thresholds.announcing_step(entitlement(calls=50, announced=[DAY_80, DAY_100]), NOON) is None


def test_what_is_held_counts_until_its_hold_expires() -> None:
    holding = entitlement(used=100, holds=[hold(units=700, seconds=60)], calls=1)
    assert told(thresholds.announcing_step(holding, NOON + 59_999)) == [MONTH_80]
    assert told(thresholds.announcing_step(holding, NOON + 60_000)) == []


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


def test_hold_counts_in_its_month_to_the_last_millisecond_of_it_however_late_it_is_closed() -> None:
    granted = hold(units=700, at_ms=MONTH_ENDS - 1000, seconds=1)
    expires_with_it = entitlement(at_ms=MONTH_ENDS - 1, used=100, holds=[granted], calls=1)
    assert told(thresholds.announce(accounting.roll(expires_with_it, MONTH_ENDS), MONTH_ENDS)) == [MONTH_80]

    over_before = hold(units=700, at_ms=MONTH_ENDS - 1001, seconds=1)
    expires_sooner = entitlement(at_ms=MONTH_ENDS - 1, used=100, holds=[over_before], calls=1)
    assert told(thresholds.announce(accounting.roll(expires_sooner, MONTH_ENDS), MONTH_ENDS)) == []


def test_clock_that_is_behind_the_stored_windows_tells_of_these() -> None:
    step = thresholds.announcing_step(entitlement(calls=40, bought=limits()), ms("2026-11-30T12:00:00Z"))
    assert step is not None
    assert step.announcements == (Announcement(DAY_80, DAY_ENDS, ms("2026-12-01T00:00:00Z")),)
