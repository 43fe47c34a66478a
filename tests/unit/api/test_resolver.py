"""Routes: what API Gateway has matched reaches the handler, whatever is in front of its path and stands in it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from aws_lambda_powertools.event_handler import Response

from local.awslambda.process import Context
from modelpass.api.resolver import answer_preflights, resolver

if TYPE_CHECKING:
    from aws_lambda_powertools.event_handler import APIGatewayHttpResolver

Json = dict[str, Any]

TEXTS = [
    "acct_1",
    "a b",
    "é",
    "😀",
    'a"b',
    "a#b",
    "a?b",
    "a\\b",
    "a`b",
    "\x18",
    "a\n",
    "%",
    ".",
    "..",
    "a+b",
    "a/b",
    "//",
]
FRONTS = [("", "$default"), ("/entitlements", "$default"), ("/prod", "prod"), ("/entitlements", "prod"), ("/a/b", "v1")]
"""What a deployment puts in front of the API's paths, and the stage that the event names."""


def event_of(key: str | None, variables: Json | None, raw_path: str, stage: str = "$default") -> Json:
    """An event of API Gateway, as far as a resolver reads it."""
    method = (key or "GET").partition(" ")[0].replace("$default", "GET")
    asked = {"http": {"method": method, "path": raw_path}, "stage": stage, "requestId": "r"}
    event: Json = {"version": "2.0", "rawPath": raw_path, "headers": {}, "requestContext": asked}
    if key is not None:
        event["routeKey"] = asked["routeKey"] = key
    if variables is not None:
        event["pathParameters"] = variables
    return event


def ask(app: APIGatewayHttpResolver, event: Json) -> tuple[int, Any]:
    answer = app.resolve(event, Context("r", "f", "128", "arn", 0.0))  # type: ignore[arg-type] # as far as we read it
    return answer["statusCode"], json.loads(answer["body"])


def catalogue() -> APIGatewayHttpResolver:
    """An app with the calls on models, which tells which was called with what."""
    app = resolver("test")
    app.put("/v1/models/<model_id>")(lambda model_id: {"put": model_id})
    app.delete("/v1/models/<model_id>")(lambda model_id: {"withdrawn": model_id})
    app.put("/v1/models/<model_id>/tiers/<tier>/availability")(lambda model_id, tier: {"turned": [model_id, tier]})
    return app


def plans() -> APIGatewayHttpResolver:
    """An app with the calls on plans, which tells what its event names as well."""
    app = resolver("test")

    def named(**variables: str) -> Json:
        return {**variables, "event": app.current_event.path_parameters}

    app.put("/v1/accounts/<account_id>/plan")(named)
    app.delete("/v1/accounts/<account_id>/plan/<plan_id>")(named)
    return app


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("name", TEXTS)
def test_any_text_in_a_path_reaches_the_function(name: str, front: tuple[str, str]) -> None:
    for spelled in (name, quote(name, safe="")):
        raw = f"{front[0]}/v1/accounts/{spelled}/plan"
        event = event_of("PUT /v1/accounts/{accountId}/plan", {"accountId": name}, raw, front[1])
        assert ask(plans(), event) == (200, {"account_id": name, "event": {"accountId": name}})


@pytest.mark.parametrize(
    "model_id", ["m", "a/b", "/a", "a/", "a//b", "claude@2024", "..", "a:b", "x/tiers/y/availability"]
)
def test_id_that_is_still_encoded_is_decoded(model_id: str) -> None:
    code = quote(model_id, safe="")
    for value, raw in ((model_id, model_id), (code, model_id), (code, code), (code, quote(code)), (model_id, code)):
        event = event_of("PUT /v1/models/{modelId}", {"modelId": value}, f"/v1/models/{raw}")
        assert ask(catalogue(), event) == (200, {"put": model_id})
        key = "PUT /v1/models/{modelId}/tiers/{tier}/availability"
        event = event_of(key, {"modelId": value, "tier": "basic"}, f"/v1/models/{raw}/tiers/basic/availability")
        assert ask(catalogue(), event) == (200, {"turned": [model_id, "basic"]})


@pytest.mark.parametrize("front", FRONTS, ids=str)
@pytest.mark.parametrize("model_id", ["a/b", "a/b/c@d:e", "/a", "a/", "//", "a//b", "a/tiers", "a/tiers/b", "tiers/a"])
def test_id_with_slashes_is_read_from_the_route_of_longer_paths(model_id: str, front: tuple[str, str]) -> None:
    first, _, others = model_id.partition("/")

    def asked(method: str, more: str = "") -> tuple[int, Any]:
        key, rest = f"{method} /v1/models/{{modelId}}/{{rest+}}", others + more
        raw = f"{front[0]}/v1/models/{model_id}{more}"
        answers = [
            ask(catalogue(), event_of(key, {"modelId": first, "rest": spelled}, raw, front[1]))
            for spelled in (rest, quote(rest, safe=""))
        ]
        assert answers[0] == answers[1]
        return answers[0]

    assert asked("PUT") == (200, {"put": model_id})
    assert asked("DELETE") == (200, {"withdrawn": model_id})
    assert asked("PUT", "/tiers/basic/availability") == (200, {"turned": [model_id, "basic"]})
    assert asked("DELETE", "/tiers/basic/availability") == (200, {"withdrawn": f"{model_id}/tiers/basic/availability"})


