"""Places, purchases and renewals, late settles and housekeeping, each at its boundary millisecond."""

from __future__ import annotations

import pytest

from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements.change import DayRow, MonthRow
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions import rules as subscription_rules
from modelpass.subscriptions.model import SlotKind, Subscription
from tests.support.builders import KEY_HASH, NOON, SUBSCRIPTION_ID, attempt, entitlement, hold, ms, slot, subscription

DAY_ENDS, MONTH_ENDS = ms("2026-12-02T00:00:00Z"), ms("2026-12-23T10:30:00Z")
TERM_ENDS, GRACE_ENDS = ms("2027-02-23T10:30:00Z"), ms("2027-05-24T10:30:00Z")
TODAY = 20_788  # days from 1970-01-01 to 2026-12-01
HOUR_MS = 3_600_000


def test_place_is_taken_until_its_last_millisecond_and_free_by_itself_after_it() -> None:
    assert subscription_rules.refuse_place(None, NOON) is None
    taken = subscription_rules.refuse_place(slot(NOON), NOON - 1)
    assert taken is not None
    assert (taken.code, taken.retry_after) == (ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS, None)
    assert subscription_rules.refuse_place(slot(NOON), NOON) is None


@pytest.mark.parametrize(("kind", "word"), [(SlotKind.PLAN, "plan"), (SlotKind.CUSTOM, "custom subscription")])
def test_refusal_names_what_holds_the_place(kind: SlotKind, word: str) -> None:
    taken = subscription_rules.refuse_place(slot(NOON, kind), NOON - 1)
    assert taken is not None
    assert taken.message == f"The account already has an active {word}: {SUBSCRIPTION_ID}."


def test_ten_purchases_a_utc_day_and_not_one_more() -> None:
    assert subscription_rules.refuse_purchase(None, NOON) is None
    assert subscription_rules.refuse_purchase(slot(0, day=TODAY, purchases=9), NOON) is None
    refused = subscription_rules.refuse_purchase(slot(0, day=TODAY, purchases=10), NOON)
    assert refused == Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=43_200)


def test_next_utc_day_counts_purchases_anew_from_its_first_millisecond() -> None:
    full = slot(0, day=TODAY, purchases=10)
    assert subscription_rules.refuse_purchase(full, DAY_ENDS - 1) == Refusal(
        ErrorCode.TOO_MANY_PURCHASES, retry_after=1
    )
    assert subscription_rules.refuse_purchase(full, DAY_ENDS) is None
    assert [subscription_rules.purchases_today(full, at) for at in (DAY_ENDS - 1, DAY_ENDS)] == [10, 0]
    assert subscription_rules.purchases_today(None, NOON) == 0


def test_clock_behind_the_stored_day_counts_its_purchases_as_of_that_day() -> None:
    assert subscription_rules.purchases_today(slot(0, day=TODAY + 1, purchases=10), NOON) == 10


def test_taken_place_is_told_before_too_many_purchases() -> None:
    refused = subscription_rules.refuse_purchase(slot(NOON + 1, day=TODAY, purchases=10), NOON)
    assert refused is not None
    assert refused.code is ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS


def test_only_an_expired_subscription_is_renewed_from_the_millisecond_it_expires() -> None:
    stored = subscription()
    not_expired = Refusal(ErrorCode.SUBSCRIPTION_NOT_EXPIRED)
    assert subscription_rules.refuse_renewal(stored, slot(TERM_ENDS), TERM_ENDS - 1) == not_expired
    assert subscription_rules.refuse_renewal(stored, slot(TERM_ENDS), TERM_ENDS) is None
    assert subscription_rules.refuse_renewal(stored._replace(cancelled_at_ms=NOON), None, TERM_ENDS) == not_expired


def test_renewal_needs_the_place_free() -> None:
    refused = subscription_rules.refuse_renewal(subscription(), slot(TERM_ENDS + 1, SlotKind.PLAN), TERM_ENDS)
    assert refused is not None
    assert refused.code is ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS


UNHELD = [
    (None, NOON, ErrorCode.INVALID_API_KEY, "apiKey"),
    (subscription()._replace(term_number=2), NOON, ErrorCode.INVALID_API_KEY, "apiKey"),
    (subscription()._replace(key_hash=bytes(16)), NOON, ErrorCode.INVALID_API_KEY, "apiKey"),
    (subscription()._replace(cancelled_at_ms=NOON), TERM_ENDS, ErrorCode.SUBSCRIPTION_CANCELLED, None),
    (subscription(), TERM_ENDS, ErrorCode.SUBSCRIPTION_EXPIRED, None),
    (subscription(), TERM_ENDS - 1, ErrorCode.MODEL_NOT_INCLUDED, "modelId"),
]


@pytest.mark.parametrize(("stored", "now_ms", "code", "param"), UNHELD)
def test_model_that_is_not_held_is_told_only_after_key_cancelled_and_expired(
    stored: Subscription | None, now_ms: int, code: ErrorCode, param: str | None
) -> None:
    assert subscription_rules.refuse_unheld_model(stored, 1, KEY_HASH, now_ms) == Refusal(code, param=param)


def test_settles_are_accepted_until_ninety_days_after_the_term() -> None:
    stored = entitlement()
    assert entitlement_rules.settles_accepted(stored, GRACE_ENDS - 1)
    assert not entitlement_rules.settles_accepted(stored, GRACE_ENDS)
    assert entitlement_rules.settles_accepted(stored._replace(cancelled_at_ms=NOON), GRACE_ENDS - 1)


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
