"""Prices in the catalogue of a world, and what is kept and told of a sale. Rule: it puts and reads items only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.catalogue.items import model_item
from modelpass.catalogue.model import CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.subscriptions import items as subscription_items
from tests.support.world import json

if TYPE_CHECKING:
    from modelpass.subscriptions.model import SoldTerm
    from tests.support.world import World

Json = dict[str, Any]


def offer(world: World, model_id: str, **prices: str) -> None:
    """Put a text model in the stable tier at this price."""
    price = Price("USD", **{"base": "1.00", "per_unit": "0.000001", "per_daily_call": "0.01", **prices})
    item = model_item(CatalogueModel(model_id, Kind.TEXT, {Tier.STABLE: price}))
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=item)


def terms(world: World) -> list[SoldTerm]:
    """The rows of terms, in the order of their keys."""
    rows = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("term#")]
    return [subscription_items.term_row_of(r) for r in sorted(rows, key=lambda r: r["sk"]["S"])]


def told(world: World, kind: str) -> list[Json]:
    """The data of every event of a type."""
    found = [e for e in world.all_items(world.tables.events) if e["type"]["S"] == kind]
    return [json.loads(event["data"]["S"]) for event in found]
