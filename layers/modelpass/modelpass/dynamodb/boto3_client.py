"""The store by boto3: for functions off the hot path, and for all when the lean client is switched off.

Rule: sends once, and says what became of it in the failures of `store`; retries of the SDK are off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ChecksumError,
    ClientError,
    ConnectionError,  # noqa: A004 - its name there
    HTTPClientError,
)
from botocore.parsers import ResponseParserError

from modelpass.dynamodb.transport import (
    CONNECT_SECONDS,
    NOT_DONE,
    READ_SECONDS,
    StoreBusyError,
    StoreRejectedError,
    classify,
)
from modelpass.dynamodb.wire_json import decoded

if TYPE_CHECKING:
    from botocore.client import BaseClient

    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

_METHODS: Final = {
    "BatchGetItem": "batch_get_item",
    "GetItem": "get_item",
    "PutItem": "put_item",
    "Query": "query",
    "TransactGetItems": "transact_get_items",
    "TransactWriteItems": "transact_write_items",
    "UpdateItem": "update_item",
}
_LOST: Final = (ChecksumError, ConnectionError, HTTPClientError, ResponseParserError)
"""The reply was lost on a connection that failed, broke or timed out, or cannot be read: the write may have landed."""


def new_client() -> BaseClient:
    """A client with credentials, Region and endpoint of the environment."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "legacy"},  # the mode that compares checksums
    )
    return boto3.client("dynamodb", config=config)


def boto3_send(client: BaseClient) -> Send:
    """The seam on a boto3 client, whose own retries must be off."""
    client.meta.events.register("before-parse.dynamodb", _refuse_unreadable, unique_id="modelpass")

    def send(operation: str, request: Request) -> Response:
        try:
            response: Response = getattr(client, _METHODS[operation])(**request, ReturnConsumedCapacity="TOTAL")
        except ClientError as error:
            raise classify(error.response) from None
        except _LOST as error:
            raise StoreBusyError(type(error).__name__) from None
        except BotoCoreError as error:  # before anything was sent
            raise StoreRejectedError(type(error).__name__) from None
        return response

    return send


def _refuse_unreadable(response_dict: dict[str, Any], **_: object) -> None:
    """Keep what is no JSON object from botocore, which takes it for an empty answer: a write done, an item missing."""
    try:
        decoded(response_dict["body"])
    except ValueError:
        cut = "content-length" not in response_dict["headers"]  # its connection was lost before its head was whole
        if cut or response_dict["status_code"] < NOT_DONE:
            raise ResponseParserError from None
        response_dict["body"] = b""  # an error, of which its status tells all
