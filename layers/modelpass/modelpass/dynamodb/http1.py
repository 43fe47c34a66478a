"""The head of an HTTP/1.1 reply as DynamoDB sends it. Rule: pure and strict; a reply of another form is an error.

A reply is a status, headers, and a body of the length that the headers tell. A reply of another form is malformed: its
meaning is never guessed at, and its connection is not used again. On purpose, these forms are left out: chunked and
compressed bodies, bodies that end with the connection, interim replies, folded headers.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

LONGEST_HEAD: Final = 16_384
"""In bytes."""
LONGEST_BODY: Final = 33_554_432
"""In bytes: twice what DynamoDB sends at most."""
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
    """What stands before a body. `length` is that of the body, and `begins_at` where it begins, both in bytes.

    `checksum` is the CRC-32 of the body in decimal digits, where the server sent one. `closes` tells that no other
    reply follows on the connection. `date` is the header of this name as it was sent.
    """

    status: int
    length: int
    begins_at: int
    checksum: bytes | None
    closes: bool
    date: bytes | None = None


def head_of(received: bytes) -> Head | None:
    """The head of the reply that these bytes begin; None while it is not complete. Raises `MalformedReplyError`."""
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
    checksum, date = headers.get(b"x-amz-crc32"), headers.get(b"date")
    return Head(int(status), int(length), end + len(_END), checksum, closes, date)
