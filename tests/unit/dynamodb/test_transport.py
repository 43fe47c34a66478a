"""The seam to DynamoDB: what each failure means, and that reads of many items and of many pages end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import Cause, ConditionFailedError, StoreBusyError, StoreError, StoreRejectedError
from tests.support.store_failures import BUSY, CANCELLED, ITEM, REJECTED

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request

KEY = {"pk": schema.text("k")}


def response_of(code: str, status: int = 400, **more: Any) -> Response:
    return {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}, **more}


class Pages:
    """A store that answers each request with the next of the given responses."""

    def __init__(self, *responses: Response) -> None:
        self.responses = list(responses)
        self.requests: list[tuple[str, Request]] = []

    def __call__(self, operation: str, request: Request) -> Response:
        self.requests.append((operation, request))
        return self.responses.pop(0)


@pytest.mark.parametrize("status", [400, 500, 503])
@pytest.mark.parametrize(("code", "cause"), BUSY.items())
def test_busy_store_may_be_asked_again_and_is_spared_by_what_it_says(code: str, cause: Cause, status: int) -> None:
    failure = transport.classify(response_of(code, status))
    assert isinstance(failure, StoreBusyError)
    assert failure.cause is cause


@pytest.mark.parametrize("status", [500, 502, 503, 504])
@pytest.mark.parametrize("code", ["", "Unheard", "ValidationException"])
def test_failing_store_may_be_asked_again(code: str, status: int) -> None:
    failure = transport.classify(response_of(code, status))
    assert isinstance(failure, StoreBusyError)
    assert failure.cause is Cause.FAILED


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


@pytest.mark.parametrize(("reasons", "kind", "detail"), CANCELLED)
def test_cancelled_transaction_means_what_its_reasons_say(
    reasons: list[Any], kind: type[StoreError], detail: Any
) -> None:
    failure = transport.classify(response_of("TransactionCanceledException", CancellationReasons=reasons))
    assert type(failure) is kind
    assert getattr(failure, "item", getattr(failure, "cause", None)) == detail


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
    keys = [{"pk": schema.text(str(number))} for number in range(50)]
    send = Pages(*[{"UnprocessedKeys": {"t": {"Keys": keys[number:]}}} for number in range(1, 50)])
    with pytest.raises(StoreBusyError) as caught:
        transport.get_many(send, "t", keys)
    assert (caught.value.cause, len(send.requests)) == (Cause.THROTTLED, 5)


def test_reading_many_from_a_store_that_reads_none_of_them_asks_once() -> None:
    send = Pages(*[{"UnprocessedKeys": {"t": {"Keys": [KEY, KEY]}}}] * 50)
    with pytest.raises(StoreBusyError) as caught:
        transport.get_many(send, "t", [KEY, KEY])
    assert (caught.value.cause, len(send.requests)) == (Cause.THROTTLED, 1)


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
