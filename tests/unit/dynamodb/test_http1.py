"""Heads of replies: those of the one form are read as Python's own client reads them, and all others are refused."""

from __future__ import annotations

import http.client
import io
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.dynamodb import http1
from modelpass.dynamodb.http1 import LONGEST_BODY, LONGEST_HEAD, Head, MalformedReplyError, head_of
from tests.support.builders import PROPERTY

WELL = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
MALFORMED = {
    "no HTTP": b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    "an older version": WELL.replace(b"HTTP/1.1", b"HTTP/0.9"),
    "a newer version": WELL.replace(b"HTTP/1.1", b"HTTP/2"),
    "another version": WELL.replace(b"HTTP/1.1", b"HTTP/1.2"),
    "a version in small letters": WELL.replace(b"HTTP", b"http"),
    "an empty first line": b"\r\n" + WELL,
    "no status": WELL.replace(b" 200 OK", b""),
    "an interim status": WELL.replace(b"200 OK", b"100 Continue"),
    "a switch of protocols": WELL.replace(b"200 OK", b"101 Switching Protocols"),
    "a status of two digits": WELL.replace(b"200", b"20"),
    "a status of four digits": WELL.replace(b"200", b"2000"),
    "a status that is no number": WELL.replace(b"200", b"2OO"),
    "a status nobody has heard of": WELL.replace(b"200", b"600"),
    "two blanks before a status": WELL.replace(b" 200", b"  200"),
    "no length": WELL.replace(b"Content-Length: 2\r\n", b""),
    "a negative length": WELL.replace(b": 2", b": -2"),
    "a length with a sign": WELL.replace(b": 2", b": +2"),
    "a length in hexadecimal": WELL.replace(b": 2", b": 0x2"),
    "an empty length": WELL.replace(b": 2", b":"),
    "a length with digits of elsewhere": WELL.replace(b": 2", ": ٢".encode()),
    "a length in two parts": WELL.replace(b": 2", b": 2, 2"),
    "two lengths": WELL.replace(b"\r\n\r\n", b"\r\nContent-Length: 3\r\n\r\n"),
    "the same length twice": WELL.replace(b"\r\n\r\n", b"\r\ncontent-length: 2\r\n\r\n"),
    "the same length twice, without a blank": WELL.replace(b": 2", b":2\r\ncontent-length:2"),
    "a header twice": WELL.replace(b"\r\n\r\n", b"\r\nx-amz-crc32: 1\r\nX-Amz-Crc32: 2\r\n\r\n"),
    "a length that is too large": WELL.replace(b": 2", b": %d" % (LONGEST_BODY + 1)),
    "a length of a thousand digits": WELL.replace(b": 2", b": " + b"1" * 1000),
    "chunks": WELL.replace(b"\r\n\r\n", b"\r\nTransfer-Encoding: chunked\r\n\r\n"),
    "chunks alone": WELL.replace(b"Content-Length: 2", b"transfer-encoding:chunked"),
    "a compressed body": WELL.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n"),
    "a folded header": WELL.replace(b"\r\n\r\n", b"\r\nA: b\r\n c\r\n\r\n"),
    "a folded length": WELL.replace(b": 2", b":\r\n 2"),
    "a blank before a colon": WELL.replace(b"Content-Length:", b"Content-Length :"),
    "a blank in a name": WELL.replace(b"\r\n\r\n", b"\r\nA B: c\r\n\r\n"),
    "a header without a colon": WELL.replace(b"\r\n\r\n", b"\r\nheader\r\n\r\n"),
    "a header without a name": WELL.replace(b"\r\n\r\n", b"\r\n: value\r\n\r\n"),
    "a line that ends in a line feed alone": WELL.replace(b"OK\r\n", b"OK\nA: b\r\n"),
    "a header with a line feed in it": WELL.replace(b": 2", b": 2\nA: b"),
    "a header with a carriage return in it": WELL.replace(b"\r\n\r\n", b"\r\nA: b\rc\r\n\r\n"),
}
TOKENS = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_!", min_size=1, max_size=12)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30)
READ = ("content-length", "transfer-encoding", "content-encoding", "connection", "x-amz-crc32")


