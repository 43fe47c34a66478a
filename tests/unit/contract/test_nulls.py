"""An optional field that is null is one left out: in every body, at every depth, by the code and by the document.

The bodies are those of the examples; that they have every field of every body is asserted.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple, get_args

import pytest

from contract.openapi import document
from contract.openapi.document import OPERATIONS
from contract.openapi.parts import NoBody
from modelpass.api import catalogue_bodies, change_bodies, operator_bodies, quote_bodies, subscription_bodies
from modelpass.api.catalogue_bodies import CatalogueFile, PutModelBody
from modelpass.api.validation import Strict, validated
from modelpass.errors import ErrorCode, Refused
from tests.support.documented import document_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
Path = tuple[str | int, ...]
WHOLE = document.document([operation.route for operation in OPERATIONS])
DOCUMENT = document_of(WHOLE)


class Place(NamedTuple):
    """A field of a body, by where it is in it, and the model that has it."""

    body: type[Strict]
    example: Json
    path: Path
    model: type[Strict]
    is_required: bool


def models_in(annotation: Any) -> list[type[Strict]]:
    if isinstance(annotation, type) and issubclass(annotation, Strict):
        return [annotation]
    return [model for inner in get_args(annotation) for model in models_in(inner)]


def places_in(body: type[Strict], example: Json, model: type[Strict], value: Json, path: Path) -> Iterator[Place]:
    for field in model.model_fields.values():
        name = str(field.alias)
        yield Place(body, example, (*path, name), model, field.is_required())
        for inner in models_in(field.annotation):
            if name not in value and any(one.is_required() for one in inner.model_fields.values()):
                continue  # of the sales whose price may be asked, an example has one
            held = value.get(name, {})
            for index, one in enumerate(held) if isinstance(held, list) else [(None, held)]:
                at = (*path, name) if index is None else (*path, name, index)
                yield from places_in(body, example, inner, one, at)


def bodies() -> Iterator[tuple[type[Strict], Json]]:
    for operation in OPERATIONS:
        if operation.body is not None:
            for example in operation.body.examples.values():
                yield operation.body.model, copy.deepcopy(example)
                if operation.body.model is PutModelBody and "confirm" not in example:
                    yield CatalogueFile, {"models": [{**copy.deepcopy(example), "modelId": "m-1"}]}


PLACES = [place for body, example in bodies() for place in places_in(body, example, body, example, ())]
OPTIONAL = [place for place in PLACES if not place.is_required]
REQUIRED = [place for place in PLACES if place.is_required]


def named(path: Path) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path).removeprefix(".")


def ids(place: Place) -> str:
    return f"{place.body.__name__} {named(place.path)}"


def changed(place: Place, *value: Any, name: str | None = None) -> Json:
    """The example with the field, or one of another name beside it, set to a value, or left out without one."""
    body = copy.deepcopy(place.example)
    at: Any = body
    for n, part in enumerate(place.path[:-1]):
        if isinstance(at, dict) and part not in at:
            at[part] = [] if isinstance(place.path[n + 1], int) else {}
        at = at[part]
    if name is None:
        at.pop(place.path[-1], None)
    if value:
        at[name or place.path[-1]] = value[0]
    return body


def problem(place: Place, body: Json) -> str | None:
    if place.body is CatalogueFile:
        body, schema = body["models"][0], "PutModelBody"
    else:
        schema = place.body.__name__
    return DOCUMENT.problem(ids(place), {"$ref": f"#/components/schemas/{schema}"}, body)


def refusal(place: Place, body: Json) -> tuple[ErrorCode, str | None]:
    with pytest.raises(Refused) as caught:
        validated(place.body, body)
    return caught.value.refusal.code, caught.value.refusal.param


def test_every_field_of_every_body_is_looked_at() -> None:
    modules = (catalogue_bodies, change_bodies, operator_bodies, quote_bodies, subscription_bodies)
    known = {m for module in modules for m in vars(module).values() if isinstance(m, type) and issubclass(m, Strict)}
    every = {(m, f.alias) for m in known for f in m.model_fields.values()}
    assert {(place.model, place.path[-1]) for place in PLACES} == every
    assert not NoBody.model_fields


@pytest.mark.parametrize("place", OPTIONAL, ids=ids)
def test_optional_field_that_is_null_is_one_left_out(place: Place) -> None:
    sent = changed(place, None)
    assert validated(place.body, sent) == validated(place.body, changed(place))
    assert problem(place, sent) is None
    assert sent == changed(place, None)


@pytest.mark.parametrize(
    "body", [body for body in bodies() if body[0] is not NoBody], ids=lambda body: body[0].__name__
)
def test_all_optional_fields_may_be_null_at_once(body: tuple[type[Strict], Json]) -> None:
    model, example = body
    nulls, less = copy.deepcopy(example), copy.deepcopy(example)
    for field in model.model_fields.values():
        if not field.is_required():
            nulls[str(field.alias)] = None
            less.pop(str(field.alias), None)
    assert validated(model, nulls) == validated(model, less)


@pytest.mark.parametrize("place", REQUIRED, ids=ids)
def test_required_field_that_is_null_is_refused_by_name(place: Place) -> None:
    sent = changed(place, None)
    assert refusal(place, sent) == (ErrorCode.INVALID_REQUEST, named(place.path))
    if place.path != ("models",) or place.body is not CatalogueFile:
        assert problem(place, sent) is not None


@pytest.mark.parametrize("place", PLACES, ids=ids)
def test_unknown_field_that_is_null_is_unknown(place: Place) -> None:
    sent = changed(place, None, name="colour")
    assert refusal(place, sent) == (ErrorCode.INVALID_REQUEST, named((*place.path[:-1], "colour")))
