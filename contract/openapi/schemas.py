"""Turns pydantic models into JSON Schema 2020-12. Rule: a schema says what pydantic checks, no more and no less."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic.json_schema import models_json_schema

from modelpass.api.validation import Strict

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic import BaseModel

REFERENCE: Final = "#/components/schemas/"

Json = dict[str, Any]


def components(models: Iterable[type[BaseModel]]) -> dict[str, Json]:
    """The schema of each model and of what it holds, by name."""
    wanted = sorted(models, key=lambda m: m.__name__)
    _, made = models_json_schema([(m, "validation") for m in wanted], ref_template=REFERENCE + "{model}")
    bodies = {m.__name__ for m in _bodies(Strict)}
    return {
        name: _body(_plain(schema)) if name in bodies else _plain(schema)
        for name, schema in sorted(made["$defs"].items())
    }


def reference(model: type[BaseModel]) -> Json:
    """A reference to a model's schema."""
    return {"$ref": REFERENCE + model.__name__}


def _bodies(model: type[BaseModel]) -> set[type[BaseModel]]:
    return {model, *(inner for sub in model.__subclasses__() for inner in _bodies(sub))}


def _body(schema: Json) -> Json:
    """The schema of a request: each field is described by the rule that a refusal states, the model by one sentence.

    What may be left out may be null.
    """
    first, dot, _ = schema.get("description", "").partition(".")
    schema["description"] = " ".join((first + dot).split())
    for name, field in schema.get("properties", {}).items():
        if "description" in field:
            field["description"] = f"Must be {field['description']}."
        if name not in schema.get("required", ()):
            _let_be_null(field)
    return schema


def _let_be_null(field: Json) -> None:
    """Let an optional field be null, which `Strict` reads as left out."""
    if "$ref" in field:
        field["anyOf"] = [{"$ref": field.pop("$ref")}, {"type": "null"}]
    elif isinstance(field.get("type"), str):
        field["type"] = [field["type"], "null"]


def _plain(schema: Json) -> Json:
    """The schema without titles of fields, and with null as one of the types of a simple value."""
    for field in schema.get("properties", {}).values():
        field.pop("title", None)
        if field.get("default", ...) is None:
            field.pop("default")
        alternatives = field.get("anyOf", [])
        if len(alternatives) > 1 and alternatives[-1] == {"type": "null"} and "$ref" not in alternatives[0]:
            field.pop("anyOf")
            field |= {**alternatives[0], "type": [alternatives[0]["type"], "null"]}
    return schema
