"""Service tiers, kinds of models and units, and the one small item that names the tiers that are down. Rule: pure.

Only what authorize and settle need of the catalogue belongs here: these two load this file at their start, and nothing
else of this wing. Models, prices and bounds are in `model`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema

if TYPE_CHECKING:
    from modelpass.schema import Item


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
"""No daily call limit that is bought, and no request, has more calls."""
MAX_UNITS: Final = 10**15
"""No monthly cap that is bought, and no request, has more units."""
CATALOGUE: Final = "catalogue"
"""The partition key of every item of the catalogue table."""
TIERS_DOWN: Final = "down"
"""The sort key of the item that names the tiers that are down."""


class TiersDown(NamedTuple):
    """The pairs of a model's id and a tier that are down; `revision` counts how often that has changed."""

    pairs: frozenset[tuple[str, Tier]] = frozenset()
    revision: int = 0


def tiers_down_key() -> tuple[str, str]:
    """Catalogue table: the key of the item that names the tiers that are down."""
    return CATALOGUE, TIERS_DOWN


def tiers_down_of(item: Item | None) -> TiersDown:
    """Which tiers are down, from the stored item, which is missing until a tier is first taken down.

    Raises `UnreadableItemError` for an item of a version that is not understood.
    """
    if item is None:
        return TiersDown()
    item = schema.current(item, lacking)
    pairs = (entry.split("#") for entry in item.get("tiers", {}).get("SS", []))
    return TiersDown(frozenset((model_id, Tier(tier)) for model_id, tier in pairs), int(item["rev"]["N"]))


def lacking(_: Item) -> Item:
    """What the item of version 1 may lack: its changes were not counted."""
    return {"rev": schema.number(0)}
