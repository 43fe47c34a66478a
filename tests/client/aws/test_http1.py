"""Replies are read as `http.client` reads them, in whatever pieces they come, or not at all."""

from __future__ import annotations

import http.client
import io
import itertools
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass_client.aws import http1
from tests.support.builders import PROPERTY
from tests.support.wire import reply

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS = st.from_regex(r"x-[a-z]{1,10}", fullmatch=True)
VALUES = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


class EndedError(Exception):
    """The server sends nothing more."""


def pieces(*given_pieces: bytes) -> Callable[[], bytes]:
    left = iter([piece for piece in given_pieces if piece])

    def more() -> bytes:
        for piece in left:
            return piece
        raise EndedError

    return more


def cut(message: bytes, places: list[int]) -> list[bytes]:
    marks = [0, *sorted(place % (len(message) + 1) for place in places), len(message)]
    return [message[start:end] for start, end in itertools.pairwise(marks)]


def chunked(chunks: list[bytes], **headers: Any) -> bytes:
    body = b"".join(b"%x;note=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in [*chunks, b""] if chunk)
    made = reply(b"", content_length=None, x_amz_crc32=None, transfer_encoding="chunked", **headers)
    return made + body + b"0\r\n\r\n"


def theirs(message: bytes) -> tuple[int, dict[str, str], bytes]:
    class Socket:
        def makefile(self, *_: Any, **__: Any) -> io.BytesIO:
            return io.BytesIO(message)

    response = http.client.HTTPResponse(Socket(), method="POST")  # type: ignore[arg-type]
    response.begin()
    body = response.read()
    return response.status, {name.lower(): value for name, value in response.getheaders()}, body


@PROPERTY
@given(
    status=st.integers(200, 599).filter(lambda status: status not in (204, 304)),
    headers=st.dictionaries(TOKENS, VALUES, max_size=4),
    chunks=st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    in_chunks=st.booleans(),
    places=st.lists(st.integers(0, 2000), max_size=6),
)
def test_a_reply_is_read_as_the_standard_library_reads_it(
    *, status: int, headers: dict[str, Any], chunks: list[bytes], in_chunks: bool, places: list[int]
) -> None:
    body = b"".join(chunks)
    made = chunked(chunks, status=status, **headers) if in_chunks else reply(body, status, **headers)
    ours = http1.read(pieces(*cut(made, places)))
    shown = {name.decode(): value.decode() for name, value in ours.headers.items()}
    assert (ours.status, shown, ours.body) == theirs(made)
    assert not ours.closes


@PROPERTY
@given(in_chunks=st.booleans(), data=st.data())
def test_a_reply_that_is_cut_anywhere_is_none(*, in_chunks: bool, data: st.DataObject) -> None:
    made = chunked([b"abc", b"d"]) if in_chunks else reply(b"abcd")
    place = data.draw(st.integers(0, len(made) - 1))
    with pytest.raises(EndedError):
        http1.read(pieces(*cut(made[:place], data.draw(st.lists(st.integers(0, 200), max_size=4)))))


def test_a_reply_is_read_byte_by_byte() -> None:
    for made in (chunked([b"abc", b"d"]), reply(b"abcd")):
        assert http1.read(pieces(*[bytes([byte]) for byte in made])).body == b"abcd"


HEAD = b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize(
    "message",
    [
        reply(b"", content_length="+4") + b"abcd",
        reply(b"", content_length="-1"),
        reply(b"", content_length="4, 4") + b"abcd",
        reply(b"", content_length=""),
        reply(b"", content_length=None),
        reply(b"", content_length=http1.LONGEST_BODY + 1),
        reply(b"", content_length="9" * 5000),
        HEAD + b"content-length: 4\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"content-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx-trailer: 1\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\nfffffffff\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n" % (http1.LONGEST_BODY + 1),
        HEAD + b"transfer-encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n3;" + b"x" * 2000,
        reply(b"abcd", content_encoding="gzip"),
        HEAD + b"content-length: 4\r\n folded: x\r\n\r\nabcd",
        HEAD + b"content-length : 4\r\n\r\nabcd",
        HEAD + b"no colon\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"a: \nb: c\rd\r\ncontent-length: 4\r\n\r\nabcd",
        HEAD + b"x: " + b"y" * http1.LONGEST_HEAD + b"\r\n\r\n",
        b"z" * (http1.LONGEST_HEAD + 10),
        b"HTTP/1.1 100 Continue\r\n\r\n" + reply(b"abcd"),
        b"HTTP/2 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n",
    ],
)
def test_a_reply_of_another_form_is_refused(message: bytes) -> None:
    for given_pieces in ([message], [bytes([byte]) for byte in message[:40_000]]):
        with pytest.raises(http1.MalformedReplyError):
            http1.read(pieces(*given_pieces))


@pytest.mark.parametrize("message", [reply(b"abcd") + b"x", reply(b"abcd", content_length=3), chunked([b"abc"]) + b"x"])
def test_a_reply_that_something_follows_is_refused(message: bytes) -> None:
    with pytest.raises(http1.MalformedReplyError):
        http1.read(pieces(message))


def test_a_long_body_in_many_chunks_is_refused_before_it_is_held() -> None:
    taken = 0

    def more() -> bytes:
        nonlocal taken
        taken += 1
        return HEAD + b"transfer-encoding: chunked\r\n\r\n" if taken == 1 else b"8000\r\n" + b"x" * 0x8000 + b"\r\n"

    with pytest.raises(http1.MalformedReplyError):
        http1.read(more)
    assert taken * 0x8000 <= http1.LONGEST_BODY + 3 * 0x8000
