"""Subscriptions, places and terms as they are stored: read back as they were, and what does not parse raises."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.catalogue.tiers import Tier, Unit
from modelpass.entitlements.model import Limits
from modelpass.ids import MODEL_ID_PATTERN, subscription_id_of
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.model import Sale, Slot, SlotKind, Subscription
from tests.support.builders import PROPERTY, subscription, terms

if TYPE_CHECKING:
    from modelpass import schema

PRICES = st.from_regex(r"[0-9]{1,40}\.[0-9]{2,12}", fullmatch=True)
MODEL_IDS = st.from_regex(MODEL_ID_PATTERN, fullmatch=True)
LIMITS = st.builds(
    Limits, MODEL_IDS, st.sampled_from(Tier), st.sampled_from(Unit), st.integers(1, 10**9), st.integers(1, 10**15)
)
MAYBE_BYTES, MAYBE_MS = st.none() | st.binary(min_size=1, max_size=32), st.none() | st.integers(0, 10**14)
SLOT = Slot(SlotKind.PLAN, "plan-1", 17, purchase_day=20_788, purchases=3, revision=4, due_at_ms=17)
ITEMS: list[tuple[Any, schema.Item]] = [
    (subscription_items.subscription_of, subscription_items.subscription_item(subscription())),
    (subscription_items.slot_of, subscription_items.slot_item("acct", SLOT)),
    (subscription_items.term_row_of, subscription_items.term_row("sub_1", subscription().sold_term())),
]
SUBSCRIPTIONS = st.builds(
    lambda sold, currency, **rest: Subscription(
        models=tuple(limits for limits, _ in sold), sale=Sale(currency, tuple(price for _, price in sold)), **rest
    ),
    st.lists(st.tuples(LIMITS, PRICES), min_size=1, max_size=40),
    st.from_regex(r"[A-Z]{3}", fullmatch=True),
    id=st.binary(min_size=15, max_size=15).map(subscription_id_of),
    account_id=st.text(min_size=1, max_size=99),
    term_number=st.integers(1, 999),
    term=terms(),
    created_at_ms=st.integers(0, 10**14),
    cancelled_at_ms=MAYBE_MS,
    cancelling_at_ms=MAYBE_MS,
    key_hash=st.binary(min_size=16, max_size=16),
    key_tail=st.text(min_size=4, max_size=4),
    key_generation=st.integers(0, 999),
    key_pending=st.booleans(),
    body_digest=MAYBE_BYTES,
    renewal_digest=MAYBE_BYTES,
    renewal_body=MAYBE_BYTES,
    due_at_ms=MAYBE_MS,
)


@PROPERTY
@given(SUBSCRIPTIONS)
def test_subscription_and_its_term_are_stored_without_loss(made: Subscription) -> None:
    assert subscription_items.subscription_of(subscription_items.subscription_item(made)) == made
    sold = made.sold_term()
    assert [model_id for model_id, _ in sold.models] == [m.model_id for m in made.models]
    assert subscription_items.term_row_of(subscription_items.term_row(made.id, sold)) == sold


def test_body_of_a_renewal_is_of_the_term_it_began_and_of_no_later_one() -> None:
    made = subscription()._replace(term_number=2, renewal_digest=b"digest", renewal_body=b"body")
    stored = subscription_items.subscription_item(made)
    assert subscription_items.subscription_of(stored) == made
    by_code_of_before = {**stored, "tn": {"N": "3"}, "rd": {"B": b"another"}}
    read = subscription_items.subscription_of(by_code_of_before)
    assert (read.renewal_digest, read.renewal_body) == (b"another", None)


@pytest.mark.parametrize(
    "made",
    [
        SLOT,
        SLOT._replace(kind=SlotKind.CUSTOM, due_at_ms=None),
        SLOT._replace(as_of_ms=8),
        SLOT._replace(ended_as_of_ms=9),
        SLOT._replace(as_of_ms=-8, ended_as_of_ms=0),
    ],
)
def test_slot_is_stored_without_loss_and_names_its_account(made: Slot) -> None:
    stored = subscription_items.slot_item("a#b/é", made)
    assert subscription_items.slot_of(stored) == made
    assert subscription_items.slot_account(stored) == "a#b/é"
    assert subscription_items.slot_account(subscription_items.subscription_item(subscription())) is None


@pytest.mark.parametrize(("read", "item"), ITEMS)
@pytest.mark.parametrize("version", [None, {"N": "4"}, {"N": "1"}, {"S": "2"}, {"N": "2.5"}])
def test_unknown_schema_version_is_unreadable(read: Any, item: schema.Item, version: Any) -> None:
    other = {name: value for name, value in item.items() if name != "v"}
    if version is not None:
        other["v"] = version
    with pytest.raises(UnreadableItemError):
        read(other)


@pytest.mark.parametrize(("read", "item"), ITEMS)
def test_item_without_one_of_its_attributes_is_not_guessed(read: Any, item: schema.Item) -> None:
    optional = {"kh", "xc", "xi", "kp", "bd", "rd", "rb", "dp", "da", "pk", "sk"}
    for name in item.keys() - optional:
        cut = copy.deepcopy(item)
        del cut[name]
        with pytest.raises((UnreadableItemError, KeyError)):
            read(cut)