def test_account_and_plan_with_slashes_are_read_from_the_route_of_longer_paths() -> None:
    key = "{} /v1/accounts/{{accountId}}/{{rest+}}"
    event = event_of(key.format("PUT"), {"accountId": "team", "rest": "50%25/plan"}, "/v1/accounts/team/50%25/plan")
    assert ask(plans(), event) == (200, {"account_id": "team/50%", "event": {"accountId": "team/50%"}})
    event = event_of(key.format("DELETE"), {"accountId": "t", "rest": "a/plan/v/pro"}, "/v1/accounts/t/a/plan/v/pro")
    named = {"accountId": "t/a", "planId": "v/pro"}
    assert ask(plans(), event) == (200, {"account_id": "t/a", "plan_id": "v/pro", "event": named})
    event = event_of(key.format("PUT"), {"accountId": "team", "rest": "a/plans"}, "/v1/accounts/team/a/plans")
    assert ask(plans(), event)[0] == 404


@pytest.mark.parametrize(
    "account", ["a?b", "50%", "50%25", "%3F", "a+b", "a b", "a&b#c", "a/b", "/", "é|?", "%", "%%41"]
)
def test_account_that_is_encoded_twice_is_the_one_that_is_named(account: str) -> None:
    once = quote(account, safe="")  # what is left after the gateway has decoded the path
    path = f"/v1/accounts/{once}/plan"
    event = event_of("PUT /v1/accounts/{accountId}/plan", {"accountId": once}, path)
    assert ask(plans(), event) == (200, {"account_id": account, "event": {"accountId": account}})


@pytest.mark.parametrize("account", ["50%", "a+b", "a b", "a&b#c", "auth0|1", "%zz", "é"])
def test_account_without_a_percent_code_may_be_encoded_once(account: str) -> None:
    event = event_of(
        "PUT /v1/accounts/{accountId}/plan",
        {"accountId": account},
        f"/v1/accounts/{account}/plan",
    )
    assert ask(plans(), event) == (200, {"account_id": account, "event": {"accountId": account}})


def test_method_is_that_of_the_route_and_any_leaves_it_to_the_caller() -> None:
    event = event_of("ANY /v1/models/{modelId}", {"modelId": "m"}, "/v1/models/m")
    event["requestContext"]["http"]["method"] = "DELETE"
    assert ask(catalogue(), event) == (200, {"withdrawn": "m"})
    event["routeKey"] = "PUT /v1/models/{modelId}"
    assert ask(catalogue(), event) == (200, {"put": "m"})


@pytest.mark.parametrize(
    "key",
    [
        None,
        "",
        "$default",
        "GET",
        "PUT /v1/models",
        "PATCH /v1/models/{modelId}",
        "PUT /v2/models/{modelId}",
        "put /v1/x",
    ],
)
def test_what_api_gateway_did_not_match_is_no_route_whatever_its_path(key: str | None) -> None:
    event = event_of(key, {"modelId": "m"}, "/v1/models/m")
    event["requestContext"]["http"]["method"] = "PUT"
    status, answer = ask(catalogue(), event)
    assert (status, answer["error"]["code"], answer["error"]["param"]) == (404, "not_found", None)


@pytest.mark.parametrize("key", [7, None, [], {}])
def test_route_key_that_is_no_text_is_no_route(key: object) -> None:
    event = {**event_of("PUT /v1/models/{modelId}", None, "/v1/models/m"), "routeKey": key}
    assert ask(catalogue(), event)[0] == 404


@pytest.mark.parametrize("variables", [None, {}, {"other": "m"}, {"modelId": ""}, {"modelId": None}])
def test_variable_that_is_not_there_is_no_route(variables: Json | None) -> None:
    assert ask(catalogue(), event_of("PUT /v1/models/{modelId}", variables, "/v1/models/m"))[0] == 404


@pytest.mark.parametrize("path", ["/v1/models", "/", "/prod/v1/models", "/a\nb"])
def test_preflight_is_answered_whatever_its_path(path: str) -> None:
    app = resolver("not_found")
    answer_preflights(app)
    event = event_of("$default", None, path, "prod")
    event["requestContext"]["http"]["method"] = "OPTIONS"
    event["headers"] = {"origin": "https://a.example", "access-control-request-method": "PUT"}
    answer = app.resolve(event, Context("r", "f", "128", "arn", 0.0))  # type: ignore[arg-type] # as far as we read it
    assert (answer["statusCode"], answer["body"]) == (204, "")


@pytest.mark.parametrize(
    ("raw", "front"),
    [
        ("/v1/things/a b", ""),
        ("/v1/things/a%20b", ""),
        ("/entitlements/v1/things/a b", "/entitlements"),
        ("/entitlements/v1/things/a%20b/", "/entitlements"),
        ("/prod/v1/things/a b", "/prod"),
        ("/v1/things/v1/things/a b", "/v1/things"),
        ("/x y/v1/things/a b", "/x%20y"),
        ("/x%20y/v1/things/a b", "/x%20y"),
        ("//evil.example/v1/things/a b", "/evil.example"),
        ("/x\r\ny/v1/things/a b", "/x%0D%0Ay"),
        ("/elsewhere", ""),
        (None, ""),
    ],
)
def test_location_has_in_front_what_the_path_that_was_asked_for_has(raw: str | None, front: str) -> None:
    app = resolver("test")
    app.post("/v1/things/<name>")(lambda name: Response(201, body=name, headers={"Location": "/v1/things/1"}))
    event = event_of("POST /v1/things/{name}", {"name": "a b"}, "")
    event["rawPath"] = raw
    answer = app.resolve(event, Context("r", "f", "128", "arn", 0.0))  # type: ignore[arg-type] # as far as we read it
    assert (answer["statusCode"], answer["headers"]["Location"]) == (201, f"{front}/v1/things/1")
