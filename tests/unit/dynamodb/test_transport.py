"""The seam to DynamoDB: what each failure means, sent once, and reads that end."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.boto3_client import boto3_send
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreError, StoreRejectedError

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request

ITEM = {"pk": {"S": "stored"}}
KEY = {"pk": schema.text("k")}
FAILED, CONFLICT, NONE = {"Code": "ConditionalCheckFailed"}, {"Code": "TransactionConflict"}, {"Code": "None"}
THROTTLED = [{"Code": "ThrottlingError"}, {"Code": "ProvisionedThroughputExceeded"}]
BUSY = [
    "InternalServerError",
    "InternalFailure",
    "LimitExceededException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TransactionConflictException",
    "TransactionInProgressException",
]
REJECTED = [
    "AccessDeniedException",
    "ExpiredTokenException",
    "ItemCollectionSizeLimitExceededException",
    "ResourceNotFoundException",
    "UnrecognizedClientException",
    "ValidationException",
    "",
]
CANCELLED = [
    # reasons, what it means, the item it brings back
    ([FAILED], ConditionFailedError, None),
    ([{**FAILED, "Item": ITEM}, NONE], ConditionFailedError, ITEM),
    ([NONE, {**FAILED, "Item": ITEM}], ConditionFailedError, None),
    ([{**FAILED, "Item": ITEM}, CONFLICT], ConditionFailedError, ITEM),
    ([CONFLICT, FAILED], ConditionFailedError, None),
    ([CONFLICT, NONE], StoreBusyError, None),
    ([NONE, *THROTTLED], StoreBusyError, None),
    ([CONFLICT, {"Code": "ValidationError"}], StoreRejectedError, None),
    ([{"Code": "ItemCollectionSizeLimitExceeded"}], StoreRejectedError, None),
    ([{}, CONFLICT], StoreBusyError, None),
    ([], StoreRejectedError, None),
]


def response_of(code: str, status: int = 400, **more: Any) -> Response:
    return {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}


def client_of(url: str = "http://127.0.0.1:1") -> Any:
    quick = Config(connect_timeout=1, read_timeout=1, retries={"total_max_attempts": 1})
    return boto3.client(
        "dynamodb",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="unit",
        aws_secret_access_key="unit",
        config=quick,
    )


class Pages:
    """A store that answers each request with the next of the given responses."""

    def __init__(self, *responses: Response) -> None:
        self.responses = list(responses)
        self.requests: list[tuple[str, Request]] = []

    def __call__(self, operation: str, request: Request) -> Response:
        self.requests.append((operation, request))
        return self.responses.pop(0)


@pytest.mark.parametrize("code", BUSY)
def test_busy_store_may_be_asked_again(code: str) -> None:
    assert isinstance(transport.classify(response_of(code)), StoreBusyError)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("code", ["", "Unheard", "ValidationException"])
def test_failing_store_may_be_asked_again(code: str, status: int) -> None:
    assert isinstance(transport.classify(response_of(code, status)), StoreBusyError)


@pytest.mark.parametrize("code", REJECTED)
def test_rejected_request_is_a_fault_of_ours(code: str) -> None:
    failure = transport.classify(response_of(code))
    assert isinstance(failure, StoreRejectedError)
    assert isinstance(transport.classify({}), StoreRejectedError)


def test_failed_condition_brings_back_what_is_stored() -> None:
    failure = transport.classify(response_of("ConditionalCheckFailedException", Item=ITEM))
    assert isinstance(failure, ConditionFailedError)
    assert failure.item == ITEM
    missing = transport.classify(response_of("ConditionalCheckFailedException"))
    assert isinstance(missing, ConditionFailedError)
    assert missing.item is None


@pytest.mark.parametrize(("reasons", "kind", "item"), CANCELLED)
def test_cancelled_transaction_means_what_its_reasons_say(
    reasons: list[Any], kind: type[StoreError], item: Any
) -> None:
    failure = transport.classify(response_of("TransactionCanceledException", CancellationReasons=reasons))
    assert type(failure) is kind
    assert getattr(failure, "item", None) == item


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("ConditionalCheckFailedException", 400, ConditionFailedError),
        ("ThrottlingException", 400, StoreBusyError),
        ("InternalServerError", 500, StoreBusyError),
        ("ValidationException", 400, StoreRejectedError),
    ],
)
def test_error_of_the_client_is_told_as_one_of_ours(code: str, status: int, kind: type[StoreError]) -> None:
    client = client_of()
    stored = {"Item": ITEM} if kind is ConditionFailedError else {}
    with Stubber(client) as stub:
        stub.add_client_error("update_item", code, http_status_code=status, modeled_fields=stored)
        with pytest.raises(kind) as caught:
            boto3_send(client)("UpdateItem", {"TableName": "t", "Key": KEY})
        stub.assert_no_pending_responses()
    assert getattr(caught.value, "item", ITEM) == ITEM


def test_request_reaches_the_client_and_its_response_comes_back() -> None:
    client = client_of()
    with Stubber(client) as stub:
        asked = {"TableName": "t", "Key": KEY, "ConsistentRead": True, "ReturnConsumedCapacity": "TOTAL"}
        stub.add_response("get_item", {"Item": ITEM}, asked)
        stub.add_response("get_item", {}, asked)
        send = boto3_send(client)
        assert transport.get(send, "t", KEY) == ITEM
        assert transport.get(send, "t", KEY) is None


def test_endpoint_that_refuses_connections_is_a_busy_store() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and never listening: whoever connects is refused
        send = boto3_send(client_of(f"http://127.0.0.1:{taken.getsockname()[1]}"))
        with pytest.raises(StoreBusyError):
            transport.get(send, "t", KEY)


def test_endpoint_that_hangs_up_is_a_busy_store_asked_once() -> None:
    calls = []

    def hang_up(**_: Any) -> None:
        calls.append(1)
        raise botocore.exceptions.ConnectionClosedError(endpoint_url="http://127.0.0.1:1")

    client = client_of()
    client.meta.events.register("before-send.dynamodb", hang_up)
    with pytest.raises(StoreBusyError):
        transport.get(boto3_send(client), "t", KEY)
    assert calls == [1]


def test_missing_credentials_are_no_busy_store() -> None:
    def no_credentials(**_: Any) -> None:
        raise botocore.exceptions.NoCredentialsError

    client = client_of()
    client.meta.events.register("before-send.dynamodb", no_credentials)
    with pytest.raises(StoreRejectedError):
        transport.get(boto3_send(client), "t", KEY)


def test_request_that_the_client_itself_finds_malformed_is_a_fault_of_ours() -> None:
    with pytest.raises(StoreRejectedError):
        boto3_send(client_of())("GetItem", {"TableName": "t", "Key": "no map"})


def test_failures_show_nothing_of_what_was_sent() -> None:
    for code in ("ConditionalCheckFailedException", "ValidationException", "ThrottlingException"):
        error = {"Code": code, "Message": "sk-custom-secret"}
        assert "sk-custom" not in repr(transport.classify({"Error": error, "Item": {"kh": "sk-custom-secret"}}))


def test_reading_many_asks_again_for_what_was_left_and_gives_all() -> None:
    left = {"t": {"Keys": [KEY], "ConsistentRead": True}}
    first, second = {"pk": schema.text("a")}, {"pk": schema.text("b")}
    send = Pages({"Responses": {"t": [first]}, "UnprocessedKeys": left}, {"Responses": {"t": [second]}})
    assert transport.get_many(send, "t", [KEY, KEY]) == [first, second]
    assert send.requests == [
        ("BatchGetItem", {"RequestItems": {"t": {"Keys": [KEY, KEY], "ConsistentRead": True}}}),
        ("BatchGetItem", {"RequestItems": left}),
    ]


def test_reading_many_from_a_store_that_leaves_keys_again_and_again_ends() -> None:
    send = Pages(*[{"UnprocessedKeys": {"t": {"Keys": [KEY]}}}] * 50)
    with pytest.raises(StoreBusyError):
        transport.get_many(send, "t", [KEY])
    assert len(send.requests) == 5


def test_reading_many_leaves_out_what_is_missing() -> None:
    assert transport.get_many(Pages({"Responses": {}}), "t", [KEY]) == []


def test_query_gives_every_page_in_order_even_after_an_empty_one() -> None:
    pages: list[Response] = [
        {"Items": [{"pk": schema.text("a")}], "LastEvaluatedKey": {"pk": schema.text("a")}},
        {"Items": [], "LastEvaluatedKey": {"pk": schema.text("b")}},
        {"Items": [{"pk": schema.text("c")}]},
    ]
    send, request = Pages(*pages), {"TableName": "t"}
    assert [i["pk"]["S"] for i in transport.query_all(send, request)] == ["a", "c"]
    starts = [r.get("ExclusiveStartKey", {}).get("pk", {}).get("S") for _, r in send.requests]
    assert starts == [None, "a", "b"]
    assert request == {"TableName": "t"}
