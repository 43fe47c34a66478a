"""What every stored item has in common: attribute values, schema versions, tables, the index of what is due.

Rule: pure; an item of a version that is not understood is neither read nor written. Every stored item names its version
(`v`). Two are understood: the newest, and the one before it, whose items get the newest form as they are read
(`current`). Every write to an existing item is guarded by the same two versions (`UNDERSTOOD`). Which of the two a new
item gets is a setting, so that code which knows only the one before may still run beside this code.
`docs/data-model.md` tells what each version means, and how to add one. What an item of version 1 lacks stands with the
functions that read it, in its wing.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

Item = dict[str, Any]
"""A stored item, or a part of one, in the attribute values of DynamoDB's low-level API."""
Request = dict[str, Any]
"""A request of DynamoDB's low-level API, or one action of a transaction; nothing in it has been sent yet."""

NEWEST: Final = 2
PREVIOUS: Final = NEWEST - 1
UNDERSTOOD: Final = "#v IN (:v, :before)"
"""The guard of a write: an item of a version that is not understood is left as it is."""
UNKNOWN: Final[Item] = {"NULL": True}
"""Stands where an item of an earlier version has no value, and none can be worked out."""
DUE_SHARDS: Final = 128
"""Over how many partitions of the due index the work of the reset is spread."""


class UnreadableItemError(Exception):
    """A stored item has a form this version does not know; it is left as it is."""


class Tables(NamedTuple):
    """The names of the tables a function may use; those it may not are empty. New items get the schema `version`."""

    entitlements: str = ""
    subscriptions: str = ""
    history: str = ""
    events: str = ""
    catalogue: str = ""
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
    """A number that may be absent."""
    return int(item[name]["N"]) if name in item else None


def optional_binary(item: Item, name: str) -> bytes | None:
    """A binary that may be absent."""
    return bytes(item[name]["B"]) if name in item else None


def primary_key(pair: tuple[str, str]) -> Item:
    """The primary key of a table with partition and sort key, from the two."""
    return {"pk": text(pair[0]), "sk": text(pair[1])}


def key_of(item: Item) -> Item:
    """The primary key of a stored item, of whichever table."""
    return {name: item[name] for name in ("pk", "sk") if name in item}


_NEWEST: Final = number(NEWEST)
_PREVIOUS: Final = number(PREVIOUS)


def understood() -> Item:
    """The values of the guard `UNDERSTOOD`."""
    return {":v": _NEWEST, ":before": _PREVIOUS}


def require_understood(item: Item) -> None:
    """Raise `UnreadableItemError` for an item of a version that is not understood."""
    version = item.get("v")
    if version not in (_NEWEST, _PREVIOUS):
        msg = f"schema version {(version or {}).get('N')}"
        raise UnreadableItemError(msg)


def current(item: Item, lacking: Callable[[Item], Item] | None = None) -> Item:
    """A stored item in its newest form; raises `UnreadableItemError` when its version is not understood.

    `lacking` gives what an item of the version before may lack; where there is none, such items lack nothing.
    """
    if item.get("v") == _NEWEST:
        return item
    require_understood(item)
    return {**(lacking(item) if lacking else {}), **item, "v": _NEWEST}


def put_if_absent(table: str, item: Item) -> Request:
    """Put an item, or fail if there is one under its key already: it is written once."""
    return {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def due_attributes(pk: str, at_ms: int) -> Item:
    """What lets the reset find an item once the time is `at_ms` (milliseconds)."""
    return {"dp": text(due_shard(pk)), "da": number(at_ms)}


def due_shard(pk: str) -> str:
    """The partition of the due index that an item belongs to."""
    return due_shard_name(zlib.crc32(pk.encode()) % DUE_SHARDS)


def due_shard_name(shard: int) -> str:
    """The name of a shard of the due index by its number, from 0."""
    return f"{shard:03d}"


def consistent_query(table: str, condition: str, values: Item) -> Request:
    """A strongly consistent query by a condition on `#pk` and `#sk`, whose values are given."""
    return {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
    }
