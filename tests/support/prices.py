"""Prices in the catalogue of a world, and what is kept and told of a sale. Rule: it puts and reads items only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.catalogue.items import model_item
from modelpass.catalogue.model import CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import pricing
from tests.support.world import DAY_MS, json, model

if TYPE_CHECKING:
    from modelpass.subscriptions.model import SoldTerm
    from tests.support.world import World

Json = dict[str, Any]
SHOWN, RISEN = "18.00", "114.00"
"""What `buy_for_a_year` costs in all when `price` put a base of 1.00, and of 9.00: 50 calls a day cost 0.50 a month."""


def offer(world: World, model_id: str, **prices: str) -> None:
    """Put a text model in the stable tier at this price."""
    price = Price("USD", **{"base": "1.00", "per_unit": "0.000001", "per_daily_call": "0.01", **prices})
    item = model_item(CatalogueModel(model_id, Kind.TEXT, {Tier.STABLE: price}))
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=item)


def price(world: World, base: str) -> None:
    """Put the model that `buy_for_a_year` buys at this base, and 0.01 for each daily call."""
    offer(world, "m-1", base=base, per_unit="0", per_daily_call="0.01")


def buy_for_a_year(world: World, **more: Any) -> Json:
    """Buy one model, 50 calls a day, for twelve months."""
    return world.buy(models=[model("m-1", cap=1)], months=12, **more)


def expired_after_a_year(world: World) -> str:
    """The id of a subscription that was bought by `buy_for_a_year` and has ended."""
    subscription_id: str = buy_for_a_year(world)["subscriptionId"]
    world.clock.advance(366 * DAY_MS)
    return subscription_id


def price_shown(sold: SoldTerm) -> Json | None:
    """What a term was sold at, as callers see it."""
    price = pricing.price_of_term(sold)
    return None if price is None else pricing.price_answer(price)


def terms(world: World) -> list[SoldTerm]:
    """The rows of terms, in the order of their keys."""
    rows = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("term#")]
    return [subscription_items.term_row_of(r) for r in sorted(rows, key=lambda r: r["sk"]["S"])]


def told(world: World, kind: str) -> list[Json]:
    """The data of every event of a type."""
    found = [e for e in world.all_items(world.tables.events) if e["type"]["S"] == kind]
    return [json.loads(event["data"]["S"]) for event in found]