@st.composite
def replies(draw: st.DrawFn) -> bytes:
    """Replies of the one form, in any of its spellings."""
    body = draw(st.binary(max_size=60))
    headers = {name.lower(): (name, draw(VALUES)) for name in draw(st.lists(TOKENS, max_size=5))}
    for name in READ:
        headers.pop(name, None)
    headers["content-length"] = (draw(st.sampled_from(["Content-Length", "content-length"])), str(len(body)))
    if draw(st.booleans()):
        headers["connection"] = ("Connection", draw(st.sampled_from(["close", "Close", "keep-alive"])))
    if draw(st.booleans()):
        headers["x-amz-crc32"] = ("x-amz-crc32", str(zlib.crc32(body)))
    blank = draw(st.sampled_from(["", " ", "  ", "\t"]))
    order = draw(st.permutations(list(headers.values())))
    lines = "".join(f"{name}:{blank}{value}{draw(st.sampled_from(['', ' ']))}\r\n" for name, value in order)
    version = draw(st.sampled_from(["HTTP/1.1", "HTTP/1.0"]))
    status = draw(st.integers(200, 599).filter(lambda s: s not in (204, 304)))
    reason = draw(st.sampled_from(["", " ", " OK", " Bad  Request"]))
    return f"{version} {status}{reason}\r\n{lines}\r\n".encode() + body


class Received:
    """As much of a socket as Python's client reads a reply from."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw

    def makefile(self, _: str) -> io.BytesIO:
        return io.BytesIO(self.raw)


def as_python_reads_it(raw: bytes) -> tuple[int, str | None, bool, bytes]:
    response: Any = http.client.HTTPResponse(Received(raw), method="POST")  # type: ignore[arg-type]
    response.begin()
    # Of the older version no connection is kept here, even where a server offers it.
    closes = response.version == 10 or response.will_close
    checksum = response.getheader("x-amz-crc32")
    return response.status, checksum and checksum.strip(), closes, response.read()


@PROPERTY
@given(replies())
def test_reply_of_the_one_form_is_read_as_pythons_own_client_reads_it(raw: bytes) -> None:
    head = head_of(raw)
    assert head is not None
    checksum = None if head.checksum is None else head.checksum.decode()
    body = raw[head.begins_at :]
    assert (head.status, checksum, head.closes, body) == as_python_reads_it(raw)
    assert head.length == len(body)


@PROPERTY
@given(replies())
def test_head_is_the_same_wherever_a_reply_is_split(raw: bytes) -> None:
    whole = head_of(raw)
    assert whole is not None
    for split in range(len(raw)):
        assert head_of(raw[:split]) == (whole if split >= whole.begins_at else None)


@pytest.mark.parametrize("raw", MALFORMED.values(), ids=MALFORMED)
def test_any_other_reply_is_refused(raw: bytes) -> None:
    assert head_of(WELL) == Head(200, 2, len(WELL) - 2, None, closes=False)
    with pytest.raises(MalformedReplyError):
        head_of(raw)


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize("too_long", [True, False])
def test_head_is_bounded_however_it_comes(at_once: bool, too_long: bool) -> None:  # noqa: FBT001
    bare = WELL.removesuffix(b"\r\n\r\n{}")
    padding = LONGEST_HEAD - len(bare + b"\r\nA:") + too_long
    raw = bare + b"\r\nA:" + b"a" * padding + b"\r\n\r\n"
    pieces = [raw] if at_once else [raw[:end] for end in range(LONGEST_HEAD - 3, len(raw) + 1)]
    if too_long:
        with pytest.raises(MalformedReplyError):
            [head_of(piece) for piece in pieces]
    else:
        assert [head_of(piece) is not None for piece in pieces] == [False] * (len(pieces) - 1) + [True]


def test_what_never_ends_is_refused_once_it_is_too_long() -> None:
    assert http1.head_of(b"x" * LONGEST_HEAD) is None
    with pytest.raises(MalformedReplyError):
        http1.head_of(b"x" * (LONGEST_HEAD + 4))


@PROPERTY
@given(st.binary(max_size=200))
def test_no_bytes_whatsoever_raise_anything_else(raw: bytes) -> None:
    for start in (b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"):
        try:
            head_of(start + raw + b"\r\n\r\n")
        except MalformedReplyError:
            continue


def test_head_ends_with_its_first_empty_line_whatever_the_body_has() -> None:
    head = head_of(WELL.replace(b": 2", b": 8").replace(b"{}", b'"\r\n\r\n..'))
    assert head == head_of(WELL.replace(b": 2", b": 8"))
    assert head is not None
    assert head.length == 8
