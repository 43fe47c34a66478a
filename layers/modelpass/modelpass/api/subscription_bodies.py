"""The body of a purchase or a quote. Rule: shape only; what the catalogue offers is asked later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from modelpass.api.validation import Strict, rule_of, validated
from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, Tier
from modelpass.entitlements.model import MAX_MODELS, MAX_MONTHS
from modelpass.entitlements.windows import time_zones
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.ids import MODEL_ID_PATTERN, MODEL_ID_RULE

TIME_ZONE_FORMAT: Final = "iana-time-zone"
"""How the API's document calls a name that `time_zones` has."""


class PurchaseModel(Strict):
    """One model to buy. A field's description completes the sentence "… must be …"."""

    model_id: Annotated[
        str,
        StringConstraints(pattern=f"^{MODEL_ID_PATTERN}$"),
        Field(description=MODEL_ID_RULE),
    ]
    channel_tier: Annotated[Tier, Field(strict=False, description=f"one of {', '.join(Tier)}")]
    daily_call_limit: Annotated[int, Field(ge=1, le=MAX_CALLS, description=f"a whole number from 1 to {MAX_CALLS}")]
    monthly_token_cap: Annotated[int, Field(ge=1, le=MAX_UNITS, description=f"a whole number from 1 to {MAX_UNITS}")]


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


@dataclass(frozen=True, slots=True)
class PurchaseBody:
    """A well-formed purchase, and the JSON it came as (a repeat must equal it)."""

    models: tuple[PurchaseModel, ...]
    months: int
    timezone: str
    raw: object


def parse(raw: object) -> PurchaseBody:
    """Check a purchase body; raises `invalid_request` or `duplicate_model` naming the field."""
    body = validated(PurchaseRequest, raw)
    if body.timezone not in time_zones():
        raise invalid("timezone", f"timezone must be {rule_of(PurchaseRequest, ('timezone',))}.")
    seen: set[str] = set()
    for index, model in enumerate(body.models):
        if model.model_id in seen:
            raise Refused(Refusal(ErrorCode.DUPLICATE_MODEL, param=f"models[{index}].modelId"))
        seen.add(model.model_id)
    return PurchaseBody(tuple(body.models), body.months, body.timezone, raw)
