"""Bytes as text that is safe in ids, keys and URLs: base64url without padding, and base32 of 15 bytes.

Rule: pure; each result equals that of the standard library's `base64`, which takes several times as long. Authorize and
settle encode a lot, so this is worked out here. A test compares the two.
"""

from __future__ import annotations

from binascii import a2b_base64, b2a_base64
from typing import Final

ID_BYTES: Final = 15
"""How many bytes `base32` takes: without padding, they make 24 characters."""
_TO_URL_SAFE: Final = bytes.maketrans(b"+/", b"-_")
_FROM_URL_SAFE: Final = bytes.maketrans(b"-_", b"+/")
_BASE32: Final = "abcdefghijklmnopqrstuvwxyz234567"
_TO_DIGITS: Final = bytes.maketrans(_BASE32.encode(), b"0123456789abcdefghijklmnopqrstuv")
"""From the characters of base32 to the digits that `int` reads in base 32."""
_FIVE_BITS: Final = tuple(range(ID_BYTES * 8 - 5, -1, -5))


def base64url(raw: bytes) -> str:
    """The base64url text of any bytes, without padding."""
    return b2a_base64(raw, newline=False).translate(_TO_URL_SAFE, b"=").decode()


def from_base64url(text: str) -> bytes:
    """The bytes of a text that `base64url` may have made; raises `ValueError` for a length that it cannot have.

    The text must consist of base64url characters, which callers check: others are skipped.
    """
    return a2b_base64(text.encode().translate(_FROM_URL_SAFE) + b"=" * (-len(text) % 4))


def base32(raw: bytes) -> str:
    """The base32 text of 15 bytes: 24 characters in lower case."""
    number = int.from_bytes(raw, "big")
    return "".join([_BASE32[number >> bits & 31] for bits in _FIVE_BITS])


def from_base32(text: str) -> bytes:
    """The 15 bytes of a text that `base32` made; callers check that it consists of 24 of its characters."""
    return int(text.encode().translate(_TO_DIGITS), 32).to_bytes(ID_BYTES, "big")
