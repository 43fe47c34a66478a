"""Stored items that no code can read, and what they were: of a later version, or not of the form of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import EntitlementId
from modelpass.subscriptions import items as subscription_items
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World

Item = dict[str, Any]
LATER: Final = schema.NEWEST + 1
GARBAGE: Final = {"S": "no such value", "N": "-17.5", "B": b"", "L": [{"S": "x"}], "M": {"x": {"S": "y"}}}
"""For each type of an attribute, a value of that type which no code of ours would write."""


def of_later_version(item: Item) -> Item:
    """The item as a later release might have written it."""
    return {**item, "v": schema.number(LATER), "zz": schema.text("what only a later version knows")}


def broken_forms(item: Item) -> Iterator[tuple[str, Item]]:
    """The item with one attribute missing, of another type, or of a value that makes no sense; the key stays."""
    for name, value in item.items():
        if name in ("pk", "sk", "dp", "da"):
            continue
        ((kind, _),) = value.items()
        yield f"no {name}", {key: kept for key, kept in item.items() if key != name}
        yield f"another {name}", {**item, name: {"BOOL": True}}
        if kind in GARBAGE:
            yield f"garbage {name}", {**item, name: {kind: GARBAGE[kind]}}


def put(world: World, table: str, item: Item) -> Item:
    """Store an item as it is."""
    world.dynamodb.put_item(TableName=table, Item=item)
    return item


def entitlement(world: World, subscription_id: str, model_id: str = TEXT_MODEL, term: int = 1) -> Item:
    """An entitlement's item as it is stored."""
    key = entitlement_items.entitlement_key(EntitlementId(subscription_id, term, model_id))
    return _get(world, world.tables.entitlements, key)


def row(world: World, subscription_id: str) -> Item:
    """A subscription's row as it is stored."""
    key = schema.primary_key(subscription_items.subscription_key(subscription_id))
    return _get(world, world.tables.subscriptions, key)


def place(world: World, account: str = "acct") -> Item:
    """An account's place as it is stored."""
    return _get(world, world.tables.subscriptions, schema.primary_key(subscription_items.slot_key(account)))


def spoil_entitlement(world: World, subscription_id: str, model_id: str = TEXT_MODEL, term: int = 1) -> Item:
    """Let an entitlement be of a later version; gives what it was before."""
    before = entitlement(world, subscription_id, model_id, term)
    put(world, world.tables.entitlements, of_later_version(before))
    return before


def _get(world: World, table: str, key: Item) -> Item:
    found: Item = world.dynamodb.get_item(TableName=table, Key=key, ConsistentRead=True)["Item"]
    return found
