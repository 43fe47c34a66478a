"""When a settle is late, and what the reset does of what is due, each at its boundary millisecond."""

from __future__ import annotations

import pytest

from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements.change import DayRow, MonthRow
from modelpass.errors import ErrorCode, Refusal
from tests.support.builders import NOON, attempt, entitlement, hold, ms

DAY_ENDS, MONTH_ENDS = ms("2026-12-02T00:00:00Z"), ms("2026-12-23T10:30:00Z")
TERM_ENDS, GRACE_ENDS = ms("2027-02-23T10:30:00Z"), ms("2027-05-24T10:30:00Z")
HOUR_MS = 3_600_000


def test_settles_are_accepted_until_ninety_days_after_the_term() -> None:
    term = entitlement().term
    assert entitlement_rules.settles_accepted(term, GRACE_ENDS - 1)
    assert not entitlement_rules.settles_accepted(term, GRACE_ENDS)


def test_settles_are_accepted_until_457_days_after_the_grant_however_long_the_term_goes_on() -> None:
    granted = hold(at_ms=NOON)
    assert entitlement_rules.is_recent(granted, NOON + 457 * 24 * HOUR_MS - 1)
    assert not entitlement_rules.is_recent(granted, NOON + 457 * 24 * HOUR_MS)


@pytest.mark.parametrize(
    ("granted_at_ms", "seconds", "late_from_ms"),
    [
        (NOON, 60, NOON + 60_000),  # the hold expires
        (DAY_ENDS - 1000, 900, DAY_ENDS),  # its day ends
        (MONTH_ENDS - 1000, 900, MONTH_ENDS),  # its month ends, within a day
        (TERM_ENDS - 1000, 900, TERM_ENDS),  # its term ends
        (NOON, 86_400, DAY_ENDS),
    ],
)
def test_settle_is_late_from_the_millisecond_its_hold_window_or_term_is_over(
    granted_at_ms: int, seconds: int, late_from_ms: int
) -> None:
    granted = hold(at_ms=granted_at_ms, seconds=seconds)
    stored = entitlement(at_ms=granted_at_ms)
    assert not entitlement_rules.is_late(stored, granted, late_from_ms - 1)
    assert entitlement_rules.is_late(stored, granted, late_from_ms)


def test_settle_is_late_once_its_window_was_closed_whatever_the_clock_says() -> None:
    assert entitlement_rules.is_late(entitlement(at_ms=DAY_ENDS), hold(at_ms=DAY_ENDS - 1), DAY_ENDS - 1)


def test_cancelling_alone_makes_no_settle_late() -> None:
    assert not entitlement_rules.is_late(entitlement()._replace(cancelled_at_ms=NOON), hold(), NOON + 1)


def test_reset_leaves_alone_what_is_not_due() -> None:
    assert entitlement_rules.plan_reset(entitlement(due_at_ms=None, calls=1), TERM_ENDS) is None
    assert entitlement_rules.plan_reset(entitlement(due_at_ms=DAY_ENDS, calls=1), DAY_ENDS - 1) is None


def test_reset_closes_a_used_day_and_then_waits_for_the_month() -> None:
    step = entitlement_rules.plan_reset(entitlement(due_at_ms=DAY_ENDS, calls=3, used=7, day_units=7), DAY_ENDS)
    assert step is not None
    assert (step.exact, step.closed_day, step.closed_month) == (True, DayRow("2026-12-01", 3, 7), None)
    assert step.after.due_at_ms == MONTH_ENDS


def test_reset_closes_a_used_month_and_then_has_nothing_left_to_look_for() -> None:
    stored = entitlement(at_ms=MONTH_ENDS - 1, due_at_ms=MONTH_ENDS, used=7)
    step = entitlement_rules.plan_reset(stored, MONTH_ENDS)
    assert step is not None
    assert (step.closed_day, step.closed_month) == (None, MonthRow(0, -7, 0, 7))
    assert step.after.due_at_ms is None


def test_reset_run_long_after_a_window_opens_the_one_in_force_and_no_empty_ones() -> None:
    stored = entitlement(due_at_ms=DAY_ENDS, calls=3, used=7, day_units=7)
    step = entitlement_rules.plan_reset(stored, MONTH_ENDS + 20 * 86_400_000)
    assert step is not None
    assert (step.closed_day, step.closed_month) == (DayRow("2026-12-01", 3, 7), MonthRow(0, -7, 0, 7))
    assert step.after.segment_start_ms == ms("2027-01-12T00:00:00Z")


