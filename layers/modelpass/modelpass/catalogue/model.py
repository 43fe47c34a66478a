"""What can be bought: models, their kinds, the tiers each is offered in, the bounds of what may be bought. Rule: pure.

A model is stored, shown and sent by operators in one shape. One that was withdrawn stays stored, with a mark: whoever
has a subscription to it keeps it, and its tiers can still be taken down. `listings` has the writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from modelpass import api_keys, schema
from modelpass.catalogue.tiers import tiers_down_of
from modelpass.entitlements.model import MAX_CALLS, MAX_UNITS, UNIT_OF_KIND, Kind, Tier, Unit
from modelpass.schema import number, text

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import TiersDown

Json = dict[str, Any]

_PRICE_FIELDS: Final = ("currency", "base", "perUnit", "perDailyCall")


@dataclass(frozen=True, slots=True)
class Price:
    """A month's price of one tier: a base, a rate per unit of cap, a rate per daily call; decimal strings."""

    currency: str
    base: str
    per_unit: str
    per_daily_call: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that may be bought of a limit."""

    least: int
    most: int


ANY_CALLS: Final = Bounds(1, MAX_CALLS)
ANY_UNITS: Final = Bounds(1, MAX_UNITS)


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model as offered: its tiers with their prices, and the bounds of its daily call limit and monthly cap."""

    model_id: str
    kind: Kind
    tiers: dict[Tier, Price]
    calls: Bounds = ANY_CALLS
    cap: Bounds = ANY_UNITS

    @property
    def unit(self) -> Unit:
        """What a monthly cap of this model counts."""
        return UNIT_OF_KIND[self.kind]


@dataclass(frozen=True, slots=True)
class Listing:
    """A model as stored: as it is or was last offered, the tiers it was ever offered in, whether it is withdrawn."""

    model: CatalogueModel
    ever: frozenset[Tier]
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is offered, and which of it is down at the moment."""

    models: dict[str, CatalogueModel]
    down: TiersDown

    def currency(self) -> str | None:
        """That of its prices, which is one; None when nothing is offered."""
        return next((price.currency for model in self.models.values() for price in model.tiers.values()), None)

    def answer(self) -> Json:
        """`GET /v1/models`."""
        return {"models": [model_answer(m, self.down) for _, m in sorted(self.models.items())]}


def model_answer(model: CatalogueModel, down: TiersDown) -> Json:
    """A model as it is shown."""
    return {
        "modelId": model.model_id,
        "kind": model.kind.value,
        "unit": model.unit.value,
        "tiers": [
            {
                "channelTier": tier.value,
                "available": (model.model_id, tier) not in down.pairs,
                "price": _price_fields(price),
            }
            for tier in Tier
            if (price := model.tiers.get(tier)) is not None
        ],
        "limits": {name: {"min": bounds.least, "max": bounds.most} for name, bounds in _bounds_by_name(model).items()},
    }


def catalogue_of(stored: list[schema.Item]) -> Catalogue:
    """The catalogue from all items of its partition; what is withdrawn is not in it."""
    by_key = {item["sk"]["S"]: item for item in stored}
    down = tiers_down_of(by_key.pop(api_keys.TIERS_DOWN, None))
    by_key.pop(api_keys.SETTINGS, None)
    listings = map(listing_of, by_key.values())
    return Catalogue({one.model.model_id: one.model for one in listings if not one.withdrawn}, down)


def currency_of(item: schema.Item | None) -> str | None:
    """The catalogue's one currency, from its settings; None before the first model."""
    if item is None:
        return None
    currency: str = schema.current(item)["currency"]["S"]
    return currency


def listing_of(item: schema.Item) -> Listing:
    """A stored model."""
    item = schema.current(item, lacking)
    limits = item["limits"]["M"]
    model = CatalogueModel(
        item["id"]["S"],
        Kind(item["kind"]["S"]),
        {
            Tier(tier): Price(*(value["M"][name]["S"] for name in _PRICE_FIELDS))
            for tier, value in item["tiers"]["M"].items()
        },
        _bounds_of(limits["dailyCallLimit"]),
        _bounds_of(limits["monthlyTokenCap"]),
    )
    return Listing(model, frozenset(map(Tier, item["ever"]["SS"])), "withdrawn" in item)


def model_attributes(model: CatalogueModel) -> schema.Item:
    """What is stored of a model as it is offered now."""
    return {
        "id": text(model.model_id),
        "kind": text(model.kind),
        "tiers": {
            "M": {
                tier.value: {"M": {name: text(value) for name, value in _price_fields(price).items()}}
                for tier, price in model.tiers.items()
            }
        },
        "limits": {"M": {name: {"M": _stored_bounds(bounds)} for name, bounds in _bounds_by_name(model).items()}},
    }


def model_item(model: CatalogueModel, version: int = schema.NEWEST) -> schema.Item:
    """A model that was never stored before."""
    offered = {"v": number(version), "ever": {"SS": [tier.value for tier in model.tiers]}}
    return {**schema.primary_key(api_keys.model_key(model.model_id)), **model_attributes(model), **offered}


def settings_item(currency: str, version: int = schema.NEWEST) -> schema.Item:
    """The settings of a catalogue that has none yet."""
    fields = {"v": number(version), "currency": text(currency)}
    return {**schema.primary_key(api_keys.catalogue_settings_key()), **fields}


def _price_fields(price: Price) -> dict[str, str]:
    values = (price.currency, price.base, price.per_unit, price.per_daily_call)
    return dict(zip(_PRICE_FIELDS, values, strict=True))


def _bounds_by_name(model: CatalogueModel) -> dict[str, Bounds]:
    return {"dailyCallLimit": model.calls, "monthlyTokenCap": model.cap}


def _bounds_of(value: schema.Item) -> Bounds:
    return Bounds(int(value["M"]["min"]["N"]), int(value["M"]["max"]["N"]))


def lacking(item: schema.Item) -> schema.Item:
    """What a model of version 1 may lack: any amount could be bought, and no tier was ever taken out."""
    limits = {"dailyCallLimit": ANY_CALLS, "monthlyTokenCap": ANY_UNITS}
    bounds = {name: {"M": _stored_bounds(any_amount)} for name, any_amount in limits.items()}
    return {"limits": {"M": bounds}, "ever": {"SS": sorted(item["tiers"]["M"])}}


def _stored_bounds(bounds: Bounds) -> schema.Item:
    return {"min": number(bounds.least), "max": number(bounds.most)}
