"""What is stored is read back as it was, and what does not parse raises: nothing stored is guessed."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass import api_keys, schema
from modelpass.catalogue.tiers import Tier, Unit
from modelpass.entitlements import authorization_ids
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import EntitlementId, Hold, Limits
from modelpass.ids import subscription_id_of
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.model import Sale, Slot, SlotKind, Subscription
from tests.support.builders import NOON, PROPERTY, entitlement, entitlements, hold, subscription, terms

HOLDS = st.builds(
    Hold,
    st.text(min_size=1).map(authorization_ids.request_digest),
    st.binary(min_size=9, max_size=9).map(authorization_ids.nonce_text),
    st.binary(max_size=40).map(api_keys.signer_of),
    st.integers(0, 10**15),
    st.integers(1, 86_400),
    st.integers(0, 10**15),
    st.integers(1, 10**9),
)
MODEL_IDS = st.from_regex(r"[A-Za-z0-9._:-]{1,64}", fullmatch=True)
LIMITS = st.builds(
    Limits, MODEL_IDS, st.sampled_from(Tier), st.sampled_from(Unit), st.integers(1, 10**9), st.integers(1, 10**15)
)
PRICES = st.from_regex(r"[0-9]{1,40}\.[0-9]{2,12}", fullmatch=True)
MAYBE_BYTES, MAYBE_MS = st.none() | st.binary(min_size=1, max_size=32), st.none() | st.integers(0, 10**14)
SLOT = Slot(SlotKind.PLAN, "plan-1", 17, purchase_day=20_788, purchases=3, revision=4, due_at_ms=17)
ITEMS: list[tuple[Any, schema.Item]] = [
    (entitlement_items.entitlement_of, entitlement_items.entitlement_item(entitlement(holds=[hold()], calls=1))),
    (subscription_items.subscription_of, subscription_items.subscription_item(subscription())),
    (
        subscription_items.slot_of,
        subscription_items.slot_item("acct", SLOT),
    ),
    (subscription_items.term_row_of, subscription_items.term_row("sub_1", subscription().sold_term())),
]


@PROPERTY
@given(HOLDS)
def test_hold_is_packed_without_loss(made: Hold) -> None:
    assert entitlement_items.unpack_hold(made.key, entitlement_items.pack_hold(made)) == made


@pytest.mark.parametrize(
    "packed",
    [
        "",
        "s",
        "s.n.1.1.1",
        "s.n.1.1.1.1.1",
        "s.n....",
        "s.n.1.1.1.",
        "s.n.1.1.?.1",
        "s.n.1.1.é.1",
        "s.n.-1.1.1.1",
        "s.n.1.1.1.-1",
        "s.n. 1.1.1.1",
        "s.n.1_0.1.1.1",
        "s.n.+1.1.1.1",
        "s.n.٣.1.1.1",
        "s.n.1.1.A.1",
    ],
)
def test_malformed_hold_is_unreadable(packed: str) -> None:
    with pytest.raises(UnreadableItemError):
        entitlement_items.unpack_hold("key", packed)
    item = entitlement_items.entitlement_item(entitlement())
    item["h"]["M"]["key"] = {"S": packed}
    with pytest.raises(UnreadableItemError):
        entitlement_items.entitlement_of(item)


@PROPERTY
@given(entitlements(), MAYBE_BYTES, MAYBE_MS, LIMITS, st.integers(1, 999), st.text(max_size=99))
def test_entitlement_is_stored_without_loss(
    pair: Any, key_hash: bytes | None, cancelled: int | None, bought: Limits, number: int, account: str
) -> None:
    made = pair[0]._replace(
        id=EntitlementId(pair[0].id.subscription_id, number, bought.model_id),
        account_id=account,
        limits=bought,
        key_hash=key_hash,
        cancelled_at_ms=cancelled,
        due_at_ms=None,
    )
    assert entitlement_items.entitlement_of(entitlement_items.entitlement_item(made)) == made
    due = {
        **entitlement_items.entitlement_item(made),
        "da": schema.number(7),
        "dp": schema.text("007"),
    }
    assert entitlement_items.entitlement_of(due) == made._replace(due_at_ms=7)


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
    due_at_ms=MAYBE_MS,
)


@PROPERTY
@given(SUBSCRIPTIONS)
def test_subscription_and_its_term_are_stored_without_loss(made: Subscription) -> None:
    assert subscription_items.subscription_of(subscription_items.subscription_item(made)) == made
    sold = made.sold_term()
    assert [model_id for model_id, _ in sold.models] == [m.model_id for m in made.models]
    assert subscription_items.term_row_of(subscription_items.term_row(made.id, sold)) == sold


@pytest.mark.parametrize("made", [SLOT, SLOT._replace(kind=SlotKind.CUSTOM, due_at_ms=None)])
def test_slot_is_stored_without_loss_and_names_its_account(made: Slot) -> None:
    stored = subscription_items.slot_item("a#b/é", made)
    assert subscription_items.slot_of(stored) == made
    assert subscription_items.slot_account(stored) == "a#b/é"
    assert subscription_items.slot_account(subscription_items.subscription_item(subscription())) is None


@pytest.mark.parametrize(("read", "item"), ITEMS)
@pytest.mark.parametrize("version", [None, {"N": "3"}, {"N": "0"}, {"S": "1"}, {"N": "1.5"}])
def test_unknown_schema_version_is_unreadable(read: Any, item: schema.Item, version: Any) -> None:
    other = {name: value for name, value in item.items() if name != "v"}
    if version is not None:
        other["v"] = version
    with pytest.raises(UnreadableItemError):
        read(other)


@pytest.mark.parametrize(("read", "item"), ITEMS)
def test_item_without_one_of_its_attributes_is_not_guessed(read: Any, item: schema.Item) -> None:
    optional = {"kh", "xc", "xi", "kp", "bd", "rd", "dp", "da", "pk", "sk"}
    for name in item.keys() - optional:
        cut = copy.deepcopy(item)
        del cut[name]
        with pytest.raises((UnreadableItemError, KeyError)):
            read(cut)


@pytest.mark.parametrize(("name", "value"), [("tr", "gold"), ("un", "words"), ("lc", "x"), ("h", "text")])
def test_entitlement_with_a_value_that_is_unknown_is_not_guessed(name: str, value: str) -> None:
    kind = "N" if name == "lc" else "S"
    item = {**entitlement_items.entitlement_item(entitlement(at_ms=NOON)), name: {kind: value}}
    with pytest.raises((UnreadableItemError, KeyError, ValueError)):
        entitlement_items.entitlement_of(item)
