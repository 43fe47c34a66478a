"""Replies of HTTP as DynamoDB sends them: a status, headers, a body of the length they tell. Rule: pure and strict.

What is not of this form is malformed and never guessed at; the connection it came on is not used again. That leaves
out, on purpose: chunked and compressed bodies, bodies that end with the connection, interim replies, folded headers.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LONGEST_HEAD: Final = 16_384
LONGEST_BODY: Final = 33_554_432
"""Twice what DynamoDB sends at most; both count bytes."""
_END: Final = b"\r\n\r\n"
_HEAD: Final = re.compile(
    rb"HTTP/1\.([01]) ([2-5][0-9]{2})(?: [^\r\n]*)?"
    rb"((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*)*)",
)
_SINCE_1_1: Final = b"1"
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
    if end < 0 and len(received) < LONGEST_HEAD + len(_END):
        return None
    if not 0 <= end <= LONGEST_HEAD:
        raise MalformedReplyError
    form = _HEAD.fullmatch(received, 0, end)
    if form is None:
        raise MalformedReplyError
    minor, status, lines = form.groups()
    headers: dict[bytes, bytes] = {}
    for line in lines.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers:
            raise MalformedReplyError
        headers[name] = value.strip()
    length = headers.get(b"content-length", _UNKNOWN)
    if b"transfer-encoding" in headers or b"content-encoding" in headers or not length.isdigit():
        raise MalformedReplyError
    if len(length) > len(str(LONGEST_BODY)) or int(length) > LONGEST_BODY:
        raise MalformedReplyError
    closes = minor != _SINCE_1_1 or headers.get(b"connection", _UNKNOWN).lower() == b"close"
    return Head(int(status), int(length), end + len(_END), headers.get(b"x-amz-crc32"), closes)
