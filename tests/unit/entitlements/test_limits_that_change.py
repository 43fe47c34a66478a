"""Limits that change within a month, and top-ups: what is left moves by what is added, and nothing else moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import accounting, answers, contract, thresholds, windows
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.model import Contract, Entitlement, Limits, Threshold
from tests.support.builders import (
    CAP,
    KEY_HASH,
    LIMIT,
    NOON,
    PROPERTY,
    TABLES,
    entitlement,
    entitlements,
    hold,
    limits,
    ms,
)
from tests.support.expressions import spelled
from tests.support.steps import checked

if TYPE_CHECKING:
    from modelpass.entitlements.change import Change

DAY_80, DAY_100, MONTH_80, MONTH_100 = Threshold
MONTH_ENDS = ms("2026-12-23T10:30:00Z")
LINES = st.builds(limits, tier=st.sampled_from(Tier), calls=st.integers(1, 3000), cap=st.integers(1, 3000))


def brought(of: Entitlement, to: int = CAP, *, calls: int = LIMIT, at_ms: int = NOON, number: int = 1) -> Change:
    line = of.limits._replace(monthly_cap=to, daily_call_limit=calls)
    return checked(thresholds.without_lapsed(accounting.change_limits(of, line, number, None, at_ms)))


def contract_of(line: Limits) -> Contract:
    return Contract(entitlement().term, line, 1, KEY_HASH)


def demands(step: Change) -> list[str]:
    operation, request = entitlement_transactions.request_of(TABLES, step)
    return spelled(request if operation == "UpdateItem" else request["TransactItems"][0]["Update"])[0]


@PROPERTY
@given(entitlements(), LINES, st.integers(1, 9))
def test_a_change_conserves_and_leaves_usage_and_holds_as_they_were(
    pair: tuple[Entitlement, int], wanted: Limits, number: int
) -> None:
    before, now_ms = pair
    after = accounting.change_limits(before, wanted, number, None, now_ms).after
    assert (after.holds, after.tickets) == (before.holds, before.tickets)
    was, now = before.counters, after.counters
    assert now._replace(day_left=0, month_left=0) == was._replace(day_left=0, month_left=0)
    over = now_ms >= windows.stored_segment(before).month_end_ms
    assert after.limits == (before.limits if over else wanted)
    assert now.month_left - was.month_left == after.limits.monthly_cap - before.limits.monthly_cap
    assert now.day_left - was.day_left == after.limits.daily_call_limit - before.limits.daily_call_limit
    assert after.change_number == number


@PROPERTY
@given(entitlements(), st.integers(1, 10**15))
def test_a_top_up_adds_its_units_to_what_is_left_of_the_month_and_conserves(
    pair: tuple[Entitlement, int], units: int
) -> None:
    before, _ = pair
    step = checked(accounting.top_up(before, units))
    assert step.after.counters == before.counters._replace(month_left=before.counters.month_left + units)
    assert (step.after.top_up, step.after.limits) == (units, before.limits)
    again = checked(accounting.top_up(step.after, 5))
    assert again.after.top_up == units + 5


def test_a_topped_up_month_is_closed_by_the_reset_though_nothing_was_used_in_it() -> None:
    after = accounting.top_up(entitlement(), 5).after
    assert after.due_at_ms is not None
    assert after.due_at_ms <= MONTH_ENDS
    closed = checked(accounting.roll(after, MONTH_ENDS))
    assert closed.closed_month is not None
    assert (closed.closed_month.top_up, closed.closed_month.left) == (5, 0)
    assert (closed.after.top_up, closed.after.counters.month_left) == (0, CAP)


def test_a_second_top_up_and_a_roll_are_written_only_where_no_top_up_has_come_between() -> None:
    first = accounting.top_up(entitlement(), 5).after
    assert "attribute_not_exists(tu)" in demands(accounting.top_up(entitlement(), 5))
    assert "tu = 5" in demands(accounting.top_up(first, 5))
    assert "tu = 5" in demands(accounting.roll(first, MONTH_ENDS))
    assert "attribute_not_exists(tu)" in demands(accounting.roll(entitlement(), MONTH_ENDS))


def test_what_callers_see_of_a_month_has_its_top_ups_and_none_of_the_months_before() -> None:
    after = accounting.top_up(entitlement(used=CAP + 3), 5).after
    monthly = answers.current_windows(after, NOON)["monthly"]
    assert {name: monthly[name] for name in ("limit", "topUp", "used", "remaining", "overrun")} == {
        "limit": CAP,
        "topUp": 5,
        "used": CAP + 3,
        "remaining": 2,
        "overrun": 0,
    }
    later = contract.as_of(after, contract_of(limits()), MONTH_ENDS)
    assert "topUp" not in answers.current_windows(later, MONTH_ENDS)["monthly"]
    assert "topUp" not in answers.current_windows(entitlement(), NOON)["monthly"]


# --- thresholds are of the limit with its top-ups


@pytest.mark.parametrize(("used", "reached"), [(1199, []), (1200, [MONTH_80]), (1500, [MONTH_80, MONTH_100])])
def test_shares_of_a_month_are_those_of_its_cap_with_its_top_ups(used: int, reached: list[Threshold]) -> None:
    topped_up = accounting.top_up(entitlement(used=used), CAP // 2).after
    step = thresholds.announcing_step(topped_up, NOON)
    assert [a.threshold for a in step.announcements] == reached if step else reached == []


def test_a_raise_and_a_top_up_arm_what_is_not_reached_any_more_in_their_own_write() -> None:
    told = entitlement(used=CAP, calls=LIMIT, announced=Threshold)
    lifted = brought(told, to=CAP + 1, calls=2 * LIMIT)
    assert (lifted.after.announced, lifted.after.lapses) == (frozenset({MONTH_80}), 1)
    topped_up = checked(thresholds.without_lapsed(accounting.top_up(told, CAP)))
    assert (topped_up.after.announced, topped_up.after.lapses) == (frozenset({DAY_80, DAY_100}), 1)
    # Others may have used more since: then the mark stands for what is reached by now, and the step is worked out anew.
    assert {f"mu < {CAP + 1}", f"dc < {LIMIT * 2 * 8 // 10}"} <= set(demands(lifted))
    assert f"mu < {2 * CAP * 8 // 10}" in demands(topped_up)


# --- what the write demands


def test_a_change_is_written_only_where_no_other_change_has_been_and_beside_what_routers_count() -> None:
    of = entitlement(holds=[hold()], calls=1, used=7, due_at_ms=NOON)
    wanted = demands(brought(of, to=CAP + 50, calls=LIMIT + 5, number=4))
    assert {"attribute_not_exists(cn)", f"lm = {CAP}", f"lc = {LIMIT}"} <= set(wanted)
    assert not [clause for clause in wanted if clause.startswith(("ml", "dl", "mu", "dc", "h."))]
    later = demands(brought(of._replace(change_number=4), to=CAP + 50, number=5))
    assert "cn = 4" in later


def test_the_limits_of_a_month_that_is_over_are_left_to_its_roll() -> None:
    step = brought(entitlement(), to=CAP * 2, at_ms=MONTH_ENDS)
    assert (step.after.limits, step.after.counters) == (step.before.limits, step.before.counters)


# --- the tier of a hold stays what it was granted in


def test_a_hold_keeps_the_tier_it_was_granted_in_and_new_ones_have_the_new_tier() -> None:
    of = entitlement(holds=[hold("old", at_ms=NOON - 5)], calls=1, due_at_ms=NOON)
    stable = checked(accounting.change_limits(of, limits(tier=Tier.STABLE), 1, None, NOON)).after
    assert stable.earlier_tiers == ()
    raised = checked(accounting.change_limits(of, limits(tier=Tier.ENTERPRISE), 1, None, NOON)).after
    assert [raised.tier_of(hold(at_ms=at_ms)) for at_ms in (NOON - 5, NOON)] == [Tier.STABLE, Tier.ENTERPRISE]
    rolled = checked(accounting.roll(raised, MONTH_ENDS, contract_of(limits(tier=Tier.BASIC)))).after
    tiers = [rolled.tier_of(hold(at_ms=at_ms)) for at_ms in (NOON, MONTH_ENDS - 1, MONTH_ENDS)]
    assert tiers == [Tier.ENTERPRISE, Tier.ENTERPRISE, Tier.BASIC]
    assert len(rolled.earlier_tiers) == 1  # no hold of the first tier can be open any more


def test_a_hold_of_the_same_millisecond_or_of_a_clock_that_is_ahead_was_there_before_the_change() -> None:
    of = entitlement(holds=[hold("now"), hold("ahead", at_ms=NOON + 3)], calls=2, due_at_ms=NOON)
    raised = accounting.change_limits(of, limits(tier=Tier.ENTERPRISE), 1, None, NOON).after
    assert {raised.tier_of(held) for held in raised.holds.values()} == {Tier.STABLE}
    assert raised.tier_of(hold(at_ms=NOON + 4)) is Tier.ENTERPRISE


# --- suspension


def test_a_suspension_stops_the_entitlement_and_its_end_lets_it_go_on() -> None:
    stopped = checked(accounting.change_limits(entitlement(), limits(), 1, NOON, NOON)).after
    assert (stopped.cancelled_at_ms, stopped.suspended) == (NOON, True)
    resumed = checked(accounting.change_limits(stopped, limits(), 2, None, NOON)).after
    assert (resumed.cancelled_at_ms, resumed.suspended) == (None, False)


def test_a_cancellation_is_neither_taken_back_by_the_end_of_a_suspension_nor_made_one() -> None:
    cancelled = entitlement()._replace(cancelled_at_ms=NOON - 5)
    for suspended_at_ms in (None, NOON):
        after = accounting.change_limits(cancelled, limits(), 1, suspended_at_ms, NOON).after
        assert (after.cancelled_at_ms, after.suspended) == (NOON - 5, False)


def test_a_stop_is_written_only_where_the_item_is_stopped_or_not_as_it_was_read() -> None:
    stop = accounting.change_limits(entitlement(), limits(), 1, NOON, NOON)
    assert {"attribute_not_exists(xc)", "attribute_not_exists(xs)"} <= set(demands(stop))
    resume = accounting.change_limits(stop.after, limits(), 2, None, NOON)
    assert {f"xc = {NOON}", "xs = 1", "cn = 1"} <= set(demands(resume))
