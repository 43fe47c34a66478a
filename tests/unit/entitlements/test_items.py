"""Entitlements and holds as they are stored: read back as they were, and what does not parse raises."""

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
from modelpass.entitlements.model import Entitlement, EntitlementId, Hold, Limits
from modelpass.ids import MODEL_ID_PATTERN
from modelpass.schema import UnreadableItemError
from tests.support.audit import assert_entitlement_conserved
from tests.support.builders import NOON, PROPERTY, SUBSCRIPTION_ID, entitlement, entitlements, hold
from tests.support.steps import stored

Stored = tuple[Entitlement, int]
HOLDS = st.builds(
    Hold,
    st.text(min_size=1).map(authorization_ids.request_digest),
    st.binary(min_size=6, max_size=6).map(authorization_ids.nonce_text),
    st.binary(max_size=40).map(api_keys.signer_of),
    st.integers(0, 10**15),
    st.integers(1, 86_400),
    st.integers(0, 10**15),
    st.integers(1, 10**9),
)
MODEL_IDS = st.from_regex(MODEL_ID_PATTERN, fullmatch=True)
LIMITS = st.builds(
    Limits, MODEL_IDS, st.sampled_from(Tier), st.sampled_from(Unit), st.integers(1, 10**9), st.integers(1, 10**15)
)
MAYBE_BYTES, MAYBE_MS = st.none() | st.binary(min_size=1, max_size=32), st.none() | st.integers(0, 10**14)
ITEM = entitlement_items.entitlement_item(entitlement(holds=[hold()], calls=1))


def test_partition_key_names_its_entitlement() -> None:
    one, two = EntitlementId(SUBSCRIPTION_ID, 1, "m:1"), EntitlementId(SUBSCRIPTION_ID, 11, "m")
    assert [entitlement_items.parse_entitlement_pk(entitlement_items.entitlement_pk(e)) for e in (one, two)] == [
        one,
        two,
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


@PROPERTY
@given(entitlements())
def test_built_entitlements_are_conserved_and_stored_without_loss(pair: Stored) -> None:
    assert_entitlement_conserved(pair[0])
    assert entitlement_items.entitlement_of(stored(pair[0])) == pair[0]


@pytest.mark.parametrize("version", [None, {"N": "4"}, {"N": "1"}, {"S": "2"}, {"N": "2.5"}])
def test_unknown_schema_version_is_unreadable(version: Any) -> None:
    other = {name: value for name, value in ITEM.items() if name != "v"}
    if version is not None:
        other["v"] = version
    with pytest.raises(UnreadableItemError):
        entitlement_items.entitlement_of(other)


def test_item_without_one_of_its_attributes_is_not_guessed() -> None:
    optional = {"kh", "xc", "xi", "kp", "bd", "rd", "dp", "da", "pk", "sk"}
    for name in ITEM.keys() - optional:
        cut = copy.deepcopy(ITEM)
        del cut[name]
        with pytest.raises((UnreadableItemError, KeyError)):
            entitlement_items.entitlement_of(cut)


@pytest.mark.parametrize(("name", "value"), [("tr", "gold"), ("un", "words"), ("lc", "x"), ("h", "text")])
def test_entitlement_with_a_value_that_is_unknown_is_not_guessed(name: str, value: str) -> None:
    kind = "N" if name == "lc" else "S"
    item = {**entitlement_items.entitlement_item(entitlement(at_ms=NOON)), name: {kind: value}}
    with pytest.raises((UnreadableItemError, KeyError, ValueError)):
        entitlement_items.entitlement_of(item)
