"""The client without an SDK that most tests use tells what boto3 tells: answers, units, refusals, lost connections."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

import pytest

from local.engine import HOST, free_port
from modelpass.store import ConditionFailedError, StoreBusyError, StoreError, StoreRejectedError
from modelpass.store_boto3 import boto3_send
from tests.support.plain import Plain
from tests.support.world import client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass.store import Send
    from tests.support.world import World

KEY = {"pk": {"S": "account#a"}, "sk": {"S": "slot"}}
ITEM = {
    **KEY,
    "bytes": {"B": b"\x00\xff"},
    "set": {"BS": [b"\x01", b"\x02"]},
    "map": {"M": {"B": {"N": "1"}, "inner": {"B": b"\x03"}}},
    "long": {"N": "12345678901234567890123456789012345678"},
}
THERE, NOT_THERE = "attribute_exists(pk)", "attribute_not_exists(pk)"


@pytest.fixture
def plain(engine: str) -> Iterator[Plain]:
    with contextlib.closing(Plain(engine)) as made:
        yield made


def put(table: str, condition: str) -> dict[str, Any]:
    return {
        "TableName": table,
        "Item": ITEM,
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def requests(table: str) -> list[tuple[str, dict[str, Any]]]:
    """Each kind of answer: done, a guard that failed with an item and without, and what is refused for good."""
    condition = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": KEY["pk"]}}
    return [
        ("PutItem", put(table, THERE)),
        ("PutItem", put(table, NOT_THERE)),
        ("PutItem", put(table, NOT_THERE)),
        ("GetItem", {"TableName": table, "Key": KEY, "ConsistentRead": True}),
        ("Query", {"TableName": table, **condition}),
        ("BatchGetItem", {"RequestItems": {table: {"Keys": [KEY]}}}),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": table, "Key": KEY}}]}),
        ("TransactWriteItems", {"TransactItems": [{"Put": put(table, THERE)}]}),
        ("TransactWriteItems", {"TransactItems": [{"Put": put(table, NOT_THERE)}]}),
        ("UpdateItem", {"TableName": table, "Key": KEY, "UpdateExpression": "SET pk = :x"}),
        ("GetItem", {"TableName": "nowhere", "Key": KEY}),
    ]


def told(send: Send, operation: str, request: dict[str, Any]) -> object:
    try:
        answer = send(operation, request)
    except StoreError as error:
        return type(error), getattr(error, "item", None)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_it_tells_what_boto3_tells(engine: str, plain: Plain, world: World) -> None:
    table = world.tables.subscriptions
    answers = []
    for send in (boto3_send(client_of(engine)), plain.send):
        answers.append([told(send, *request) for request in requests(table)])
        world.dynamodb.delete_item(TableName=table, Key=KEY)
    assert answers[0] == answers[1]
    kinds = {answer[0] for answer in answers[1] if isinstance(answer, tuple)}
    assert kinds == {ConditionFailedError, StoreRejectedError}


def test_a_connection_that_fails_is_a_busy_store() -> None:
    with pytest.raises(StoreBusyError):
        Plain(f"http://{HOST}:{free_port()}").send("GetItem", {"TableName": "t", "Key": KEY})


def test_every_item_of_a_table_comes_in_pages(plain: Plain, world: World) -> None:
    large = {"S": "x" * 300_000}
    table = world.tables.subscriptions
    for number in range(5):
        world.dynamodb.put_item(TableName=table, Item={"pk": {"S": "a"}, "sk": {"S": str(number)}, "large": large})
    assert [item["sk"]["S"] for item in plain.scan_all(table)] == ["0", "1", "2", "3", "4"]
