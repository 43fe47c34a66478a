"""Replies of HTTP as DynamoDB sends them: a status, headers, a body of the length they tell. Rule: pure and strict.

What is not of this form is malformed and never guessed at; the connection it came on is not used again. That leaves
out, on purpose: chunked and compressed bodies, bodies that end with the connection, interim replies, folded headers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

LONGEST_HEAD: Final = 16_384
LONGEST_BODY: Final = 33_554_432
"""Twice what DynamoDB sends at most."""
_END: Final = b"\r\n\r\n"
_KEPT_ALIVE: Final = b"HTTP/1.1"
_VERSIONS: Final = (_KEPT_ALIVE, b"HTTP/1.0")
_STATUSES: Final = {str(status).encode(): status for status in range(200, 600)}
_UNKNOWN: Final = b""


class MalformedReplyError(Exception):
    """These bytes are no reply of the form above."""


class Head(NamedTuple):
    """What stands before a body: `length` and `begins_at` count bytes, `closes` tells that no other reply follows."""

    status: int
    length: int
    begins_at: int
    checksum: bytes | None
    closes: bool


def head_of(received: bytes) -> Head | None:
    """The head of a reply, None while it is not complete; raises `MalformedReplyError`."""
    end = received.find(_END)
    if end < 0:
        if len(received) > LONGEST_HEAD:
            raise MalformedReplyError
        return None
    first, *lines = received[:end].split(b"\r\n")
    headers: dict[bytes, bytes] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        name = name.lower()
        if not colon or not name or name.strip() != name or headers.setdefault(name, value) is not value:
            raise MalformedReplyError
    version, _, rest = first.partition(b" ")
    status = _STATUSES.get(rest[:3])
    length = headers.get(b"content-length", _UNKNOWN).strip()
    other = b"transfer-encoding" in headers or b"content-encoding" in headers
    if version not in _VERSIONS or status is None or rest[3:4].strip() or other or not length.isdigit():
        raise MalformedReplyError
    if len(length) > len(str(LONGEST_BODY)) or int(length) > LONGEST_BODY:
        raise MalformedReplyError
    checksum = headers.get(b"x-amz-crc32")
    closes = version != _KEPT_ALIVE or headers.get(b"connection", _UNKNOWN).strip().lower() == b"close"
    return Head(status, int(length), end + len(_END), checksum and checksum.strip(), closes)
