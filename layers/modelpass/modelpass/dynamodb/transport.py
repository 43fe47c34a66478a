"""The seam to DynamoDB, what can fail at it, and the reads that are built on it. Rule: no retries and no expressions.

The seam is `Send`: it takes an operation's name and a low-level request, sends the request once, and returns the
response or raises one of the failures below. `lean_client` and `boto3_client` implement it; no other module talks to
DynamoDB. Neither retries: a retry needs a fresh clock and a look at what the first try may have done, so the commands
do it (`retries`). Every write is guarded, which makes sending it again safe.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from modelpass.schema import Request

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelpass import schema

Response = dict[str, Any]
"""A response of DynamoDB's low-level API."""
Send = Callable[[str, Request], Response]
"""The seam: raises `ConditionFailedError`, `StoreBusyError` or `StoreRejectedError`."""

CONNECT_SECONDS: Final = 1
"""How long a client waits for a connection."""
READ_SECONDS: Final = 2
"""How long a client waits for a reply, once it is connected."""
FIRST_FAILURE_STATUS: Final = 300
"""A request was carried out when the HTTP status of its reply is below this."""
SERVER_ERROR: Final = 500
"""From this HTTP status on, the store failed, and whether it carried a request out is not known."""
_BATCH_ROUNDS: Final = 5
"""How many requests `get_many` sends before it gives up."""
_READS: Final = frozenset({"BatchGetItem", "GetItem", "Query", "TransactGetItems"})


class Cause(Enum):
    """Why a request may be sent again. What the store is spared for (`circuit_breaker`) depends on it."""

    CONTENDED = "contended"
    """Another transaction was at an item: the store is well."""
    STALE = "stale"
    """A kept connection was found closed: nothing is known of the store, and nothing is gained by a pause."""
    THROTTLED = "throttled"
    """The store takes no more requests of this kind, or of this partition, at the moment."""
    FAILED = "failed"
    """The store failed, could not be reached, or its reply was lost or damaged."""
    SILENT = "silent"
    """No connection or no reply came in time: each such request holds its caller for seconds."""
    OPEN = "open"
    """The breaker is open: to ask again now is of no use. Nothing was sent, or what was sent has opened it."""


