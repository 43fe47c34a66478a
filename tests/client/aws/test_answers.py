"""What a failure says of the function: whether it may have run all the same. And no answer is ever guessed at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.client.aws.way import PAYLOAD, SETTLE, answered, failure, way
from tests.support.wire import Do, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.wire import Wire

NOT_RUN, MAYBE = False, True


@pytest.mark.parametrize(
    ("status", "kind", "maybe_done"),
    [
        (302, "", NOT_RUN),
        (400, "InvalidRequestContentException", NOT_RUN),
        (400, "InvalidParameterValueException", NOT_RUN),
        (402, "ServiceQuotaExceededException", NOT_RUN),
        (403, "AccessDeniedException", NOT_RUN),
        (403, "ExpiredTokenException", NOT_RUN),
        (403, "InvalidSignatureException", NOT_RUN),
        (403, "EFSMountFailureException", NOT_RUN),
        (404, "ResourceNotFoundException", NOT_RUN),
        (408, "SnapStartTimeoutException", NOT_RUN),
        (408, "EFSMountTimeoutException", NOT_RUN),
        (408, "", MAYBE),
        (409, "ResourceConflictException", NOT_RUN),
        (409, "SnapStartNotReadyException", NOT_RUN),
        (410, "EFSIOException", MAYBE),
        (413, "RequestTooLargeException", NOT_RUN),
        (415, "UnsupportedMediaTypeException", NOT_RUN),
        (429, "TooManyRequestsException", NOT_RUN),
        (429, "", NOT_RUN),
        (500, "ServiceException", MAYBE),
        (502, "EC2ThrottledException", NOT_RUN),
        (502, "ENILimitReachedException", NOT_RUN),
        (502, "KMSDisabledException", NOT_RUN),
        (502, "InvalidZipFileException", NOT_RUN),
        (502, "ResourceNotReadyException", NOT_RUN),
        (502, "SubnetIPAddressLimitReachedException", NOT_RUN),
        (502, "", MAYBE),
        (503, "", MAYBE),
        (504, "", MAYBE),
        (202, "", MAYBE),
        (299, "", MAYBE),
    ],
)
def test_an_error_of_lambda_tells_whether_the_function_was_run(
    wire: Wire, status: int, kind: str, *, maybe_done: bool
) -> None:
    body = json.dumps({"Type": "User", "Message": "of id-of-a-hold"}).encode()
    header = f"{kind}:http://internal.amazon.com/coral/com.amazonaws.awsgirapi/" if kind else None
    wire.sends(reply(body, status, x_amz_crc32=None, x_amzn_errortype=header))
    backend = way(wire)
    error = failure(lambda: backend.settle(SETTLE))
    assert error.maybe_done is maybe_done
    assert f"{status} {kind}".rstrip() in str(error)
    assert len(wire.asked) == 1
    backend.close()


def test_a_function_that_failed_may_have_done_it(wire: Wire) -> None:
    report = {"errorMessage": "of id-of-a-hold", "errorType": "Sandbox.Timedout", "stackTrace": ["sk-custom-x"]}
    wire.sends(answered(report, x_amz_function_error="Unhandled"))
    backend = way(wire)
    error = failure(lambda: backend.settle(SETTLE))
    assert (str(error), error.maybe_done) == ("the function failed (Sandbox.Timedout)", True)
    backend.close()


@pytest.mark.parametrize("report", [b"", b"null", b'{"errorType": "of id-of-a-hold"}', b'{"errorType": 7}', b"\xff"])
def test_whatever_a_function_that_failed_says_is_not_shown(wire: Wire, report: bytes) -> None:
    wire.sends(reply(report, x_amz_crc32=None, x_amz_function_error="Handled"))
    backend = way(wire)
    assert failure(lambda: backend.settle(SETTLE)).maybe_done
    backend.close()


def test_a_name_of_an_error_that_is_none_is_not_shown(wire: Wire) -> None:
    wire.sends(reply(b"{}", 500, x_amz_crc32=None, x_amzn_errortype="of id-of-a-hold"))
    backend = way(wire)
    assert str(failure(lambda: backend.settle(SETTLE))) == "Lambda answers 500"
    backend.close()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"7",
        b'{"allowed": true',
        b'{"allowed": true}}',
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"n": ' + b"9" * 5000 + b"}",
    ],
)
def test_an_answer_that_is_no_json_object_is_none(wire: Wire, body: bytes) -> None:
    wire.sends(reply(body, x_amz_crc32=None))
    backend = way(wire)
    error = failure(lambda: backend.authorize(PAYLOAD))
    assert (str(error), error.maybe_done) == ("an answer that is no JSON object", True)
    backend.close()


FINE = answered({"fine": True})


@pytest.mark.parametrize(
    "told",
    [
        answered({"fine": True}, content_length=100),
        answered({"fine": True}, content_length=3),
        answered({"fine": True}, content_length=10**9),
        answered({"fine": True}, content_encoding="gzip"),
        answered({"fine": True}, content_length=None),
        b"HTTP/1.1 200 OK\r\n" + b"x: y\r\n" * 5000,
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ],
)
def test_a_reply_that_is_not_as_long_as_it_says_or_of_another_form_is_none(wire: Wire, told: bytes) -> None:
    wire.sends_in_turn([FINE], [told, Do.CLOSE], [FINE])
    backend = way(wire)
    backend.settle(SETTLE)
    assert failure(lambda: backend.settle(SETTLE)).maybe_done
    assert backend.settle(SETTLE) == {"fine": True}
    assert [asked.connection for asked in wire.asked] == [0, 0, 1]
    backend.close()


def test_an_answer_in_chunks_is_read_and_its_connection_kept(wire: Wire) -> None:
    head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    wire.sends(head, b"5\r\n", b'{"fin\r\n9\r\ne": true}', b"\r\n0\r\n", b"\r\n")
    backend = way(wire)
    assert backend.settle(SETTLE) == backend.settle(SETTLE) == {"fine": True}
    assert [asked.connection for asked in wire.asked] == [0, 0]
    backend.close()


@pytest.mark.parametrize("whole", [0, 80, len(FINE)])
def test_an_answer_that_trickles_takes_no_longer_than_any_other(wire: Wire, whole: int) -> None:
    """A byte every hundredth of a second for seconds, in the head or in the body: no single wait is long."""
    made = answered({"x": "y" * 500})
    wire.answer = lambda _: _dripping(made, whole, wire)
    backend = way(wire, read_seconds=0.1)
    error = failure(lambda: backend.settle(SETTLE))
    assert (str(error), error.maybe_done) == ("no whole answer in time", True)
    assert len(wire.asked) == 1
    backend.close()


def _dripping(message: bytes, whole: int, wire: Wire) -> Iterator[bytes]:
    yield message[:whole]
    for byte in message[whole:]:
        yield bytes([byte])
        wire.over.wait(0.01)


def test_an_answer_that_never_comes_is_not_waited_for(wire: Wire) -> None:
    wire.sends(Do.HANG)
    backend = way(wire, read_seconds=0.05)
    error = failure(lambda: backend.authorize(PAYLOAD))
    assert (str(error), error.maybe_done) == ("no whole answer in time", True)
    backend.close()
