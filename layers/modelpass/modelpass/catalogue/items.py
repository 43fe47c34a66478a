"""How the catalogue is stored: the keys and attributes of its items, and how they are read back. Rule: pure.

Nothing is guessed: an item of a version that is not understood raises `UnreadableItemError`, one whose attributes are
missing or unknown `KeyError` or `ValueError`. The writes are in `transactions`; the items that name the tiers that are
down are read in `tiers`, which authorize loads, and written in `tier_items`.
"""

from __future__ import annotations

from typing import Final

from modelpass import schema
from modelpass.catalogue.model import (
    ANY_CALLS,
    ANY_UNITS,
    PRICE_FIELDS,
    Bounds,
    Catalogue,
    CatalogueModel,
    ListedModel,
    Price,
    bounds_by_name,
    price_fields,
)
from modelpass.catalogue.tiers import CATALOGUE, TIERS_DOWN, Kind, Tier
from modelpass.catalogue.tiers import lacking as tiers_lacking
from modelpass.schema import Item, number, text

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


def catalogue_of(stored: list[Item]) -> Catalogue:
    """The catalogue, from all items of its partition; models that were withdrawn are left out."""
    by_key = {item["sk"]["S"]: item for item in stored}
    by_key.pop(TIERS_DOWN, None)
    by_key.pop(SETTINGS, None)
    listings = map(listed_model_of, by_key.values())
    return Catalogue({one.model.model_id: one.model for one in listings if not one.withdrawn})


def currency_of(item: Item | None) -> str | None:
    """The catalogue's one currency, from its settings; None when it has none yet."""
    if item is None:
        return None
    currency: str = schema.current(item)["currency"]["S"]
    return currency


def listed_model_of(item: Item) -> ListedModel:
    """A model, from its stored item."""
    item = schema.current(item, lacking)
    limits = item["limits"]["M"]
    model = CatalogueModel(
        item["id"]["S"],
        Kind(item["kind"]["S"]),
        {
            Tier(tier): Price(*(value["M"][name]["S"] for name in PRICE_FIELDS))
            for tier, value in item["tiers"]["M"].items()
        },
        _bounds_of(limits["dailyCallLimit"]),
        _bounds_of(limits["monthlyTokenCap"]),
    )
    return ListedModel(model, frozenset(map(Tier, item["ever"]["SS"])), "withdrawn" in item)


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


def model_item(model: CatalogueModel, version: int = schema.NEWEST) -> Item:
    """The item of a model that was never stored before."""
    offered = {"v": number(version), "ever": {"SS": [tier.value for tier in model.tiers]}}
    return {**schema.primary_key(model_key(model.model_id)), **model_attributes(model), **offered}


def settings_item(currency: str, version: int = schema.NEWEST) -> Item:
    """The item of the settings of a catalogue that has none yet."""
    fields = {"v": number(version), "currency": text(currency)}
    return {**schema.primary_key(settings_key()), **fields}


def lacking(item: Item) -> Item:
    """What an item of version 1 may lack; its sort key tells which of the three kinds of item it is."""
    sort_key = item["sk"]["S"]
    if sort_key == TIERS_DOWN:
        return tiers_lacking(item)
    if sort_key == SETTINGS:
        return {}
    limits = {"dailyCallLimit": ANY_CALLS, "monthlyTokenCap": ANY_UNITS}  # any amount could be bought
    bounds = {name: {"M": _stored_bounds(any_amount)} for name, any_amount in limits.items()}
    return {"limits": {"M": bounds}, "ever": {"SS": sorted(item["tiers"]["M"])}}  # no tier was ever withdrawn


def _bounds_of(value: Item) -> Bounds:
    return Bounds(int(value["M"]["min"]["N"]), int(value["M"]["max"]["N"]))


def _stored_bounds(bounds: Bounds) -> Item:
    return {"min": number(bounds.least), "max": number(bounds.most)}
