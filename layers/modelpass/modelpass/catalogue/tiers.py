"""Which tiers are down now, one small item. Rule: pure; apart from the catalogue, for authorize reads it alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import schema
from modelpass.entitlements.model import Tier

if TYPE_CHECKING:
    from modelpass.schema import Item


class TiersDown(NamedTuple):
    """The `(model, tier)` pairs that are down, and how often that has changed."""

    pairs: frozenset[tuple[str, Tier]] = frozenset()
    revision: int = 0


def tiers_down_of(item: Item | None) -> TiersDown:
    """Which tiers are down; no item, none."""
    if item is None:
        return TiersDown()
    item = schema.current(item, lacking)
    pairs = (entry.split("#") for entry in item.get("tiers", {}).get("SS", []))
    return TiersDown(frozenset((model_id, Tier(tier)) for model_id, tier in pairs), int(item["rev"]["N"]))


def lacking(_: Item) -> Item:
    """What the item of version 1 may lack: nobody counted its changes."""
    return {"rev": schema.number(0)}
