"""A subscription of two models with room, as tests look at it that stop its key. Rule: it only asks and reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.world import IMAGE_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

MODELS = [model(calls=1000, cap=10**6), model(IMAGE_MODEL, calls=1000, cap=10**6)]


def codes(world: World, key: str) -> list[str | None]:
    """How a key is answered for each model."""
    asked = (world.authorize(key, f"r-{m['modelId']}", 1, modelId=m["modelId"]) for m in MODELS)
    return [a["error"]["code"] if "error" in a else None for a in asked]


def everything(world: World) -> list[Any]:
    """All that is stored of subscriptions."""
    tables = (world.tables.subscriptions, world.tables.entitlements, world.tables.events, world.tables.history)
    return [world.all_items(table) for table in tables]
