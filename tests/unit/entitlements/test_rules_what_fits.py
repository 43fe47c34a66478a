"""Where the month has less than was asked for: what is left is granted, down to the minimum that the router takes."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from modelpass.entitlements import rules, windows
from modelpass.entitlements.authorization_ids import attempt_mark, nonce_text
from modelpass.entitlements.change import Change
from modelpass.entitlements.rules import Attempt, PriorGrant
from modelpass.errors import ErrorCode, Refusal
from tests.support.builders import CAP, LIMIT, NOON, PROPERTY, attempt, entitlement, entitlements, hold, ms
from tests.support.steps import checked

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Hold

DAY_ENDS = ms("2026-12-02T00:00:00Z")
MONTH_WAIT = 1_895_400
FULL = Refusal(ErrorCode.MONTHLY_CAP_REACHED, param="monthlyTokenCap", retry_after=MONTH_WAIT)


def decide(stored: Entitlement, wanted: Attempt, now_ms: int = NOON) -> Refusal | PriorGrant | Change:
    return rules.decide_authorize(stored, wanted, now_ms)


def granted(stored: Entitlement, wanted: Attempt, now_ms: int = NOON) -> Change:
    step = decide(stored, wanted, now_ms)
    assert isinstance(step, Change)
    assert step.grant is not None
    return checked(step)


@pytest.mark.parametrize(
    ("left", "minimum", "held"),
    [
        (1000, 0, 100),
        (100, 1, 100),
        (99, 1, 99),
        (99, 0, 99),
        (40, 40, 40),
        (1, 1, 1),
        (1, 0, 1),
        (100, 100, 100),
    ],
)
def test_what_is_left_is_held_when_it_is_less_than_the_estimate_and_at_least_the_minimum(
    left: int, minimum: int, held: int
) -> None:
    step = granted(entitlement(used=CAP - left), attempt(hold(units=100), minimum=minimum))
    assert step.grant is not None
    assert step.grant.units == held
    assert step.units_needed == held  # and is guarded: whoever takes some of it meanwhile makes the write fail
    assert step.after.counters.month_left == left - held
    assert step.item_only


@pytest.mark.parametrize(("left", "minimum"), [(39, 40), (99, 100), (99, None), (0, 1), (0, 0), (-5, 0), (-5, 1)])
def test_less_than_the_minimum_and_nothing_at_all_are_refused(left: int, minimum: int | None) -> None:
    assert decide(entitlement(used=CAP - left), attempt(hold(units=100), minimum=minimum)) == FULL


def test_call_that_is_free_of_units_is_granted_with_nothing_left_also_with_a_minimum_of_nothing() -> None:
    step = granted(entitlement(used=CAP), attempt(hold(units=0), minimum=0, unit_free=True))
    assert step.after.counters.month_left == 0
    assert decide(entitlement(used=CAP + 1), attempt(hold(units=0), minimum=0, unit_free=True)) == FULL


def test_request_exceeds_the_cap_only_if_its_minimum_does() -> None:
    exceeds = Refusal(ErrorCode.REQUEST_EXCEEDS_LIMIT, param="monthlyTokenCap")
    assert decide(entitlement(), attempt(hold(units=CAP + 2), minimum=CAP + 1)) == exceeds
    assert granted(entitlement(), attempt(hold(units=CAP + 2), minimum=CAP)).after.counters.month_left == 0
    assert granted(entitlement(used=1), attempt(hold(units=10**15), minimum=0)).after.counters.month_left == 0


def test_who_asks_for_more_than_the_cap_but_needs_less_is_told_when_to_come_back() -> None:
    big = attempt(hold(units=CAP + 2), minimum=5)
    assert decide(entitlement(used=CAP - 4), big) == FULL
    told = decide(entitlement(calls=LIMIT), big)
    assert told == Refusal(ErrorCode.DAILY_CALL_LIMIT_REACHED, param="dailyCallLimit", retry_after=43_200)


def test_expired_holds_give_their_units_back_before_less_is_granted() -> None:
    expired = [hold(f"e-{n}", 30, at_ms=NOON - 60_000, seconds=60) for n in range(3)]
    stored = entitlement(holds=expired, used=CAP - 100, calls=3)  # 10 left, 90 held by holds that have expired
    for asked, held in ((100, 100), (99, 99), (11, 11), (101, 100), (500, 100)):
        step = granted(stored, attempt(hold(units=asked), minimum=1))
        assert step.grant is not None
        assert (step.grant.units, len(step.tickets)) == (held, 3)


def test_expired_holds_that_give_nothing_back_are_left_to_the_reset() -> None:
    free = hold("free", 0, at_ms=NOON - 60_000, seconds=60)
    step = granted(entitlement(holds=[free], used=CAP - 10, calls=1), attempt(hold(units=100), minimum=1))
    assert (step.tickets, step.item_only) == ((), True)


def test_more_expired_holds_than_a_step_takes_are_all_given_back_before_less_is_granted() -> None:
    many = [hold(f"e-{n}", 2, at_ms=NOON - 60_000, seconds=60) for n in range(45)]
    stored = entitlement(holds=many, used=CAP - 100, calls=45)
    first = decide(stored, attempt(hold(units=500), minimum=1))
    assert isinstance(first, Change)
    assert (first.grant, len(first.tickets)) == (None, 40)
    second = granted(checked(first).after, attempt(hold(units=500), minimum=1))
    assert second.grant is not None
    assert (second.grant.units, len(second.tickets)) == (100, 5)


def test_first_request_of_a_day_opens_it_and_gets_what_is_left_in_one_step() -> None:
    step = granted(entitlement(used=CAP - 7), attempt(hold(units=100, at_ms=DAY_ENDS), minimum=1), DAY_ENDS)
    assert step.exact
    assert step.after.counters.month_left == 0
    assert step.after.counters.day_calls == 1


MARK = attempt_mark("first")
LESS = hold(units=40)
GONE_ON = LESS._replace(nonce=urlsafe_b64encode(b"nonce.\0\0\2").decode(), calls=3)


@pytest.mark.parametrize(
    ("asked", "minimum", "same"),
    [
        (100, 1, True),
        (100, 40, True),
        (40, None, True),
        (40, 0, True),
        (40, 40, True),
        (100, 41, False),
        (39, 0, False),
        (100, None, False),
        (41, None, False),
    ],
)
def test_repeat_has_the_same_content_when_what_is_held_lies_between_its_minimum_and_its_estimate(
    asked: int,
    minimum: int | None,
    same: bool,  # noqa: FBT001
) -> None:
    told = decide(entitlement(holds=[LESS], calls=1), attempt(hold(units=asked, nonce=b"newer."), minimum=minimum))
    reused = Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")
    assert told == (PriorGrant(LESS, own=False) if same else reused)


def test_repeat_with_other_calls_is_refused_whatever_its_minimum() -> None:
    told = decide(entitlement(holds=[LESS], calls=1), attempt(hold(units=100, calls=2), minimum=1))
    assert told == Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")


@pytest.mark.parametrize(("asked", "minimum", "calls"), [(40, None, 3), (10, None, 1), (1000, 900, 7), (0, 0, 1)])
def test_hold_that_has_gone_on_is_shown_as_it_stands_whatever_is_asked(
    asked: int, minimum: int | None, calls: int
) -> None:
    stored = entitlement(holds=[GONE_ON], calls=3)
    again = hold(units=asked, calls=calls, nonce=b"newer.")
    assert decide(stored, attempt(again, minimum=minimum)) == PriorGrant(GONE_ON, own=False)
    other = decide(stored, attempt(again, minimum=minimum, mark=MARK))
    assert other == Refusal(ErrorCode.REQUEST_IN_PROGRESS, param="attempt")
    marked = GONE_ON._replace(nonce=nonce_text(b"nonce.", MARK)[:-4] + "AAAC")
    shown = decide(entitlement(holds=[marked], calls=3), attempt(again, minimum=minimum, mark=MARK))
    assert shown == PriorGrant(marked, own=True)


def test_lesser_grant_whose_reply_was_lost_is_found_again_by_its_nonce() -> None:
    lost: Hold = hold(units=40)
    stored = entitlement(holds=[lost], calls=1, used=CAP - 40)
    again = attempt(hold(units=100, nonce=b"newer."), minimum=1, own_nonces=[lost.nonce])
    assert decide(stored, again) == PriorGrant(lost, own=True)


@PROPERTY
@given(entitlements(), st.integers(0, 1500), st.integers(0, 1500))
def test_whatever_is_stored_all_that_can_be_held_is_held(
    pair: tuple[Entitlement, int], units: int, minimum: int
) -> None:
    before, now_ms = pair
    minimum = min(units, minimum)
    wanted = attempt(hold("new", units, at_ms=now_ms), max_open_holds=46, minimum=minimum)
    for _ in range(4):  # windows, two batches of expired holds, the grant
        step = rules.decide_authorize(before, wanted, now_ms)
        if not isinstance(step, Change):
            event("refused")
            return
        after = checked(step).after
        if step.grant is not None:
            event("all" if step.grant.units == units else "less")
            assert minimum <= step.grant.units <= units
            if step.grant.units < units:
                assert after.counters.month_left == 0
                held_on = windows.expired_holds(after, now_ms)
                assert not any(h.units for h in held_on if windows.of_stored_month(after, h))
            return
        before = after
    pytest.fail("authorize did not come to an end")
