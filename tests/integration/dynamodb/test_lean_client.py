"""The lean client on real sockets: which connections it reuses or gives up, and that no reply is taken for another."""

from __future__ import annotations

import itertools
import json
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import HOST, free_port
from modelpass.dynamodb import lean_client
from modelpass.dynamodb.endpoint import Endpoint
from modelpass.dynamodb.lean_client import LeanClient
from modelpass.dynamodb.transport import (
    READ_SECONDS,
    Cause,
    ConditionFailedError,
    StoreBusyError,
    StoreError,
    StoreRejectedError,
)
from tests.support.concurrency import at_once
from tests.support.wire import CREDENTIALS, Do, Wire, reply, serving, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.dynamodb.transport import Response
    from tests.support.wire import Asked
    from tests.support.world import World

THREADS = 64
GET: dict[str, Any] = {"TableName": "t", "Key": {"pk": {"S": "k"}}}
ITEM = {"pk": {"S": "k"}, "bytes": {"B": b"\x00\xff"}}
GOOD = told({"Item": {"pk": {"S": "k"}}})
STALE = told({"Item": {"pk": {"S": "of another request"}}})
SHORT = GOOD[:-5]
FAILURES: dict[str, tuple[bytes | Do, ...]] = {
    "closed": (Do.CLOSE,),
    "reset": (Do.RESET,),
    "hangs": (Do.HANG,),
    "cut in the head": (GOOD[:20], Do.CLOSE),
    "cut in the body": (SHORT, Do.CLOSE),
    "hangs in the head": (GOOD[:20], Do.HANG),
    "hangs in the body": (SHORT, Do.HANG),
    "garbage": (b"\x16\x03\x01\x02\x00" * 9 + b"\r\n\r\n",),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",),
    "more than it tells": (GOOD + b"{}",),
    "two replies at once": (GOOD + STALE,),
    "an interim reply": (b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,),
    "no length": (b"HTTP/1.1 200 OK\r\n\r\n{}", Do.CLOSE),
    "a head without an end": (b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 20_000, Do.HANG),
}


@pytest.fixture
def wire() -> Iterator[Wire]:
    with serving() as made:
        yield made


@pytest.fixture
def client(wire: Wire) -> Iterator[LeanClient]:
    made = wire.lean()
    yield made
    made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reply that does not come is given up at once."""
    monkeypatch.setattr(lean_client, "READ_SECONDS", 0.05)


class Steady:
    """A steady clock of the client that goes on by so much whenever it is looked at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, step: float = 0.0) -> None:
        self.now, self.step, self.looks = 1000.0, step, 0
        clock = SimpleNamespace(monotonic=self, time=time.time)
        monkeypatch.setattr(lean_client, "time", clock)

    def __call__(self) -> float:
        self.looks += 1
        self.now += self.step
        return self.now


def connections_of(wire: Wire) -> list[int]:
    return [asked.connection for asked in wire.asked]


def test_one_connection_serves_many_requests(wire: Wire, client: LeanClient) -> None:
    for _ in range(20):
        assert client.send("GetItem", GET) == {}
    assert connections_of(wire) == [0] * 20


def test_request_asks_for_what_it_consumes_and_for_no_compression(wire: Wire, client: LeanClient) -> None:
    client.send("GetItem", GET)
    (asked,) = wire.asked
    assert asked.headers["accept-encoding"] == "identity"
    assert json.loads(asked.body) == {**GET, "ReturnConsumedCapacity": "TOTAL"}
    assert asked.headers["x-amz-target"] == "DynamoDB_20120810.GetItem"


def test_reply_comes_together_from_any_pieces(wire: Wire, client: LeanClient) -> None:
    large = told({"Item": {"pk": {"S": "k" * 200_000}}})
    for pieces in ([GOOD[n : n + 1] for n in range(len(GOOD))], [large]):
        wire.sends(*pieces)
        assert client.send("GetItem", GET)["Item"]["pk"]["S"].startswith("k")
    assert connections_of(wire) == [0, 0]


def test_connection_that_closed_while_it_waited_is_replaced_without_a_failure(wire: Wire, client: LeanClient) -> None:
    for number in range(3):
        wire.sends(GOOD, Do.CLOSE)
        assert client.send("GetItem", GET)["Item"]
        wire.wait_until_one_is_closed()
        assert len(wire.asked) == number + 1  # the server knows of each once
    assert connections_of(wire) == [0, 1, 2]


