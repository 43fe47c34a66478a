"""The seam by boto3: requests are sent once, and each of its errors is raised as one of ours."""

from __future__ import annotations

import socket
from typing import Any

import boto3
import botocore.exceptions
import pytest
from botocore.config import Config
from botocore.stub import Stubber

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.boto3_client import boto3_send
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError, StoreError, StoreRejectedError
from tests.support.store_failures import ITEM

KEY = {"pk": schema.text("k")}


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
