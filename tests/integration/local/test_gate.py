"""The gate of the local stack, on the real engine: what a function is not granted fails as on AWS, the rest goes on."""

from __future__ import annotations

import contextlib
import json
import threading
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config

from local.cloudformation.template import REGION
from local.dynamodb import engine as local_engine
from local.dynamodb.provisioning import KEY_ID, create_tables
from local.iam import gate as gates
from local.iam.gate import Gate
from local.machine import HOST, free_port
from modelpass.dynamodb.boto3_client import boto3_send
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreRejectedError
from tests.support.concurrency import at_once
from tests.support.world import client_of, template_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelpass.dynamodb.transport import Send

    Ways = Callable[[str], Send]

PREFIX = "gate-"
CATALOGUE, EVENTS = f"{PREFIX}CatalogueTable", f"{PREFIX}EventsTable"
KEY = {"pk": {"S": "p"}, "sk": {"S": "s"}}
GRANTED = {
    "Reader": frozenset({(CATALOGUE, "dynamodb:GetItem")}),
    "Writer": frozenset({(CATALOGUE, "dynamodb:UpdateItem"), (EVENTS, "dynamodb:PutItem")}),
}
GET = {"TableName": CATALOGUE, "Key": KEY}
COUNT = {**GET, "UpdateExpression": "ADD n :one", "ExpressionAttributeValues": {":one": {"N": "1"}}}
PUT = {"TableName": EVENTS, "Item": KEY}


def send_of(url: str, key_id: str) -> Send:
    """The way to the store of a function, whose key id is its name."""
    return boto3_send(
        boto3.client(
            "dynamodb",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id=key_id,
            aws_secret_access_key="any",
            config=Config(retries={"total_max_attempts": 1}, max_pool_connections=16),
        )
    )


@pytest.fixture
def told() -> list[str]:
    return []


@pytest.fixture
def gate(told: list[str]) -> Gate:
    return Gate(GRANTED, told.append)


@pytest.fixture
def ways(engine: str, gate: Gate) -> Iterator[Ways]:
    """For each function its way through the gate; the tables are new."""
    dynamodb = client_of(engine)
    create_tables(dynamodb, template_of(PREFIX))
    with gates.running(gate, engine) as url:
        yield lambda function: send_of(url, function)
    for table in template_of(PREFIX).tables:
        dynamodb.delete_table(TableName=table["TableName"])


