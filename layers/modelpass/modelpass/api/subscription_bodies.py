"""The JSON bodies of purchases, renewals, extensions and settings. Rule: their form only; commands check the rest."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from modelpass.api.fields import Calls, ChannelTier, ModelId, Units
from modelpass.api.validation import Strict, rule_of, validated
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.subscriptions.model import MAX_LABEL, MAX_MODELS, MAX_MONTHS
from modelpass.subscriptions.orders import (
    ExtensionOrder,
    OrderLine,
    PurchaseOrder,
    RenewalOrder,
    SettingsChange,
)

TIME_ZONE_FORMAT: Final = "iana-time-zone"
"""The format that the OpenAPI document gives to a name that `time_zones` contains."""


_TOTAL_RULE: Final = "a decimal string with at most 40 digits before the point and 20 after it"

ExpectedTotal = Annotated[
    str | None,
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,39})(\.[0-9]{1,20})?$"),
    Field(description=_TOTAL_RULE),
]
"""What the caller takes a sale to cost in all; there is no sale so large that it would not fit."""


_MONTHS_RULE: Final = f"a whole number from 1 to {MAX_MONTHS}"
Months = Annotated[int, Field(ge=1, le=MAX_MONTHS, description=_MONTHS_RULE)]
AutoRenew = Annotated[bool | None, Field(description="true or false")]
"""Whether the term goes on by itself at its end."""
AutoRenewMonths = Annotated[int | None, Field(ge=1, le=MAX_MONTHS, description=_MONTHS_RULE)]
"""How many months it then goes on for."""
Label = Annotated[
    str | None, StringConstraints(max_length=MAX_LABEL), Field(description=f"a text of at most {MAX_LABEL} characters")
]
"""What the customer calls it; an empty one takes the label away."""


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
    months: Months = 1
    timezone: Annotated[
        str, Field(description="an IANA time zone name", json_schema_extra={"format": TIME_ZONE_FORMAT})
    ] = "UTC"
    expected_total: ExpectedTotal = None
    auto_renew: AutoRenew = None
    auto_renew_months: AutoRenewMonths = None
    label: Label = None


class RenewalRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/renew`."""

    expected_total: ExpectedTotal = None


class ExtensionRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/extend`."""

    months: Months
    expected_total: ExpectedTotal = None


class SettingsRequest(Strict):
    """The JSON body of `PATCH /v1/subscriptions/{subscriptionId}`: what is left out stays as it is."""

    auto_renew: AutoRenew = None
    auto_renew_months: AutoRenewMonths = None
    label: Label = None


def parse_purchase(raw: object) -> PurchaseOrder:
    """Check a purchase body; raises `invalid_request` or `duplicate_model` naming the field."""
    body = validated(PurchaseRequest, raw)
    if body.timezone not in time_zones():
        raise invalid("timezone", f"timezone must be {rule_of(PurchaseRequest, ('timezone',))}.")
    return PurchaseOrder(
        lines_of(body.models),
        body.months,
        body.timezone,
        body.expected_total,
        raw,
        auto_renew=body.auto_renew is True,
        auto_renew_months=body.auto_renew_months,
        label=_label(body.label) or "",
    )


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


def parse_extension(raw: object) -> ExtensionOrder:
    """Check an extension's body; raises `invalid_request` naming the field."""
    body = validated(ExtensionRequest, raw)
    return ExtensionOrder(body.months, body.expected_total, raw)


def parse_settings(raw: object) -> SettingsChange:
    """Check what is to be changed of a subscription's settings; raises `invalid_request` naming the field."""
    body = validated(SettingsRequest, raw)
    return SettingsChange(body.auto_renew, body.auto_renew_months, _label(body.label))


def _label(text: str | None) -> str | None:
    """A label; raises `invalid_request` for one with characters that no line of text has, or that show nothing."""
    if text is not None and not text.isprintable():
        raise invalid("label", f"label must be {rule_of(SettingsRequest, ('label',))}, all of them printable.")
    return text if text is None else text.strip()


@lru_cache(maxsize=1)
def time_zones() -> frozenset[str]:
    """Every IANA name that the pinned tzdata package has, but `Factory`, which stands for no zone at all."""
    from importlib import resources  # noqa: PLC0415 - only sales need it, and it takes long to load

    names = resources.files("tzdata").joinpath("zones").read_text("utf-8").split()
    return frozenset(names) - {"Factory"}
