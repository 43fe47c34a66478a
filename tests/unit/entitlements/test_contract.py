"""What a subscription's row says binds when a month is opened, and not before: the term, the limits, an end."""

from __future__ import annotations

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import accounting, answers, contract, rules, transactions, windows
from modelpass.entitlements.change import Change
from modelpass.entitlements.model import Contract, Entitlement, Limits, Term
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import rfc3339
from tests.support.builders import KEY_HASH, NOON, TABLES, TERM, attempt, entitlement, hold, limits, ms
from tests.support.expressions import spelled

MONTH_ENDS, TERM_ENDS = ms("2026-12-23T10:30:00Z"), TERM.ends_at_ms
LONGER = windows.term_of(TERM.starts_at_ms, 6, "UTC")
LAST_NOON = ms("2027-02-20T12:00:00Z")


def told(
    term: Term = LONGER, bought: Limits | None = None, refusal: Refusal | None = None, number: int = 3
) -> Contract:
    return Contract(term, bought or limits(), number, KEY_HASH, refusal)


def written(step: Change) -> tuple[list[str], list[str], list[str]]:
    """The conditions and clauses of a step's write of its item."""
    operation, request = transactions.request_of(TABLES, step)
    return spelled(request if operation == "UpdateItem" else request["TransactItems"][0]["Update"])


def test_only_once_the_stored_month_is_over_is_the_row_needed() -> None:
    stored = entitlement()
    assert not rules.needs_contract(stored, KEY_HASH, MONTH_ENDS - 1)
    assert rules.needs_contract(stored, KEY_HASH, MONTH_ENDS)
    last = entitlement(at_ms=LAST_NOON)
    assert not rules.needs_contract(last, KEY_HASH, TERM_ENDS - 1)
    assert rules.needs_contract(last, KEY_HASH, TERM_ENDS)


def test_key_that_the_item_refuses_needs_no_row() -> None:
    assert not rules.needs_contract(entitlement(), b"another key's....", MONTH_ENDS)
    assert not rules.needs_contract(entitlement()._replace(key_hash=None), KEY_HASH, MONTH_ENDS)


def test_what_was_cancelled_shows_the_windows_of_the_moment_by_the_row() -> None:
    stored = entitlement(used=60)._replace(cancelled_at_ms=NOON)
    assert rules.needs_contract(stored, KEY_HASH, MONTH_ENDS)
    refused = rules.decide_authorize(stored, attempt(), MONTH_ENDS, told(TERM))
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.SUBSCRIPTION_CANCELLED
    monthly = answers.current_windows(contract.as_of(stored, told(TERM), MONTH_ENDS), MONTH_ENDS)["monthly"]
    assert (monthly["used"], monthly["resetsAt"]) == (0, "2027-01-23T10:30:00Z")


def test_term_that_was_extended_goes_on_from_the_first_millisecond_after_its_old_end() -> None:
    stored = entitlement(at_ms=LAST_NOON, used=7, calls=3)
    step = rules.decide_authorize(stored, attempt(), TERM_ENDS, told())
    assert isinstance(step, Change)
    assert (step.after.term, step.after.month, step.after.month_start_ms) == (LONGER, 3, TERM_ENDS)
    assert step.after.counters.month_used == 0
    assert step.after.change_number == 3


def test_term_that_was_not_extended_has_ended() -> None:
    stored = entitlement(at_ms=LAST_NOON)
    ended = told(TERM, refusal=Refusal(ErrorCode.SUBSCRIPTION_EXPIRED))
    assert rules.decide_authorize(stored, attempt(), TERM_ENDS, ended) == ended.refusal


def test_limits_and_tier_of_the_row_bind_with_the_month_and_those_of_the_item_until_then() -> None:
    less = limits(tier=Tier.BASIC, calls=5, cap=90)
    stored = entitlement(calls=4)
    before = rules.decide_authorize(stored, attempt(hold(units=100)), MONTH_ENDS - 1)
    assert isinstance(before, Change)
    refused = rules.decide_authorize(stored, attempt(hold(units=100)), MONTH_ENDS, told(bought=less))
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.REQUEST_EXCEEDS_LIMIT
    asks_tier = rules.decide_authorize(stored, attempt(tier=Tier.STABLE), MONTH_ENDS, told(bought=less))
    assert isinstance(asks_tier, Refusal)
    assert asks_tier.code is ErrorCode.TIER_NOT_INCLUDED
    opened = accounting.roll(stored, MONTH_ENDS, told(bought=less)).after
    assert opened.limits == less
    assert opened.counters.month_left == 90


def test_day_that_goes_on_into_a_month_of_another_limit_keeps_its_calls() -> None:
    morning = ms("2026-12-23T09:00:00Z")
    stored = entitlement(at_ms=morning, calls=4)
    opened = accounting.roll(stored, MONTH_ENDS, told(bought=limits(calls=3))).after
    assert (opened.counters.day_calls, opened.counters.day_left) == (4, -1)
    daily = answers.current_windows(opened, MONTH_ENDS)["daily"]
    assert (daily["limit"], daily["used"], daily["remaining"]) == (3, 4, 0)
    more = accounting.roll(stored, MONTH_ENDS, told(bought=limits(calls=60))).after
    assert (more.counters.day_calls, more.counters.day_left) == (4, 56)


