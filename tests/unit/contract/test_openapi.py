"""The API's document is what the code says and the template routes, is valid OpenAPI 3.1, and shows valid examples.

Tests of operations cover all that are described, whether or not the template has their route.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from contract.openapi import document, responses
from contract.openapi.document import FILE, OPERATIONS
from modelpass.api.validation import Strict, validated
from modelpass.errors import ErrorCode, Refused
from tests.support.documented import JSON, document_of
from tests.support.world import template_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contract.openapi.parts import Operation

Json = dict[str, Any]
WHOLE = document.document([operation.route for operation in OPERATIONS])
DOCUMENT = document_of(WHOLE)
EVERY = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.name)


def routes() -> set[str]:
    return {route.key for route in template_of("").routes}


def written(operation: Operation) -> Json:
    return DOCUMENT.operation(operation.route)


def inside(value: Any) -> Iterator[Json]:
    """Every object that a value is made of."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from inside(inner)


def test_committed_document_is_what_the_code_says() -> None:
    assert FILE.read_text("utf-8") == document.text(routes()), "run `make openapi`"


def test_every_route_of_the_template_is_documented_and_no_other() -> None:
    kept = document_of(json.loads(FILE.read_text("utf-8")))
    longer = {key for key in routes() if key.endswith("/{rest+}")}  # other ways to the same calls, for ids with slashes
    assert {route.key for route in kept.routes} == routes() - longer - {"$default"}
    assert longer


def test_operation_waits_for_its_route() -> None:
    shown = document.document(["GET /v1/models"])
    assert list(shown["paths"]) == ["/v1/models"]
    assert "PurchaseRequest" not in shown["components"]["schemas"]


