"""The JSON bodies of operators' calls on the catalogue. Rule: their form only; commands check what is stored.

A model has the form in which `GET /v1/models` shows it, and so has each entry of a catalogue file. A field that follows
from something else (`modelId`, `unit`, `available`) may be left out; where it is sent, it has to be right.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from modelpass.api.fields import MOST_REASON, Calls, ChannelTier, Units
from modelpass.api.validation import Strict, validated
from modelpass.catalogue.model import (
    AMOUNT_PATTERN,
    CURRENCY_PATTERN,
    Bounds,
    CatalogueModel,
    Offer,
    Price,
    require_currency,
)
from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, UNIT_OF_KIND, Kind, Tier, Unit
from modelpass.catalogue.transactions import TierAvailability
from modelpass.errors import invalid
from modelpass.ids import MODEL_ID_PATTERN, MODEL_ID_RULE, is_model_id

_CURRENCY: Final = Field(description="three capital letters, as in ISO 4217")
_AMOUNT_RULE: Final = "a decimal string with at most 12 digits before the point and 12 after it"

Currency = Annotated[str, StringConstraints(pattern=f"^{CURRENCY_PATTERN}$"), _CURRENCY]
Amount = Annotated[
    str,
    StringConstraints(pattern=f"^{AMOUNT_PATTERN}$"),
    Field(description=_AMOUNT_RULE),
]


class PriceBody(Strict):
    """A month's price of a tier: `base`, `perUnit` of the cap and `perDailyCall` of the daily limit, added up."""

    currency: Currency
    base: Amount
    per_unit: Amount
    per_daily_call: Amount


class TierBody(Strict):
    """One tier a model is offered in. `available` says what is so already: the availability call changes it."""

    channel_tier: ChannelTier
    available: Annotated[bool | None, Field(description="true or false")] = None
    price: PriceBody


class CallBounds(Strict):
    """The least and the most that may be bought as daily call limit."""

    min: Calls = 1
    max: Calls = MAX_CALLS


class UnitBounds(Strict):
    """The least and the most that may be bought as monthly cap."""

    min: Units = 1
    max: Units = MAX_UNITS


class LimitsBody(Strict):
    """The bounds of what may be bought; left out, they are those of every purchase."""

    daily_call_limit: Annotated[CallBounds, Field(description="an object with min and max")] = CallBounds()
    monthly_token_cap: Annotated[UnitBounds, Field(description="an object with min and max")] = UnitBounds()


class ModelBody(Strict):
    """A model of the catalogue, as an operator puts it and as a catalogue file has it."""

    model_id: Annotated[
        str | None, StringConstraints(pattern=f"^{MODEL_ID_PATTERN}$"), Field(description=MODEL_ID_RULE)
    ] = None
    kind: Annotated[Kind, Field(strict=False, description=f"one of {', '.join(Kind)}")]
    unit: Annotated[Unit | None, Field(strict=False, description=f"one of {', '.join(Unit)}")] = None
    tiers: Annotated[
        list[TierBody],
        Field(min_length=1, max_length=len(Tier), description=f"a list of 1 to {len(Tier)} tiers"),
    ]
    limits: Annotated[LimitsBody, Field(description="an object with dailyCallLimit and monthlyTokenCap")] = LimitsBody()


class PutModelBody(ModelBody):
    """A model as an operator puts it: the JSON body of `PUT /v1/models/{modelId}`."""

    confirm: Annotated[bool | None, Field(description="true or false")] = None


class AvailabilityBody(Strict):
    """The JSON body of `PUT /v1/models/{modelId}/tiers/{tier}/availability`."""

    available: Annotated[bool, Field(description="true or false")]
    reason: Annotated[
        str | None,
        StringConstraints(min_length=1, max_length=MOST_REASON),
        Field(description=f"1 to {MOST_REASON} characters"),
    ] = None


class CatalogueFile(Strict):
    """A catalogue as a file, for local runs and first deployments."""

    models: Annotated[list[ModelBody], Field(description="a list of models")]


def parse_model(model_id: str, raw: object) -> Offer:
    """Check the model that an operator puts under an id; raises `invalid_request` naming the field."""
    if not is_model_id(model_id):
        raise invalid("modelId", f"modelId must be {MODEL_ID_RULE}.")
    body = validated(PutModelBody, raw)
    return replace(_offer(body, model_id, ""), confirmed=body.confirm is True)


def parse_availability(model_id: str, tier_name: str, raw: object) -> TierAvailability:
    """Check what an operator says of a tier of a model; raises `invalid_request` naming the field."""
    body = validated(AvailabilityBody, raw)
    if not body.available and body.reason is None:
        raise invalid("reason", "reason is required when available is false.")
    return TierAvailability(model_id, _tier_of(tier_name), body.available, body.reason)


def parse_file(raw: object) -> list[Offer]:
    """Check a catalogue file, whose models name themselves and have one currency; raises `invalid_request`."""
    entries = validated(CatalogueFile, raw).models
    offers: list[Offer] = []
    for index, entry in enumerate(entries):
        at = f"models[{index}]."
        if entry.model_id is None:
            raise invalid(f"{at}modelId", f"{at}modelId is required.")
        if any(entry.model_id == other.model_id for other in entries[:index]):
            raise invalid(f"{at}modelId", f"{at}modelId is there twice.")
        offers.append(_offer(entry, entry.model_id, at))
        require_currency(offers[0].currency, offers[-1].currency, at)
    return offers


def _offer(body: ModelBody, model_id: str, at: str) -> Offer:
    if body.model_id not in (None, model_id):
        raise invalid(f"{at}modelId", f"{at}modelId must be that of the path, or left out.")
    unit = UNIT_OF_KIND[body.kind]
    if body.unit not in (None, unit):
        raise invalid(f"{at}unit", f"{at}unit must be {unit.value} for a model of kind {body.kind.value}.")
    currency = body.tiers[0].price.currency
    prices: dict[Tier, Price] = {}
    for index, tier in enumerate(body.tiers):
        place = f"{at}tiers[{index}]"
        if tier.channel_tier in prices:
            raise invalid(f"{place}.channelTier", "Each tier is offered once.")
        if tier.price.currency != currency:
            raise invalid(f"{place}.price.currency", "All tiers have one currency.")
        price = tier.price
        prices[tier.channel_tier] = Price(currency, price.base, price.per_unit, price.per_daily_call)
    calls = _bounds(body.limits.daily_call_limit, f"{at}limits.dailyCallLimit")
    cap = _bounds(body.limits.monthly_token_cap, f"{at}limits.monthlyTokenCap")
    claimed = tuple((tier.channel_tier, tier.available) for tier in body.tiers)
    return Offer(CatalogueModel(model_id, body.kind, prices, calls, cap), currency, claimed)


def _bounds(body: CallBounds | UnitBounds, at: str) -> Bounds:
    if body.min > body.max:
        raise invalid(f"{at}.min", f"{at}.min must be at most {at}.max.")
    return Bounds(body.min, body.max)


def _tier_of(name: str) -> Tier:
    try:
        return Tier(name)
    except ValueError:
        raise invalid("tier", f"tier must be one of {', '.join(Tier)}.") from None
