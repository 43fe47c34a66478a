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


_TIERS: Final = frozenset(tier.value for tier in Tier)
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

MOST_TIERS_DOWN: Final = 2000
"""No more tiers are taken down at once: with the longest ids they fill 280 of the 400 kilobytes that an item holds."""


class TiersDown(NamedTuple):
    """What an item says of tiers that are down; the fields have the values of an item that was never stored.

    `pairs` are those of a model's id and a tier that can be read; `revision` counts how often they have changed.
    `entries` is the whole set as it is stored. `sound` tells that the item has the form of a version that is
    understood; `legible`, that its set and its revision can be read, whatever its version; `complete`, that it is sound
    and that no entry had to be passed over.
    """

    pairs: frozenset[tuple[str, Tier]] = frozenset()
    revision: int = 0
    entries: frozenset[str] = frozenset()
    sound: bool = True
    legible: bool = True
    complete: bool = True


def tiers_down_key() -> tuple[str, str]:
    """Tiers table and catalogue table: the key of the item that names the tiers that are down."""
    return CATALOGUE, TIERS_DOWN


def entry_of(model_id: str, tier: Tier) -> str:
    """How the set of the stored item names a tier of a model."""
    return f"{model_id}#{tier.value}"


def tiers_down_of(item: Item | None) -> TiersDown:
    """Which tiers are down, from the stored item, which is missing until a tier is first taken down.

    It never raises: of an item that cannot be read whole, or whose version is not understood, each entry counts that
    can be read by itself, and the answer says that it is not `complete`.
    """
    if item is None:
        return TiersDown()
    entries, revision = _entries_of(item), _revision_of(item)
    pairs = frozenset(pair for pair in map(_pair_of, entries or ()) if pair is not None)
    legible = entries is not None and revision is not None
    sound = legible and schema.is_understood(item)
    complete = sound and entries is not None and len(pairs) == len(entries)
    return TiersDown(pairs, revision or 0, entries or frozenset(), sound, legible, complete)


def _entries_of(item: Item) -> frozenset[str] | None:
    """The stored set, empty where there is none; None for what is no set of texts."""
    stored = item.get("tiers", {"SS": []})
    return frozenset(stored["SS"]) if isinstance(stored, dict) and "SS" in stored else None


def _revision_of(item: Item) -> int | None:
    """How often the item has changed; None for what is no such number."""
    digits = item.get("rev", {}).get("N", "")
    return int(digits) if digits.isdecimal() else None


def _pair_of(entry: str) -> tuple[str, Tier] | None:
    model_id, _, tier = entry.partition("#")
    return (model_id, Tier(tier)) if tier in _TIERS else None
