"""Every key and id: how it is built, how it is read back. Rule: no other module spells one out.

API key: `sk-custom-` and 60 characters of base64url over 45 bytes: subscription (15), term (2), secret (20) and
an 8-byte MAC under the deployment key, so a mistyped or forged key never reaches the store. Only a hash is kept.

Authorization id: everything a settle needs, under a 16-byte MAC of the deployment key.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from functools import lru_cache
from typing import Final, NamedTuple

from modelpass import macs
from modelpass.catalogue.tiers import Tier
from modelpass.encoding import ID_BYTES, base64url, from_base64url
from modelpass.entitlements.model import EntitlementId, Hold
from modelpass.ids import subscription_id_bytes, subscription_id_of

API_KEY_PREFIX: Final = "sk-custom-"
API_KEY_PATTERN: Final = r"sk-custom-[A-Za-z0-9_-]{60}"
"""For secret scanners."""
SECRET_BYTES: Final = 20
NONCE_BYTES: Final = 9
BOUGHT: Final = "bought#"
TICKET: Final = "hold#"

_API_KEY = re.compile(rf"{API_KEY_PREFIX}([A-Za-z0-9_-]{{60}})")
_AUTHORIZATION_ID = re.compile(r"auth_([A-Za-z0-9_-]{100,200})")
_ACCOUNT = "account#"
_API_KEY_MAC_BYTES = 8
_MAC_BYTES = 16
_KEY_HASH_BYTES = 16
_DIGEST_BYTES = 9
_VISIBLE_CHARACTERS = 4
_SIGNER_BYTES = 3
_GRANT = struct.Struct(">B15sH9s9sQIQIB")
_VERSION = 1
_TIERS: Final = tuple(Tier)


class DeploymentKeys(NamedTuple):
    """The secrets that sign keys and ids: the first signs, every one is accepted (rotation)."""

    secrets: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"DeploymentKeys({len(self.secrets)} secrets)"

    def signing(self) -> bytes:
        """The secret that signs what is new."""
        return self.secrets[0]

    def by_signer(self, signer: str) -> bytes:
        """The secret a hold was signed with; the current one when that has been retired."""
        return next((s for s in self.secrets if signer_of(s) == signer), self.signing())


class ApiKey(NamedTuple):
    """What an API key says of itself once its MAC is right: which term, and the hash of the whole."""

    subscription_id: str
    term_number: int
    key_hash: bytes


class Authorization(NamedTuple):
    """What an authorization id says once its MAC is right."""

    entitlement: EntitlementId
    tier: Tier
    hold: Hold


@lru_cache(maxsize=8)
def signer_of(secret: bytes) -> str:
    """Four characters that tell deployment keys apart; they say nothing about the secret."""
    return base64url(hashlib.sha256(b"modelpass/signer" + secret).digest()[:_SIGNER_BYTES])


def issue_api_key(subscription_id: str, term_number: int, secret: bytes, keys: DeploymentKeys) -> str:
    """A new API key; `secret` is 20 random bytes."""
    body = subscription_id_bytes(subscription_id) + struct.pack(">H", term_number) + secret
    return API_KEY_PREFIX + base64url(body + _api_key_mac(body, keys.signing()))


def api_key_hash(api_key: str) -> bytes:
    """What is stored of an API key. A plain hash does: the key holds 160 random bits."""
    return hashlib.sha256(api_key.encode()).digest()[:_KEY_HASH_BYTES]


def api_key_tail(api_key: str) -> str:
    """The last characters, shown to tell keys apart; they are of the MAC, not of the secret."""
    return api_key[-_VISIBLE_CHARACTERS:]


def mask(tail: str) -> str:
    """How a key is shown after its first time."""
    return f"{API_KEY_PREFIX}…{tail}"


def parse_api_key(text: str, keys: DeploymentKeys) -> ApiKey | None:
    """Read an API key; None for anything not issued under one of the deployment keys."""
    match = _API_KEY.fullmatch(text)
    if match is None:
        return None
    raw = from_base64url(match[1])
    body, mac = raw[:-_API_KEY_MAC_BYTES], raw[-_API_KEY_MAC_BYTES:]
    if not any(hmac.compare_digest(mac, _api_key_mac(body, s)) for s in keys.secrets):
        return None
    (number,) = struct.unpack_from(">H", body, ID_BYTES)
    return ApiKey(subscription_id_of(body[:ID_BYTES]), number, api_key_hash(text))


def request_digest(request_id: str) -> str:
    """Under which key a hold stands: 72 bits of a hash, for holds should be short."""
    return base64url(hashlib.sha256(request_id.encode()).digest()[:_DIGEST_BYTES])


def nonce_text(entropy: bytes) -> str:
    """A hold's nonce as text."""
    return base64url(entropy)


