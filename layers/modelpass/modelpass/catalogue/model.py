"""What can be bought: models, their kinds, the tiers each is offered in, the bounds of what may be bought. Rule: pure.

A model is stored, shown and sent by operators in one shape. One that was withdrawn stays stored, with a mark: whoever
has a subscription to it keeps it, and its tiers can still be taken down. `listings` has the writes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, UNIT_OF_KIND, Kind, Tier, Unit
from modelpass.errors import invalid

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import TiersDown

Json = dict[str, Any]

PRICE_FIELDS: Final = ("currency", "base", "perUnit", "perDailyCall")


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
class ListedModel:
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
                "price": price_fields(price),
            }
            for tier in Tier
            if (price := model.tiers.get(tier)) is not None
        ],
        "limits": {name: {"min": bounds.least, "max": bounds.most} for name, bounds in bounds_by_name(model).items()},
    }


def price_fields(price: Price) -> dict[str, str]:
    """A price by the names of its fields, as it is stored and shown."""
    values = (price.currency, price.base, price.per_unit, price.per_daily_call)
    return dict(zip(PRICE_FIELDS, values, strict=True))


def bounds_by_name(model: CatalogueModel) -> dict[str, Bounds]:
    """The bounds of what may be bought, by the names of the limits in a purchase."""
    return {"dailyCallLimit": model.calls, "monthlyTokenCap": model.cap}


@dataclass(frozen=True, slots=True)
class Offer:
    """A well-formed model, its one currency, and what it says of the availability of its tiers, by their place."""

    model: CatalogueModel
    currency: str
    said_available: tuple[tuple[Tier, bool | None], ...]


def require_currency(catalogues: str, models: str, at: str = "") -> None:
    """Refuse a model in another currency than the catalogue's."""
    if models != catalogues:
        raise invalid(f"{at}tiers[0].price.currency", f"The catalogue's currency is {catalogues}.")
