"""The operators' handlers as deployed: the scope is asked first, and answers have their published form."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.handlers import Answer, Service, http_sample, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.handlers import Json

OPERATOR_SAMPLES = ("get-model", "put-model", "withdraw-model", "availability")
pytestmark = pytest.mark.usefixtures("clock")


def ask(service: Service, name: str, scope: str | None = "operator", **changes: Any) -> Answer:
    """The answer to an operator's sample event; `path` are other values of its variables."""
    path = changes.pop("path", {})
    event = http_sample(name, "operator", **changes)
    for variable, value in path.items():
        for part, field in ((event, "rawPath"), (event["requestContext"]["http"], "path")):
            part[field] = part[field].replace(event["pathParameters"][variable], value)
        event["pathParameters"][variable] = value
    claims = event["requestContext"]["authorizer"]["jwt"]["claims"]
    del claims["scope"]
    if scope is not None:
        claims["scope"] = scope
    return service.answer(name, event)


@pytest.fixture(autouse=True)
def as_it_was(service: Service) -> Iterator[None]:
    """Leave the catalogue of the module, what is down and what was told of them, as they were found."""
    before = service.items()
    yield
    after = service.items()
    for name in ("CatalogueTable", "TiersTable", "EventsTable"):
        table = service.tables[name]
        for item in after[name]:
            service.dynamodb.delete_item(TableName=table, Key={"pk": item["pk"], "sk": item["sk"]})
        for item in before[name]:
            service.dynamodb.put_item(TableName=table, Item=item)


@pytest.mark.parametrize("scope", [None, "", "customer", "operators", "Operator", "customer,operator"])
@pytest.mark.parametrize("name", OPERATOR_SAMPLES)
def test_token_without_the_scope_is_refused_before_anything_else_is_looked_at(
    service: Service, name: str, scope: str | None
) -> None:
    before = service.items()
    for changes in ({}, {"body": "{"}, {"path": {"modelId": "é"}}):
        answer = ask(service, name, scope, **changes)
        assert (answer.status, answer.error) == (403, ("forbidden", None))
        assert answer.json["error"]["type"] == "permission_error"
    assert service.items() == before


@pytest.mark.parametrize("scope", ["operator", "customer operator", "[customer operator]"])
def test_scope_may_be_one_of_several(service: Service, scope: str) -> None:
    assert ask(service, "put-model", scope).status == 200


def test_model_put_is_answered_as_the_catalogue_shows_it(service: Service) -> None:
    answer = ask(service, "put-model")
    assert (answer.status, set(answer.headers)) == (200, {"Content-Type", "ETag"})
    listed = service.models()
    assert answer.json in listed
    assert ask(service, "put-model", body=json.dumps(answer.json)).json == answer.json


def test_model_is_shown_to_operators_with_the_tag_that_a_put_answers(service: Service) -> None:
    put = ask(service, "put-model")
    shown = ask(service, "get-model")
    assert (shown.status, shown.body, shown.headers) == (200, put.body, put.headers)
    assert ask(service, "withdraw-model").status == 204
    gone = ask(service, "get-model")
    assert (gone.status, gone.json) == (200, {**put.json, "withdrawn": True})
    assert gone.headers["ETag"] != put.headers["ETag"]
    missing = ask(service, "get-model", path={"modelId": "m-none"})
    assert (missing.status, missing.error) == (404, ("not_found", None))
    odd = ask(service, "get-model", queryStringParameters={"colour": "red"})
    assert (odd.status, odd.error) == (400, ("invalid_request", "colour"))


@pytest.mark.parametrize("name", ["put-model", "withdraw-model"])
def test_model_is_changed_only_if_it_is_as_the_header_demands(service: Service, name: str) -> None:
    tag = ask(service, "put-model").headers["ETag"]
    before = service.items()
    for header, value in (
        *(("if-match", '"another"'), ("if-match", f"W/{tag}"), ("if-none-match", "*")),
        *(("if-none-match", f'"x", {tag}'), ("if-none-match", f"W/{tag}")),
    ):
        answer = ask(service, name, headers={header: value})
        assert (answer.status, answer.error[0]) == (412, "precondition_failed")
        assert (answer.error[1] or "").lower() == header
    for header in ("if-match", "if-none-match"):
        answer = ask(service, name, headers={header: "another"})
        assert (answer.status, answer.error[0], (answer.error[1] or "").lower()) == (400, "invalid_request", header)
    assert service.items() == before
    assert ask(service, name, headers={"if-match": f'"x", {tag}'}).status in (200, 204)


def test_large_change_of_a_price_is_refused_by_name_until_it_is_confirmed(service: Service) -> None:
    body = ask(service, "put-model").json
    body["tiers"][1]["price"]["base"] = "99999"
    before = service.items()
    answer = ask(service, "put-model", body=json.dumps(body))
    assert (answer.status, answer.error) == (409, ("confirmation_required", "tiers[1].price.base"))
    assert service.items() == before
    for wrong in ("yes", 1, [True]):
        answer = ask(service, "put-model", body=json.dumps({**body, "confirm": wrong}))
        assert (answer.status, answer.error) == (400, ("invalid_request", "confirm"))
    answer = ask(service, "put-model", body=json.dumps({**body, "confirm": True}))
    assert (answer.status, answer.json) == (200, body)


