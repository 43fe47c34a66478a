"""boto3's way tells the same as the lean one: the same answers, and the same of every failure."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import ROOT
from modelpass_client.aws.boto import Boto3Backend, lambda_client
from modelpass_client.aws.http1 import LONGEST_BODY
from tests.client.aws.way import PAYLOAD, REGION, SETTLE, answered, failure, way
from tests.support.wire import Do, reply

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass_client.aws.invoke import InvokeBackend
    from modelpass_client.backend import Backend
    from tests.support.wire import Wire


@pytest.fixture(autouse=True)
def _credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDOFTESTS")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-of-tests")


@pytest.fixture
def by_boto3(wire: Wire) -> Iterator[Callable[..., Boto3Backend]]:
    clients = []

    def make(**settings: float) -> Boto3Backend:
        clients.append(lambda_client(wire.url, region=REGION, **settings))  # type: ignore[arg-type]
        return Boto3Backend(clients[-1])

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def lean(wire: Wire) -> Iterator[InvokeBackend]:
    backend = way(wire)
    yield backend
    backend.close()


ByBoto3 = Callable[..., Boto3Backend]


REQUESTS: list[Callable[[Backend], Any]] = [
    lambda backend: backend.authorize(PAYLOAD),
    lambda backend: backend.settle(SETTLE),
    lambda backend: backend.describe_key({"apiKey": "x"}),
]


@pytest.mark.parametrize("request_of", REQUESTS, ids=["authorize", "settle", "describe_key"])
def test_both_ways_ask_and_answer_the_same(
    wire: Wire, lean: InvokeBackend, by_boto3: ByBoto3, request_of: Callable[[Backend], Any]
) -> None:
    wire.sends(answered({"fine": True}))
    assert request_of(lean) == request_of(by_boto3()) == {"fine": True}
    ours, theirs = wire.asked
    assert (ours.lines[0], ours.body) == (theirs.lines[0], theirs.body)


@pytest.mark.parametrize(
    "told",
    [
        [reply(b"{}", 400, x_amz_crc32=None, x_amzn_errortype="InvalidRequestContentException")],
        [reply(b"{}", 403, x_amz_crc32=None, x_amzn_errortype="ExpiredTokenException")],
        [reply(b"{}", 404, x_amz_crc32=None, x_amzn_errortype="ResourceNotFoundException")],
        [reply(b"{}", 408, x_amz_crc32=None, x_amzn_errortype="SnapStartTimeoutException")],
        [reply(b"{}", 410, x_amz_crc32=None, x_amzn_errortype="EFSIOException")],
        [reply(b"{}", 429, x_amz_crc32=None, x_amzn_errortype="TooManyRequestsException")],
        [reply(b"{}", 500, x_amz_crc32=None, x_amzn_errortype="ServiceException")],
        [reply(b"{}", 502, x_amz_crc32=None, x_amzn_errortype="EC2ThrottledException")],
        [answered({"errorType": "Sandbox.Timedout"}, x_amz_function_error="Unhandled")],
        [reply(b"[]", x_amz_crc32=None)],
        [reply(b'{"of": "id-of-a-hold"', x_amz_crc32=None)],
    ],
)
def test_both_ways_tell_the_same_of_a_failure(
    wire: Wire, lean: InvokeBackend, by_boto3: ByBoto3, told: list[bytes]
) -> None:
    wire.sends(*told)
    ours, theirs = failure(lambda: lean.settle(SETTLE)), failure(lambda: by_boto3().settle(SETTLE))
    assert (str(ours), ours.maybe_done) == (str(theirs), theirs.maybe_done)
    assert len(wire.asked) == 2  # each asked once


@pytest.mark.parametrize("told", [[Do.CLOSE], [Do.RESET], [answered({"fine": True})[:-3], Do.CLOSE], [Do.HANG]])
def test_a_lost_answer_may_be_of_a_request_that_was_carried_out(
    wire: Wire, by_boto3: ByBoto3, told: list[bytes | Do]
) -> None:
    wire.sends(*told)
    assert failure(lambda: by_boto3(read_seconds=0.1).settle(SETTLE)).maybe_done
    assert len(wire.asked) == 1


def test_a_server_that_does_not_listen_has_done_nothing() -> None:
    backend = Boto3Backend(lambda_client("http://127.0.0.1:9", region=REGION))
    assert not failure(lambda: backend.settle(SETTLE)).maybe_done


def test_connections_of_boto3_are_used_again(wire: Wire, by_boto3: ByBoto3) -> None:
    wire.sends(answered({"fine": True}))
    backend = by_boto3()
    for _ in range(3):
        backend.settle(SETTLE)
    assert [asked.connection for asked in wire.asked] == [0, 0, 0]


def test_an_answer_that_is_too_long_is_none(wire: Wire, by_boto3: ByBoto3) -> None:
    wire.sends(answered({"x": "y" * LONGEST_BODY}))
    assert failure(lambda: by_boto3().settle(SETTLE)).maybe_done


def test_the_client_stays_the_callers(wire: Wire, by_boto3: ByBoto3) -> None:
    wire.sends(answered({"fine": True}))
    backend = by_boto3()
    backend.close()
    assert backend.settle(SETTLE) == {"fine": True}


def test_without_boto3_it_is_told_so() -> None:
    code = (
        "import sys; sys.modules['boto3'] = None\n"
        "from modelpass_client.aws.boto import lambda_client\n"
        "try: lambda_client()\nexcept Exception as error: print(type(error).__name__, error)"
    )
    environment = {"PYTHONPATH": str(ROOT / "clients" / "python")}
    ended = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert ended.stdout == "ConfigurationError boto3 is not installed\n"
