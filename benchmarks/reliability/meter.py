"""The limits that DynamoDB sets to a partition key, simulated. Rule: pure; a request is refused before it costs.

One partition takes 3,000 read units and 1,000 write units a second (AWS: "Key range throughput exceeded"), and so does
one key at the most, which is never split. What is not used is kept for one second. A request passes while anything is
left of every key that it names, and what it took is known afterwards, so a key can be in debt; a refused request takes
nothing. The engine here has no such limits, so they stand in front of it (`store`).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.dynamodb.transport import consumed
from tests.support.capacity import units_of_refused_write

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from modelpass.schema import Request

Json = dict[str, Any]

READ, WRITE = "read", "write"
UNITS_PER_SECOND: Final = {READ: 3_000.0, WRITE: 1_000.0}
_READS: Final = frozenset({"BatchGetItem", "GetItem", "Query", "TransactGetItems"})
_HASH_EQUALS: Final = re.compile(r"(#?\w+)\s*=\s*(:\w+)")
_REFUSED_IN_A_TRANSACTION: Final = 2.0
"""Write units of each action of a transaction that was refused, of items up to a kilobyte."""


class Key(NamedTuple):
    """One partition key of a table or of an index (`table/index`), as it is read or as it is written."""

    table: str
    value: str
    kind: str


class Charge(NamedTuple):
    """What a request takes of one key."""

    key: Key
    units: float


class Meter:
    """What is left of each key's second."""

    def __init__(self, limits: Mapping[str, float] = UNITS_PER_SECOND) -> None:
        self._limits = limits
        self._left: dict[Key, tuple[float, float]] = {}

    def admits(self, keys: Iterable[Key], now: float) -> bool:
        """Whether anything is left of each of these keys at this moment (seconds)."""
        return all(self._at(key, now) > 0 for key in keys)

    def charge(self, charges: Iterable[Charge], now: float) -> None:
        """Take what a request has taken."""
        for key, units in charges:
            self._left[key] = (self._at(key, now) - units, now)

    def _at(self, key: Key, now: float) -> float:
        limit = self._limits[key.kind]
        left, since = self._left.get(key, (limit, now))
        return min(limit, left + (now - since) * limit)


def keys_of(operation: str, request: Request, hash_keys: Mapping[str, str]) -> list[Key]:
    """The keys that a request names, each as often as it does; `hash_keys` are the tables' attributes."""
    kind = READ if operation in _READS else WRITE
    return [Key(table, value, kind) for table, value in _named(operation, request, hash_keys)]


def charges_of(operation: str, keys: list[Key], reply: Json) -> list[Charge]:
    """What a request took of its keys by its reply; a table's units are shared by the keys that it names of it.

    A refused condition is charged as DynamoDB does, which its reply does not say.
    """
    failure = str(reply.get("__type", ""))
    if "ConditionalCheckFailed" in failure:
        return [Charge(key, units_of_refused_write(reply.get("Item"))) for key in keys]
    if "TransactionCanceled" in failure:
        return [Charge(key, _REFUSED_IN_A_TRANSACTION) for key in keys]
    capacity = reply.get("ConsumedCapacity", [])
    by_table = {
        str(of.get("TableName")): sum(consumed(operation, {"ConsumedCapacity": of}))
        for of in (capacity if isinstance(capacity, list) else [capacity])
    }
    return [
        Charge(key, by_table.get(_table(key), 0.0) / sum(_table(other) == _table(key) for other in keys))
        for key in keys
    ]


def _table(key: Key) -> str:
    return key.table.partition("/")[0]


def _named(operation: str, request: Request, hash_keys: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    match operation:
        case "Query":
            index = request.get("IndexName")
            where = _HASH_EQUALS.search(request["KeyConditionExpression"])
            assert where is not None, request["KeyConditionExpression"]
            table = request["TableName"]
            value = _text(request["ExpressionAttributeValues"][where[2]])
            yield (f"{table}/{index}" if index else table), value
        case "TransactWriteItems" | "TransactGetItems":
            for action in request["TransactItems"]:
                (inner,) = action.values()
                yield _item(inner, hash_keys)
        case "BatchGetItem":
            for table, wanted in request["RequestItems"].items():
                yield from ((table, _text(key[hash_keys[table]])) for key in wanted["Keys"])
        case "GetItem" | "PutItem" | "UpdateItem" | "DeleteItem":
            yield _item(request, hash_keys)


def _item(request: Request, hash_keys: Mapping[str, str]) -> tuple[str, str]:
    table = request["TableName"]
    return table, _text((request.get("Key") or request["Item"])[hash_keys[table]])


def _text(value: Json) -> str:
    ((_, content),) = value.items()
    return str(content)
