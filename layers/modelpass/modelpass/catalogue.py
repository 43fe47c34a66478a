"""What can be bought: models, their kinds, the tiers each is offered in. Rule: pure; stored and shown the same way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from modelpass import items, keys
from modelpass.items import number, text
from modelpass.model import UNIT_OF_KIND, Kind, Tier, Unit

_PRICE_FIELDS: Final = ("base", "perUnit", "perDailyCall")


@dataclass(frozen=True, slots=True)
class Price:
    """A month's price of one tier: a base, a rate per unit of cap, a rate per daily call; decimal strings."""

    currency: str
    base: str
    per_unit: str
    per_daily_call: str


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model as offered."""

    model_id: str
    kind: Kind
    tiers: dict[Tier, Price]

    @property
    def unit(self) -> Unit:
        """What a monthly cap of this model counts."""
        return UNIT_OF_KIND[self.kind]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All that is offered, and which of it is down at the moment."""

    models: dict[str, CatalogueModel]
    tiers_down: frozenset[tuple[str, Tier]]

    def answer(self) -> dict[str, Any]:
        """`GET /v1/models`."""
        return {"models": [self._model(m) for _, m in sorted(self.models.items())]}

    def _model(self, model: CatalogueModel) -> dict[str, Any]:
        return {
            "modelId": model.model_id,
            "kind": model.kind.value,
            "unit": model.unit.value,
            "tiers": [
                {
                    "channelTier": tier.value,
                    "available": (model.model_id, tier) not in self.tiers_down,
                    "price": {
                        "currency": price.currency,
                        "base": price.base,
                        "perUnit": price.per_unit,
                        "perDailyCall": price.per_daily_call,
                    },
                }
                for tier in Tier
                if (price := model.tiers.get(tier)) is not None
            ],
        }


def catalogue_of(stored: list[items.Item]) -> Catalogue:
    """The catalogue from all items of its partition."""
    models, down = {}, None
    for item in stored:
        if item["sk"]["S"] == keys.TIERS_DOWN:
            down = item
        else:
            model = _model_of(item)
            models[model.model_id] = model
    return Catalogue(models, tiers_down_of(down))


def tiers_down_of(item: items.Item | None) -> frozenset[tuple[str, Tier]]:
    """The `(model, tier)` pairs that the availability item names; no item, none down."""
    if item is None:
        return frozenset()
    pairs = (entry.split("#") for entry in item.get("tiers", {}).get("SS", []))
    return frozenset((model_id, Tier(tier)) for model_id, tier in pairs)


def models_of_document(document: dict[str, Any]) -> list[CatalogueModel]:
    """The models of a catalogue file: `{"currency", "models": [{"modelId", "kind", "tiers": {…}}]}`."""
    return [
        CatalogueModel(
            entry["modelId"],
            Kind(entry["kind"]),
            {
                Tier(tier): Price(document["currency"], *(price[name] for name in _PRICE_FIELDS))
                for tier, price in entry["tiers"].items()
            },
        )
        for entry in document["models"]
    ]


def model_item(model: CatalogueModel) -> items.Item:
    """A model as stored."""
    return {
        **items.key(keys.model_key(model.model_id)),
        "v": number(items.SCHEMA_VERSION),
        "id": text(model.model_id),
        "kind": text(model.kind),
        "tiers": {
            "M": {
                tier.value: {
                    "M": {
                        "currency": text(price.currency),
                        "base": text(price.base),
                        "perUnit": text(price.per_unit),
                        "perDailyCall": text(price.per_daily_call),
                    }
                }
                for tier, price in model.tiers.items()
            }
        },
    }


def _model_of(item: items.Item) -> CatalogueModel:
    return CatalogueModel(
        item["id"]["S"],
        Kind(item["kind"]["S"]),
        {
            Tier(tier): Price(value["M"]["currency"]["S"], *(value["M"][name]["S"] for name in _PRICE_FIELDS))
            for tier, value in item["tiers"]["M"].items()
        },
    )
