"""HMAC-SHA256 (RFC 2104) under keys that are used again and again. Rule: pure; equal to the standard `hmac`.

`hmac.digest` looks its algorithm up and takes its key in each time; that took most of the time of the short messages
here. A key's part is worked out once and copied: a test holds the two to each other.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_KEPT = 16


class Mac:
    """What signs under one key."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def digest(self, message: bytes) -> bytes:
        """The MAC of a message, 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


@lru_cache(maxsize=_KEPT)
def under(key: bytes) -> Mac:
    """What signs under a key; the keys used last are kept."""
    return Mac(key)
