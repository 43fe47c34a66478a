"""The body of a purchase, checked by pydantic. Rule: shape only; what the catalogue offers is asked later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from modelpass.errors import ErrorCode, Refusal, Refused, invalid, shown
from modelpass.model import MAX_CALLS, MAX_MODELS, MAX_MONTHS, MAX_UNITS, Tier
from modelpass.payloads import MODEL_ID_PATTERN
from modelpass.windows import time_zones


class _Strict(BaseModel):
    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )


class PurchaseModel(_Strict):
    """One model to buy."""

    model_id: Annotated[str, StringConstraints(pattern=f"^{MODEL_ID_PATTERN}$")]
    channel_tier: Annotated[Tier, Field(strict=False)]
    daily_call_limit: Annotated[int, Field(ge=1, le=MAX_CALLS)]
    monthly_token_cap: Annotated[int, Field(ge=1, le=MAX_UNITS)]


class PurchaseRequest(_Strict):
    """The JSON body of `POST /v1/subscriptions`."""

    models: Annotated[list[PurchaseModel], Field(min_length=1, max_length=MAX_MODELS)]
    months: Annotated[int, Field(ge=1, le=MAX_MONTHS)] = 1
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True)
class PurchaseBody:
    """A well-formed purchase, and the JSON it came as (a repeat must equal it)."""

    models: tuple[PurchaseModel, ...]
    months: int
    timezone: str
    raw: object


def parse(raw: object) -> PurchaseBody:
    """Check a purchase body; raises `invalid_request` or `duplicate_model` naming the field."""
    try:
        body = PurchaseRequest.model_validate(raw)
    except ValidationError as error:
        raise _first(error) from None
    if body.timezone not in time_zones():
        raise invalid("timezone", "timezone must be an IANA time zone name.")
    seen: set[str] = set()
    for index, model in enumerate(body.models):
        if model.model_id in seen:
            raise Refused(Refusal(ErrorCode.DUPLICATE_MODEL, param=f"models[{index}].modelId"))
        seen.add(model.model_id)
    return PurchaseBody(tuple(body.models), body.months, body.timezone, raw)


def _first(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return invalid(_param(first["loc"]), f"{first['msg']}.")


def _param(location: tuple[int | str, ...]) -> str | None:
    param = ""
    for part in location:
        if isinstance(part, int):
            param += f"[{part}]"
        else:
            param += f".{shown(part)}" if param else shown(part)
    return param or None
