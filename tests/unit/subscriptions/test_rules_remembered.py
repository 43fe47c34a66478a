"""What is remembered of a refusal that the row of a subscription led to: an answer only where nothing reverses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.entitlements.model import EntitlementId
from modelpass.entitlements.refusal_cache import RememberedRefusal
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions import rules as subscription_rules
from modelpass.subscriptions.model import Status
from tests.support.builders import KEY_HASH, NOON, SUBSCRIPTION_ID, TERM, limits, subscription

if TYPE_CHECKING:
    from modelpass.subscriptions.model import Subscription

INVALID = Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
OTHER_HASH = bytes(16)


def of_row(row: Subscription | None, model_id: str = "guess", term: int = 1, now_ms: int = NOON) -> RememberedRefusal:
    refusal = subscription_rules.refuse_unheld_model(row, term, KEY_HASH, now_ms)
    return subscription_rules.remembered(refusal, row, EntitlementId(SUBSCRIPTION_ID, term, model_id))


def row_of(**changes: Any) -> Subscription:
    return subscription(models=(limits("m-1"), limits("m-2")))._replace(**changes)


HELD = frozenset({"m-1", "m-2"})


def test_model_that_is_not_in_the_term_is_looked_for_in_the_row_alone_for_the_term_may_end() -> None:
    assert of_row(row_of()) == RememberedRefusal("acct", refusal=None, held=HELD)
    assert of_row(row_of(), now_ms=TERM.ends_at_ms) == RememberedRefusal("acct", refusal=None, held=HELD)


def test_row_that_knows_a_later_key_refuses_for_good_the_models_that_the_term_has_not() -> None:
    assert of_row(row_of(key_hash=OTHER_HASH)) == RememberedRefusal("acct", INVALID, held=HELD)


def test_row_of_a_later_term_refuses_the_key_for_good_in_every_model() -> None:
    assert of_row(row_of(term_number=2)) == RememberedRefusal("acct", INVALID, held=frozenset())


def test_row_that_is_cancelled_refuses_for_good_and_one_whose_cancellation_has_begun_does_not() -> None:
    cancelled = Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    assert of_row(row_of(cancelled_at_ms=NOON)) == RememberedRefusal("acct", cancelled, held=HELD)
    begun = row_of(cancelling_at_ms=NOON)
    assert begun.status(TERM.ends_at_ms) is Status.CANCELLED  # by this clock; another may be behind
    assert of_row(begun, now_ms=TERM.ends_at_ms) == RememberedRefusal("acct", refusal=None, held=HELD)


def test_what_only_tables_restored_in_part_say_is_never_kept_as_an_answer() -> None:
    assert of_row(None) == RememberedRefusal(None)
    assert of_row(row_of(), term=2) == RememberedRefusal("acct")
    assert of_row(row_of(), model_id="m-2") == RememberedRefusal("acct", None, HELD)
    assert of_row(row_of(key_hash=OTHER_HASH), model_id="m-2") == RememberedRefusal("acct", None, HELD)
