"""What may be kept of a refusal: an answer only where nothing reverses it, and for no more models than it is about."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.entitlements import refusal_cache
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements.model import EntitlementId, Status
from modelpass.entitlements.refusal_cache import Lesson
from modelpass.errors import ErrorCode, Refusal
from tests.support.builders import KEY_HASH, NOON, SUBSCRIPTION_ID, TERM, entitlement, limits, subscription

if TYPE_CHECKING:
    from modelpass.entitlements.model import Subscription

INVALID = Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
OTHER_HASH = bytes(16)
OF_ENTITLEMENT = [
    ErrorCode.SUBSCRIPTION_CANCELLED,
    ErrorCode.SUBSCRIPTION_EXPIRED,
    ErrorCode.TIER_NOT_INCLUDED,
    ErrorCode.REQUEST_ID_REUSED,
    ErrorCode.TIER_UNAVAILABLE,
    ErrorCode.MONTHLY_CAP_REACHED,
    ErrorCode.DAILY_CALL_LIMIT_REACHED,
    ErrorCode.TOO_MANY_OPEN_HOLDS,
]


@pytest.mark.parametrize("code", OF_ENTITLEMENT)
def test_what_can_reverse_or_shows_windows_is_looked_at_again(code: ErrorCode) -> None:
    assert refusal_cache.of_entitlement(Refusal(code), entitlement()) == Lesson("acct", refusal=None, held=None)


def test_key_that_one_model_knows_a_later_one_of_is_refused_for_good_in_that_model_alone() -> None:
    later = entitlement()._replace(key_hash=OTHER_HASH)
    assert refusal_cache.of_entitlement(INVALID, later) == Lesson("acct", INVALID, held=None)


def test_key_of_a_term_that_was_renewed_is_refused_for_good_in_every_model() -> None:
    retired = entitlement()._replace(key_hash=None)
    assert refusal_cache.of_entitlement(INVALID, retired) == Lesson("acct", INVALID, held=frozenset())


def of_row(row: Subscription | None, model_id: str = "guess", term: int = 1, now_ms: int = NOON) -> Lesson:
    refusal = entitlement_rules.refuse_unheld_model(row, term, KEY_HASH, now_ms)
    return refusal_cache.of_subscription(refusal, row, EntitlementId(SUBSCRIPTION_ID, term, model_id))


def row_of(**changes: Any) -> Subscription:
    return subscription(models=(limits("m-1"), limits("m-2")))._replace(**changes)


HELD = frozenset({"m-1", "m-2"})


def test_model_that_is_not_in_the_term_is_looked_for_in_the_row_alone_for_the_term_may_end() -> None:
    assert of_row(row_of()) == Lesson("acct", refusal=None, held=HELD)
    assert of_row(row_of(), now_ms=TERM.ends_at_ms) == Lesson("acct", refusal=None, held=HELD)


def test_row_that_knows_a_later_key_refuses_for_good_the_models_that_the_term_has_not() -> None:
    assert of_row(row_of(key_hash=OTHER_HASH)) == Lesson("acct", INVALID, held=HELD)


def test_row_of_a_later_term_refuses_the_key_for_good_in_every_model() -> None:
    assert of_row(row_of(term_number=2)) == Lesson("acct", INVALID, held=frozenset())


def test_row_that_is_cancelled_refuses_for_good_and_one_whose_cancellation_has_begun_does_not() -> None:
    cancelled = Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    assert of_row(row_of(cancelled_at_ms=NOON)) == Lesson("acct", cancelled, held=HELD)
    begun = row_of(cancelling_at_ms=NOON)
    assert begun.status(TERM.ends_at_ms) is Status.CANCELLED  # by this clock; another may be behind
    assert of_row(begun, now_ms=TERM.ends_at_ms) == Lesson("acct", refusal=None, held=HELD)


def test_what_only_tables_restored_in_part_say_is_never_kept_as_an_answer() -> None:
    assert of_row(None) == Lesson(None)
    assert of_row(row_of(), term=2) == Lesson("acct")
    assert of_row(row_of(), model_id="m-2") == Lesson("acct")
    assert of_row(row_of(key_hash=OTHER_HASH), model_id="m-2") == Lesson("acct")
