"""What all stored items have in common: attribute values, keys, schema versions, tables, the index of what is due.

Rule: pure; what only some items have is in `items` of their wing. An item of a version that is not understood is
neither read nor written. Every stored item names its version (`v`). Two are understood: the newest, and the one before
it, whose items get the newest form as they are read (`current`). Every write to an existing item is guarded by the same
two versions (`UNDERSTOOD`). Which of the two a new item gets is a setting, so that code which knows only the one before
may still run beside this code. `docs/data-model.md` says what each version means, and how to add one.
"""

from __future__ import annotations

import zlib
from typing import Any, Final, NamedTuple

Item = dict[str, Any]
"""A stored item, or a part of one, in the attribute values of DynamoDB's low-level API."""
Request = dict[str, Any]
"""A request of DynamoDB's low-level API, or one action of a transaction; nothing in it has been sent yet."""

NEWEST: Final = 3
PREVIOUS: Final = NEWEST - 1
UNDERSTOOD: Final = "#v IN (:v, :before)"
"""The guard of a write: an item of a version that is not understood is left as it is."""
UNKNOWN: Final[Item] = {"NULL": True}
"""The value of an attribute that was not kept when the item was made, and that cannot be worked out."""
DUE_SHARDS: Final = 128
"""How many partitions the due index has, over which the work of the reset is spread."""


class UnreadableItemError(Exception):
    """A stored item has a form that this code does not know; it is left as it is."""


FAILURES_OF_READING: Final = (
    *(UnreadableItemError, LookupError, TypeError, ValueError, AttributeError),
    *(ArithmeticError, OSError),  # numbers and prices out of range; time zone data that cannot be opened
)
"""What reading an item raises when its version is not understood, or when it has not the form of its version."""


class Tables(NamedTuple):
    """The names of the tables that a function may use, the others empty, and the schema `version` of new items."""

    entitlements: str = ""
    subscriptions: str = ""
    history: str = ""
    events: str = ""
    catalogue: str = ""
    tiers: str = ""
    version: int = NEWEST


def text(value: str) -> Item:
    """A string attribute value."""
    return {"S": value}


def number(value: int) -> Item:
    """A whole-number attribute value."""
    return {"N": str(value)}


def binary(value: bytes) -> Item:
    """A binary attribute value."""
    return {"B": value}


def optional_number(item: Item, name: str) -> int | None:
    """The value of a number attribute; None when the item does not have it."""
    return int(item[name]["N"]) if name in item else None


def optional_binary(item: Item, name: str) -> bytes | None:
    """The value of a binary attribute; None when the item does not have it."""
    return bytes(item[name]["B"]) if name in item else None


def primary_key(pair: tuple[str, str]) -> Item:
    """The primary key of an item, from its partition and sort key."""
    return {"pk": text(pair[0]), "sk": text(pair[1])}


def key_of(item: Item) -> Item:
    """The primary key of a stored item of any table."""
    return {name: item[name] for name in ("pk", "sk") if name in item}


_NEWEST: Final = number(NEWEST)
_PREVIOUS: Final = number(PREVIOUS)


def understood() -> Item:
    """The values of the guard `UNDERSTOOD`."""
    return {":v": _NEWEST, ":before": _PREVIOUS}


def is_understood(item: Item) -> bool:
    """Whether the version of a stored item is one that is understood."""
    return item.get("v") in (_NEWEST, _PREVIOUS)


def require_understood(item: Item) -> None:
    """Raise `UnreadableItemError` for an item of a version that is not understood."""
    if not is_understood(item):
        msg = f"schema version {item.get('v', {}).get('N')}"
        raise UnreadableItemError(msg)


def current(item: Item) -> Item:
    """A stored item in its newest form; raises `UnreadableItemError` when its version is not understood.

    Items of the version before lack nothing but attributes that are absent where they say nothing.
    """
    if item.get("v") == _NEWEST:
        return item
    require_understood(item)
    return {**item, "v": _NEWEST}


def put_if_absent(table: str, item: Item) -> Request:
    """Put an item; the condition fails when there is one under its key already, so that it is written once."""
    return {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def due_attributes(pk: str, at_ms: int) -> Item:
    """The attributes by which the reset finds an item in the due index from `at_ms` (milliseconds) on."""
    return {"dp": text(due_shard(pk)), "da": number(at_ms)}


def due_shard(pk: str) -> str:
    """The partition of the due index that an item belongs to, by its partition key in the table."""
    return due_shard_name(zlib.crc32(pk.encode()) % DUE_SHARDS)


def due_shard_name(shard: int) -> str:
    """The name of a shard of the due index by its number, from 0."""
    return f"{shard:03d}"


def due_query(table: str, shard: int, from_ms: int, until_ms: int, limit: int) -> Request:
    """A query of one shard of the due index for what is due from one time to another, both included (milliseconds).

    It is eventually consistent, as every query of an index is, and brings the earliest first.
    """
    return {
        "TableName": table,
        "IndexName": "due",
        "KeyConditionExpression": "#dp = :dp AND #da BETWEEN :from AND :until",
        "ExpressionAttributeNames": {"#dp": "dp", "#da": "da"},
        "ExpressionAttributeValues": {
            ":dp": text(due_shard_name(shard)),
            ":from": number(from_ms),
            ":until": number(until_ms),
        },
        "Limit": limit,
    }


def consistent_range_query(table: str, condition: str, values: Item) -> Request:
    """A strongly consistent query; `condition` compares `#pk` and `#sk` with placeholders that `values` binds."""
    return {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
    }
