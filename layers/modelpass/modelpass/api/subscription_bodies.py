"""The JSON bodies of purchases, renewals and quotes. Rule: their form only; what is on offer is checked by commands."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from modelpass.api.fields import Calls, ChannelTier, ModelId, Units
from modelpass.api.validation import Strict, rule_of, validated
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.subscriptions.model import MAX_MODELS, MAX_MONTHS
from modelpass.subscriptions.orders import OrderLine, PurchaseOrder, RenewalOrder

TIME_ZONE_FORMAT: Final = "iana-time-zone"
"""The format that the OpenAPI document gives to a name that `time_zones` contains."""


_TOTAL_RULE: Final = "a decimal string with at most 40 digits before the point and 20 after it"

ExpectedTotal = Annotated[
    str | None,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,39})(\.[0-9]{1,20})?$"),
    Field(description=_TOTAL_RULE),
]
"""What the caller takes a sale to cost in all; there is no sale so large that it would not fit."""


class PurchaseModel(Strict):
    """One model to buy. A field's description completes the sentence "… must be …"."""

    model_id: ModelId
    channel_tier: ChannelTier
    daily_call_limit: Calls
    monthly_token_cap: Units


class PurchaseRequest(Strict):
    """The JSON body of `POST /v1/subscriptions`."""

    models: Annotated[
        list[PurchaseModel],
        Field(min_length=1, max_length=MAX_MODELS, description=f"a list of 1 to {MAX_MODELS} models"),
    ]
    months: Annotated[int, Field(ge=1, le=MAX_MONTHS, description=f"a whole number from 1 to {MAX_MONTHS}")] = 1
    timezone: Annotated[
        str, Field(description="an IANA time zone name", json_schema_extra={"format": TIME_ZONE_FORMAT})
    ] = "UTC"
    expected_total: ExpectedTotal = None


class RenewalRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/renew`."""

    expected_total: ExpectedTotal = None


class QuoteRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/quotes`: the body of the call whose price is asked."""

    renew: Annotated[RenewalRequest, Field(description="the body of a renewal")]


def parse_purchase(raw: object) -> PurchaseOrder:
    """Check a purchase body; raises `invalid_request` or `duplicate_model` naming the field."""
    body = validated(PurchaseRequest, raw)
    if body.timezone not in time_zones():
        raise invalid("timezone", f"timezone must be {rule_of(PurchaseRequest, ('timezone',))}.")
    return PurchaseOrder(lines_of(body.models), body.months, body.timezone, body.expected_total, raw)


def lines_of(models: list[PurchaseModel]) -> tuple[OrderLine, ...]:
    """The lines of a list; raises `duplicate_model` for the second one of a model."""
    seen: set[str] = set()
    for index, model in enumerate(models):
        if model.model_id in seen:
            raise Refused(Refusal(ErrorCode.DUPLICATE_MODEL, param=f"models[{index}].modelId"))
        seen.add(model.model_id)
    return tuple(
        OrderLine(line.model_id, line.channel_tier, line.daily_call_limit, line.monthly_token_cap) for line in models
    )


def parse_renewal(raw: object) -> RenewalOrder:
    """Check a renewal's body; raises `invalid_request` naming the field. A member that is null counts as absent."""
    body = validated(RenewalRequest, raw)
    return RenewalOrder(body.expected_total, body.model_dump(by_alias=True, exclude_none=True))


def require_quote_of_renewal(raw: object) -> None:
    """Refuse what does not ask for the price of a renewal (`invalid_request`), which is all that is quoted today."""
    validated(QuoteRequest, raw)


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Every IANA name that the pinned tzdata package has, but `Factory`, which stands for no zone at all."""
    from importlib import resources  # noqa: PLC0415 - only sales need it, and it takes long to load

    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - {"Factory"}