@pytest.mark.parametrize("whole", [WHOLE, json.loads(FILE.read_text("utf-8"))], ids=["all operations", "as committed"])
def test_document_is_openapi_3_1(whole: Json) -> None:
    assert whole["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(whole).validate()


def test_null_is_a_type_and_nothing_is_nullable() -> None:
    for found in inside(WHOLE):
        assert "nullable" not in found
        alternatives = found.get("anyOf", [])
        assert {"type": "null"} not in alternatives or any("$ref" in other for other in alternatives)


def test_operations_have_names_and_routes_of_their_own() -> None:
    for of in ("name", "route", "summary"):
        assert len({getattr(operation, of) for operation in OPERATIONS}) == len(OPERATIONS)


@EVERY
def test_operation_is_told_whole(operation: Operation) -> None:
    told = written(operation)
    assert told["description"].endswith(".")
    assert not told["summary"].endswith(".")
    assert told["tags"] == ["Bearer of a key" if operation.by_key else "Operator" if operation.operator else "Customer"]
    by_token = {"jwt": ["operator"] if operation.operator else []}
    assert told["security"] == [{"apiKey": []} if operation.by_key else by_token]
    assert {"401", "413", "429", "500", "503"} < set(told["responses"])
    assert ("403" in told["responses"]) >= operation.operator
    variables = re.findall(r"\{(\w+)\}", operation.path)
    parameters = {p["name"]: p for p in told.get("parameters", ())}
    assert [p["name"] for p in parameters.values() if p["in"] == "path"] == variables
    assert all(p["required"] for p in parameters.values() if p["in"] == "path")


@EVERY
def test_every_example_of_a_request_is_valid_by_the_document_and_by_the_code(operation: Operation) -> None:
    for parameter in operation.parameters:
        name = f"{operation.name} {parameter.name}"
        assert DOCUMENT.problem(name, parameter.schema, parameter.example) is None
    if operation.body is not None:
        content = written(operation)["requestBody"]["content"][JSON]
        assert content["examples"]
        for example in content["examples"].values():
            assert DOCUMENT.problem(f"{operation.name} body", content["schema"], example["value"]) is None
            validated(operation.body.model, example["value"])


@EVERY
def test_every_example_of_an_answer_is_valid(operation: Operation) -> None:
    for status, told in written(operation)["responses"].items():
        if status in ("204", "304"):
            assert "content" not in told
            continue
        content = told["content"][JSON]
        assert content["examples"]
        for name, example in content["examples"].items():
            problem = DOCUMENT.problem(f"{operation.name} {status}", content["schema"], example["value"])
            assert problem is None, (status, name, problem)


@EVERY
def test_every_code_an_operation_lists_has_an_example_under_its_status(operation: Operation) -> None:
    codes = {e.code: e for e in ErrorCode}
    for status, told in written(operation)["responses"].items():
        content = told.get("content", {}).get(JSON, {})
        listed = [c for found in inside(content.get("schema", {})) for c in found.get("code", {}).get("enum", ())]
        shown = (
            [e["value"]["error"]["code"] for e in content["examples"].values() if "error" in e["value"]]
            if content
            else []
        )
        assert set(listed) == set(shown)
        assert {codes[code].status for code in listed} <= {int(status)}
        assert ("Retry-After" in told["headers"]) == (status in ("429", "503") and bool(listed))


@EVERY
def test_whoever_refuses_a_field_does_it_in_the_documents_words(operation: Operation) -> None:
    if operation.body is None:
        return
    for example in operation.body.examples.values():
        for name in example:
            with pytest.raises(Refused) as refused:
                validated(operation.body.model, {**example, name: [None, object()]})
            schema = WHOLE["components"]["schemas"][operation.body.model.__name__]
            told = schema["properties"][name].get("description", "Must be an object.")
            message = refused.value.refusal.message or ""
            if refused.value.refusal.param == name:
                assert message == f"{name} m{told.removeprefix('M')}"


@EVERY
def test_only_an_api_key_is_refused_by_the_function_and_a_token_by_the_gateway(operation: Operation) -> None:
    examples = written(operation)["responses"]["401"]["content"][JSON]["examples"]
    assert ("API Gateway" in examples) != operation.by_key
    assert ("invalid_api_key" in examples) == operation.by_key


def test_every_error_code_is_listed_with_its_type() -> None:
    properties = WHOLE["components"]["schemas"]["ErrorDetail"]["properties"]
    assert properties["code"]["enum"] == [e.code for e in ErrorCode]
    assert set(properties["type"]["enum"]) == {e.error_type for e in ErrorCode}


def test_every_object_of_the_document_is_closed() -> None:
    for name, schema in WHOLE["components"]["schemas"].items():
        assert schema.get("additionalProperties") is False or "enum" in schema, name


def test_shapes_and_bodies_are_told_apart() -> None:
    for operation in OPERATIONS:
        assert not any(issubclass(shape, Strict) for shape in operation.answer.shapes)
        assert operation.body is None or issubclass(operation.body.model, Strict)


GOOD: Json = json.loads(json.dumps(next(o for o in OPERATIONS if o.name == "purchase").answer.examples["bought"]))
HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "Location": f"/v1/subscriptions/{GOOD['subscriptionId']}",
}
REFUSED: Json = {"error": {"message": "m", "type": "not_found_error", "code": "not_found", "param": None}}
UNDOCUMENTED: dict[str, tuple[int, Json, Any]] = {
    "another status": (418, HEADERS, GOOD),
    "a field more": (201, HEADERS, {**GOOD, "note": 1}),
    "a field less": (201, HEADERS, {name: value for name, value in GOOD.items() if name != "term"}),
    "another type": (201, HEADERS, {**GOOD, "term": "1"}),
    "a time without a zone": (201, HEADERS, {**GOOD, "startsAt": "2026-11-24T16:11:00"}),
    "a header more": (201, {**HEADERS, "X-Inside": "1"}, GOOD),
    "a header less": (201, {"Content-Type": "application/json"}, GOOD),
    "another value of a header": (201, {**HEADERS, "Location": "/v1/other"}, GOOD),
    "another content type": (201, {**HEADERS, "Content-Type": "text/plain"}, GOOD),
    "a code of another operation": (400, {"Content-Type": "application/json"}, REFUSED),
    "a code of the router": (
        409,
        {"Content-Type": "application/json"},
        {"error": {**REFUSED["error"], "type": "conflict_error", "code": "request_id_reused"}},
    ),
    "no Retry-After": (
        503,
        {"Content-Type": "application/json"},
        {
            "retryAfter": 1,
            "error": {**REFUSED["error"], "type": "service_unavailable_error", "code": "temporarily_unavailable"},
        },
    ),
}


def test_documented_answer_passes() -> None:
    DOCUMENT.check("POST /v1/subscriptions", 201, HEADERS, json.dumps(GOOD).encode())


@pytest.mark.parametrize("case", UNDOCUMENTED)
def test_answer_that_is_not_documented_is_found(case: str) -> None:
    status, headers, body = UNDOCUMENTED[case]
    with pytest.raises(AssertionError, match="POST /v1/subscriptions"):
        DOCUMENT.check("POST /v1/subscriptions", status, headers, json.dumps(body).encode())


def test_headers_are_each_listed_by_some_operation() -> None:
    told = [told["headers"] for o in OPERATIONS for told in written(o)["responses"].values()]
    listed = {header["$ref"].rpartition("/")[2] for headers in told for header in headers.values()}
    assert listed == set(responses.HEADERS)
