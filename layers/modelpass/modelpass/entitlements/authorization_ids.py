"""Authorization ids, and the digests and nonces of holds that they carry. Rule: pure; only this file knows their form.

An id is `auth_` and base64url over everything that a settle needs, with a 16-byte MAC under the deployment key. An id
that was not issued under an accepted deployment key is refused before the store is asked.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import macs
from modelpass.api_keys import signer_of
from modelpass.catalogue.tiers import Tier
from modelpass.encoding import base64url, from_base64url
from modelpass.entitlements.model import EntitlementId, Hold
from modelpass.ids import MAX_MODEL_ID, subscription_id_bytes, subscription_id_of

if TYPE_CHECKING:
    from modelpass.api_keys import DeploymentKeys


NONCE_BYTES: Final = 6
"""How many bytes of a nonce tell one grant from another; the rest counts how often its hold has gone on."""
_COUNTER_BYTES: Final = 3
_MOST_STEPS: Final = 1 << 20
"""No hold goes on this often in the day that it can last; in holds of earlier code, random bytes are in this place."""
_MARK_BYTES: Final = 4
_MAC_BYTES = 16
_DIGEST_BYTES = 9
_GRANT = struct.Struct(">B15sH9s9sQIQIB")
_SHORTEST, _LONGEST = (-(-(_GRANT.size + name + _MAC_BYTES) * 4 // 3) for name in (1, MAX_MODEL_ID))
"""How many characters the bytes of an id take, for the shortest and for the longest id of a model."""
_AUTHORIZATION_ID = re.compile(rf"auth_([A-Za-z0-9_-]{{{_SHORTEST},{_LONGEST}}})")
_VERSION = 1
_TIERS: Final = tuple(Tier)


class Authorization(NamedTuple):
    """What an authorization id with a right MAC says."""

    entitlement: EntitlementId
    tier: Tier
    hold: Hold


def request_digest(request_id: str) -> str:
    """The key under which a request's hold is stored: 72 bits of SHA-256, for every byte of an item counts."""
    return base64url(hashlib.sha256(request_id.encode()).digest()[:_DIGEST_BYTES])


def attempt_mark(attempt: str) -> bytes:
    """The bytes by which a hold tells one `attempt` of the router from another: 32 bits of SHA-256.

    They take the place of random bytes of the nonce, so that the stored item is as small as without them. Two attempts
    at one request have the same mark once in four billion times.
    """
    return hashlib.sha256(attempt.encode()).digest()[:_MARK_BYTES]


def nonce_text(entropy: bytes, mark: bytes = b"") -> str:
    """The nonce of a hold that is granted now, as text: it has not gone on yet.

    It is made from `NONCE_BYTES` random bytes, of which an attempt's mark replaces the first.
    """
    return base64url(mark + entropy[len(mark) :] + bytes(_COUNTER_BYTES))


def has_gone_on(hold: Hold) -> bool:
    """Whether a hold is not as it was granted any more: a report of a part has given it other units, calls and time."""
    return 0 < int.from_bytes(_parts(hold.nonce)[1], "big") < _MOST_STEPS


def next_nonce(nonce: str) -> str:
    """The nonce of a hold once it has gone on: of the same grant, with a counter that is one higher.

    The counter begins anew after its highest value. Holds of earlier code have random bytes in its place: it goes on
    from there, so that no step of a hold has the nonce of another.
    """
    grant, counter = _parts(nonce)
    steps = (int.from_bytes(counter, "big") + 1) % (1 << 8 * _COUNTER_BYTES)
    return base64url(grant + steps.to_bytes(_COUNTER_BYTES, "big"))


def is_of_same_grant(hold: Hold, other: Hold) -> bool:
    """Whether two holds are one grant, however often it has gone on between them."""
    return hold.key == other.key and _parts(hold.nonce)[0] == _parts(other.nonce)[0]


def grant_text(hold: Hold) -> str:
    """How the nonces of all steps of this hold's grant begin, as text."""
    return base64url(_parts(hold.nonce)[0])


def _parts(nonce: str) -> tuple[bytes, bytes]:
    raw = from_base64url(nonce)
    return raw[:NONCE_BYTES], raw[NONCE_BYTES:]


def has_mark(hold: Hold, mark: bytes) -> bool:
    """Whether a hold was granted to the attempt that this is the mark of."""
    return from_base64url(hold.nonce).startswith(mark)


def issue_authorization_id(authorization: Authorization, keys: DeploymentKeys) -> str:
    """The id of a grant. The same hold always gives the same id, as long as the key that signed it is accepted."""
    hold, entitlement = authorization.hold, authorization.entitlement
    body = (
        _GRANT.pack(
            _VERSION,
            subscription_id_bytes(entitlement.subscription_id),
            entitlement.term_number,
            from_base64url(hold.key),
            from_base64url(hold.nonce),
            hold.granted_at_ms,
            hold.hold_seconds,
            hold.units,
            hold.calls,
            _TIERS.index(authorization.tier),
        )
        + entitlement.model_id.encode()
    )
    return "auth_" + base64url(body + _authorization_mac(body, keys.by_signer(hold.signer)))


def unpadded(text: str) -> str:
    """An id without what other programs put around it: white space, and the padding of base64."""
    return text.strip().rstrip("=")


def parse_authorization_id(text: str, keys: DeploymentKeys) -> Authorization | None:
    """What an authorization id says; None for any text that was not issued under one of the deployment keys."""
    match = _AUTHORIZATION_ID.fullmatch(text)
    if match is None:
        return None
    try:
        raw = from_base64url(match[1])
    except ValueError:
        return None
    body, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if base64url(raw) != match[1]:  # a second spelling of the same bytes was never issued
        return None
    secret = next((s for s in keys.secrets if hmac.compare_digest(mac, _authorization_mac(body, s))), None)
    if secret is None or body[0] != _VERSION:
        return None
    _, sub, number, key, nonce, at_ms, seconds, units, calls, tier = _GRANT.unpack_from(body)
    model_id = body[_GRANT.size :].decode()
    hold = Hold(base64url(key), base64url(nonce), signer_of(secret), at_ms, seconds, units, calls)
    entitlement = EntitlementId(subscription_id_of(sub), number, model_id)
    return Authorization(entitlement, _TIERS[tier], hold)


def _authorization_mac(body: bytes, secret: bytes) -> bytes:
    return macs.under(secret).digest(b"modelpass/authorization" + body)[:_MAC_BYTES]
