"""Stands for API Gateway: routes, JWTs, events of format 2.0. Rule: its own answers are those of API Gateway.

As an HTTP API does, it decodes a path once, before it looks for the route: `%2F` in an id is a slash like any other,
`+` stays what it is, and a decoded `?` ends the path. What stands behind it is lost, and is no query either:
https://github.com/middleapi/standard-server/pull/93 tells so of live requests.

Deployed, customers and operators have an API each, with an address of its own. Here both have the one address of the
stack, and a request goes to the operators' API if that has a route for it and the token is meant for operators.
"""

from __future__ import annotations

import json
import re
import time
import uuid
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

from local.apigateway import cors, jwts
from local.awslambda.pool import FunctionError
from local.cloudformation.template import ACCOUNT, DEFAULT_ROUTE, Route
from local.messages import HttpResponse, json_response

if TYPE_CHECKING:
    from local.cloudformation.template import Cors, HttpApi, Template
    from local.messages import HttpRequest
    from local.stack import Stack

MAX_BODY_BYTES: Final = 10 * 1024 * 1024
"""The largest body that API Gateway takes."""
_TEXT_TYPES: Final = re.compile(r"text/|application/(json|javascript|xml|x-www-form-urlencoded)\b|.*\+(json|xml)\b")
_TIMEOUT: Final = "Sandbox.Timedout"

Json = dict[str, Any]


def message(status: int, text: str) -> HttpResponse:
    """An answer of API Gateway itself."""
    return json_response(status, {"message": text})


def handle(stack: Stack, request: HttpRequest) -> HttpResponse:
    """Answer one request to the HTTP API, by a function or as API Gateway does without one."""
    if len(request.body) > MAX_BODY_BYTES:
        return message(413, "Request Entity Too Large")
    api = _door(stack.template, request)
    allowed = cors.headers(api.cors, request)
    route, variables = match_route(api.routes, request.method, path_of(request.raw_path))
    if route is None:
        return HttpResponse(204, allowed, b"") if cors.is_preflight(request) and allowed else message(404, "Not Found")
    claims = None
    if route.authorized:
        claims = jwts.verify(_token(request), stack.signing_key, api.issuer, api.audience)
        if claims is None:
            return message(401, "Unauthorized")
    request_id = str(uuid.uuid4())
    event = _event(request, route, variables, claims, request_id)
    try:
        result = stack.invoke(route.function, event, request_id)
    except FunctionError as failure:
        if failure.report["errorType"] == _TIMEOUT:
            return message(503, "Service Unavailable")
        return message(500, "Internal Server Error")
    return _response(result, request_id, api.cors, allowed)


def path_of(raw: str) -> str:
    """The path as API Gateway reads it: decoded once, and cut at a `?` that comes of it."""
    return unquote(raw).partition("?")[0]


def _door(template: Template, request: HttpRequest) -> HttpApi:
    route, _ = match_route(template.operators.routes, request.method, path_of(request.raw_path))
    is_operators = route is not None and route.key != DEFAULT_ROUTE
    if is_operators and jwts.is_meant_for(_token(request), template.operators.audience):
        return template.operators
    return template.customers


def match_route(routes: tuple[Route, ...], method: str, path: str) -> tuple[Route | None, dict[str, str]]:
    """The route for a decoded path, and its variables.

    A route that matches segment by segment comes before one that ends in a greedy variable (`{rest+}`), then the one
    with fewer variables; `$default` comes last.
    """
    default = None
    for route in sorted(routes, key=lambda r: (r.key.endswith("+}"), r.key.count("{"))):
        if route.key == DEFAULT_ROUTE:
            default = route
            continue
        route_method, _, pattern = route.key.partition(" ")
        variables = _match_path(pattern, path)
        if route_method == method and variables is not None:
            return route, variables
    return default, {}


def _match_path(pattern: str, path: str) -> dict[str, str] | None:
    # Whether API Gateway takes an empty segment for a variable is not documented. Here a greedy route does, so that
    # an id which begins or ends with a slash arrives as it was sent.
    wanted = pattern.split("/")
    greedy = pattern.endswith("+}")
    given = path.split("/", len(wanted) - 1 if greedy else -1)
    if len(wanted) != len(given):
        return None
    variables = {}
    for want, have in zip(wanted, given, strict=True):
        if want.startswith("{"):
            if not have and not greedy:
                return None
            variables[want.strip("{+}")] = have
        elif want != have:
            return None
    return variables


def _token(request: HttpRequest) -> str:
    header = request.headers.get("authorization", "")
    scheme, _, token = header.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else header


def _event(
    request: HttpRequest,
    route: Route,
    variables: dict[str, str],
    claims: Json | None,
    request_id: str,
) -> Json:
    now = datetime.now(UTC)
    context: Json = {
        "accountId": ACCOUNT,
        "apiId": "local",
        "domainName": "127.0.0.1",
        "domainPrefix": "127",
        "http": {
            "method": request.method,
            "path": path_of(request.raw_path),
            "protocol": "HTTP/1.1",
            "sourceIp": request.source_ip,
            "userAgent": request.headers.get("user-agent", ""),
        },
        "requestId": request_id,
        "routeKey": route.key,
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(time.time() * 1000),
    }
    if claims is not None:
        shown = {name: _claim(value) for name, value in claims.items() if value is not None}
        context["authorizer"] = {"jwt": {"claims": shown, "scopes": None}}
    event: Json = {
        "version": "2.0",
        "routeKey": route.key,
        "rawPath": path_of(request.raw_path),
        "rawQueryString": request.query,
        "headers": {k: v for k, v in request.headers.items() if k != "cookie"},
        "requestContext": context,
        "isBase64Encoded": False,
    }
    if variables:
        event["pathParameters"] = variables
    if request.query:
        event["queryStringParameters"] = _query(request.query)
    if "cookie" in request.headers:
        event["cookies"] = [c.strip() for c in request.headers["cookie"].split(";")]
    if request.body:
        event |= _body(request)
    return event


def _claim(value: object) -> str:
    # API Gateway hands claims over as text; a list is shown in brackets, separated by blanks, and null not at all.
    if isinstance(value, list):
        return f"[{' '.join(map(_claim, value))}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{name}:{_claim(inner)}' for name, inner in sorted(value.items()))}]"
    return value if isinstance(value, str) else json.dumps(value)


def _query(query: str) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(request: HttpRequest) -> Json:
    if _TEXT_TYPES.match(request.headers.get("content-type", "")):
        try:
            return {"body": request.body.decode(), "isBase64Encoded": False}
        except UnicodeDecodeError:
            pass
    return {"body": b64encode(request.body).decode(), "isBase64Encoded": True}


def _response(result: Any, request_id: str, configured: Cors | None, allowed: dict[str, str]) -> HttpResponse:
    body = result.get("body") or ""
    raw = b64decode(body) if result.get("isBase64Encoded") else body.encode()
    headers = {k: str(v) for k, v in (result.get("headers") or {}).items()}
    headers.setdefault("Apigw-Requestid", request_id)
    if configured is not None:
        headers = cors.without(headers) | allowed
    return HttpResponse(result["statusCode"], headers, raw)
