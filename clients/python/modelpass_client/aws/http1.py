"""Replies of HTTP/1.1. Rule: pure and strict; where bytes come from is the caller's, and a reply of another form fails.

A reply is a status, headers, and a body whose length is told before it: by `content-length` or in chunks. Left out on
purpose, so that nothing is guessed: compressed bodies, bodies that end with the connection, interim replies, folded
headers, trailers, and a header of those that matter that is told twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, NamedTuple

LONGEST_HEAD: Final = 16_384
"""In bytes."""
LONGEST_BODY: Final = 1_048_576
"""In bytes: some hundred times the longest answer of the service."""
_END: Final = b"\r\n\r\n"
_LINE: Final = b"\r\n"
_ONCE: Final = frozenset(
    (b"connection", b"content-encoding", b"content-length", b"transfer-encoding", b"x-amz-function-error")
)
_HEAD: Final = re.compile(
    rb"HTTP/1\.([01]) ([2-5][0-9]{2})(?: [^\r\n]*)?"
    rb"((?:\r\n[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*)*)",
)
_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]*)?")
_LONGEST_LINE: Final = 1_024
_SINCE_1_1: Final = b"1"

More = Callable[[], bytes]
"""Gives the next bytes of a reply, at least one; raises what ends the reply."""


class MalformedReplyError(Exception):
    """These bytes are no reply of the form above, or a longer one than is read."""


class Reply(NamedTuple):
    """A whole reply; names of headers are in lower case. `closes` tells that no other follows on the connection."""

    status: int
    headers: dict[bytes, bytes]
    body: bytes
    closes: bool

    def header(self, name: bytes) -> str:
        """A header's value as text; empty when it is missing."""
        return self.headers.get(name, b"").decode("latin-1")


def read(more: More) -> Reply:
    """Read one reply and nothing beyond it. Raises `MalformedReplyError`, and what `more` raises."""
    received = bytearray(more())
    while (end := received.find(_END, 0, LONGEST_HEAD + len(_END))) < 0:
        if len(received) > LONGEST_HEAD:
            raise MalformedReplyError
        received += more()
    form = _HEAD.fullmatch(received, 0, end)
    if form is None:
        raise MalformedReplyError
    minor, status, lines = form.groups()
    headers = _headers(bytes(lines))
    del received[: end + len(_END)]
    body = _body(headers, received, more)
    if received:
        raise MalformedReplyError
    closes = minor != _SINCE_1_1 or headers.get(b"connection", b"").lower() == b"close"
    return Reply(int(status), headers, body, closes)


def _headers(lines: bytes) -> dict[bytes, bytes]:
    headers: dict[bytes, bytes] = {}
    for line in lines.split(_LINE)[1:]:
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in headers and name in _ONCE:
            raise MalformedReplyError
        headers[name] = value.strip()
    return headers


def _body(headers: dict[bytes, bytes], received: bytearray, more: More) -> bytes:
    """The body, which is taken out of what was received."""
    length, coding = headers.get(b"content-length"), headers.get(b"transfer-encoding")
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        raise MalformedReplyError
    if coding is not None:
        if length is not None or coding.lower() != b"chunked":
            raise MalformedReplyError
        return _chunks(received, more)
    if length is None or not length.isdigit() or len(length) > len(str(LONGEST_BODY)) or int(length) > LONGEST_BODY:
        raise MalformedReplyError
    return _exactly(int(length), received, more)


def _chunks(received: bytearray, more: More) -> bytes:
    body = bytearray()
    while True:
        form = _SIZE.fullmatch(_line(received, more))
        size = -1 if form is None else int(form[1], 16)
        if not 0 <= size <= LONGEST_BODY - len(body):
            raise MalformedReplyError
        if size == 0:
            break
        body += _exactly(size, received, more)
        if _line(received, more):
            raise MalformedReplyError
    if _line(received, more):  # a trailer
        raise MalformedReplyError
    return bytes(body)


def _line(received: bytearray, more: More) -> bytes:
    while (end := received.find(_LINE, 0, _LONGEST_LINE)) < 0:
        if len(received) >= _LONGEST_LINE:
            raise MalformedReplyError
        received += more()
    line = bytes(received[:end])
    del received[: end + len(_LINE)]
    return line


def _exactly(length: int, received: bytearray, more: More) -> bytes:
    while len(received) < length:
        received += more()
    taken = bytes(received[:length])
    del received[:length]
    return taken
