"""`DELETE …/holds/{authorizationId}` as it is deployed: every answer that the document lists, and what is logged."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.asked import FORGED, of_hold, surprising
from tests.support.handlers import INSIDE, deployed_on_failing_store, http_sample
from tests.support.lines import recorded

if TYPE_CHECKING:
    from tests.support.handlers import Answer, Json, Service

pytestmark = pytest.mark.usefixtures("clock", "few_shards")
OPERATOR = "anna"


def release(service: Service, subscription_id: str, granted: Json, **changes: Any) -> Answer:
    changes.setdefault("pathParameters", of_hold(subscription_id, granted))
    return service.http("release", OPERATOR, subscription_id, **changes)


def held(service: Service, subscription_id: str) -> list[str]:
    """The ids of what is held, as operators see them."""
    found = service.http("look-at-holds", OPERATOR, subscription_id).json
    return [hold["authorizationId"] for of_model in found["models"] for hold in of_model["holds"]]


def test_hold_is_released_by_the_id_that_it_is_shown_with(service: Service, account: str) -> None:
    bought = service.buy(account)
    name = bought["subscriptionId"]
    granted = service.authorize(bought["apiKey"])
    (shown,) = held(service, name)
    for _ in range(2):
        answer = release(service, name, {"authorizationId": shown})
        assert (answer.status, answer.body) == (204, "")
        assert held(service, name) == []
    usage = service.http("get-usage", account, name).json
    monthly = next(m["monthly"] for m in usage["models"] if m["modelId"] == granted["modelId"])
    assert (monthly["held"], monthly["remaining"]) == (0, monthly["limit"])
    assert service.settle(granted["authorizationId"])["late"] is True
    assert release(service, name, granted).status == 204
    told = service.http("get-events", account, name).json["events"][0]
    assert (told["type"], told["data"]["operatorId"]) == ("hold.released", OPERATOR)
    assert (told["data"]["units"], told["data"]["calls"]) == (granted["heldUsage"], 1)


def test_hold_that_has_gone_on_is_shown_with_its_newest_id(service: Service, account: str) -> None:
    bought = service.buy(account)
    key, name = bought["apiKey"], bought["subscriptionId"]
    granted = service.authorize(key)
    more = {"continue": {"apiKey": key, "estimatedUsage": 9, "calls": 1}, "calls": 1, "servedTier": None}
    went_on = service.settle(granted["authorizationId"], **more)
    assert held(service, name) == [went_on["authorizationId"]] != [granted["authorizationId"]]
    assert release(service, name, granted).status == 204
    assert held(service, name) == []


def test_what_was_never_issued_or_is_of_another_subscription_is_not_found(service: Service, account: str) -> None:
    bought, other = service.buy(account), service.buy(f"{account}-other")
    foreign = service.authorize(other["apiKey"])
    asked = [(bought, FORGED), (bought, "x"), (bought, "a/b"), (bought, foreign["authorizationId"])]
    for of, authorization_id in asked:
        answer = release(service, of["subscriptionId"], {"authorizationId": authorization_id})
        assert (answer.status, answer.error) == (404, ("authorization_not_found", "authorizationId"))
    assert release(service, "sub_" + "a" * 24, foreign).status == 404
    assert held(service, other["subscriptionId"]) == [foreign["authorizationId"]]


def test_customer_is_forbidden_and_his_hold_stays(service: Service, account: str) -> None:
    bought = service.buy(account)
    name, granted = bought["subscriptionId"], service.authorize(bought["apiKey"])
    event = http_sample("release", account, name, pathParameters=of_hold(name, granted))
    del event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"]
    answer = service.answer("release", event)
    assert (answer.status, answer.error[0]) == (403, "forbidden")
    refused = {**event, "routeKey": "$default"}
    assert service.answer("not-found", refused).status in {403, 404}
    assert held(service, name) == [granted["authorizationId"]]


def test_body_and_parameters_are_refused_by_name(service: Service, account: str) -> None:
    bought = service.buy(account)
    name, granted = bought["subscriptionId"], service.authorize(bought["apiKey"])
    headers = {"content-type": "application/json"}
    refused = release(service, name, granted, headers=headers, body='{"reason": "x"}')
    assert (refused.status, refused.error) == (400, ("invalid_request", "reason"))
    refused = release(service, name, granted, queryStringParameters={"colour": "red"})
    assert (refused.status, refused.error) == (400, ("invalid_request", "colour"))
    assert held(service, name) == [granted["authorizationId"]]
    assert release(service, name, granted, headers=headers, body="{}").status == 204


def test_operator_whose_token_names_nobody_releases_nothing(service: Service, account: str) -> None:
    bought = service.buy(account)
    name, granted = bought["subscriptionId"], service.authorize(bought["apiKey"])
    event = http_sample("release", OPERATOR, name, pathParameters=of_hold(name, granted))
    del event["requestContext"]["authorizer"]["jwt"]["claims"]["sub"]
    answer = service.answer("release", event)
    assert (answer.status, answer.error) == (400, ("invalid_request", "sub"))
    assert held(service, name) == [granted["authorizationId"]]


def test_store_that_is_busy_is_told_as_temporary(service: Service, account: str) -> None:
    bought = service.buy(account)
    granted = service.authorize(bought["apiKey"])
    with deployed_on_failing_store(400, "ThrottlingException", service.template) as busy, busy.impatient("release"):
        answer = release(busy, bought["subscriptionId"], granted)
    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (503, ("temporarily_unavailable", None), "1")


def test_failure_of_ours_shows_and_logs_no_id(service: Service, account: str) -> None:
    bought = service.buy(account)
    granted = service.authorize(bought["apiKey"])
    with recorded() as lines, service.sending("CorrectFunction", surprising):
        answer = release(service, bought["subscriptionId"], granted)
    assert (answer.status, answer.error) == (500, ("internal_error", None))
    assert INSIDE not in answer.body + lines.getvalue()
    assert granted["authorizationId"] not in answer.body + lines.getvalue()


def test_line_names_the_command_and_whom_it_concerns_and_no_id(service: Service, account: str) -> None:
    bought = service.buy(account)
    granted = service.authorize(bought["apiKey"])
    with recorded() as lines:
        release(service, bought["subscriptionId"], granted)
    line = lines.only()
    assert (line["command"], line["decision"]) == ("release", "ok")
    assert (line["operatorId"], line["accountId"]) == (OPERATOR, account)
    assert (line["subscriptionId"], line["modelId"]) == (bought["subscriptionId"], granted["modelId"])
    assert granted["authorizationId"] not in json.dumps(line)
