"""HMAC-SHA256 (RFC 2104) under keys that are used again and again. Rule: pure; equal to the standard library's `hmac`.

For messages as short as ours, `hmac.digest` spends most of its time on finding the algorithm and hashing the key. Here
each key is hashed once, and the state after it is copied for each message. A test compares the two.
"""

from __future__ import annotations

import hashlib
from functools import lru_cache

_BLOCK_BYTES = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))
_KEPT = 16  # more keys than a process uses at a time: a handful of deployment keys


class Mac:
    """HMAC-SHA256 under one key, which may have any length."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def digest(self, message: bytes) -> bytes:
        """The MAC of a message: 32 bytes."""
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


@lru_cache(maxsize=_KEPT)
def under(key: bytes) -> Mac:
    """The `Mac` of a key; those of the keys used last are kept."""
    return Mac(key)
