"""What authorize decides at its limits, to the unit and the millisecond; replays, and grants whose reply was lost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements.authorization_ids import attempt_mark, nonce_text
from modelpass.entitlements.change import Change
from modelpass.entitlements.rules import Attempt, PriorGrant, decide_authorize
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import seconds_until
from tests.support.builders import CAP, KEY_HASH, LIMIT, NOON, TERM, attempt, entitlement, hold, limits, ms

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Hold

# Of NOON, 1 December 2026: its day and its month window (bought on 23 November at 10:30) end at
DAY_ENDS, MONTH_ENDS = ms("2026-12-02T00:00:00Z"), ms("2026-12-23T10:30:00Z")
TERM_ENDS = ms("2027-02-23T10:30:00Z")


def decide(stored: Entitlement, wanted: Attempt, now_ms: int = NOON) -> Refusal | PriorGrant | Change:
    return decide_authorize(stored, wanted, now_ms)


def granted(stored: Entitlement, wanted: Attempt, now_ms: int = NOON) -> Change:
    step = decide_authorize(stored, wanted, now_ms)
    assert isinstance(step, Change), step
    assert step.grant == wanted.hold
    return step


def test_tier_bought_may_be_asked_for_and_another_tier_being_down_does_not_matter() -> None:
    wanted = attempt(tier=Tier.STABLE, down=[Tier.BASIC, Tier.ENTERPRISE])
    granted(entitlement(), wanted)


@pytest.mark.parametrize(
    ("now_ms", "day_wait", "month_wait"),
    [
        (DAY_ENDS - 1, 1, 1_852_201),
        (DAY_ENDS - 999, 1, 1_852_201),
        (DAY_ENDS - 1000, 1, 1_852_201),
        (DAY_ENDS - 1001, 2, 1_852_202),
        (DAY_ENDS - 86_400_000, 86_400, 1_938_600),
        (NOON + 500, 43_200, 1_895_400),
    ],
)
def test_waits_are_whole_seconds_rounded_up_to_the_end_of_the_window(
    now_ms: int, day_wait: int, month_wait: int
) -> None:
    daily = decide(entitlement(calls=LIMIT), attempt(), now_ms)
    monthly = decide(entitlement(used=CAP), attempt(), now_ms)
    assert isinstance(daily, Refusal)
    assert isinstance(monthly, Refusal)
    assert (daily.retry_after, monthly.retry_after) == (day_wait, month_wait)


def test_limits_are_reached_exactly_and_never_passed() -> None:
    stored = entitlement(used=CAP - 10, calls=LIMIT - 2)
    granted(stored, attempt(hold(units=10, calls=2)))
    over_cap, over_limit = decide(stored, attempt(hold(units=11))), decide(stored, attempt(hold(calls=3)))
    assert isinstance(over_cap, Refusal)
    assert over_cap.code is ErrorCode.MONTHLY_CAP_REACHED
    assert isinstance(over_limit, Refusal)
    assert over_limit.code is ErrorCode.DAILY_CALL_LIMIT_REACHED


def test_estimate_of_nothing_is_granted_only_while_something_is_left() -> None:
    wanted = attempt(hold(units=0))
    granted(entitlement(used=CAP - 1), wanted)
    for used, held in ((CAP, 0), (CAP + 1, 0), (CAP - 40, 40)):
        told = decide(entitlement(used=used, holds=[hold("open", held)]), wanted)
        assert isinstance(told, Refusal)
        assert (told.code, told.param) == (ErrorCode.MONTHLY_CAP_REACHED, "monthlyTokenCap")


def test_estimate_of_nothing_is_granted_by_what_an_expired_hold_gives_back() -> None:
    spent = entitlement(used=CAP - 1, holds=[hold("lost", 1, seconds=60)], calls=1)
    wanted = attempt(hold(units=0))
    assert isinstance(decide(spent, wanted, NOON + 59_999), Refusal)
    step = granted(spent, wanted, NOON + 60_000)
    assert (step.tickets, step.units_needed) == ((hold("lost", 1, seconds=60),), 1)


def test_call_that_is_free_of_units_needs_none_but_no_overrun_either() -> None:
    wanted = attempt(hold(units=0), unit_free=True)
    assert granted(entitlement(used=CAP), wanted).units_needed == 0
    told = decide(entitlement(used=CAP + 1), wanted)
    assert isinstance(told, Refusal)
    assert told.code is ErrorCode.MONTHLY_CAP_REACHED


WITHOUT_ROOM: dict[str, tuple[Entitlement, dict[str, Any]]] = {
    # what refuses, in which order, with how long a wait: what is stored, and what is asked for besides
    "tier": (entitlement(at_ms=TERM_ENDS - 1), {"down": [Tier.STABLE]}),
    "month": (entitlement(at_ms=TERM_ENDS - 1, used=CAP), {}),
    "day": (entitlement(at_ms=TERM_ENDS - 1, calls=LIMIT), {}),
    "holds": (entitlement(at_ms=TERM_ENDS - 1), {"max_open_holds": 0}),
}


@pytest.mark.parametrize(
    ("reason", "wait"),
    [("tier", 5), ("month", None), ("day", None), ("holds", 1)],
    ids=["tier", "month", "day", "holds"],
)
def test_nobody_is_told_to_come_back_when_the_term_will_have_ended(reason: str, wait: int | None) -> None:
    stored, asked = WITHOUT_ROOM[reason]
    instants = [TERM_ENDS - 1, TERM_ENDS - 3_600_000, ms("2027-02-23T00:00:00Z")]
    if wait is not None:  # else the windows of the last day end with the term or after it
        instants = [TERM_ENDS - 1, TERM_ENDS - wait * 1000]
        told = decide(stored, attempt(hold(at_ms=TERM_ENDS), **asked), TERM_ENDS - wait * 1000 - 1)
        assert isinstance(told, Refusal)
        assert told.retry_after == wait
    for now_ms in instants:
        told = decide(stored, attempt(hold(at_ms=now_ms), **asked), now_ms)
        assert isinstance(told, Refusal)
        assert told.retry_after is None


def test_wait_that_is_rounded_up_to_the_end_of_the_term_is_not_told() -> None:
    short = TERM._replace(ends_at_ms=DAY_ENDS + 500)
    stored = entitlement(term=short, calls=LIMIT)
    for now_ms, wait in ((DAY_ENDS - 1000, 1), (DAY_ENDS - 501, 1), (DAY_ENDS - 500, None), (DAY_ENDS - 1, None)):
        told = decide(stored, attempt(), now_ms)
        assert isinstance(told, Refusal)
        assert (told.code, told.retry_after) == (ErrorCode.DAILY_CALL_LIMIT_REACHED, wait)


@pytest.mark.parametrize("asked", [hold(units=CAP + 1), hold(calls=LIMIT + 1)], ids=["cap", "daily limit"])
def test_request_that_can_never_fit_is_never_told_to_come_back(asked: Hold) -> None:
    for stored, more in (
        (entitlement(), {"down": [Tier.STABLE]}),
        (entitlement(used=CAP), {}),
        (entitlement(calls=LIMIT), {}),
        (entitlement(), {"max_open_holds": 0}),
        (entitlement(), {}),
    ):
        told = decide(stored, attempt(asked, **more))
        assert isinstance(told, Refusal)
        assert told.retry_after is None


def test_whole_limits_may_be_asked_for_and_one_more_is_told_by_name() -> None:
    granted(entitlement(), attempt(hold(units=CAP, calls=LIMIT)))
    for asked, param in ((hold(units=CAP + 1), "monthlyTokenCap"), (hold(calls=LIMIT + 1), "dailyCallLimit")):
        assert decide(entitlement(), attempt(asked)) == Refusal(ErrorCode.REQUEST_EXCEEDS_LIMIT, param=param)


MARK = attempt_mark("first")
MARKED = hold()._replace(nonce=nonce_text(b"nonce.", MARK))


def test_same_attempt_is_shown_its_grant_and_another_is_told_that_it_is_in_progress() -> None:
    stored, again = entitlement(holds=[MARKED], calls=1), hold(nonce=b"more..")
    assert decide(stored, attempt(again, mark=MARK)) == PriorGrant(MARKED, own=True)
    for mark in (attempt_mark("second"), attempt_mark("First")):
        assert decide(stored, attempt(again, mark=mark)) == Refusal(ErrorCode.REQUEST_IN_PROGRESS, param="attempt")
    assert decide(stored, attempt(again)) == PriorGrant(MARKED, own=False)


def test_attempt_at_a_request_that_was_granted_without_one_is_another() -> None:
    told = decide(entitlement(holds=[hold()], calls=1), attempt(hold(nonce=b"more.."), mark=MARK))
    assert told == Refusal(ErrorCode.REQUEST_IN_PROGRESS, param="attempt")


def test_same_attempt_with_other_figures_is_no_repeat() -> None:
    told = decide(entitlement(holds=[MARKED], calls=1), attempt(hold(units=11), mark=MARK))
    assert told == Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")


def test_once_the_hold_has_expired_any_attempt_is_granted_anew() -> None:
    stored = entitlement(holds=[MARKED], calls=1)
    for mark in (MARK, attempt_mark("second")):
        again = hold(nonce=b"more..", at_ms=NOON + 900_000)
        assert granted(stored, attempt(again, mark=mark), NOON + 900_000).tickets == (MARKED,)


def test_open_holds_are_bounded_exactly() -> None:
    stored = entitlement(holds=[hold("a", 1), hold("b", 1)])
    granted(stored, attempt(max_open_holds=3))
    assert decide(stored, attempt(max_open_holds=2)) == Refusal(ErrorCode.TOO_MANY_OPEN_HOLDS, retry_after=1)


def test_new_day_and_new_month_are_in_force_from_their_first_millisecond() -> None:
    used_up = entitlement(calls=LIMIT)
    assert isinstance(decide(used_up, attempt(), DAY_ENDS - 1), Refusal)
    step = granted(used_up, attempt(hold(at_ms=DAY_ENDS)), DAY_ENDS)
    assert step.exact
    assert step.after.counters.day_calls == 1
    spent = entitlement(at_ms=MONTH_ENDS - 1, used=CAP)
    assert isinstance(decide(spent, attempt(), MONTH_ENDS - 1), Refusal)
    step = granted(spent, attempt(hold(at_ms=MONTH_ENDS)), MONTH_ENDS)
    assert (step.after.counters.month_left, step.after.counters.day_calls) == (CAP - 10, 1)


def test_month_that_ends_within_a_day_does_not_renew_the_day() -> None:
    spent = entitlement(at_ms=MONTH_ENDS - 1, calls=LIMIT)
    told = decide(spent, attempt(), MONTH_ENDS)
    assert isinstance(told, Refusal)
    assert (told.code, told.retry_after) == (ErrorCode.DAILY_CALL_LIMIT_REACHED, 48_600)


def test_term_ends_with_its_last_millisecond() -> None:
    stored = entitlement(at_ms=TERM_ENDS - 1)
    granted(stored, attempt(), TERM_ENDS - 1)
    assert decide(stored, attempt(), TERM_ENDS) == Refusal(ErrorCode.SUBSCRIPTION_EXPIRED)


def test_clock_that_is_behind_the_stored_window_counts_in_it() -> None:
    stored = entitlement(calls=LIMIT)
    told = decide(stored, attempt(), ms("2026-11-30T23:59:59Z"))
    assert isinstance(told, Refusal)
    assert told.retry_after == 86_400


def test_repeat_of_an_open_request_stands_until_the_last_millisecond_of_its_hold() -> None:
    first = hold(seconds=60)
    stored = entitlement(holds=[first], calls=1)
    again = attempt(hold(nonce=b"more.."))
    assert decide(stored, again, NOON + 59_999) == PriorGrant(first, own=False)
    assert granted(stored, again, NOON + 60_000).tickets == (first,)


def test_repeat_is_answered_though_no_room_is_left_and_its_tier_is_down() -> None:
    first = hold(units=CAP, calls=LIMIT)
    stored = entitlement(holds=[first], calls=LIMIT)
    again = attempt(first._replace(nonce="other"), down=[Tier.STABLE], max_open_holds=1)
    assert decide(stored, again) == PriorGrant(first, own=False)


@pytest.mark.parametrize("other", [hold(units=11), hold(units=9), hold(calls=2), hold(units=0)])
def test_open_request_id_with_other_figures_is_refused(other: Hold) -> None:
    told = decide(entitlement(holds=[hold()], calls=1), attempt(other._replace(nonce="other")))
    assert told == Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")


def test_repeat_with_another_length_of_hold_keeps_the_first() -> None:
    first = hold(seconds=900)
    again = attempt(hold(seconds=60, nonce=b"more.."))
    assert decide(entitlement(holds=[first], calls=1), again) == PriorGrant(first, own=False)


def test_own_write_whose_reply_was_lost_is_no_replay() -> None:
    first = hold()
    again = attempt(hold(nonce=b"more.."), own_nonces=[first.nonce])
    assert decide(entitlement(holds=[first], calls=1), again) == PriorGrant(first, own=True)


def test_expired_hold_frees_its_request_id_for_other_figures() -> None:
    first = hold(units=900, seconds=60)
    stored = entitlement(holds=[first], calls=1)
    second = hold(units=700, calls=3, at_ms=NOON + 60_000, nonce=b"more..")
    step = granted(stored, attempt(second), NOON + 60_000)
    assert (step.after.holds, step.tickets) == ({first.key: second}, (first,))
    assert step.after.counters.month_left == CAP - 700


def test_units_of_expired_holds_are_there_for_whoever_needs_them() -> None:
    gone = [hold(f"gone-{n}", 100, seconds=60) for n in range(10)]
    stored = entitlement(holds=gone, calls=10)
    assert isinstance(decide(stored, attempt(), NOON + 59_999), Refusal)
    step = granted(stored, attempt(hold(units=CAP)), NOON + 60_000)
    assert len(step.tickets) == 10
    assert step.after.counters.month_left == 0
    assert step.after.counters.day_calls == 11  # calls of an expired hold stay counted


def test_windows_are_opened_first_and_expired_holds_given_back_next() -> None:
    gone = [hold(f"gone-{n}", 1, seconds=60) for n in range(3)]
    stored = entitlement(holds=gone, calls=3)
    wanted = attempt(hold(units=CAP, at_ms=DAY_ENDS))
    first = decide(stored, wanted, DAY_ENDS)
    assert isinstance(first, Change)
    assert (first.exact, first.grant, first.tickets) == (True, None, ())
    second = granted(first.after, wanted, DAY_ENDS)
    assert len(second.tickets) == 3


def test_more_expired_holds_than_one_step_takes_are_given_back_in_bounded_steps() -> None:
    gone = [hold(f"gone-{n}", 10, seconds=60) for n in range(100)]
    stored, sizes = entitlement(holds=gone, bought=limits(calls=200), calls=100), []
    for grants in (False, False, True):
        step = decide(stored, attempt(hold(units=CAP)), NOON + 60_000)
        assert isinstance(step, Change)
        assert (step.grant is not None) == grants
        sizes.append(len(step.tickets))
        stored = step.after
    assert sizes == [40, 40, 20]


def test_granting_arms_the_reset_for_the_window_or_the_hold_whichever_ends_first() -> None:
    assert granted(entitlement(), attempt()).after.due_at_ms == NOON + 900_000
    late = hold(at_ms=NOON, seconds=86_400)
    assert granted(entitlement(), attempt(late)).after.due_at_ms == DAY_ENDS
    assert granted(entitlement(due_at_ms=DAY_ENDS), attempt()).after.due_at_ms == DAY_ENDS


def test_stored_hash_of_another_length_is_refused_and_not_an_error() -> None:
    assert decide(entitlement()._replace(key_hash=KEY_HASH[:-1]), attempt()) == Refusal(
        ErrorCode.INVALID_API_KEY, param="apiKey"
    )
    assert seconds_until(NOON, NOON) == 0
