"""The calls by which another system tells of its plans: their answers and headers, and what is refused by name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import pytest

from tests.support.handlers import http_sample, sample

if TYPE_CHECKING:
    from tests.support.handlers import Answer, Service

pytestmark = pytest.mark.usefixtures("clock")
EXPIRES = "2026-12-24T00:00:00Z"


def put(service: Service, account: str, **body: Any) -> Answer:
    event = http_sample("put-plan", "acct_operator", pathParameters={"accountId": account})
    event["body"] = json.dumps({"planId": "gold", "expiresAt": EXPIRES, **body})
    return service.answer("put-plan", event)


def delete(service: Service, account: str, plan_id: str = "gold", query: str = "", **changes: Any) -> Answer:
    event = http_sample("delete-plan", "acct_operator", **changes)
    event["pathParameters"] = {"accountId": account, "planId": plan_id}
    if query:
        event |= {"rawQueryString": query, "queryStringParameters": dict(parse_qsl(query, keep_blank_values=True))}
    return service.answer("delete-plan", event)


def test_plan_is_shown_with_the_instant_that_its_news_is_from(service: Service, account: str) -> None:
    shown = {"accountId": account, "planId": "gold", "expiresAt": EXPIRES, "applied": True}
    assert put(service, account).json == {**shown, "asOf": None}
    answer = put(service, account, asOf="2026-11-22T01:00:00+01:00")
    assert (answer.status, answer.json) == (200, {**shown, "asOf": "2026-11-22T00:00:00Z"})
    assert "Modelpass-Held-By" not in answer.headers


def test_older_news_is_answered_with_what_is_known_and_with_what_holds_the_place(
    service: Service, account: str
) -> None:
    known = put(service, account, asOf="2026-11-22T00:00:00Z").json
    late = put(service, account, planId="silver", asOf="2026-11-21T00:00:00Z")
    assert (late.status, late.json) == (200, {**known, "applied": False})
    assert late.headers["Modelpass-Held-By"] == "gold"
    ended = delete(service, account, query="asOf=2026-11-21T00:00:00Z")
    assert (ended.status, ended.body, ended.headers["Modelpass-Held-By"]) == (204, "", "gold")


def test_end_of_a_plan_names_what_holds_the_place_only_where_something_does(service: Service, account: str) -> None:
    assert "Modelpass-Held-By" not in delete(service, account).headers
    put(service, account)
    assert delete(service, account, "silver").headers["Modelpass-Held-By"] == "gold"
    assert "Modelpass-Held-By" not in delete(service, account).headers
    bought = service.buy(account)
    assert delete(service, account).headers["Modelpass-Held-By"] == bought["subscriptionId"]


@pytest.mark.parametrize("sent", ["2026-11-22T01:00:00+01:00", "2026-11-22T01:00:00%2B01:00", "2026-11-22T00:00:00Z"])
def test_instant_in_a_query_may_have_an_offset_whether_or_not_its_sign_was_escaped(
    service: Service, account: str, sent: str
) -> None:
    put(service, account, asOf="2026-11-22T00:00:00Z")
    ended = delete(service, account, query=f"asOf={sent}")
    assert (ended.status, "Modelpass-Held-By" in ended.headers) == (204, False)
    assert put(service, account, asOf="2026-11-21T23:59:59.999Z").json["asOf"] == "2026-11-22T00:00:00Z"


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("2026-11-22t00:00:00.123456789z", "2026-11-22T00:00:00.123Z"),
        ("2026-11-22T05:30:00.0009+05:30", "2026-11-22T00:00:00Z"),
        ("2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"),
        ("0001-01-01T00:00:00-00:00", "0001-01-01T00:00:00Z"),
    ],
)
def test_instant_is_taken_in_every_form_in_the_body_and_in_the_query(
    service: Service, account: str, sent: str, told: str
) -> None:
    answer = put(service, account, asOf=sent)
    assert (answer.status, answer.json["asOf"]) == (200, told)
    assert delete(service, account, query=f"asOf={sent}").status == 204


def test_end_of_a_plan_is_taken_in_every_form(service: Service, account: str) -> None:
    answer = put(service, account, expiresAt="2026-12-24t05:30:00.000999999+05:30")
    assert (answer.status, answer.json["expiresAt"]) == (200, "2026-12-24T00:00:00Z")


@pytest.mark.parametrize(
    "as_of",
    [
        "",
        "yesterday",
        "2026-11-22",
        "2026-11-22T00:00:00",
        "2026-11-22%2000:00:00Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T00:00:60Z",
        "0001-01-01T00:00:00+23:59",
        "1795392000000",
    ],
)
def test_text_that_names_no_instant_is_refused_by_name(service: Service, account: str, as_of: str) -> None:
    before = service.items()
    for answer in (put(service, account, asOf=as_of), delete(service, account, query=f"asOf={as_of}")):
        assert (answer.status, answer.error) == (400, ("invalid_request", "asOf"))
    assert service.items() == before


def test_number_is_no_instant(service: Service, account: str) -> None:
    answer = put(service, account, asOf=1_795_392_000_000)
    assert (answer.status, answer.error) == (400, ("invalid_request", "asOf"))


def test_instant_of_the_future_is_refused_by_name(service: Service, account: str) -> None:
    before = service.items()
    later = "2026-11-23T00:05:00.001Z"
    for answer in (put(service, account, asOf=later), delete(service, account, query=f"asOf={later}")):
        assert (answer.status, answer.error) == (400, ("invalid_request", "asOf"))
    assert service.items() == before


@pytest.mark.parametrize("plan_id", ["a b", "é", "x" * 200, "a#b", "\n"])
def test_plan_that_cannot_be_one_is_refused_by_name(service: Service, account: str, plan_id: str) -> None:
    answer = delete(service, account, plan_id)
    assert (answer.status, answer.error) == (400, ("invalid_request", "planId"))


def test_route_that_ended_whatever_plan_there_was_is_gone(service: Service, account: str) -> None:
    path = f"/v1/accounts/{account}/plan-subscription"
    event = {**sample("not-found"), "rawPath": path}
    event["requestContext"]["http"] |= {"method": "DELETE", "path": path}
    assert (service.answer("not-found", event).status) == 404
    assert f"DELETE {path}".replace(account, "{accountId}") not in {route.key for route in service.template.routes}
