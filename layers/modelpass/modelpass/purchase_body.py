"""The body of a purchase, checked by pydantic. Rule: shape only; what the catalogue offers is asked later."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic.alias_generators import to_camel

from modelpass.errors import ErrorCode, Refusal, Refused, invalid, member_path
from modelpass.model import MAX_CALLS, MAX_MODELS, MAX_MONTHS, MAX_UNITS, Tier
from modelpass.payloads import MODEL_ID_PATTERN, MODEL_ID_RULE
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
    """One model to buy. A field's description completes the sentence "… must be …"."""

    model_id: Annotated[
        str,
        StringConstraints(pattern=f"^{MODEL_ID_PATTERN}$"),
        Field(description=MODEL_ID_RULE),
    ]
    channel_tier: Annotated[Tier, Field(strict=False, description=f"one of {', '.join(Tier)}")]
    daily_call_limit: Annotated[int, Field(ge=1, le=MAX_CALLS, description=f"a whole number from 1 to {MAX_CALLS}")]
    monthly_token_cap: Annotated[int, Field(ge=1, le=MAX_UNITS, description=f"a whole number from 1 to {MAX_UNITS}")]


class PurchaseRequest(_Strict):
    """The JSON body of `POST /v1/subscriptions`."""

    models: Annotated[
        list[PurchaseModel],
        Field(min_length=1, max_length=MAX_MODELS, description=f"a list of 1 to {MAX_MODELS} models"),
    ]
    months: Annotated[int, Field(ge=1, le=MAX_MONTHS, description=f"a whole number from 1 to {MAX_MONTHS}")] = 1
    timezone: Annotated[str, Field(description="an IANA time zone name")] = "UTC"


_RULES: Final = {
    str(info.alias): str(info.description)
    for model in (PurchaseModel, PurchaseRequest)
    for info in model.model_fields.values()
}


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
        raise invalid("timezone", f"timezone must be {_RULES['timezone']}.")
    seen: set[str] = set()
    for index, model in enumerate(body.models):
        if model.model_id in seen:
            raise Refused(Refusal(ErrorCode.DUPLICATE_MODEL, param=f"models[{index}].modelId"))
        seen.add(model.model_id)
    return PurchaseBody(tuple(body.models), body.months, body.timezone, raw)


def _first(error: ValidationError) -> Refused:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    location, param = first["loc"], _param(first["loc"])
    match first["type"]:
        case "missing":
            message = f"{param} is required."
        case "extra_forbidden":
            message = "Unknown field."
        case _ if not location:
            message = "The body must be a JSON object."
        case _:
            message = f"{param} must be {_RULES.get(str(location[-1]), 'an object')}."
    return invalid(param, message)


def _param(location: tuple[int | str, ...]) -> str | None:
    param = ""
    for part in location:
        if isinstance(part, int):
            param += f"[{part}]"
        else:
            param = member_path(param, part)
    return param or None
