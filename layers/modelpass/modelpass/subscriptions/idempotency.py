"""What is remembered of an Idempotency-Key and of the body that came with it. Rule: digests only, scoped to the call.

Two bodies are the same when their JSON values are: members in any order, array order kept.
"""

from __future__ import annotations

import hashlib
import json

from modelpass.encoding import ID_BYTES, base64url
from modelpass.ids import subscription_id_of

_DIGEST_BYTES = 16


def subscription_id(account_id: str, idempotency_key: str) -> str:
    """The id of the subscription bought under an Idempotency-Key: a repeat collides with itself."""
    return subscription_id_of(_digest("purchase", account_id, idempotency_key)[:ID_BYTES])


def renewal(account_id: str, subscription: str, idempotency_key: str) -> bytes:
    """What is remembered of a renewal's Idempotency-Key."""
    return _digest("renew", account_id, subscription, idempotency_key)[:_DIGEST_BYTES]


def correction(operator: str, subscription: str, idempotency_key: str) -> str:
    """Under which key a correction is recorded."""
    digest = _digest("correct", operator, subscription, idempotency_key)[:ID_BYTES]
    return base64url(digest)


def body(raw: object) -> bytes:
    """Equal for equal JSON values."""
    canonical = json.dumps(raw, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).digest()


def _digest(*scope: str) -> bytes:
    return hashlib.sha256("\0".join(scope).encode()).digest()