_BUSY_CODES: Final = {
    **dict.fromkeys(("TransactionConflictException", "TransactionInProgressException"), Cause.CONTENDED),
    **dict.fromkeys(
        (
            "LimitExceededException",
            "ProvisionedThroughputExceededException",
            "RequestLimitExceeded",
            "SlowDown",
            "Throttling",
            "ThrottlingException",
        ),
        Cause.THROTTLED,
    ),
    **dict.fromkeys(
        (
            "InternalServerError",
            "InternalFailure",
            "RequestTimeout",
            "ServiceUnavailable",
            "ServiceUnavailableException",
        ),
        Cause.FAILED,
    ),
}
_CONFLICT: Final = "TransactionConflict"
_BUSY_REASONS: Final = frozenset({_CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded"})


class StoreError(Exception):
    """The base of the failures of one request: it was not carried out as asked, or that is not known."""


class ConditionFailedError(StoreError):
    """The guard of a write did not hold, so nothing was written; `item` is what is stored, None when there is nothing.

    Of a transaction, `item` is that of its first action if that action's guard failed, and otherwise None. It is also
    None when the request did not ask for the stored item (`ReturnValuesOnConditionCheckFailure`).
    """

    def __init__(self, item: schema.Item | None) -> None:
        super().__init__("condition failed")
        self.item = item


class StoreBusyError(StoreError):
    """The store throttled the request, met a conflict, failed or did not answer: the same may be sent again.

    Whether the request was carried out is not known; a repeat must recognise its own write. `cause` tells which of
    these it was.
    """

    def __init__(self, reason: str, cause: Cause = Cause.FAILED) -> None:
        super().__init__(reason)
        self.cause = cause


class StoreRejectedError(StoreError):
    """The store refuses the request for good: the fault lies in our code or in the deployment."""


def metered(send: Send, report: Callable[[float, float], None]) -> Send:
    """The same seam, which calls `report` after each request with the read and the write units that its reply names.

    A condition that fails is charged, but its reply does not say how much: it is reported with 0, as a lost reply is.
    """

    def send_and_report(operation: str, request: Request) -> Response:
        units = (0.0, 0.0)
        try:
            response = send(operation, request)
            units = consumed(operation, response)
        finally:
            report(*units)
        return response

    return send_and_report


def consumed(operation: str, response: Response) -> tuple[float, float]:
    """The read and the write units that a reply names, summed over the tables of the request."""
    capacity = response.get("ConsumedCapacity", [])
    tables = capacity if isinstance(capacity, list) else [capacity]
    units = sum(table.get("CapacityUnits", 0.0) for table in tables)
    return (units, 0.0) if operation in _READS else (0.0, units)


def classify(response: Response) -> StoreError:
    """The failure that an error response of DynamoDB means for the one who sent the request."""
    code = response.get("Error", {}).get("Code", "")
    if code == "ConditionalCheckFailedException":
        return ConditionFailedError(response.get("Item"))
    if code == "TransactionCanceledException":
        return _classify_cancelled(response.get("CancellationReasons") or [])
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _BUSY_CODES or status >= SERVER_ERROR:
        return StoreBusyError(code, _BUSY_CODES.get(code, Cause.FAILED))
    return StoreRejectedError(code)


def _classify_cancelled(reasons: list[dict[str, Any]]) -> StoreError:
    codes = [reason.get("Code") or "None" for reason in reasons]
    if "ConditionalCheckFailed" in codes:
        return ConditionFailedError(reasons[0].get("Item"))
    if codes and all(code in _BUSY_REASONS or code == "None" for code in codes):
        throttled = any(code in _BUSY_REASONS and code != _CONFLICT for code in codes)
        return StoreBusyError(_CONFLICT, Cause.THROTTLED if throttled else Cause.CONTENDED)
    return StoreRejectedError(",".join(codes))


def get(send: Send, table: str, key: schema.Item) -> schema.Item | None:
    """One item by a strongly consistent read; None when there is none. Raises what `Send` raises."""
    request = {"TableName": table, "Key": key, "ConsistentRead": True}
    return send("GetItem", request).get("Item")


def get_together(send: Send, table: str, keys: list[schema.Item]) -> list[schema.Item | None]:
    """Items of one table as of one moment, in the order of their keys, None for each that is missing."""
    return get_across(send, [(table, key) for key in keys])


def get_across(send: Send, places: list[tuple[str, schema.Item]]) -> list[schema.Item | None]:
    """Items of several tables as of one moment, each by its table and key, None for each that is missing."""
    gets = [{"Get": {"TableName": table, "Key": key}} for table, key in places]
    responses = send("TransactGetItems", {"TransactItems": gets})["Responses"]
    return [response.get("Item") for response in responses]


def get_many(send: Send, table: str, keys: list[schema.Item]) -> list[schema.Item]:
    """Items by strongly consistent reads, in no order; what is missing is left out. At most 100 keys, none twice.

    Raises what `Send` raises, and `StoreBusyError` when the store reads none of the keys, or leaves some again and
    again.
    """
    found: list[schema.Item] = []
    wanted: dict[str, Any] = {table: {"Keys": keys, "ConsistentRead": True}}
    for _ in range(_BATCH_ROUNDS):
        response = send("BatchGetItem", {"RequestItems": wanted})
        found += response.get("Responses", {}).get(table, [])
        left = response.get("UnprocessedKeys", {})
        if not left:
            return found
        if len(left[table]["Keys"]) == len(wanted[table]["Keys"]):
            break  # none of them was read: to ask again at once would only beat a store that is throttled
        wanted = left
    raise StoreBusyError("UnprocessedKeys", Cause.THROTTLED)


def pages(send: Send, request: Request) -> Iterator[list[schema.Item]]:
    """The items of a query, page by page: each page is one request, sent when it is asked for."""
    while True:
        response = send("Query", request)
        yield response.get("Items", [])
        if "LastEvaluatedKey" not in response:
            return
        request = {**request, "ExclusiveStartKey": response["LastEvaluatedKey"]}


def query_all(send: Send, request: Request) -> list[schema.Item]:
    """Every item of a query."""
    return [item for page in pages(send, request) for item in page]
