"""Builds the API's document, in OpenAPI 3.1. Rule: it is generated, so that nothing in it is written twice.

It shows every operation whose route the template has, and no other.
"""

from __future__ import annotations

import json
import tomllib
from typing import TYPE_CHECKING, Any, Final

from contract.openapi import approval, bearer, customer, operator, operator_looks, responses, sales, schemas, shapes
from contract.openapi.examples import ROOT
from contract.openapi.parts import REQUEST_REASON
from modelpass.api.claims import DEFAULTS
from modelpass.api.requests import MAX_BODY_BYTES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from contract.openapi.parts import Body, Operation, Parameter

FILE: Final = ROOT / "docs" / "openapi.json"
OPERATIONS: Final = (
    *(*customer.OPERATIONS, *sales.OPERATIONS, *approval.OF_CUSTOMERS, *bearer.OPERATIONS),
    *(*operator.OPERATIONS, *operator_looks.OPERATIONS, *approval.OF_OPERATORS),
)
_SCHEME: Final = "jwt"
_KEY: Final = "apiKey"
_CUSTOMER, _BEARER, _OPERATOR = "Customer", "Bearer of a key", "Operator"
_TAGS: Final = {
    _CUSTOMER: "An account, by its JWT, sees and changes its own subscriptions. Another account's answer as if they "
    "did not exist.",
    _BEARER: "Whoever has an API key and nothing else, such as a customer's tools. These calls have a throttle of "
    "their own.",
    _OPERATOR: "The operators have an API of their own: the output `OperatorApiUrl`. A JWT for its audience whose "
    f"claim `{DEFAULTS.operator}` holds `{DEFAULTS.operator_value}`; without it, 403 "
    "`forbidden`. A deployment may name another claim and value.",
}
_ABOUT: Final = f"""\
Who may use which AI model, how often and how much: the calls of customers and operators. The model router does not call
this API; it invokes two functions (see `docs/api.md`).

JSON bodies of at most {MAX_BODY_BYTES // 1024} KB with `Content-Type: application/json`. Fields that are not listed are
refused, and so are members that appear twice, numbers with a fraction or an exponent, and query parameters that are
not listed, on every method. An optional field that is null counts as left out. Money is a decimal string. Ids are
opaque.

Times are answered as RFC 3339 in UTC, with milliseconds only when they are not zero. They are taken in every form of
RFC 3339 and cut to milliseconds: with any offset, any number of decimals, `t` and `z` in lower case, and `:60` for a
leap second at the end of a month in UTC, which is the second after it.

A refusal changes nothing, and has one form: `{{"error": {{"message", "type", "code", "param"}}}}`, with `retryAfter`
where time alone lifts it. `code` is stable; `message` may change. API Gateway's own answers are `{{"message"}}`."""

Json = dict[str, Any]


def main() -> int:
    """Write `docs/openapi.json`, print its path, and give 0; raises `CommandError` for a broken template."""
    from local.cloudformation import template  # noqa: PLC0415 - it is slow to load

    expanded = template.load(ROOT / "template.yaml")
    read = template.read(expanded, ROOT, template.secret_values(expanded))
    FILE.write_text(text({route.key for route in read.routes}), "utf-8")
    print(FILE.relative_to(ROOT))
    return 0


def text(routes: Iterable[str]) -> str:
    """The document as `docs/openapi.json` holds it, with the operations of these routes, such as `GET /v1/models`."""
    return json.dumps(document(routes), indent=2, ensure_ascii=False) + "\n"


def document(routes: Iterable[str]) -> Json:
    """The document with the operations of these routes; a route without an operation is left out."""
    present = set(routes)
    operations = [operation for operation in OPERATIONS if operation.route in present]
    paths: dict[str, Json] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return {
        "openapi": "3.1.1",
        "info": _info(),
        "servers": _servers("ApiUrl"),
        "tags": [{"name": name, "description": about} for name, about in _TAGS.items()],
        "paths": paths,
        "components": {
            "securitySchemes": {
                _SCHEME: {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": f"The account is its `{DEFAULTS.account}` claim; an operator's "
                    f"`{DEFAULTS.operator}` claim has `{DEFAULTS.operator_value}`. A deployment may name other claims, "
                    "by its parameters `AccountClaim`, `OperatorClaim` and `OperatorValue`. Locally: "
                    f"`make -s token ACCOUNT=acct_demo [SCOPE={DEFAULTS.operator_value}]`.",
                },
                _KEY: {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key as it was handed out: by a purchase, a renewal or a new key.",
                },
            },
            "headers": responses.HEADERS,
            "schemas": schemas.components(_models(operations)),
        },
    }


def _info() -> Json:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {
        "title": "Modelpass",
        "version": project["version"],
        "summary": project["description"],
        "description": _ABOUT,
        "license": {"name": "Apache License 2.0", "identifier": project["license"]},
    }


def _servers(output: str) -> list[Json]:
    variables = {
        "api": {"default": "api-id", "description": "The id of the deployed API."},
        "region": {"default": "eu-west-1", "description": "Where it is deployed."},
    }
    return [
        {"url": "/", "description": "Where this document is served: the local stack."},
        {
            "url": "https://{api}.execute-api.{region}.amazonaws.com",
            "description": f"A deployment: the output `{output}`.",
            "variables": variables,
        },
    ]


def _models(operations: list[Operation]) -> set[type[Any]]:
    answers = (answer for operation in operations for answer in (operation.answer, *operation.others))
    answered = {shape for answer in answers for shape in answer.shapes}
    sent = {operation.body.model for operation in operations if operation.body}
    return {*answered, *sent, shapes.Error, shapes.RetryableError, shapes.GatewayMessage}


def _operation(operation: Operation) -> Json:
    made: Json = {
        "operationId": operation.name,
        "summary": operation.summary,
        "description": operation.description,
        "tags": [_OPERATOR if operation.operator else _BEARER if operation.by_key else _CUSTOMER],
        "security": [_security(operation)],
    }
    if operation.operator:  # they have an API of their own
        made["servers"] = _servers("OperatorApiUrl")
    parameters = (*operation.parameters, *((REQUEST_REASON,) if operation.operator else ()))
    if parameters:
        made["parameters"] = [_parameter(parameter) for parameter in parameters]
    if operation.body:
        made["requestBody"] = _request(operation.body)
    return {**made, "responses": responses.responses(operation)}


def _security(operation: Operation) -> Json:
    if operation.by_key:
        return {_KEY: []}
    return {_SCHEME: [DEFAULTS.operator_value] if operation.operator else []}


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "in": parameter.where,
        "required": parameter.required,
        "description": parameter.description,
        "schema": parameter.schema,
        "example": parameter.example,
    }


def _request(body: Body) -> Json:
    examples = {name: {"value": value} for name, value in body.examples.items()}
    content = {"application/json": {"schema": schemas.reference(body.model), "examples": examples}}
    return {"required": body.required, "content": content}
