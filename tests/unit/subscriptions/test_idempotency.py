"""What an Idempotency-Key is scoped to: the same key of another account or subscription is another key."""

from __future__ import annotations

from itertools import product

from modelpass.ids import is_subscription_id, subscription_id_of
from modelpass.subscriptions import idempotency

NAMES = ["".join(letters) for length in (1, 2, 3) for letters in product("\0ab", repeat=length)]
"""Accounts and operators, which may be called by any text."""
SUBSCRIPTIONS = [subscription_id_of(bytes([n]) * 15) for n in (0, 1)]
KEYS = ["a", "b", "ab", "aa"]


def test_id_of_a_purchase_follows_from_account_and_idempotency_key_alone() -> None:
    made = idempotency.subscription_id("acct", "key")
    assert is_subscription_id(made)
    assert made == idempotency.subscription_id("acct", "key")
    others = [idempotency.subscription_id(*pair) for pair in (("acc", "tkey"), ("acct2", "key"), ("key", "acct"))]
    assert len({made, *others}) == 4


def test_renewal_keys_are_scoped_to_account_and_subscription() -> None:
    triples = [("a", "s", "k"), ("b", "s", "k"), ("a", "t", "k"), ("a", "s", "l"), ("as", "k", ""), ("a", "sk", "")]
    assert len({idempotency.renewal(*triple) for triple in triples}) == len(triples)


def test_correction_keys_are_scoped_to_the_subscription_alone() -> None:
    pairs = [("s", "k"), ("t", "k"), ("s", "l"), ("sk", "")]
    assert len({idempotency.correction(*pair) for pair in pairs}) == len(pairs)


def test_no_two_scopes_have_one_digest_whatever_accounts_are_called() -> None:
    names = [name + rest for name in NAMES for rest in ("", f"\0{SUBSCRIPTIONS[0]}", f"\0{SUBSCRIPTIONS[0]}\0a")]
    for of_a_name in (idempotency.renewal, idempotency.earlier_correction):
        scopes = [*product(names, SUBSCRIPTIONS, KEYS)]
        assert len({of_a_name(*scope) for scope in scopes}) == len(scopes)
    bought = [*product(names, KEYS)]
    assert len({idempotency.subscription_id(*scope) for scope in bought}) == len(bought)
    now = {idempotency.correction(*scope) for scope in product(SUBSCRIPTIONS, KEYS)}
    earlier = {idempotency.earlier_correction(*scope) for scope in product(names, SUBSCRIPTIONS, KEYS)}
    assert len(now) == len(SUBSCRIPTIONS) * len(KEYS)
    assert not now & earlier
