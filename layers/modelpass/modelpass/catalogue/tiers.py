"""Which tiers are down now, one small item. Rule: pure; apart from the catalogue, for authorize reads it alone."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema

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


class Tier(StrEnum):
    """A service level a customer buys; a contract, never silently exchanged for another."""

    BASIC = "basic"
    STABLE = "stable"
    ENTERPRISE = "enterprise"


class Kind(StrEnum):
    """What a model makes."""

    TEXT = "text"
    IMAGE = "image"
    VIDEO = "video"


class Unit(StrEnum):
    """What a monthly cap counts."""

    TOKENS = "tokens"
    GENERATIONS = "generations"


UNIT_OF_KIND: Final = {
    Kind.TEXT: Unit.TOKENS,
    Kind.IMAGE: Unit.GENERATIONS,
    Kind.VIDEO: Unit.GENERATIONS,
}
MAX_CALLS: Final = 10**9
MAX_UNITS: Final = 10**15
CATALOGUE: Final = "catalogue"
TIERS_DOWN: Final = "down"


def tiers_down_key() -> tuple[str, str]:
    """Catalogue table: which tiers are down now, one small item."""
    return CATALOGUE, TIERS_DOWN
