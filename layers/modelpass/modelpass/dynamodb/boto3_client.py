"""The seam to DynamoDB by boto3: for functions off the hot path, and for all where the lean client is switched off.

Rule: it sends a request once and raises the failures of `transport`, exactly as `lean_client` does. The SDK's own
retries are off, because only a command can tell what its first try may have done.
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
    ConnectTimeoutError,
    HTTPClientError,
    ReadTimeoutError,
)
from botocore.parsers import ResponseParserError

from modelpass.dynamodb.transport import (
    CONNECT_SECONDS,
    FIRST_FAILURE_STATUS,
    READ_SECONDS,
    Cause,
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
"""The connection failed, broke or timed out, or the reply cannot be read: the write may have been carried out."""
_LATE: Final = (ConnectTimeoutError, ReadTimeoutError)
"""Those of them that mean a time which is up."""


def new_client() -> BaseClient:
    """A client with the credentials, the Region and the endpoint of the environment, and without retries."""
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=READ_SECONDS,
        retries={"total_max_attempts": 1, "mode": "legacy"},  # the mode that compares checksums
    )
    return boto3.client("dynamodb", config=config)


def boto3_send(client: BaseClient) -> Send:
    """The seam (`Send`) on a boto3 client, whose own retries must be off."""
    client.meta.events.register("before-parse.dynamodb", _refuse_unreadable, unique_id="modelpass")

    def send(operation: str, request: Request) -> Response:
        try:
            response: Response = getattr(client, _METHODS[operation])(**request, ReturnConsumedCapacity="TOTAL")
        except ClientError as error:
            raise classify(error.response) from None
        except _LOST as error:
            cause = Cause.SILENT if isinstance(error, _LATE) else Cause.FAILED
            raise StoreBusyError(type(error).__name__, cause) from None
        except BotoCoreError as error:  # raised before anything was sent
            raise StoreRejectedError(type(error).__name__) from None
        return response

    return send


def _refuse_unreadable(response_dict: dict[str, Any], **_: object) -> None:
    """Keep botocore from parsing a body that is no JSON object.

    It would take it for an empty answer: for a write that was carried out, or an item that does not exist.
    """
    try:
        decoded(response_dict["body"])
    except ValueError:
        cut = "content-length" not in response_dict["headers"]  # the connection broke before the headers were complete
        if cut or response_dict["status_code"] < FIRST_FAILURE_STATUS:
            raise ResponseParserError from None
        response_dict["body"] = b""  # an error reply whose status alone tells what it means
