"""Digests of Idempotency-Keys and of the bodies that came with them. Rule: pure; only a digest is ever stored.

A key's digest is scoped to what the call acts on: the account for a purchase, the subscription and its account for a
renewal, the subscription alone for a correction, whichever operator asks. The same key in another scope is another key.
Where a digest is compared and what a repeat gets is said by the commands.
"""

from __future__ import annotations

import hashlib
import json
from typing import Final

from modelpass.encoding import ID_BYTES, base64url
from modelpass.ids import subscription_id_of

_DIGEST_BYTES: Final = 16


def subscription_id(account_id: str, idempotency_key: str) -> str:
    """The id of the subscription that is bought under an Idempotency-Key: a repeat has the same id, and so finds it."""
    return subscription_id_of(_digest("purchase", account_id, idempotency_key)[:ID_BYTES])


def renewal(account_id: str, subscription: str, idempotency_key: str) -> bytes:
    """The digest of a renewal's Idempotency-Key, which the subscription's row keeps."""
    return _digest("renew", account_id, subscription, idempotency_key)[:_DIGEST_BYTES]


def mark(call: str, account_id: str, subscription: str, idempotency_key: str) -> str:
    """The digest of the Idempotency-Key of a sale, as the text that the sale is marked by; `call` names its route."""
    return base64url(_digest(call, account_id, subscription, idempotency_key)[:ID_BYTES])


def correction(subscription: str, idempotency_key: str) -> str:
    """The digest of a correction's Idempotency-Key, as the text under which the correction is recorded."""
    return base64url(_digest("correct", subscription, idempotency_key)[:ID_BYTES])


def earlier_correction(operator: str, subscription: str, idempotency_key: str) -> str:
    """The text under which earlier code recorded a correction: it scoped the key to the operator as well."""
    return base64url(_digest("correct", operator, subscription, idempotency_key)[:ID_BYTES])


def body(raw: object) -> bytes:
    """The digest of a body: equal for equal JSON values, with members in any order and arrays in their order.

    A member that is null counts as left out, at every depth.
    """
    return earlier_body(_without_nulls(raw))


def earlier_body(raw: object) -> bytes:
    """The digest by which earlier code remembered a body: a member that is null was another than one left out."""
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def _without_nulls(raw: object) -> object:
    if isinstance(raw, dict):
        return {name: _without_nulls(value) for name, value in raw.items() if value is not None}
    return [_without_nulls(value) for value in raw] if isinstance(raw, list) else raw


def _digest(*scope: str) -> bytes:
    """The digest of a call's name and what its key is scoped to, with the key at the end.

    No two scopes make one text, though the name of an account may hold a NUL: there is at most one such name, and
    neither what stands before it nor a subscription's id nor an Idempotency-Key can hold one.
    """
    return hashlib.sha256("\0".join(scope).encode()).digest()
