"""Slow steps on any entitlement: nothing is lost or doubled, and the request built from a step does just that step."""

from __future__ import annotations

from hypothesis import assume, event, given
from hypothesis import strategies as st

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import accounting, change, windows
from modelpass.entitlements.change import Change, Correction, DayRow, TierBreach
from modelpass.entitlements.model import Entitlement, Hold
from modelpass.entitlements.windows import segment_at
from modelpass.times import DAY_MS
from ops.audit.entitlement_equations import held_in_stored_month
from tests.support.builders import LIMIT, NOON, PROPERTY, entitlement, entitlements, hold
from tests.support.steps import checked

Stored = tuple[Entitlement, int]


def units_of(of: Entitlement) -> int:
    """Units that are not free in the stored month."""
    return of.counters.month_used + held_in_stored_month(of)


@PROPERTY
@given(entitlements(over=True))
def test_roll_closes_what_happened_and_opens_the_windows_in_force(pair: Stored) -> None:
    before, now_ms = pair
    step = checked(accounting.roll(before, now_ms))
    old, new = windows.stored_segment(before), segment_at(before.term, now_ms)
    after = step.after
    assert step.exact
    assert (after.segment_start_ms, after.segment_end_ms) == (new.start_ms, new.end_ms)
    assert after.holds == before.holds
    if new.day == old.day:
        assert after.counters.day_calls == before.counters.day_calls
        assert step.closed_day is None
    else:
        event("day closed")
        closed = step.closed_day or change.DayRow(old.day, 0, 0)
        assert closed == change.DayRow(old.day, before.counters.day_calls, before.counters.day_units)
        assert after.counters.day_left == before.limits.daily_call_limit
    if new.month == old.month:
        assert units_of(after) == units_of(before)
        assert step.closed_month is None
    else:
        event("month closed")
        row = step.closed_month or change.MonthRow(old.month, 0, 0, 0)
        assert (row.month, row.held, row.used) == (old.month, held_in_stored_month(before), before.counters.month_used)
        assert after.counters.month_left == before.limits.monthly_cap - held_in_stored_month(after)


@PROPERTY
@given(entitlements(least_holds=1))
def test_reclaim_gives_each_unit_back_once_to_the_month_it_was_held_in(pair: Stored) -> None:
    before, _ = pair
    expired = windows.expired_holds(before, before.expires_at_ms + DAY_MS)[: accounting.RECLAIM_BATCH]
    step = checked(accounting.reclaim(before, expired))
    here = sum(h.units for h in expired if windows.of_stored_month(before, h))
    elsewhere = sum(row.left for row in step.late_months)
    assert here + elsewhere == sum(h.units for h in expired)
    assert step.after.counters.month_left == before.counters.month_left + here
    assert step.after.counters.day_calls == before.counters.day_calls
    assert set(step.tickets) == set(expired) == set(before.holds.values()) - set(step.after.holds.values())
    event(f"months touched: {len(step.late_months)}")


@PROPERTY
@given(entitlements(), st.integers(0, 400), st.integers(1, 5))
def test_grant_takes_just_the_units_and_calls_of_its_hold(pair: Stored, units: int, calls: int) -> None:
    before, now_ms = pair
    over = now_ms >= before.segment_end_ms
    step = accounting.roll(before, now_ms) if over else Change(before, before)
    new = hold("new", units, calls, at_ms=now_ms)
    assume(calls <= step.after.counters.day_left)
    granted = checked(accounting.with_grant(step, new, new.units))
    was, now = step.after.counters, granted.after.counters
    assert (was.day_calls + calls, was.month_left - units) == (now.day_calls, now.month_left)
    assert granted.after.holds == {**before.holds, new.key: new}
    assert granted.after.armed
    assert granted.grant == new


