"""How the catalogue is stored: the keys and attributes of its items, and how they are read back. Rule: pure.

Nothing is guessed: an item of a version that is not understood raises `UnreadableItemError`, one whose attributes are
missing or unknown `KeyError` or `ValueError`. The writes are in `transactions`; the items that name the tiers that are
down are read in `tiers`, which authorize loads, and written in `tier_items`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.catalogue.model import (
    AMOUNT_PATTERN,
    CURRENCY_PATTERN,
    PRICE_FIELDS,
    Bounds,
    CatalogueModel,
    ListedModel,
    Price,
    bounds_by_name,
    price_fields,
)
from modelpass.catalogue.tiers import CATALOGUE, TIERS_DOWN, Kind, Tier
from modelpass.schema import Item, number, text

if TYPE_CHECKING:
    from collections.abc import Iterable

_CURRENCY: Final = re.compile(CURRENCY_PATTERN)
_AMOUNT: Final = re.compile(AMOUNT_PATTERN)
MODEL_ATTRIBUTES: Final = ("v", "id", "kind", "tiers", "limits", "ever", "withdrawn", "rev")
"""All attributes that the item of a model may have besides its key."""
SETTINGS: Final = "settings"
"""The sort key of the catalogue's settings."""
MODELS: Final = "model#"
"""What the sort keys of models begin with."""


def model_key(model_id: str) -> tuple[str, str]:
    """Catalogue table: the key of one model."""
    return CATALOGUE, f"{MODELS}{model_id}"


def settings_key() -> tuple[str, str]:
    """Catalogue table: the key of the settings, which hold the one currency of all prices."""
    return CATALOGUE, SETTINGS


def models_among(stored: Iterable[Item]) -> list[Item]:
    """The items of models, from all items of the catalogue's partition."""
    return [item for item in stored if item["sk"]["S"] not in (TIERS_DOWN, SETTINGS)]


def currency_of(item: Item | None) -> str | None:
    """The catalogue's one currency, from its settings; None when it has none yet."""
    if item is None:
        return None
    currency: str = schema.current(item)["currency"]["S"]
    if _CURRENCY.fullmatch(currency) is None:
        raise ValueError(currency)
    return currency


def listed_model_of(item: Item) -> ListedModel:
    """A model, from its stored item."""
    item = schema.current(item)
    model_id, limits = item["id"]["S"], item["limits"]["M"]
    if model_key(model_id)[1] != item["sk"]["S"]:
        raise ValueError(model_id)
    model = CatalogueModel(
        model_id,
        Kind(item["kind"]["S"]),
        {Tier(tier): _price_of(value["M"]) for tier, value in item["tiers"]["M"].items()},
        _bounds_of(limits["dailyCallLimit"]),
        _bounds_of(limits["monthlyTokenCap"]),
    )
    return ListedModel(model, frozenset(map(Tier, item["ever"]["SS"])), "withdrawn" in item)


def kind_of(item: Item) -> Kind | None:
    """The kind of a model, also of one that cannot be read otherwise; None where it is none that is known."""
    kind = item.get("kind", {}).get("S")
    return Kind(kind) if kind in set(Kind) else None


def revision_of(item: Item | None) -> int:
    """How often a model was changed by code that counts it; 0 where that was never counted or cannot be read."""
    counted = "" if item is None else str(item.get("rev", {}).get("N"))
    return int(counted) if counted.isdecimal() else 0


def model_attributes(model: CatalogueModel) -> Item:
    """The attributes that are replaced whenever an operator puts a model."""
    return {
        "id": text(model.model_id),
        "kind": text(model.kind),
        "tiers": {
            "M": {
                tier.value: {"M": {name: text(value) for name, value in price_fields(price).items()}}
                for tier, price in model.tiers.items()
            }
        },
        "limits": {"M": {name: {"M": _stored_bounds(bounds)} for name, bounds in bounds_by_name(model).items()}},
    }


def tiers_set(tiers: Iterable[Tier]) -> Item:
    """Tiers as the value of an attribute; there must be one at least."""
    return {"SS": sorted(tier.value for tier in tiers)}


def model_item(
    model: CatalogueModel, version: int = schema.NEWEST, ever: frozenset[Tier] = frozenset(), revision: int = 0
) -> Item:
    """The whole item of a model that was never stored before, or that takes the place of one that cannot be read.

    `ever` holds the tiers that it was offered in before, `revision` counts its changes.
    """
    offered = {"v": number(version), "ever": tiers_set({*ever, *model.tiers})}
    counted = {"rev": number(revision)} if revision else {}
    return {**schema.primary_key(model_key(model.model_id)), **model_attributes(model), **offered, **counted}


def settings_item(currency: str, version: int = schema.NEWEST) -> Item:
    """The item of the settings of a catalogue that has none yet."""
    fields = {"v": number(version), "currency": text(currency)}
    return {**schema.primary_key(settings_key()), **fields}


def _price_of(value: Item) -> Price:
    price = Price(*(value[name]["S"] for name in PRICE_FIELDS))
    if _CURRENCY.fullmatch(price.currency) is None:
        raise ValueError(price.currency)
    for amount in (price.base, price.per_unit, price.per_daily_call):
        if _AMOUNT.fullmatch(amount) is None:
            raise ValueError(amount)
    return price


def _bounds_of(value: Item) -> Bounds:
    return Bounds(int(value["M"]["min"]["N"]), int(value["M"]["max"]["N"]))


def _stored_bounds(bounds: Bounds) -> Item:
    return {"min": number(bounds.least), "max": number(bounds.most)}
