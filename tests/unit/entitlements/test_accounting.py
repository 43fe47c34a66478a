"""Slow steps on any entitlement: nothing is lost or doubled, and the request built from a step does just that step."""

from __future__ import annotations

import pytest
from hypothesis import assume, event, given
from hypothesis import strategies as st

from modelpass import schema
from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import accounting, change, updates, windows
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.change import Change, TierBreach
from modelpass.entitlements.model import Entitlement, Hold
from modelpass.entitlements.windows import segment_at, term_of
from modelpass.times import DAY_MS
from ops.audit.entitlement_equations import held_in_stored_month
from tests.support.audit import assert_entitlement_conserved
from tests.support.builders import NOON, PROPERTY, TABLES, attempt, entitlement, entitlements, hold, ms
from tests.support.expressions import apply_update, assert_well_formed

Stored = tuple[Entitlement, int]
MAX = 100


def units_of(of: Entitlement) -> int:
    """Units that are not free in the stored month."""
    return of.counters.month_used + held_in_stored_month(of)


def check(step: Change) -> Change:
    """Check all that holds of every step: conserving, in bounds, and faithfully written."""
    before, after = step.before, step.after
    assert_entitlement_conserved(after)
    for row in step.late_months:
        assert row.left + row.held + row.used == 0
        assert row.month != segment_at(before.term, before.segment_start_ms).month
    if step.closed_month is not None:
        row = step.closed_month
        assert row.left + row.held + row.used == 0
        assert row.month == before.month
    assert len(step.tickets) <= 40
    assert after.tickets == before.tickets + len(step.tickets) - (step.spent_ticket is not None)
    replaced = set(before.holds.values()) - set(after.holds.values())
    assert set(step.tickets) <= replaced
    operation, request = entitlement_transactions.request_of(TABLES, step, MAX)
    assert_well_formed(operation, request)
    update = request["TransactItems"][0]["Update"] if operation == "TransactWriteItems" else request
    assert (operation == "UpdateItem") == step.item_only
    assert stored(after) == apply_update(stored(before), update)
    return step


def stored(of: Entitlement) -> schema.Item:
    """An entitlement as it is stored, with what the reset looks for."""
    item = entitlement_items.entitlement_item(of)
    if of.due_at_ms is not None:
        item["dp"] = schema.text(schema.due_shard(entitlement_items.entitlement_pk(of.id)))
        item["da"] = schema.number(of.due_at_ms)
    return item


@PROPERTY
@given(entitlements())
def test_built_entitlements_are_conserved_and_stored_without_loss(pair: Stored) -> None:
    assert_entitlement_conserved(pair[0])
    assert entitlement_items.entitlement_of(stored(pair[0])) == pair[0]


@PROPERTY
@given(entitlements(over=True))
def test_roll_closes_what_happened_and_opens_the_windows_in_force(pair: Stored) -> None:
    before, now_ms = pair
    step = check(accounting.roll(before, now_ms))
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
    step = check(accounting.reclaim(before, expired))
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
    granted = check(accounting.grant(step, new))
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
    booked = check(accounting.book(before, granted, used, calls, reclaimed=False))
    assert granted.key not in booked.after.holds
    assert_booked(booked, granted, used, calls)
    if data.draw(st.booleans()):
        check(booked._replace(breach=TierBreach(granted, Tier.BASIC, NOON)))


@PROPERTY
@given(entitlements(least_holds=1), st.integers(0, 600), st.data())
def test_book_of_a_reclaimed_hold_leaves_the_same_figures_as_of_an_open_one(
    pair: Stored, used: int, data: st.DataObject
) -> None:
    before, _ = pair
    granted = data.draw(st.sampled_from(sorted(before.holds.values(), key=lambda h: h.nonce)))
    calls = data.draw(st.integers(0, granted.calls))
    direct = accounting.book(before, granted, used, calls, reclaimed=False)
    reclaimed = check(accounting.reclaim(before, (granted,)))
    late = check(accounting.book(reclaimed.after, granted, used, calls, reclaimed=True))
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


