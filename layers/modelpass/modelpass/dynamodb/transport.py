"""The seam to DynamoDB: one request is sent once, and what became of it is said in the failures below.

The seam is `Send`: an operation name and a low-level request in, a response or one of the failures below out.
`store_lean` and `store_boto3` carry it out; no other module talks to DynamoDB. Neither retries: a retry needs a fresh
clock and a look at what the first try may have done, so the commands do it (`attempts`). Every write is guarded, which
makes sending it again safe.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from modelpass.schema import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass import schema
Response = dict[str, Any]
Send = Callable[[str, Request], Response]

CONNECT_SECONDS: Final = 1
READ_SECONDS: Final = 2
"""How long a client waits for a connection, and then for the whole of a reply."""
NOT_DONE: Final = 300
"""The statuses below it are those of a request that was carried out."""
_READS: Final = frozenset({"BatchGetItem", "GetItem", "Query", "TransactGetItems"})
_BUSY_CODES: Final = frozenset(
    {
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
    }
)
_BUSY_REASONS: Final = frozenset({"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded"})
_SERVER_ERROR: Final = 500


class StoreError(Exception):
    """The base of what can become of a request that was not carried out as asked."""


class ConditionFailedError(StoreError):
    """The guard of a write did not hold; `item` is what is stored, None when there is nothing.

    Of a transaction: the item of its first action, when that action's guard failed.
    """

    def __init__(self, item: schema.Item | None) -> None:
        super().__init__("condition failed")
        self.item = item


class StoreBusyError(StoreError):
    """Throttled, conflicting, failing or silent: the same may be sent again.

    Whether the request was carried out is not known; a repeat must recognise its own write. `at_once`: only a
    connection was found closed that had waited for its next request, so there is nothing to wait for.
    """

    def __init__(self, reason: str, *, at_once: bool = False) -> None:
        super().__init__(reason)
        self.at_once = at_once


class StoreRejectedError(StoreError):
    """The store refuses the request for good: a fault of ours or of the deployment."""


def metered(send: Send, tell: Callable[[float, float], None]) -> Send:
    """The same seam; of each request it tells the read and the write units, as far as the reply says.

    A condition that fails is charged and its reply does not say how much: of it, as of a lost reply, none are told.
    """

    def send_and_tell(operation: str, request: Request) -> Response:
        units = (0.0, 0.0)
        try:
            response = send(operation, request)
            units = consumed(operation, response)
        finally:
            tell(*units)
        return response

    return send_and_tell


def consumed(operation: str, response: Response) -> tuple[float, float]:
    """The read and the write units that a reply tells; it has a figure for each table."""
    capacity = response.get("ConsumedCapacity", [])
    tables = capacity if isinstance(capacity, list) else [capacity]
    units = sum(table.get("CapacityUnits", 0.0) for table in tables)
    return (units, 0.0) if operation in _READS else (0.0, units)


def classify(response: Response) -> StoreError:
    """What an error response of DynamoDB means for the one who sent the request."""
    code = response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailedError(response.get("Item"))
    if code == "TransactionCanceledException":
        return _classify_cancelled(response.get("CancellationReasons") or [])
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _BUSY_CODES or status >= _SERVER_ERROR:
        return StoreBusyError(code)
    return StoreRejectedError(code)


def _classify_cancelled(reasons: list[dict[str, Any]]) -> StoreError:
    codes = [reason.get("Code") or "None" for reason in reasons]
    if "ConditionalCheckFailed" in codes:
        return ConditionFailedError(reasons[0].get("Item"))
    if codes and all(code in _BUSY_REASONS or code == "None" for code in codes):
        return StoreBusyError("TransactionConflict")
    return StoreRejectedError(",".join(codes))


def get(send: Send, table: str, key: schema.Item) -> schema.Item | None:
    """One item as it is now (strongly consistent), None when there is none."""
    request = {"TableName": table, "Key": key, "ConsistentRead": True}
    return send("GetItem", request).get("Item")


def get_many(send: Send, table: str, keys: list[schema.Item]) -> list[schema.Item]:
    """Items as they are now, in no order, those missing left out; at most 100 keys.

    Raises `StoreBusyError` when the store leaves keys unread again and again.
    """
    found: list[schema.Item] = []
    wanted: dict[str, Any] = {table: {"Keys": keys, "ConsistentRead": True}}
    for _ in range(_BATCH_ROUNDS):
        response = send("BatchGetItem", {"RequestItems": wanted})
        found += response.get("Responses", {}).get(table, [])
        wanted = response.get("UnprocessedKeys", {})
        if not wanted:
            return found
    raise StoreBusyError("UnprocessedKeys")


def pages(send: Send, request: Request) -> Iterator[list[schema.Item]]:
    """The items of a query, page by page."""
    while True:
        response = send("Query", request)
        yield response.get("Items", [])
        if "LastEvaluatedKey" not in response:
            return
        request = {**request, "ExclusiveStartKey": response["LastEvaluatedKey"]}


def query_all(send: Send, request: Request) -> list[schema.Item]:
    """Every item of a query."""
    return [item for page in pages(send, request) for item in page]


_BATCH_ROUNDS: Final = 5