def test_connection_that_closes_as_it_is_asked_again_is_a_store_to_be_asked_at_once(
    wire: Wire, client: LeanClient
) -> None:
    wire.sends_in_turn([GOOD], [Do.CLOSE], [GOOD])
    client.send("GetItem", GET)
    with pytest.raises(StoreBusyError) as caught:
        client.send("GetItem", GET)
    assert caught.value.cause is Cause.STALE
    assert client.send("GetItem", GET)["Item"]
    assert connections_of(wire) == [0, 0, 1]


def test_new_connection_that_closes_is_a_store_to_be_asked_after_a_pause(wire: Wire, client: LeanClient) -> None:
    wire.sends(Do.CLOSE)
    with pytest.raises(StoreBusyError) as caught:
        client.send("GetItem", GET)
    assert caught.value.cause is Cause.FAILED


@pytest.mark.parametrize(("waited_seconds", "connections"), [(19.9, [0, 0]), (20.1, [0, 1])])
def test_connection_that_waited_long_is_not_used_again(
    monkeypatch: pytest.MonkeyPatch, wire: Wire, client: LeanClient, waited_seconds: float, connections: list[int]
) -> None:
    clock = Steady(monkeypatch)
    client.send("GetItem", GET)
    clock.now += waited_seconds
    client.send("GetItem", GET)
    assert connections_of(wire) == connections


@pytest.mark.parametrize("said", ["close", "Close"])
def test_connection_whose_end_is_announced_is_not_used_again(wire: Wire, client: LeanClient, said: str) -> None:
    wire.sends(reply(b"{}", connection=said))
    client.send("GetItem", GET)
    client.send("GetItem", GET)
    assert connections_of(wire) == [0, 1]
    for _ in range(2):
        wire.wait_until_one_is_closed()  # both were closed here: the server never does


def test_nobody_who_listens_is_a_busy_store() -> None:
    endpoint = Endpoint(HOST, free_port(), tls=False, authority=HOST)
    with pytest.raises(StoreBusyError) as caught:
        LeanClient(endpoint, "eu-west-1", lambda: CREDENTIALS).send("GetItem", GET)
    assert caught.value.cause is Cause.FAILED


def test_reply_that_trickles_is_given_up_at_its_deadline(
    monkeypatch: pytest.MonkeyPatch, wire: Wire, client: LeanClient
) -> None:
    """However many pieces come: the deadline is of the whole reply, not of each."""
    wire.answer = lambda _: itertools.chain(
        [b"HTTP/1.1 200 OK\r\nContent-Length: 9999999\r\n\r\n"], itertools.repeat(b" ")
    )
    clock = Steady(monkeypatch, step=0.25)
    begins = clock.now
    with pytest.raises(StoreBusyError, match=r"^TimeoutError$"):
        client.send("GetItem", GET)
    assert begins < clock.now <= begins + READ_SECONDS + 3 * clock.step
    wire.wait_until_one_is_closed()  # and nothing more of it is read


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("warm", [False, True])
@pytest.mark.parametrize("pieces", FAILURES.values(), ids=FAILURES)
def test_after_any_failure_a_connection_is_not_used_again(
    wire: Wire,
    client: LeanClient,
    pieces: tuple[bytes | Do, ...],
    warm: bool,  # noqa: FBT001
) -> None:
    if warm:
        client.send("GetItem", GET)
    wire.sends(*pieces)
    with pytest.raises(StoreBusyError):
        client.send("GetItem", GET)
    wire.sends(GOOD)
    assert client.send("GetItem", GET)["Item"] == {"pk": {"S": "k"}}
    assert connections_of(wire) == ([0, 0, 1] if warm else [0, 1])


@pytest.mark.parametrize("raised", [KeyboardInterrupt, MemoryError])
def test_whatever_else_breaks_off_a_request_closes_its_connection(
    monkeypatch: pytest.MonkeyPatch, wire: Wire, client: LeanClient, raised: type[BaseException]
) -> None:
    def broken(_: bytes) -> None:
        raise raised

    with monkeypatch.context() as patched:
        patched.setattr("modelpass.dynamodb.http1.head_of", broken)
        with pytest.raises(raised):
            client.send("GetItem", GET)
    wire.wait_until_one_is_closed()
    client.send("GetItem", GET)
    assert connections_of(wire) == [0, 1]


def test_what_came_while_a_connection_waited_is_never_taken_for_a_reply(wire: Wire, client: LeanClient) -> None:
    """A server that repeats itself, or says that a connection waited too long, says it to nobody."""
    client.send("GetItem", GET)
    for number in range(1, 4):
        wire.connections[-1].sendall(STALE)
        wire.sends(GOOD)
        assert client.send("GetItem", GET)["Item"] == {"pk": {"S": "k"}}
        assert connections_of(wire)[-1] == number


