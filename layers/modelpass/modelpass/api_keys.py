"""API keys, and the deployment keys that sign them and authorization ids. Rule: pure; only this file knows their form.

An API key is `sk-custom-` and 60 characters of base64url over 45 bytes: subscription (15), number of the term (2),
secret (20), and an 8-byte MAC under the deployment key. So a mistyped or forged key is refused before the store is
asked. Only a hash of a key is stored. Authorization ids are in `entitlements.authorization_ids`.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import struct
from functools import lru_cache
from typing import Final, NamedTuple

from modelpass import macs
from modelpass.encoding import ID_BYTES, base64url, from_base64url
from modelpass.errors import ErrorCode, Refusal
from modelpass.ids import subscription_id_bytes, subscription_id_of

API_KEY_PREFIX: Final = "sk-custom-"
API_KEY_PATTERN: Final = r"sk-custom-[A-Za-z0-9_-]{60}"
"""What a secret scanner may look for."""
SECRET_BYTES: Final = 20

_API_KEY = re.compile(rf"{API_KEY_PREFIX}([A-Za-z0-9_-]{{60}})")
_API_KEY_MAC_BYTES = 8
_KEY_HASH_BYTES = 16
_VISIBLE_CHARACTERS = 4
_SIGNER_BYTES = 3


class DeploymentKeys(NamedTuple):
    """The secrets that sign API keys and authorization ids: the first signs, all are accepted.

    There is more than one during and after a rotation.
    """

    secrets: tuple[bytes, ...]

    def __repr__(self) -> str:
        return f"DeploymentKeys({len(self.secrets)} secrets)"

    def signing(self) -> bytes:
        """The secret that signs new API keys and authorization ids."""
        return self.secrets[0]

    def by_signer(self, signer: str) -> bytes:
        """The accepted secret whose `signer_of` this is; where there is none any more, the one that signs now."""
        return next((s for s in self.secrets if signer_of(s) == signer), self.signing())


class ApiKey(NamedTuple):
    """What an API key with a right MAC says: its subscription and term, and the hash of the whole key."""

    subscription_id: str
    term_number: int
    key_hash: bytes


def issue_api_key(subscription_id: str, term_number: int, secret: bytes, keys: DeploymentKeys) -> str:
    """An API key of a term, signed by the first deployment key; `secret` is 20 random bytes."""
    body = subscription_id_bytes(subscription_id) + struct.pack(">H", term_number) + secret
    return API_KEY_PREFIX + base64url(body + _api_key_mac(body, keys.signing()))


def parse_api_key(text: str, keys: DeploymentKeys) -> ApiKey | None:
    """What an API key says; None for any text that was not issued under one of the deployment keys. Never raises."""
    match = _API_KEY.fullmatch(text)
    if match is None:
        return None
    raw = from_base64url(match[1])
    body, mac = raw[:-_API_KEY_MAC_BYTES], raw[-_API_KEY_MAC_BYTES:]
    if not any(hmac.compare_digest(mac, _api_key_mac(body, s)) for s in keys.secrets):
        return None
    (number,) = struct.unpack_from(">H", body, ID_BYTES)
    return ApiKey(subscription_id_of(body[:ID_BYTES]), number, api_key_hash(text))


def never_issued(text: str) -> Refusal:
    """The refusal of text that is no key (`invalid_api_key`); it tells where a prefix has to go."""
    hint = "Pass the API key without its Bearer prefix." if text.lower().startswith("bearer ") else None
    return Refusal(ErrorCode.INVALID_API_KEY, param="apiKey", message=hint)


def api_key_hash(api_key: str) -> bytes:
    """What is stored of an API key: 16 bytes of SHA-256. No salt is needed, for a key has 160 random bits."""
    return hashlib.sha256(api_key.encode()).digest()[:_KEY_HASH_BYTES]


def hash_of_no_key(secret: bytes) -> bytes:
    """A hash as of a key, which no key has; `secret` is 20 random bytes."""
    return hashlib.sha256(secret).digest()[:_KEY_HASH_BYTES]


def api_key_tail(api_key: str) -> str:
    """The last four characters, shown to tell keys apart. They are part of the MAC, not of the secret."""
    return api_key[-_VISIBLE_CHARACTERS:]


def mask(tail: str) -> str:
    """How a key is shown once it has been handed out: its prefix and its `api_key_tail`."""
    return f"{API_KEY_PREFIX}…{tail}"


@lru_cache(maxsize=8)
def signer_of(secret: bytes) -> str:
    """A name of four characters that tells deployment keys apart; it reveals nothing of the secret."""
    return base64url(hashlib.sha256(b"modelpass/signer" + secret).digest()[:_SIGNER_BYTES])


def _api_key_mac(body: bytes, secret: bytes) -> bytes:
    return macs.under(secret).digest(b"modelpass/api-key" + body)[:_API_KEY_MAC_BYTES]
