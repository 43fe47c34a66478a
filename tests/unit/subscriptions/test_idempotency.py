"""What an Idempotency-Key is scoped to: the same key of another account or subscription is another key."""

from __future__ import annotations

from modelpass.ids import is_subscription_id
from modelpass.subscriptions import idempotency


def test_id_of_a_purchase_follows_from_account_and_idempotency_key_alone() -> None:
    made = idempotency.subscription_id("acct", "key")
    assert is_subscription_id(made)
    assert made == idempotency.subscription_id("acct", "key")
    others = [idempotency.subscription_id(*pair) for pair in (("acc", "tkey"), ("acct2", "key"), ("key", "acct"))]
    assert len({made, *others}) == 4


def test_renewal_keys_are_scoped_to_account_and_subscription() -> None:
    triples = [("a", "s", "k"), ("b", "s", "k"), ("a", "t", "k"), ("a", "s", "l"), ("as", "k", ""), ("a", "sk", "")]
    assert len({idempotency.renewal(*triple) for triple in triples}) == len(triples)