@pytest.mark.usefixtures("impatient")
def test_late_reply_is_never_read_as_that_of_a_later_request(wire: Wire, client: LeanClient) -> None:
    wire.sends(Do.HANG, STALE)
    with pytest.raises(StoreBusyError):
        client.send("GetItem", GET)
    wire.sends(GOOD)
    wire.over.set()
    wire.wait_until_one_is_closed()  # the first has gone on, and said it to nobody
    assert client.send("GetItem", GET)["Item"] == {"pk": {"S": "k"}}
    assert connections_of(wire) == [0, 1]


def test_refusals_keep_their_connection(wire: Wire, client: LeanClient) -> None:
    for code, kind in (("ConditionalCheckFailedException", ConditionFailedError), ("Other", StoreRejectedError)):
        wire.sends(told({"__type": f"a.b#{code}"}, 400))
        with pytest.raises(kind):
            client.send("UpdateItem", GET)
    assert connections_of(wire) == [0, 0]


def test_damaged_reply_is_a_lost_one_whatever_its_status(wire: Wire, client: LeanClient) -> None:
    for status in (200, 400, 500):
        wire.sends(reply(b'{"Item": {}}', status, checksum=1))
        with pytest.raises(StoreBusyError, match=r"^ChecksumError$"):
            client.send("GetItem", GET)


def test_no_failure_shows_what_was_sent_or_with_what_it_was_signed(wire: Wire, client: LeanClient) -> None:
    secret = {"TableName": "t", "Key": {"pk": {"S": "sk-custom-s3cret"}}}
    for pieces in FAILURES["closed"], FAILURES["garbage"], (told({"__type": "x#ValidationException"}, 400),):
        wire.sends(*pieces)
        with pytest.raises(StoreError) as caught:
            client.send("GetItem", secret)
        shown = repr(caught.value) + str(caught.value.__cause__) + str(vars(caught.value))
        for value in ("s3cret", CREDENTIALS.secret_access_key, str(CREDENTIALS.session_token)):
            assert value not in shown


def echo(asked: Asked) -> list[bytes]:
    return [told({"Item": json.loads(asked.body)["Key"]})]


def test_many_threads_get_each_their_own_reply_from_few_connections(wire: Wire, client: LeanClient) -> None:
    wire.answer = echo

    def ask(number: int) -> list[str]:
        keys = [f"{number}-{n}" for n in range(20)]
        return [
            client.send("GetItem", {"TableName": "t", "Key": {"pk": {"S": key}}})["Item"]["pk"]["S"] for key in keys
        ]

    answers = at_once(THREADS, ask)
    assert answers == [[f"{number}-{n}" for n in range(20)] for number in range(THREADS)]
    assert len({*connections_of(wire)}) <= THREADS


def test_connections_that_close_under_many_threads_fail_with_nothing_else(wire: Wire, client: LeanClient) -> None:
    turns = itertools.count()
    wire.answer = lambda asked: [Do.CLOSE] if next(turns) % 3 == 2 else echo(asked)

    def ask(number: int) -> list[Response | str]:
        answers: list[Response | str] = []
        for n in range(10):
            try:
                answers.append(client.send("GetItem", {"TableName": "t", "Key": {"pk": {"S": f"{number}-{n}"}}}))
            except StoreBusyError:
                answers.append("busy")
        return answers

    for number, answers in enumerate(at_once(32, ask)):
        assert all(a in ("busy", {"Item": {"pk": {"S": f"{number}-{n}"}}}) for n, a in enumerate(answers))


def test_many_threads_count_exactly_on_the_real_engine(engine: str, world: World) -> None:
    host, _, port = engine.removeprefix("http://").partition(":")
    client = LeanClient(
        Endpoint(host, int(port), tls=False, authority=f"{host}:{port}"), "eu-west-1", lambda: CREDENTIALS
    )
    table = world.tables.subscriptions

    def count(number: int) -> set[int]:
        key = {"pk": {"S": "counter"}, "sk": {"S": str(number % 2)}}
        request = {
            "TableName": table,
            "Key": key,
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": {":one": {"N": "1"}},
            "ReturnValues": "ALL_NEW",
        }
        return {int(client.send("UpdateItem", request)["Attributes"]["n"]["N"]) for _ in range(5)}

    seen = at_once(THREADS, count)
    client.close()
    for half in (seen[::2], seen[1::2]):
        assert sorted(itertools.chain(*half)) == [*range(1, THREADS * 5 // 2 + 1)]