def issue_authorization_id(authorization: Authorization, keys: DeploymentKeys) -> str:
    """The id of a grant: the same hold always gives the same id."""
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


def parse_authorization_id(text: str, keys: DeploymentKeys) -> Authorization | None:
    """Read an authorization id; None for any string never issued."""
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


def entitlement_pk(entitlement: EntitlementId) -> str:
    """Entitlements table: a partition of its own for each model of each term."""
    return f"{entitlement.subscription_id}#{entitlement.term_number}#{entitlement.model_id}"


def parse_entitlement_pk(pk: str) -> EntitlementId:
    """The reverse of `entitlement_pk`; a model id holds no `#`."""
    subscription_id, number, model_id = pk.split("#")
    return EntitlementId(subscription_id, int(number), model_id)


def slot_key(account_id: str) -> tuple[str, str]:
    """Subscriptions table: an account's one place."""
    return f"{_ACCOUNT}{account_id}", "slot"


def slot_account(pk: str) -> str | None:
    """Whose place a key names; None when it names a subscription."""
    return pk.removeprefix(_ACCOUNT) if pk.startswith(_ACCOUNT) else None


def bought_key(account_id: str, bought_at_ms: int, place: int, subscription_id: str) -> tuple[str, str]:
    """Subscriptions table: an entry of an account's list of subscriptions, in the order of purchase.

    `place` is the revision of the account's place, which tells purchases of one millisecond apart.
    """
    pk, _ = slot_key(account_id)
    return pk, f"{BOUGHT}{bought_at_ms:015d}#{place:09d}#{subscription_id}"


def subscription_key(subscription_id: str) -> tuple[str, str]:
    """Subscriptions table: the subscription row."""
    return subscription_id, "subscription"


def day_key(entitlement: EntitlementId, day: str) -> tuple[str, str]:
    """History table: a closed day of one entitlement; a range of days is one query."""
    return (
        entitlement.subscription_id,
        f"day#{day}#{entitlement.term_number}#{entitlement.model_id}",
    )


def days_between(subscription_id: str, first: str, last: str) -> tuple[str, str, str]:
    """History table: the partition, and the first and last sort key, of closed days."""
    return subscription_id, f"day#{first}", f"day#{last}$"  # the character after `#`


def parse_day_key(pk: str, sk: str) -> tuple[str, EntitlementId]:
    """The reverse of `day_key`: the day and the entitlement."""
    _, day, number, model_id = sk.split("#")
    return day, EntitlementId(pk, int(number), model_id)


def month_key(entitlement: EntitlementId, month: int) -> tuple[str, str]:
    """History table: a closed month window of one entitlement."""
    suffix = f"{entitlement.term_number}#{month:02d}#{entitlement.model_id}"
    return entitlement.subscription_id, f"month#{suffix}"


def parse_month_key(pk: str, sk: str) -> tuple[EntitlementId, int]:
    """The reverse of `month_key`: the entitlement and the number of the month."""
    _, number, month, model_id = sk.split("#")
    return EntitlementId(pk, int(number), model_id), int(month)


def term_key(subscription_id: str, number: int) -> tuple[str, str]:
    """History table: a term as it was sold; in the order of their numbers."""
    pk, prefix = terms_of(subscription_id)
    return pk, f"{prefix}{number:06d}"


def terms_of(subscription_id: str) -> tuple[str, str]:
    """History table: the partition, and how the sort keys begin, of terms as they were sold."""
    return subscription_id, "term#"


def correction_key(subscription_id: str, digest: str) -> tuple[str, str]:
    """History table: a correction of usage, by its Idempotency-Key."""
    return subscription_id, f"correction#{digest}"


def ticket_key(entitlement: EntitlementId, hold: Hold) -> tuple[str, str]:
    """History table: a reclaimed hold that may still be settled."""
    return entitlement_pk(entitlement), f"{TICKET}{hold.key}#{hold.nonce}"


def _api_key_mac(body: bytes, secret: bytes) -> bytes:
    return macs.under(secret).digest(b"modelpass/api-key" + body)[:_API_KEY_MAC_BYTES]


def _authorization_mac(body: bytes, secret: bytes) -> bytes:
    return macs.under(secret).digest(b"modelpass/authorization" + body)[:_MAC_BYTES]
