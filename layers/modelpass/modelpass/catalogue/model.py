"""What can be bought: models, the tiers each is offered in, their prices, and the bounds of what may be bought.

Rule: pure; values alone. How callers see them is in `answers`, how they are stored in `items`, what is charged in
`subscriptions.pricing`. The fields of a price and the names of the limits are the same wherever they are stored, shown
or sent. A model that was withdrawn stays stored, with a mark: whoever has a subscription to it keeps it, and its tiers
can still be taken down.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, UNIT_OF_KIND, Kind, Tier, Unit
from modelpass.errors import invalid

PRICE_FIELDS: Final = ("currency", "base", "perUnit", "perDailyCall")
"""The names of the fields of a `Price`, in their order."""
CURRENCY_PATTERN: Final = "[A-Z]{3}"
"""Three capital letters, as in ISO 4217."""
AMOUNT_PATTERN: Final = r"(0|[1-9][0-9]{0,11})(\.[0-9]{1,12})?"
"""A figure of a price: a decimal string with at most 12 digits before the point and 12 after it."""


@dataclass(frozen=True, slots=True)
class Price:
    """A month's price of one tier: a base, a rate per unit of cap, a rate per daily call; all as decimal strings."""

    currency: str
    base: str
    per_unit: str
    per_daily_call: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """The least and the most that may be bought of a limit, in calls or in the model's unit."""

    least: int
    most: int


ANY_CALLS: Final = Bounds(1, MAX_CALLS)
ANY_UNITS: Final = Bounds(1, MAX_UNITS)


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    """One model as it is offered: its tiers with their prices, the bounds of its daily call limit and monthly cap."""

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
    """A model as it is stored: `model` is what is offered, or was last offered before it was `withdrawn`.

    `ever` holds all tiers that it was ever offered in.
    """

    model: CatalogueModel
    ever: frozenset[Tier]
    withdrawn: bool


@dataclass(frozen=True, slots=True)
class Offer:
    """A well-formed model as an operator sends it, with the one currency of its prices.

    The tiers are in the order sent. `said_available` repeats, tier by tier in that order, whether the operator says
    that it is available; None where nothing is said. `confirmed` tells that the operator means even a large change of a
    price.
    """

    model: CatalogueModel
    currency: str
    said_available: tuple[tuple[Tier, bool | None], ...]
    confirmed: bool = False


def price_fields(price: Price) -> dict[str, str]:
    """A price by the names of its fields, as it is stored and as callers see it."""
    values = (price.currency, price.base, price.per_unit, price.per_daily_call)
    return dict(zip(PRICE_FIELDS, values, strict=True))


def bounds_by_name(model: CatalogueModel) -> dict[str, Bounds]:
    """The bounds of what may be bought, by the names of the limits in a purchase."""
    return {"dailyCallLimit": model.calls, "monthlyTokenCap": model.cap}


def require_currency(catalogue_currency: str, model_currency: str, at: str = "") -> None:
    """Raise `Refused` (`invalid_request`) for a model in another currency than the catalogue's.

    `at` is the path in the body at which the model stands, ending in a dot.
    """
    if model_currency != catalogue_currency:
        raise invalid(f"{at}tiers[0].price.currency", f"The catalogue's currency is {catalogue_currency}.")