@PROPERTY
@given(entitlements(), st.integers(0, 1500), st.sampled_from(("new", "r-0")))
def test_whatever_authorize_decides_to_write_is_conserving_and_ends(pair: Stored, units: int, name: str) -> None:
    before, now_ms = pair
    wanted = attempt(hold(name, units, at_ms=now_ms), max_open_holds=46)
    for _ in range(4):  # windows, two batches of expired holds, the grant
        step = entitlement_rules.decide_authorize(before, wanted, now_ms)
        if not isinstance(step, Change):
            event("refused")
            break
        check(step)
        before = step.after
        if step.grant is not None:
            event("granted")
            break
    else:
        pytest.fail("authorize did not come to an end")


@PROPERTY
@given(entitlements())
def test_whatever_the_reset_does_is_conserving_and_comes_to_rest(pair: Stored) -> None:
    before, now_ms = pair
    before = before._replace(due_at_ms=now_ms)
    for _ in range(5):
        step = entitlement_rules.plan_reset(before, now_ms)
        if step is None:
            break
        assert step.exact
        before = check(step).after
    assert before.due_at_ms is None or before.due_at_ms > now_ms
    # What is left is seen to in time: nothing with something to close is ever forgotten.
    counters, segment = before.counters, windows.stored_segment(before)
    if (counters.day_calls or counters.day_units) and segment.end_ms < before.expires_at_ms:
        assert before.armed
    if before.holds:
        assert before.due_at_ms is not None


def test_reclaim_of_forty_holds_of_twelve_months_is_one_transaction_within_dynamodbs_bounds() -> None:
    year = term_of(entitlement().term.starts_at_ms, 12, "UTC")
    starts = [f"{2026 + (m > 12)}-{(m - 1) % 12 + 1:02d}-24T00:00:00Z" for m in range(11, 23)]
    gone = [hold(f"r-{n}", 5, at_ms=ms(starts[n % 12]), nonce=n.to_bytes(9, "big")) for n in range(40)]
    stored_now = entitlement(at_ms=ms("2027-10-24T00:00:00Z"), term=year, holds=gone)
    step = check(accounting.reclaim(stored_now, tuple(gone)))
    assert (len(step.tickets), len(step.late_months)) == (40, 11)
    _, request = entitlement_transactions.request_of(TABLES, step)
    assert len(request["TransactItems"]) == 1 + 40 + 11


def test_hot_writes_are_guarded_and_do_what_the_slow_steps_do() -> None:
    before = entitlement(holds=[hold("open", 40, 3)], calls=3, due_at_ms=NOON)
    new = hold("new", 20, 2)
    granting = updates.grant(TABLES, before.id, b"hash", new, tuple(Tier), MAX)
    assert_well_formed("UpdateItem", granting)
    slow = accounting.grant(Change(before, before), new).after
    assert apply_update(stored(before), granting) == stored(slow)
    settling = updates.settle(TABLES, before.id, hold("open", 40, 3), 25, 1, NOON)
    assert_well_formed("UpdateItem", settling)
    booked = accounting.book(before, hold("open", 40, 3), 25, 1, reclaimed=False).after
    assert apply_update(stored(before), settling) == stored(booked)


def test_change_that_grants_demands_the_key_no_cancellation_and_room() -> None:
    before = entitlement(holds=[hold("gone", 40)], calls=3, due_at_ms=NOON)
    reclaimed = accounting.reclaim(before, (hold("gone", 40),))
    _, request = entitlement_transactions.request_of(TABLES, accounting.grant(reclaimed, hold("new", 20, 2)), MAX)
    update = request["TransactItems"][0]["Update"]
    condition = update["ConditionExpression"]
    for name, value in update["ExpressionAttributeValues"].items():
        condition = condition.replace(f"{name} ", f"{next(iter(value.values()))} ")
    assert "#kh = " in condition
    assert "attribute_not_exists(#xc)" in condition
    assert "#dl >= 2 " in condition
    assert update["ExpressionAttributeValues"][condition.rpartition("< ")[2]] == {"N": str(MAX + 1)}
    assert "#ml >= -20 " in condition  # 40 come back with this very step, 20 of them are taken
