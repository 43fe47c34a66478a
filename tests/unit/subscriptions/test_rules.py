"""Who may buy and renew, and why a key without an entitlement is refused, each rule at its boundary millisecond."""

from __future__ import annotations

import pytest

from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions import rules as subscription_rules
from modelpass.subscriptions.model import Slot, SlotKind, Subscription, Suspension
from tests.support.builders import KEY_HASH, NOON, SUBSCRIPTION_ID, ms, slot, subscription

DAY_ENDS, TERM_ENDS = ms("2026-12-02T00:00:00Z"), ms("2027-02-23T10:30:00Z")
TODAY = 20_788  # days from 1970-01-01 to 2026-12-01


def test_place_is_taken_until_its_last_millisecond_and_free_by_itself_after_it() -> None:
    assert subscription_rules.refuse_place(None, NOON) is None
    taken = subscription_rules.refuse_place(slot(NOON), NOON - 1)
    assert taken is not None
    assert (taken.code, taken.retry_after) == (ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS, None)
    assert subscription_rules.refuse_place(slot(NOON), NOON) is None


PLAN = slot(NOON, SlotKind.PLAN)._replace(holder_id="pro", as_of_ms=5, ended_as_of_ms=9)


@pytest.mark.parametrize(
    ("place", "plan_id", "now_ms", "known"),
    [
        (None, "pro", NOON, None),
        (slot(NOON), "pro", NOON - 1, None),
        (PLAN, "pro", NOON - 1, 5),
        (PLAN, "max", NOON - 1, 9),
        (PLAN, "pro", NOON, 9),
        (PLAN._replace(kind=SlotKind.CUSTOM), "pro", NOON - 1, 9),
        (PLAN._replace(ended_as_of_ms=None), "max", NOON - 1, 5),
        (PLAN._replace(as_of_ms=None), "pro", NOON - 1, None),
        (PLAN._replace(as_of_ms=0, ended_as_of_ms=None), "pro", NOON - 1, 0),
    ],
)
def test_news_of_a_plan_is_measured_by_what_is_known_of_it_and_of_one_to_come_by_all_that_is_known(
    place: Slot | None, plan_id: str, now_ms: int, known: int | None
) -> None:
    assert subscription_rules.newest_news_ms(place, plan_id, now_ms) == known
    assert not subscription_rules.is_outdated(place, plan_id, None, now_ms)
    if known is None:
        assert not subscription_rules.is_outdated(place, plan_id, -(10**13), now_ms)
    else:
        ages = [subscription_rules.is_outdated(place, plan_id, known + ms, now_ms) for ms in (-1, 0, 1)]
        assert ages == [True, False, False]


@pytest.mark.parametrize(("kind", "word"), [(SlotKind.PLAN, "plan"), (SlotKind.CUSTOM, "custom subscription")])
def test_refusal_names_what_holds_the_place(kind: SlotKind, word: str) -> None:
    taken = subscription_rules.refuse_place(slot(NOON, kind), NOON - 1)
    assert taken is not None
    assert taken.message == f"The account already has an active {word}: {SUBSCRIPTION_ID}."


def test_hundred_new_keys_a_utc_day_and_not_one_more() -> None:
    stored = subscription()
    assert subscription_rules.refuse_new_key(stored, NOON) is None
    assert subscription_rules.refuse_new_key(stored._replace(new_key_day=TODAY, new_keys=99), NOON) is None
    refused = subscription_rules.refuse_new_key(stored._replace(new_key_day=TODAY, new_keys=100), NOON)
    assert refused == Refusal(ErrorCode.TOO_MANY_NEW_KEYS, retry_after=43_200)


def test_next_utc_day_counts_new_keys_anew_and_a_clock_behind_counts_in_the_stored_day() -> None:
    full = subscription()._replace(new_key_day=TODAY, new_keys=100)
    assert subscription_rules.refuse_new_key(full, DAY_ENDS - 1) == Refusal(ErrorCode.TOO_MANY_NEW_KEYS, retry_after=1)
    assert subscription_rules.refuse_new_key(full, DAY_ENDS) is None
    assert subscription_rules.new_keys_today(full._replace(new_key_day=TODAY + 1), NOON) == 100


def test_end_of_a_subscription_is_told_before_too_many_new_keys() -> None:
    full = subscription()._replace(new_key_day=TODAY, new_keys=100)
    ended = [full._replace(cancelled_at_ms=NOON), full._replace(cancelling_at_ms=NOON), full._replace(due_at_ms=None)]
    refused = [subscription_rules.refuse_new_key(one, NOON) for one in ended]
    assert [refusal.code for refusal in refused if refusal is not None] == [
        ErrorCode.SUBSCRIPTION_CANCELLED,
        ErrorCode.SUBSCRIPTION_CANCELLED,
        ErrorCode.SUBSCRIPTION_EXPIRED,
    ]


def test_only_an_expired_subscription_is_renewed_from_the_millisecond_it_expires() -> None:
    stored = subscription()
    not_expired = Refusal(ErrorCode.SUBSCRIPTION_NOT_EXPIRED)
    assert subscription_rules.refuse_renewal(stored, slot(TERM_ENDS), TERM_ENDS - 1) == not_expired
    assert subscription_rules.refuse_renewal(stored, slot(TERM_ENDS), TERM_ENDS) is None
    suspended = stored._replace(suspension=Suspension(NOON, "operator", "unpaid"))
    for now_ms in (NOON, TERM_ENDS):
        refused = subscription_rules.refuse_renewal(suspended, None, now_ms)
        assert refused == Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED)
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