def test_model_that_left_the_list_is_not_included_and_its_holds_may_be_settled() -> None:
    stored = entitlement(holds=[hold()])
    gone = told()._replace(limits=None)
    refused = rules.decide_authorize(stored, attempt(), MONTH_ENDS, gone)
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.MODEL_NOT_INCLUDED
    assert accounting.book(stored, hold(), 5, 1, reclaimed=False).after.counters.month_used == 5


def test_model_that_left_the_list_answers_a_replaced_key_as_such() -> None:
    gone = told()._replace(limits=None, key_hash=b"a later key's...")
    refused = rules.decide_authorize(entitlement(), attempt(), MONTH_ENDS, gone)
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.INVALID_API_KEY


@pytest.mark.parametrize("code", [ErrorCode.SUBSCRIPTION_CANCELLED, ErrorCode.SUBSCRIPTION_SUSPENDED])
def test_what_the_row_refuses_is_refused(code: ErrorCode) -> None:
    assert rules.decide_authorize(entitlement(), attempt(), MONTH_ENDS, told(refusal=Refusal(code))) == Refusal(code)


def test_stop_by_an_operator_is_told_as_such() -> None:
    stopped = entitlement()._replace(cancelled_at_ms=NOON, suspended=True)
    refused = rules.decide_authorize(stopped, attempt(), NOON)
    assert isinstance(refused, Refusal)
    assert refused.code is ErrorCode.SUBSCRIPTION_SUSPENDED


def test_month_is_opened_only_while_no_later_change_has_reached_the_item() -> None:
    stored = entitlement(at_ms=LAST_NOON)._replace(change_number=2)
    for step, demand in (
        (accounting.roll(stored, TERM_ENDS, told()), "cn = 2"),
        (accounting.roll(stored._replace(change_number=0), TERM_ENDS, told()), "attribute_not_exists(cn)"),
    ):
        conditions, sets, _ = written(step)
        assert demand in conditions
        assert {"mo = 6", f"xa = {LONGER.ends_at_ms}", "cn = 3", "v = 3"} <= set(sets)


def test_day_is_opened_without_the_row() -> None:
    step = accounting.roll(entitlement(), ms("2026-12-02T00:00:00Z"))
    conditions, sets, _ = written(step)
    assert not [clause for clause in conditions + sets if "cn" in clause]


def test_reset_opens_a_month_as_the_row_says_and_leaves_the_last_windows_of_what_has_ended() -> None:
    due = entitlement(at_ms=LAST_NOON, used=7, due_at_ms=NOON)
    opened = rules.plan_reset(due, TERM_ENDS, told())
    assert opened is not None
    assert (opened.after.month, opened.closed_month is not None) == (3, True)
    ended = rules.plan_reset(due, TERM_ENDS, told(TERM))
    assert ended is not None
    rests = rules.plan_reset(ended.after._replace(due_at_ms=NOON), TERM_ENDS, told(TERM))
    assert rests is not None
    assert (rests.after.month, rests.after.due_at_ms, rests.after.counters.month_used) == (2, None, 7)


def test_reset_comes_to_rest_on_a_model_that_left_the_list() -> None:
    stored, gone = entitlement(used=7, calls=1, due_at_ms=NOON), told()._replace(limits=None)
    for _ in range(3):
        step = rules.plan_reset(stored, MONTH_ENDS, gone)
        if step is None:
            break
        stored = step.after
    assert (stored.due_at_ms, stored.month, stored.counters.month_used) == (None, 0, 7)


def test_windows_are_shown_as_the_row_says() -> None:
    shown = contract.as_of(entitlement(at_ms=LAST_NOON, used=7), told(bought=limits(cap=90)), TERM_ENDS)
    monthly = answers.current_windows(shown, TERM_ENDS)["monthly"]
    assert (monthly["limit"], monthly["used"]) == (90, 0)
    assert monthly["resetsAt"] == rfc3339(windows.month_window_start_ms(LONGER, 4))


@pytest.mark.parametrize("row", [None, told()._replace(limits=None)], ids=["unknown", "left the list"])
def test_without_a_line_the_last_windows_are_shown(row: Contract | None) -> None:
    stored: Entitlement = entitlement(at_ms=ms("2026-12-22T12:00:00Z"), used=7, calls=2)
    monthly = answers.current_windows(contract.as_of(stored, row, MONTH_ENDS + 1), MONTH_ENDS + 1)["monthly"]
    assert (monthly["used"], monthly["resetsAt"]) == (7, rfc3339(MONTH_ENDS))


def test_of_a_term_before_the_current_one_the_last_windows_are_opened_and_stay() -> None:
    earlier = told(TERM, refusal=Refusal(ErrorCode.INVALID_API_KEY))._replace(limits=None, lasts=True)
    stored = entitlement(used=7, calls=1, due_at_ms=NOON)
    step = rules.plan_reset(stored, TERM_ENDS + 1, earlier)
    assert step is not None
    assert (step.after.month, step.closed_month is not None, step.after.due_at_ms) == (2, True, None)
    monthly = answers.current_windows(contract.as_of(stored, earlier, TERM_ENDS + 1), TERM_ENDS + 1)["monthly"]
    assert (monthly["used"], monthly["resetsAt"]) == (0, rfc3339(TERM_ENDS))