def test_what_is_granted_goes_on_and_is_answered_as_the_store_answers(ways: Ways, gate: Gate, engine: str) -> None:
    text = "ä" * 10_000
    put = {"TableName": EVENTS, "Item": {**KEY, "text": {"S": text}}}
    ways("Writer")("PutItem", put)
    assert client_of(engine).get_item(TableName=EVENTS, Key=KEY)["Item"]["text"]["S"] == text
    new = {"ConditionExpression": "attribute_not_exists(pk)", "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    with pytest.raises(ConditionFailedError) as failure:
        ways("Writer")("PutItem", {**put, **new})
    assert failure.value.item == put["Item"]
    assert ways("Reader")("GetItem", GET).get("Item") is None
    assert gate.used == {
        ("Writer", EVENTS, "dynamodb:PutItem"),
        ("Reader", CATALOGUE, "dynamodb:GetItem"),
    }
    assert gate.refused == set()


@pytest.mark.parametrize(
    ("function", "operation", "request_", "lacking"),
    [
        ("Reader", "UpdateItem", COUNT, (CATALOGUE, "dynamodb:UpdateItem")),
        ("Reader", "GetItem", {**GET, "TableName": EVENTS}, (EVENTS, "dynamodb:GetItem")),
        ("Writer", "GetItem", GET, (CATALOGUE, "dynamodb:GetItem")),
        ("Nobody", "GetItem", GET, (CATALOGUE, "dynamodb:GetItem")),
        (
            "Writer",
            "TransactWriteItems",
            {"TransactItems": [{"Put": PUT}, {"Update": COUNT}, {"Delete": GET}]},
            (CATALOGUE, "dynamodb:DeleteItem"),
        ),
        ("Writer", "TransactGetItems", {"TransactItems": [{"Get": GET}]}, (CATALOGUE, "dynamodb:GetItem")),
        (
            "Reader",
            "BatchGetItem",
            {"RequestItems": {CATALOGUE: {"Keys": [KEY]}}},
            (CATALOGUE, "dynamodb:BatchGetItem"),
        ),
        (
            "Reader",
            "Query",
            {"TableName": CATALOGUE, "IndexName": "due", "KeyConditionExpression": "pk = pk"},
            (f"{CATALOGUE}/index/due", "dynamodb:Query"),
        ),
    ],
)
def test_what_is_not_granted_is_refused_told_and_never_reaches_the_store(  # noqa: PLR0913, PLR0917 - a case a row
    ways: Ways,
    gate: Gate,
    told: list[str],
    engine: str,
    function: str,
    operation: str,
    request_: dict[str, Any],
    lacking: tuple[str, str],
) -> None:
    with pytest.raises(StoreRejectedError, match=r"^AccessDeniedException$"):
        ways(function)(operation, request_)
    assert gate.refused == {(function, *lacking)}
    assert gate.used == set()
    (line,) = told
    resource, action = lacking
    assert f"/{function} is not authorized to perform: {action} on resource: arn:aws:dynamodb:" in line
    assert line.endswith(f":table/{resource} because no identity-based policy allows the {action} action")
    for table in (CATALOGUE, EVENTS):
        assert client_of(engine).scan(TableName=table)["Items"] == []


def test_many_at_once_each_get_their_own_answer(ways: Ways) -> None:
    send = ways("Writer")
    counted = at_once(8, lambda _: [send("UpdateItem", {**COUNT, "ReturnValues": "ALL_NEW"}) for _ in range(20)])
    numbers = [int(reply["Attributes"]["n"]["N"]) for replies in counted for reply in replies]
    assert sorted(numbers) == list(range(1, 161))


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b'{"TransactItems": 1}', b'{"TransactItems": [{"Get": {}}]}']
)
def test_what_cannot_be_read_is_nobodys_right(engine: str, gate: Gate, body: bytes) -> None:
    target = {"X-Amz-Target": "DynamoDB_20120810.TransactWriteItems", "Authorization": "AWS4 Credential=Writer/x"}
    with gates.running(gate, engine) as url:
        connection = HTTPConnection(urlsplit(url).netloc)
        with contextlib.closing(connection):
            connection.request("POST", "/", body, target)
            response = connection.getresponse()
            answer = json.loads(response.read())
    assert (response.status, answer["__type"]) == (400, "com.amazon.coral.service#AccessDeniedException")
    assert gate.refused == {("Writer", "*", "dynamodb:TransactWriteItems")}


class Noting(BaseHTTPRequestHandler):
    """A store that answers nothing but notes who asks."""

    authorizations: ClassVar[list[str]] = []

    def do_POST(self) -> None:
        self.authorizations.append(self.headers["Authorization"])
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_functions_reach_the_store_under_one_id_for_all(gate: Gate) -> None:
    # DynamoDB Local would show each id tables of its own.
    with ThreadingHTTPServer((HOST, 0), Noting) as store:
        thread = threading.Thread(target=store.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        with gates.running(gate, f"http://{HOST}:{store.server_port}") as url:
            send_of(url, "Reader")("GetItem", GET)
            send_of(url, "Writer")("PutItem", PUT)
        store.shutdown()
        thread.join()
    assert [a.partition("Credential=")[2].partition("/")[0] for a in Noting.authorizations] == [KEY_ID, KEY_ID]


def test_without_a_store_the_connection_breaks_and_a_store_that_is_back_is_found(gate: Gate, tmp_path: Path) -> None:
    port = free_port()
    with gates.running(gate, f"http://{HOST}:{port}") as url:
        send = send_of(url, "Writer")
        for count in (1, 2):
            with pytest.raises(StoreBusyError):
                send("UpdateItem", COUNT)
            with local_engine.running(tmp_path, port=port) as engine:
                create_tables(client_of(engine), template_of(PREFIX))
                counted = send("UpdateItem", {**COUNT, "ReturnValues": "ALL_NEW"})
            assert counted["Attributes"]["n"] == {"N": str(count)}


def test_a_store_that_was_started_anew_in_between_is_no_error(gate: Gate, tmp_path: Path) -> None:
    port = free_port()
    with gates.running(gate, f"http://{HOST}:{port}") as url:
        send = send_of(url, "Writer")
        for _ in range(2):
            with local_engine.running(tmp_path, port=port) as engine:
                create_tables(client_of(engine), template_of(PREFIX))
                send("UpdateItem", COUNT)
