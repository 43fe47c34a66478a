"""Bytes as text that is safe in ids, keys and addresses: base64url without padding, and base32 of 15 bytes.

Rule: pure; equal to the standard `base64`, which takes several times as long on the hot path: a test compares the two.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Final

ID_BYTES: Final = 15
"""What base32 spells in 24 characters."""
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_TO_DIGITS: Final = bytes.maketrans(_BASE32.encode(), b"0123456789abcdefghijklmnopqrstuv")
"""From the characters of base32 to the digits that `int` knows."""
_FIVE_BITS: Final = tuple(range(ID_BYTES * 8 - 5, -1, -5))


def base64url(raw: bytes) -> str:
    """Any bytes, without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL_SAFE, b"=").decode()


def from_base64url(text: str) -> bytes:
    """The reverse, of its characters alone; raises `ValueError` for a length that cannot be."""
    return a2b_base64(text.encode().translate(_FROM_URL_SAFE) + b"=" * (-len(text) % 4))


def base32(raw: bytes) -> str:
    """15 bytes."""
    number = int.from_bytes(raw, "big")
    return "".join([_BASE32[number >> bits & 31] for bits in _FIVE_BITS])


def from_base32(text: str) -> bytes:
    """The reverse, of its 24 characters alone."""
    return int(text.encode().translate(_TO_DIGITS), 32).to_bytes(ID_BYTES, "big")
