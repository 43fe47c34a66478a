"""Holds answers to `docs/openapi.json`: status, headers, body. Rule: whatever is answered must be written there.

Both the callers of the running stack and the handlers' tests hand every answer in, so that each story of the suite is
also a check of the document.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

from contract.openapi.document import FILE
from local.apigateway.http_api import match_route, path_of
from local.cloudformation.template import Route

Json = dict[str, Any]

JSON: Final = "application/json"
CARRIED: Final = frozenset({"content-type", "content-length", "connection", "date", "server", "vary"})
"""Headers that belong to HTTP or to its transport and not to a call."""
CORS: Final = "access-control-"
GATEWAY: Final = "API Gateway"
UNAUTHORIZED: Final = 401
Answered = tuple[str, int, str]
"""A route, the status it answered, and the code of a refusal."""
ANSWERED: Final[set[Answered]] = set()
"""All that was answered so far in this process."""


@dataclass(frozen=True, slots=True)
class Document:
    """The document as kept; every schema is compiled once."""

    whole: Json
    routes: tuple[Route, ...]
    compiled: dict[str, Any] = field(default_factory=dict)

    def route_of(self, method: str, path: str) -> str | None:
        """The documented route of a request, None when it has none."""
        route, _ = match_route(self.routes, method, path_of(path.partition("?")[0]))
        return None if route is None else route.key

    def operation(self, route: str) -> Json:
        """What is written of a route."""
        method, _, path = route.partition(" ")
        found: Json = self.whole["paths"][path][method.lower()]
        return found

    def check(self, route: str, status: int, headers: dict[str, str], body: bytes) -> None:
        """Fail when an answer is not one that the route's operation lists."""
        told = self.operation(route)["responses"].get(str(status))
        assert told is not None, f"{route} answered {status}, which the document does not list: {body[:300]!r}"
        given = {name.lower(): value for name, value in headers.items()}
        self._check_headers(f"{route} {status}", told.get("headers", {}), given)
        if "content" not in told:
            assert not body, f"{route} {status} has a body, and the document lists none: {body[:300]!r}"
            return
        assert given.get("content-type") == JSON, f"{route} {status}: {given}"
        answer = json.loads(body)
        problem = self.problem(f"{route} {status}", told["content"][JSON]["schema"], answer)
        assert problem is None, f"{route} {status} is not as the document says: {problem}\n{body[:1000]!r}"
        assert str(answer.get("retryAfter", "")) == given.get("retry-after", ""), f"{route} {status}: {given}"

    def problem(self, name: str, schema: Json, value: object) -> str | None:
        """Where a value is not as a schema of the document says; `name` tells schemas apart."""
        if name not in self.compiled:
            whole = {"components": self.whole["components"], **schema}
            self.compiled[name] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        errors = [f"{'.'.join(map(str, e.instance_path))}: {e.message}" for e in self.compiled[name].iter_errors(value)]
        return "; ".join(errors) or None

    def _check_headers(self, name: str, listed: Json, given: dict[str, str]) -> None:
        components = self.whole["components"]["headers"]
        listed_as = {header.lower(): about["$ref"].rpartition("/")[2] for header, about in listed.items()}
        known = {header: components[component] for header, component in listed_as.items()}
        for header, about in known.items():
            assert header in given or not about.get("required"), f"{name} lacks the header {header}"
        for header, value in given.items():
            if header in CARRIED or header.startswith(CORS):
                continue
            assert header in known, f"{name} has the header {header}, which the document does not list"
            schema = known[header]["schema"]
            typed = int(value) if schema["type"] == "integer" else value
            problem = self.problem(f"header {listed_as[header]}", schema, typed)
            assert problem is None, f"{name}: the header {header} is {value!r}: {problem}"


def document_of(whole: Json) -> Document:
    """A document, ready to check by."""
    keys = [f"{method.upper()} {path}" for path, item in whole["paths"].items() for method in item]
    return Document(whole, tuple(Route(key, key, authorized=True) for key in keys))


@lru_cache(maxsize=1)
def kept() -> Document:
    """The document that is committed."""
    return document_of(json.loads(FILE.read_text("utf-8")))


def check(route: str | None, status: int, headers: dict[str, str], body: bytes) -> None:
    """Hold an answer to the document that is committed, when it lists the route."""
    if route is not None and any(known.key == route for known in kept().routes):
        kept().check(route, status, headers, body)
        ANSWERED.add((route, status, code_of(body)))


def code_of(body: bytes) -> str:
    """The code of a refusal, `API Gateway` for one of its own, nothing for what is no refusal."""
    answer = json.loads(body) if body else {}
    if set(answer) == {"message"}:
        return GATEWAY
    code: str = answer["error"]["code"] if "error" in answer else ""
    return code


def listed() -> set[Answered]:
    """All that may be answered by the document; of API Gateway's own answers, only the one without a token."""
    document = kept()
    found: set[Answered] = set()
    for route in (r.key for r in document.routes):
        for status, told in document.operation(route)["responses"].items():
            values = [e["value"] for e in told.get("content", {}).get(JSON, {}).get("examples", {}).values()] or [{}]
            found |= {(route, int(status), code_of(json.dumps(value).encode())) for value in values}
    return {(route, status, code) for route, status, code in found if code != GATEWAY or status == UNAUTHORIZED}
