"""How the JSON bodies of HTTP calls are checked by pydantic. Rule: knows no body; each stands in a `…_bodies` module.

A body is a `Strict` model. An optional field that is null counts as left out, at every depth. The first field at fault
is named by its path. The description of each field completes the sentence "… must be …", in refusals and in the OpenAPI
document.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator
from pydantic.alias_generators import to_camel

from modelpass.errors import Refused, invalid, member_path

_M = TypeVar("_M", bound="Strict")


class Strict(BaseModel):
    """The base of all bodies: no value is converted to another type, and an unknown field is refused."""

    model_config = ConfigDict(
        strict=True,
        extra="forbid",
        frozen=True,
        alias_generator=to_camel,
        hide_input_in_errors=True,
    )

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, raw: object) -> object:
        if not isinstance(raw, dict):
            return raw
        optional = {field.alias for field in cls.model_fields.values() if not field.is_required()}
        return {name: value for name, value in raw.items() if value is not None or name not in optional}


def validated(model: type[_M], raw: object) -> _M:
    """The body as an instance of its model; raises `invalid_request` naming the first field at fault."""
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise _first(error, model) from None


def rule_of(model: type[BaseModel], location: tuple[int | str, ...]) -> str:
    """What the field at a place inside a body must be, as it completes the sentence "… must be …"."""
    rule = "an object"
    for part in location:
        if isinstance(part, int):
            rule = "an object"
            continue
        field = next((f for f in model.model_fields.values() if f.alias == part), None)
        if field is None:
            break
        rule = field.description or rule
        model = next((m for m in _models_in(field.annotation)), model)
    return rule


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models_in(inner)]


def _first(error: ValidationError, model: type[BaseModel]) -> Refused:
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
            message = f"{param} must be {rule_of(model, location)}."
    return invalid(param, message)


def _param(location: tuple[int | str, ...]) -> str | None:
    param = ""
    for part in location:
        if isinstance(part, int):
            param += f"[{part}]"
        else:
            param = member_path(param, part)
    return param or None