def test_reset_gives_back_forty_expired_holds_and_is_due_at_once_for_the_rest() -> None:
    gone = [hold(f"gone-{n}", 1, seconds=60) for n in range(41)]
    now_ms = NOON + 60_000
    step = entitlement_rules.plan_reset(entitlement(holds=gone, calls=41, due_at_ms=now_ms), now_ms)
    assert step is not None
    assert (len(step.tickets), step.exact, step.after.due_at_ms) == (40, True, now_ms)
    last = entitlement_rules.plan_reset(step.after, now_ms)
    assert last is not None
    assert (len(last.tickets), last.after.due_at_ms) == (1, DAY_ENDS)


def test_reset_looks_at_open_holds_no_sooner_than_an_hour_on() -> None:
    stored = entitlement(holds=[hold(seconds=60)], calls=1, due_at_ms=NOON)
    step = entitlement_rules.plan_reset(stored, NOON)
    assert step is not None
    assert (step.tickets, step.after.due_at_ms) == ((), NOON + HOUR_MS)


def test_reset_keeps_the_last_windows_of_a_term_and_looks_no_more() -> None:
    stored = entitlement(at_ms=TERM_ENDS - 1, calls=3, used=7, due_at_ms=TERM_ENDS)
    step = entitlement_rules.plan_reset(stored, TERM_ENDS)
    assert step is not None
    assert (step.closed_day, step.closed_month, step.after.due_at_ms) == (None, None, None)
    assert step.after.counters == stored.counters


def test_reset_frees_holds_left_open_when_the_term_ended_once_they_expire() -> None:
    left_open = hold(at_ms=TERM_ENDS - 1, seconds=60)
    stored = entitlement(at_ms=TERM_ENDS - 1, holds=[left_open], calls=1, due_at_ms=TERM_ENDS)
    waits = entitlement_rules.plan_reset(stored, TERM_ENDS)
    assert waits is not None
    assert (waits.tickets, waits.after.due_at_ms) == ((), TERM_ENDS + HOUR_MS)
    frees = entitlement_rules.plan_reset(waits.after, TERM_ENDS + HOUR_MS)
    assert frees is not None
    assert (frees.tickets, frees.after.due_at_ms) == ((left_open,), None)


def test_reset_changes_no_decision() -> None:
    gone = [hold(f"gone-{n}", 100, seconds=60) for n in range(5)]
    stored = entitlement(holds=gone, calls=5, used=400, day_units=400, due_at_ms=NOON)
    for now_ms in (NOON + 60_000, DAY_ENDS, MONTH_ENDS - 1, MONTH_ENDS):
        step = entitlement_rules.plan_reset(stored, now_ms)
        assert step is not None
        for units in (600, 601):
            wanted = attempt(hold(units=units, at_ms=now_ms))
            with_reset, without = (entitlement_rules.decide_authorize(e, wanted, now_ms) for e in (step.after, stored))
            assert isinstance(with_reset, Refusal) == isinstance(without, Refusal)
            if isinstance(without, Refusal):
                assert with_reset == without


@pytest.mark.parametrize("param", ["units", "calls"])
@pytest.mark.parametrize(("amount", "used"), [(-7, 7), (-6, 7), (1, 0), (0, 0), (0, -1)])
def test_correction_may_take_all_that_was_used(param: str, amount: int, used: int) -> None:
    assert entitlement_rules.refuse_correction(param, amount, used) is None


@pytest.mark.parametrize("param", ["units", "calls"])
@pytest.mark.parametrize(
    ("amount", "used", "bound"),
    [(-8, 7, "at least -7: no more"), (-1, 0, "above 0: nothing"), (-2, 1, "at least -1: no more")],
)
def test_correction_that_takes_more_is_told_how_much_there_is(param: str, amount: int, used: int, bound: str) -> None:
    assert entitlement_rules.refuse_correction(param, amount, used) == Refusal(
        ErrorCode.INVALID_REQUEST,
        param=param,
        message=f"{param} must be {bound} was used in the windows of that instant; at names another.",
    )


@pytest.mark.parametrize(("calls", "left", "bound"), [(1, 0, 0), (6, 5, 5), (1, -3, 0)])
def test_correction_that_adds_more_calls_than_are_left_is_told_how_many(calls: int, left: int, bound: int) -> None:
    assert entitlement_rules.refuse_more_calls(calls, left) == Refusal(
        ErrorCode.INVALID_REQUEST,
        param="calls",
        message=f"calls must be at most {bound}: no more are left of that day; at names another.",
    )


@pytest.mark.parametrize(("calls", "left"), [(5, 5), (0, -3), (-4, 0)])
def test_calls_that_the_day_has_may_be_added(calls: int, left: int) -> None:
    assert entitlement_rules.refuse_more_calls(calls, left) is None
