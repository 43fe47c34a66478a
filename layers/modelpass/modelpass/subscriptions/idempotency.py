"""Digests of Idempotency-Keys and of the bodies that came with them. Rule: pure; only a digest is ever stored.

A key's digest is scoped to the call, the caller and, except for a purchase, the subscription: the same key in another
scope is another key. Where a digest is compared and what a repeat gets is said by the commands.
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


def correction(operator: str, subscription: str, idempotency_key: str) -> str:
    """The digest of a correction's Idempotency-Key, as the text under which the correction is recorded."""
    digest = _digest("correct", operator, subscription, idempotency_key)[:ID_BYTES]
    return base64url(digest)


def body(raw: object) -> bytes:
    """The digest of a body: equal for equal JSON values, with members in any order and arrays in their order."""
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def _digest(*scope: str) -> bytes:
    return hashlib.sha256("\0".join(scope).encode()).digest()