@PROPERTY
@given(entitlements(least_holds=1), st.integers(0, 600), st.data())
def test_book_ends_a_hold_once_in_the_windows_it_was_granted_in(pair: Stored, used: int, data: st.DataObject) -> None:
    before, _ = pair
    granted = data.draw(st.sampled_from(sorted(before.holds.values(), key=lambda h: h.nonce)))
    calls = data.draw(st.integers(0, granted.calls))
    booked = checked(accounting.book(before, granted, used, calls, reclaimed=False))
    assert granted.key not in booked.after.holds
    assert_booked(booked, granted, used, calls)
    if data.draw(st.booleans()):
        checked(booked._replace(breach=TierBreach(granted, Tier.BASIC, NOON)))


@PROPERTY
@given(entitlements(least_holds=1), st.integers(0, 600), st.data())
def test_book_of_a_reclaimed_hold_leaves_the_same_figures_as_of_an_open_one(
    pair: Stored, used: int, data: st.DataObject
) -> None:
    before, _ = pair
    granted = data.draw(st.sampled_from(sorted(before.holds.values(), key=lambda h: h.nonce)))
    calls = data.draw(st.integers(0, granted.calls))
    direct = accounting.book(before, granted, used, calls, reclaimed=False)
    reclaimed = checked(accounting.reclaim(before, (granted,)))
    late = checked(accounting.book(reclaimed.after, granted, used, calls, reclaimed=True))
    assert late.after == direct.after
    assert late.spent_ticket == granted
    assert late.late_day == direct.late_day
    assert closed_figures(reclaimed, late) == closed_figures(direct)


def assert_booked(step: Change, granted: Hold, used: int, calls: int) -> None:
    """Check that usage and calls given back arrive in one day and one month, the hold's own."""
    was, now = step.before.counters, step.after.counters
    day_row = step.late_day or change.DayRow("", 0, 0)
    assert was.day_calls - now.day_calls - day_row.calls == granted.calls - calls
    assert now.day_units - was.day_units + day_row.units == used
    rows = step.late_months
    assert now.month_used - was.month_used + sum(row.used for row in rows) == used
    assert now.month_left - was.month_left + sum(row.left for row in rows) == granted.units - used
    month = segment_at(step.before.term, granted.granted_at_ms).month
    assert {row.month for row in rows} <= {month}


def closed_figures(*steps: Change) -> dict[int, tuple[int, int, int]]:
    """What the steps add up to for each closed month that they touch."""
    rows: dict[int, tuple[int, int, int]] = {}
    for row in (row for step in steps for row in step.late_months):
        left, held, used = rows.get(row.month, (0, 0, 0))
        rows[row.month] = (left + row.left, held + row.held, used + row.used)
    return {month: figures for month, figures in rows.items() if any(figures)}


def test_settle_and_correction_of_the_stored_windows_leave_no_rows_beside_the_item() -> None:
    open_hold = hold(units=10, calls=2)
    stored = entitlement(holds=[open_hold], calls=2)
    booked = accounting.book(stored, open_hold, 4, 1, reclaimed=False)
    for step in (booked, accounting.correct(stored, correction(5, NOON))):
        assert (step.late_day, step.late_months) == (None, ())


def test_correction_of_an_earlier_day_moves_units_and_no_calls() -> None:
    step = accounting.correct(entitlement(at_ms=NOON), correction(5, NOON - DAY_MS))
    assert (step.late_day, step.late_months) == (DayRow("2026-11-30", 0, 5, LIMIT), ())
    assert step.after.counters.month_used == 5


def test_calls_are_corrected_in_their_day_and_in_no_month() -> None:
    stored = entitlement(at_ms=NOON, calls=3)
    step = accounting.correct(stored, correction(0, NOON)._replace(calls=-2))
    assert (step.after.counters.day_left, step.after.counters.day_calls) == (LIMIT - 1, 1)
    assert step.after.counters._replace(day_left=0, day_calls=0) == stored.counters._replace(day_left=0, day_calls=0)
    late = accounting.correct(stored, correction(0, NOON - DAY_MS)._replace(calls=-2))
    assert (late.late_day, late.late_months) == (DayRow("2026-11-30", -2, 0, LIMIT), ())


def correction(units: int, at_ms: int) -> Correction:
    return Correction("key", b"body", b"nonce", "operator", units, at_ms, "reason", NOON)
