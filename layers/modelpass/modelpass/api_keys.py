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
from modelpass.encoding import ID_BYTES, base64url, from_base64url
from modelpass.ids import subscription_id_bytes, subscription_id_of

API_KEY_PREFIX: Final = "sk-custom-"
API_KEY_PATTERN: Final = r"sk-custom-[A-Za-z0-9_-]{60}"
"""For secret scanners."""
SECRET_BYTES: Final = 20

_API_KEY = re.compile(rf"{API_KEY_PREFIX}([A-Za-z0-9_-]{{60}})")
_API_KEY_MAC_BYTES = 8
_KEY_HASH_BYTES = 16
_VISIBLE_CHARACTERS = 4
_SIGNER_BYTES = 3


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


def _api_key_mac(body: bytes, secret: bytes) -> bytes:
    return macs.under(secret).digest(b"modelpass/api-key" + body)[:_API_KEY_MAC_BYTES]
