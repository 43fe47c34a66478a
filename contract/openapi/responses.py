"""Turns an operation's answer and refusals into OpenAPI's responses. Rule: each error code is under its status."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from contract.openapi import parts, schemas, shapes
from modelpass.api.responses import HELD_BY

if TYPE_CHECKING:
    from contract.openapi.parts import Answer, Operation
    from modelpass.errors import Refusal

Json = dict[str, Any]

_JSON: Final = "application/json"
_REQUEST_ID: Final = "Apigw-Requestid"
_RETRY_AFTER: Final = "Retry-After"
_MODELS_CACHE: Final = "Cache-Control-Of-Models"
_NAMES: Final = {_MODELS_CACHE: "Cache-Control"}
"""The names of headers that mean something else in another answer."""
HEADERS: Final[dict[str, Json]] = {
    _REQUEST_ID: {
        "description": "API Gateway's id of the request.",
        "schema": {"type": "string"},
    },
    _RETRY_AFTER: {
        "description": "Whole seconds, as `retryAfter` in the body.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Location": {
        "description": "The path of what was made, with what the deployment has in front of `/v1`.",
        "required": True,
        "schema": {
            "type": "string",
            "pattern": f"^(/[^/]+)*/v1/subscriptions/{parts.SUBSCRIPTION_ID.schema['pattern'][1:]}",
        },
    },
    "Cache-Control": {
        "description": "The answer may hold a key: it is not to be kept.",
        "required": True,
        "schema": {"type": "string", "const": "no-store"},
    },
    _MODELS_CACHE: {
        "description": "For how long a cache of the caller may use the answer. An operator's cache asks each time.",
        "required": True,
        "schema": {"type": "string", "enum": ["private, max-age=2", "private, no-cache"]},
    },
    "ETag": {
        "description": "Names what is answered. Of the models, for `If-None-Match`: 304 while it is the same. Of one "
        "model, for `If-Match`: another when anything of it is another.",
        "required": True,
        "schema": {"type": "string", "pattern": '^"[0-9a-z]{24,32}"$'},
    },
    "Idempotent-Replayed": {
        "description": "Only in the answer to a repeat.",
        "schema": {"type": "string", "const": "true"},
    },
    HELD_BY: {
        "description": "The id of the plan or the subscription that holds the place; only where news changed nothing.",
        "schema": {"type": "string"},
    },
}
GATEWAY: Final = {401: "Unauthorized", 413: "Request Entity Too Large", 429: "Too Many Requests"}
"""What API Gateway answers to any call before a function runs."""
BROKEN: Final = {500: "Internal Server Error", 503: "Service Unavailable"}
"""What API Gateway answers when a function fails or runs out of time."""
WORDS: Final = {
    400: "The request is at fault: `param` names the field.",
    401: "No valid token; API Gateway's own answer.",
    403: "The caller may not do this.",
    404: "There is no such resource, or it is another account's.",
    409: "What is there already stands in the way.",
    412: "It is not as the header demands; nothing was changed.",
    413: "A body above 10 MB; API Gateway's own answer. Above 256 KB the call is refused with 400.",
    422: "The `Idempotency-Key` was used with another body.",
    429: "Too often.",
    500: "Our failure; the message has an id to quote.",
    503: "Busy: the same request may be sent again.",
}
"""The description of each status of a refusal."""
OF_A_KEY: Final = "No valid API key: it is missing, was never issued, or was replaced."
"""What 401 means where an API key stands in the place of a token."""


def responses(operation: Operation) -> Json:
    """Every status that the operation may answer."""
    refusals: dict[int, list[Refusal]] = {}
    for refusal in (*operation.refusals, *parts.EVERY_CALL):
        refusals.setdefault(refusal.code.status, []).append(refusal)
    before = {status for status in GATEWAY if not (operation.by_key and status == HTTPStatus.UNAUTHORIZED)}
    statuses = sorted({*refusals, *before})
    return {
        **{str(answer.status): _done(answer) for answer in (operation.answer, *operation.others)},
        **{str(status): _refused(status, refusals.get(status, []), before) for status in statuses},
    }


def _done(answer: Answer) -> Json:
    response: Json = {"description": answer.description, "headers": _headers(_REQUEST_ID, *answer.headers)}
    if answer.shapes:
        alternatives = [schemas.reference(shape) for shape in answer.shapes]
        schema = alternatives[0] if len(alternatives) == 1 else {"oneOf": alternatives}
        response["content"] = {_JSON: {"schema": schema, "examples": _examples(answer.examples)}}
    return response


def _refused(status: int, refusals: list[Refusal], before: set[int]) -> Json:
    by_gateway = {status: GATEWAY[status] for status in before} | BROKEN
    alternatives: list[Json] = []
    shown: Json = {}
    headers = [_REQUEST_ID]
    if refusals:
        alternatives.append(_envelope(refusals))
        shown |= {_name(refusal, refusals): refusal.fields() for refusal in refusals}
        if any(refusal.retry_after is not None for refusal in refusals):
            headers.append(_RETRY_AFTER)
    if status in by_gateway:
        alternatives.append(schemas.reference(shapes.GatewayMessage))
        shown["API Gateway"] = {"message": by_gateway[status]}
    schema = alternatives[0] if len(alternatives) == 1 else {"oneOf": alternatives}
    content = {_JSON: {"schema": schema, "examples": _examples(shown)}}
    words = WORDS[status] if status in by_gateway or status not in GATEWAY else OF_A_KEY
    return {"description": words, "headers": _headers(*headers), "content": content}


def _envelope(refusals: list[Refusal]) -> Json:
    retryable = any(refusal.retry_after is not None for refusal in refusals)
    codes = list(dict.fromkeys(refusal.code.code for refusal in refusals))
    types = list(dict.fromkeys(refusal.code.error_type for refusal in refusals))
    detail = {"properties": {"code": {"enum": codes}, "type": {"enum": types}}}
    return {
        "allOf": [
            schemas.reference(shapes.RetryableError if retryable else shapes.Error),
            {"properties": {"error": detail}},
        ]
    }


def _name(refusal: Refusal, refusals: list[Refusal]) -> str:
    alone = sum(other.code is refusal.code for other in refusals) == 1
    return refusal.code.code if alone else f"{refusal.code.code}: {refusal.param}"


def _headers(*names: str) -> Json:
    return {_NAMES.get(name, name): {"$ref": f"#/components/headers/{name}"} for name in names}


def _examples(values: Json) -> Json:
    return {name: {"value": value} for name, value in values.items()}