def test_event_of_a_change_names_the_operator_by_the_token(service: Service) -> None:
    body = ask(service, "put-model").json
    body["limits"]["dailyCallLimit"]["max"] = 7
    ask(service, "put-model", body=json.dumps(body))
    event = http_sample("withdraw-model", "operator")
    del event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    assert service.answer("withdraw-model", event).status == 204
    rows = [e for e in service.items()["EventsTable"] if e["type"]["S"] == "model.changed"]
    last, before = sorted((json.loads(r["data"]["S"]) for r in rows[-2:]), key=lambda d: d["new"] is not None)
    assert (before["new"]["limits"]["dailyCallLimit"]["max"], before["operatorId"]) == (7, "operator")
    assert (last["old"], last["new"], last["operatorId"]) == (before["new"], None, None)


def test_model_that_cannot_be_read_is_shown_as_such_replaced_and_spoils_no_other(service: Service) -> None:
    ask(service, "put-model")
    key = {"pk": {"S": "catalogue"}, "sk": {"S": "model#veo-3"}}
    service.put_version("CatalogueTable", key, "99")
    listed = service.models()
    assert [m["modelId"] for m in listed] == ["claude-opus-4-6", "nano-banana-2"]
    shown = ask(service, "get-model")
    assert (shown.status, shown.json) == (200, {"modelId": "veo-3", "kind": "video", "unreadable": True})
    put = ask(service, "put-model", headers={"if-match": shown.headers["ETag"]})
    assert put.status == 200
    assert put.json in service.models()


def test_model_withdrawn_is_answered_with_nothing_and_shown_no_longer(service: Service) -> None:
    for _ in range(2):
        answer = ask(service, "withdraw-model")
        assert (answer.status, answer.body) == (204, "")
    listed = service.models()
    assert [m["modelId"] for m in listed] == ["claude-opus-4-6", "nano-banana-2"]
    assert ask(service, "withdraw-model", path={"modelId": "m-none"}).status == 204


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"path": {"modelId": "another"}}, "modelId"),
        ({"path": {"modelId": "a b"}}, "modelId"),
        ({"body": "[]"}, None),
        ({"body": "{}"}, "kind"),
        ({"body": '{"kind": "video", "kind": "text"}'}, "kind"),
        ({"headers": {"content-type": "text/plain"}}, "Content-Type"),
    ],
    ids=str,
)
def test_model_that_is_malformed_is_refused(service: Service, changes: Json, param: str | None) -> None:
    before = service.items()
    answer = ask(service, "put-model", **changes)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))
    assert service.items() == before


def test_tier_taken_down_is_shown_so_and_an_event_tells_why(service: Service) -> None:
    answer = ask(service, "availability")
    body = json.loads(sample("availability")["body"])
    assert answer.status == 200
    assert answer.json == {"modelId": "claude-opus-4-6", "channelTier": "stable", **body}
    tiers = service.models()[0]["tiers"]
    assert [t["channelTier"] for t in tiers if not t["available"]] == ["stable"]
    (event,) = (e for e in service.items()["EventsTable"] if e["type"]["S"] == "tier.down")
    assert json.loads(event["data"]["S"])["reason"] == body["reason"]
    back = ask(service, "availability", body='{"available": true}')
    assert (back.status, back.json["available"], back.json["reason"]) == (200, True, None)


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"path": {"modelId": "m-none"}}, 404, ("not_found", None)),
        ({"path": {"tier": "gold"}}, 400, ("invalid_request", "tier")),
        ({"path": {"modelId": "veo-3", "tier": "basic"}}, 400, ("tier_not_offered", "tier")),
        ({"body": '{"available": false}'}, 400, ("invalid_request", "reason")),
        ({"body": ""}, 400, ("invalid_request", None)),
    ],
    ids=str,
)
def test_tier_that_cannot_be_turned_is_refused(
    service: Service, changes: Json, status: int, error: tuple[str, str | None]
) -> None:
    before = service.items()
    answer = ask(service, "availability", **changes)
    assert (answer.status, answer.error) == (status, error)
    assert service.items() == before


def test_quote_is_answered_in_its_form(service: Service, account: str) -> None:
    answer = service.http("quote", account)
    assert (answer.status, answer.headers) == (200, {"Content-Type": "application/json"})
    assert answer.json == {
        "currency": "USD",
        "lines": [
            {"modelId": "claude-opus-4-6", "channelTier": "stable", "monthly": "29.00", "total": "29.00"},
            {"modelId": "nano-banana-2", "channelTier": "basic", "monthly": "7.20", "total": "7.20"},
        ],
        "monthlyTotal": "36.20",
        "months": 1,
        "total": "36.20",
    }


@pytest.mark.parametrize(
    ("model", "code", "param"),
    [
        ({"modelId": "veo-3", "channelTier": "basic"}, "tier_not_offered", "channelTier"),
        ({"modelId": "veo-3", "dailyCallLimit": 201}, "invalid_request", "dailyCallLimit"),
        ({"modelId": "veo-3", "monthlyTokenCap": 9}, "invalid_request", "monthlyTokenCap"),
        ({"modelId": "m-none"}, "unknown_model", "modelId"),
        ({"dailyCallLimit": 0}, "invalid_request", "dailyCallLimit"),
    ],
    ids=str,
)
def test_quote_is_refused_as_the_purchase_is(
    service: Service, account: str, model: Json, code: str, param: str
) -> None:
    wanted = {**json.loads(sample("quote")["body"])["models"][0], "monthlyTokenCap": 100, **model}
    for name in ("quote", "purchase"):
        answer = service.http(name, account, body=json.dumps({"models": [wanted]}))
        assert (answer.status, answer.error) == (400, (code, f"models[0].{param}"))
