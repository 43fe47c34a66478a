"""Both clients read the same bytes alike: as what is stored, what is refused, or what may have been carried out."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.transport import Cause, ConditionFailedError, StoreBusyError, StoreError, StoreRejectedError
from tests.support.store_failures import BUSY, CANCELLED, REJECTED
from tests.support.wire import Do, Wire, reply, serving, told

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.dynamodb.transport import Send

    Clients = tuple[Send, Send]

GET: dict[str, Any] = {"TableName": "t", "Key": {"pk": {"S": "k"}}}
WRITES = {"TransactItems": [{"Delete": GET}]}
ITEM = {"pk": {"S": "k"}, "bytes": {"B": "AP8="}, "set": {"BS": ["AQ==", ""]}, "map": {"M": {"B": {"N": "1"}}}}
HTML = b"<html><body><h1>502 Bad Gateway</h1></body></html>"
NO_JSON = {
    "empty": b"",
    "HTML": HTML,
    "cut JSON": b'{"Item": {"pk": {"S": "k',
    "a list": b"[]",
    "null": b"null",
    "a number": b"1",
    "text": b"unavailable",
    "other bytes": b"\xff\xfe\x00",
    "too deep": b"[" * 100_000,
}
PREFIXES = ["com.amazonaws.dynamodb.v20120810#", "com.amazon.coral.service#", ""]
SUCCESSES: dict[str, dict[str, Any]] = {
    "nothing": {},
    "an item": {"Item": ITEM},
    "an item and its units": {"Item": ITEM, "ConsumedCapacity": {"TableName": "t", "CapacityUnits": 0.5}},
}
LOST: dict[str, tuple[bytes | Do, ...]] = {
    "closed": (Do.CLOSE,),
    "reset": (Do.RESET,),
    "cut in the head": (told({})[:20], Do.CLOSE),
    "a refusal cut in the head": (told({"__type": "a#ConditionalCheckFailedException"}, 400)[:25], Do.CLOSE),
    "cut in the body": (told({"Item": ITEM})[:-5], Do.CLOSE),
    "garbage": (b"\x16\x03\x01\x02\x00\r\n\r\n", Do.CLOSE),
    "damaged": (reply(b"{}", checksum=1),),
    "a damaged refusal": (reply(b'{"__type":"a#ConditionalCheckFailedException"}', 400, checksum=1),),
    "damaged in a way that cannot be read": (reply(HTML, checksum=1),),
    "an item in no base64": (told({"Item": {"a": {"B": "abc"}}}),),
}
# What DynamoDB never sends: the lean client does not guess at it, and says that the reply is lost.
STRICTER = {
    "chunks": reply(b"2\r\n{}\r\n0\r\n\r\n", content_length=None, transfer_encoding="chunked", x_amz_crc32=None),
    "more than it tells": told({}) + b"{}",
}


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def clients(wire: Wire) -> Iterator[Clients]:
    lean = wire.lean()
    yield lean.send, wire.boto3()
    lean.close()


def outcome(send: Send, operation: str = "GetItem", request: dict[str, Any] = GET) -> object:
    """All that a command can see of one request."""
    try:
        answer = send(operation, request)
    except StoreError as error:
        return type(error), getattr(error, "item", None), str(error), getattr(error, "cause", None)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def agreed(clients: Clients, operation: str = "GetItem", request: dict[str, Any] = GET) -> Any:
    lean, by_boto3 = (outcome(send, operation, request) for send in clients)
    assert lean == by_boto3
    return lean


@pytest.mark.parametrize("answer", SUCCESSES.values(), ids=SUCCESSES)
@pytest.mark.parametrize("checked", [True, False])
def test_answer_is_the_same_with_a_checksum_and_without(
    wire: Wire,
    clients: Clients,
    answer: dict[str, Any],
    checked: bool,  # noqa: FBT001
) -> None:
    raw = json.dumps(answer).encode()
    wire.sends(told(answer) if checked else reply(raw, x_amz_crc32=None))
    seen = agreed(clients)
    assert {*seen} == {*answer}
    if "Item" in answer:
        assert seen["Item"]["bytes"] == {"B": b"\x00\xff"}
        assert seen["Item"]["set"] == {"BS": [b"\x01", b""]}


@pytest.mark.parametrize("status", [400, 500, 503])
@pytest.mark.parametrize("prefix", PREFIXES)
@pytest.mark.parametrize(
    ("code", "kind"), [*((c, StoreBusyError) for c in BUSY), *((c, StoreRejectedError) for c in REJECTED)]
)
def test_error_is_the_same(
    wire: Wire, clients: Clients, code: str, kind: type[StoreError], prefix: str, status: int
) -> None:
    wire.sends(told({"__type": prefix + code, "message": "an inside detail"}, status))
    seen = agreed(clients, "UpdateItem")
    cause = BUSY.get(code, Cause.FAILED if status >= 500 else None)
    assert seen == (StoreBusyError if status >= 500 else kind, None, code, cause)


@pytest.mark.parametrize(
    "answer", [{}, {"message": "m"}, {"__type": "Throttling:http://a#b"}, {"__type": "a#b#Throttling"}]
)
@pytest.mark.parametrize("status", [302, 400, 403, 404, 413, 429, 500])
def test_error_of_another_shape_is_the_same(wire: Wire, clients: Clients, answer: dict[str, str], status: int) -> None:
    wire.sends(told(answer, status))
    kind, _, text, _ = agreed(clients)
    assert kind is (StoreBusyError if status >= 500 or "__type" in answer else StoreRejectedError)
    assert text == ("Throttling" if "__type" in answer else str(status))


@pytest.mark.parametrize("stored", [None, ITEM])
def test_failed_condition_is_the_same_with_what_is_stored(
    wire: Wire, clients: Clients, stored: dict[str, Any] | None
) -> None:
    more = {} if stored is None else {"Item": stored}
    wire.sends(told({"__type": "a#ConditionalCheckFailedException", "message": "m", **more}, 400))
    kind, item, *_ = agreed(clients, "UpdateItem")
    assert kind is ConditionFailedError
    assert (item is None) == (stored is None)
    assert item is None or item["bytes"] == {"B": b"\x00\xff"}


@pytest.mark.parametrize(("reasons", "kind", "detail"), CANCELLED)
def test_cancelled_transaction_is_the_same_reason_by_reason(
    wire: Wire, clients: Clients, reasons: list[Any], kind: type[StoreError], detail: Any
) -> None:
    answer = {"__type": "a#TransactionCanceledException", "Message": "m", "CancellationReasons": reasons}
    wire.sends(told(answer, 400))
    found, item, _, cause = agreed(clients, "TransactWriteItems", WRITES)
    assert (found, item if cause is None else cause) == (kind, detail)


def test_nulls_are_the_same_as_what_is_missing(wire: Wire, clients: Clients) -> None:
    for answer in (
        {"__type": "a#ConditionalCheckFailedException", "Item": None},
        {"__type": "a#TransactionCanceledException", "CancellationReasons": None},
        {"__type": "a#TransactionCanceledException", "CancellationReasons": [{"Code": None, "Item": None}]},
    ):
        wire.sends(told(answer, 400))
        agreed(clients, "TransactWriteItems", WRITES)


@pytest.mark.parametrize("body", NO_JSON.values(), ids=NO_JSON)
@pytest.mark.parametrize("status", [200, 202, 302, 400, 403, 413, 500, 503])
def test_words_that_are_not_dynamodbs_are_never_an_answer(
    wire: Wire, clients: Clients, body: bytes, status: int
) -> None:
    """On a success nobody knows what was done; what is refused was not carried out."""
    for raw in (reply(body, status), reply(body, status, x_amz_crc32=None)):
        wire.sends(raw)
        kind, *_ = agreed_in_kind(clients)
        assert kind is (StoreRejectedError if 300 <= status < 500 else StoreBusyError)


def agreed_in_kind(clients: Clients) -> Any:
    """The kind of failure and its cause: for how a reply was lost, each client has its own word."""
    lean, by_boto3 = (outcome(send, "UpdateItem") for send in clients)
    assert isinstance(lean, tuple)
    assert isinstance(by_boto3, tuple)
    assert lean[:2] == by_boto3[:2]
    causes = [{Cause.STALE: Cause.FAILED}.get(seen[3], seen[3]) for seen in (lean, by_boto3)]
    assert causes[0] is causes[1]  # that a kept connection was found closed, only the lean client can tell
    return lean


@pytest.mark.parametrize("pieces", LOST.values(), ids=LOST)
def test_lost_and_damaged_replies_are_lost_to_both(
    wire: Wire, clients: Clients, pieces: tuple[bytes | Do, ...]
) -> None:
    wire.sends(*pieces)
    assert agreed_in_kind(clients)[0] is StoreBusyError
    wire.sends(told({"Item": ITEM}))
    assert agreed(clients)["Item"]["pk"] == {"S": "k"}


def test_reply_that_does_not_come_is_lost_to_both(
    monkeypatch: pytest.MonkeyPatch, wire: Wire, clients: Clients
) -> None:
    monkeypatch.setattr("modelpass.dynamodb.lean_client.READ_SECONDS", 0.2)
    wire.sends(told({})[:30], Do.HANG)
    kind, _, _, cause = agreed_in_kind(clients)
    assert (kind, cause) == (StoreBusyError, Cause.SILENT)


@pytest.mark.parametrize("raw", STRICTER.values(), ids=STRICTER)
def test_only_forms_that_dynamodb_never_sends_are_lost_to_the_lean_client_alone(
    wire: Wire, clients: Clients, raw: bytes
) -> None:
    wire.sends(raw)
    lean, by_boto3 = (outcome(send, "UpdateItem") for send in clients)
    assert isinstance(lean, tuple)
    assert lean[0] is StoreBusyError
    assert by_boto3 == {}


def test_both_send_the_same_request(wire: Wire, clients: Clients) -> None:
    wire.sends(told({}))
    bodies = []
    request = {**GET, "UpdateExpression": "SET a = :a", "ExpressionAttributeValues": {":a": {"B": b"\x00\xff"}}}
    for send in clients:
        send("UpdateItem", request)
        asked = wire.asked[-1]
        named = ("x-amz-target", "content-type", "host", "content-length")
        bodies.append(
            (json.loads(asked.body), {name: asked.headers[name] for name in named if name != "content-length"})
        )
    assert bodies[0] == bodies[1]
