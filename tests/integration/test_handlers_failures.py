"""What the handlers show when something fails, and what they log. Rule: no inside detail out, no secret in a log."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import api_keys
from tests.support.asked import OF_BEARERS, surprising
from tests.support.handlers import (
    FUNCTION_OF_SAMPLE,
    INSIDE,
    Answer,
    Service,
    deployed_on_failing_store,
    http_sample,
    sample,
)
from tests.support.leaks import spellings
from tests.support.lines import recorded

if TYPE_CHECKING:
    from tests.support.handlers import Json

GET_ID = "sub_" + "a" * 24
READS = (
    *("get-subscription", "get-usage", "get-subscriptions", "get-history", "get-events", "get-models"),
    *("get-orders", "get-subscription-orders", "get-order"),
)
SALES = ("extend", "change", "top-up", "update", "withdraw-order")
CUSTOMERS = ("purchase", "renew", "quote", "quote-renewal", *SALES, *READS)
LOOKS = tuple(name for name in FUNCTION_OF_SAMPLE if name.startswith("look-at-"))
OPERATORS = (
    *("correct", "put-plan", "delete-plan", "get-model", "put-model", "withdraw-model", "availability"),
    *("confirm-order", "reject-order", "suspend", "resume", *LOOKS),
)
OF_KEYS = ("revoke-key-as-operator", "regenerate", "revoke-key", "cancel")
HTTP_COMMANDS = (*CUSTOMERS, *OPERATORS, *OF_KEYS)
JWT = "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhY2N0X2RlbW8ifQ.c2lnbmF0dXJl"
IDEMPOTENCY_KEY = "an-idempotency-key-of-the-log-test"
MARKER = "marker-of-a-value-that-was-sent"
pytestmark = pytest.mark.usefixtures("clock")


def assert_internal_error(answer: Answer, event: Json) -> None:
    assert (answer.status, answer.error) == (500, ("internal_error", None))
    error = answer.json["error"]
    assert error["type"] == "api_error"
    assert event["requestContext"]["requestId"] in error["message"]
    assert "schema" not in answer.body
    assert "99" not in answer.body
    assert INSIDE not in answer.body


def assert_temporary(answer: Answer) -> None:
    assert (answer.status, answer.error) == (503, ("temporarily_unavailable", None))
    assert answer.json["error"]["type"] == "service_unavailable_error"
    assert (answer.headers["Retry-After"], answer.json["retryAfter"]) == ("1", 1)


@pytest.mark.parametrize("name", ["get-subscription", "get-usage", "renew", "quote-renewal"])
def test_unreadable_subscription_is_an_internal_error_and_left_as_it_is(
    service: Service, account: str, name: str
) -> None:
    subscription_id = service.buy(account)["subscriptionId"]
    key = {"pk": {"S": subscription_id}, "sk": {"S": "subscription"}}
    service.put_version("SubscriptionsTable", key, "99")
    before = service.items()
    event = http_sample(name, account, subscription_id)
    assert_internal_error(service.answer(name, event), event)
    assert service.items() == before


def test_unreadable_place_is_an_internal_error_and_left_as_it_is(service: Service, account: str) -> None:
    service.buy(account)
    service.put_version("SubscriptionsTable", {"pk": {"S": f"account#{account}"}, "sk": {"S": "slot"}}, "99")
    before = service.items()
    event = http_sample("purchase", account, headers={"idempotency-key": "another"})
    assert_internal_error(service.answer("purchase", event), event)
    assert service.items() == before


@pytest.mark.parametrize("function", ["AuthorizeFunction", "SettleFunction"])
def test_unreadable_entitlement_is_refused_and_left_as_it_is(service: Service, account: str, function: str) -> None:
    bought = service.buy(account)
    granted = service.authorize(bought["apiKey"])
    key = {"pk": {"S": f"{bought['subscriptionId']}#1#claude-opus-4-6"}}
    service.put_version("EntitlementsTable", key, "99")
    before = service.items()
    answer = (
        service.authorize(bought["apiKey"], requestId="another")
        if function == "AuthorizeFunction"
        else service.settle(granted["authorizationId"])
    )
    assert (answer["statusCode"], answer["error"]["code"]) == (500, "internal_error")
    assert "lambda-request-1" in answer["error"]["message"]
    assert "99" not in json.dumps(answer)
    assert service.items() == before


@pytest.mark.parametrize("name", HTTP_COMMANDS)
def test_unknown_failure_shows_a_request_id_and_no_inside_detail(service: Service, account: str, name: str) -> None:
    event = http_sample(name, account, GET_ID)
    with service.sending(FUNCTION_OF_SAMPLE[name], surprising):
        assert_internal_error(service.answer(name, event), event)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "ThrottlingException"),
        (400, "ProvisionedThroughputExceededException"),
        (500, "InternalServerError"),
    ],
)
def test_busy_store_is_told_as_temporary_with_a_time_to_come_back(status: int, code: str) -> None:
    with deployed_on_failing_store(status, code) as service:
        for name in HTTP_COMMANDS:
            with service.impatient(name):
                answer = service.http(name, "acct_busy", GET_ID)
            assert_temporary(answer)
            assert INSIDE not in answer.body


def test_store_that_cannot_be_reached_is_told_as_temporary() -> None:
    with deployed_on_failing_store(500, "InternalServerError") as service:
        pass  # nothing listens at its address any more
    for name in ("purchase", "get-models"):
        with service.impatient(name):
            assert_temporary(service.http(name, "acct_away"))


def test_reset_whose_store_is_busy_tells_that_more_is_left() -> None:
    nothing = {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0}
    with deployed_on_failing_store(400, "ThrottlingException") as service, service.impatient("reset"):
        assert service.invoke("ResetFunction", sample("reset")) == {**nothing, "more": True}


@pytest.mark.parametrize("code", ["AccessDeniedException", "ResourceNotFoundException"])
def test_store_that_refuses_for_good_is_an_internal_error(code: str) -> None:
    with deployed_on_failing_store(400, code) as service:
        for name in HTTP_COMMANDS:
            event = http_sample(name, "acct_refused", GET_ID)
            with service.impatient(name):
                assert_internal_error(service.answer(name, event), event)


@pytest.mark.parametrize(
    ("failure", "code", "expected"),
    [
        ("ThrottlingException", "temporarily_unavailable", {"statusCode": 503, "retryAfter": 1}),
        ("AccessDeniedException", "internal_error", {"statusCode": 500}),
    ],
)
def test_router_is_refused_while_the_store_cannot_be_asked(
    service: Service, account: str, failure: str, code: str, expected: Json
) -> None:
    api_key = service.buy(account)["apiKey"]
    ids = {"authorize": api_key, "settle": service.authorize(api_key)["authorizationId"]}
    with deployed_on_failing_store(400, failure, service.template) as failing:
        with failing.impatient("authorize"):
            authorized = failing.authorize(ids["authorize"], requestId="another")
        with failing.impatient("settle"):
            settled = failing.settle(ids["settle"])
    assert authorized.pop("allowed") is False
    assert settled.pop("settled") is False
    for answer in (authorized, settled):
        assert answer["error"].pop("message")
        error = answer.pop("error")
        assert (error["code"], error["param"]) == (code, None)
        assert answer == expected


def everything(service: Service, account: str) -> tuple[str, str]:
    """Drive every function, its refusals and its failures; gives the API key and the authorization id it got."""
    headers = {"authorization": f"Bearer {JWT}", "idempotency-key": IDEMPOTENCY_KEY}
    http: dict[str, Any] = {"headers": headers}
    bought = service.http("purchase", account, **http).json
    subscription_id, api_key = bought["subscriptionId"], bought["apiKey"]
    body = json.loads(sample("purchase")["body"])
    for changed in ({"months": 2}, {"timezone": MARKER}, {MARKER: 1}, {"models": [{MARKER: 1}]}):
        assert service.http("purchase", account, body=json.dumps({**body, **changed}), **http).status in (400, 422)
    assert service.http("purchase", account, body=MARKER, **http).status == 400
    for name in CUSTOMERS:
        service.http(name, account, subscription_id, **http)
        service.http(name, f"{account}-other", subscription_id, **http)
    for name in OPERATORS:
        told = json.dumps({"available": True, "reason": MARKER} if name == "availability" else {MARKER: MARKER})
        service.http(name, account, **{**http, "body": told})
    nothing = sample("not-found")
    service.answer("not-found", {**nothing, "rawPath": f"/v1/{MARKER}", "body": MARKER})
    for borne in (f"Bearer {api_key}", f"bearer  {api_key[:-1]}x", api_key, f"Bearer Bearer {api_key}"):
        for name in OF_BEARERS:
            service.http(name, account, headers={"authorization": borne})
    granted = service.authorize(api_key)
    for changes in ({}, {"calls": 51}, {MARKER: 1}, {"channelTier": "basic"}, {"modelId": f"{MARKER} "}):
        service.authorize(api_key, **changes)
    service.authorize(f"Bearer {api_key}")
    records = sample("settle-batch")["Records"]
    records[0]["body"] = MARKER
    records[1]["body"] = json.dumps({"authorizationId": granted["authorizationId"], "actualUsage": 1, MARKER: 1})
    service.invoke("SettleFunction", {"Records": records})
    for _ in range(2):
        service.settle(granted["authorizationId"])
    service.invoke("ResetFunction", sample("reset"))
    for function in ("PurchaseFunction", "AuthorizeFunction", "SettleFunction", "SubscriptionsFunction", "KeyFunction"):
        with service.sending(function, surprising):
            service.http("purchase", account, **http)
            service.http("get-subscription", account, subscription_id, **http)
            service.http("get-key", account, headers={"authorization": f"Bearer {api_key}"})
            service.authorize(api_key, requestId="another")
            service.settle(granted["authorizationId"])
    for name in OF_KEYS:
        service.http(name, account, subscription_id, **http)
    return api_key, granted["authorizationId"]


def test_log_holds_no_key_hash_token_body_or_idempotency_key(service: Service, account: str) -> None:
    with recorded() as output:
        api_key, authorization_id = everything(service, account)
    written = output.getvalue()
    secrets = {api_key, api_key.removeprefix(api_keys.API_KEY_PREFIX), authorization_id, JWT, IDEMPOTENCY_KEY, MARKER}
    secrets |= {"Bearer", "dailyCallLimit", INSIDE}
    secrets |= spellings(api_keys.api_key_hash(api_key)) | spellings(hashlib.sha256(api_key.encode()).digest())
    for function in service.template.functions.values():
        secrets |= {v for n, v in function.environment.items() if n.startswith("DEPLOYMENT_KEY") and len(v) > 1}
    assert [secret for secret in secrets if secret in written] == []


def test_log_is_one_json_line_per_decision_and_names_every_command(service: Service, account: str) -> None:
    with recorded() as output:
        everything(service, account)
    lines, decided = output.lines(), output.decided()
    failed = [line for line in lines if line.get("message") == "internal_error"]
    assert len(decided) + len(failed) == len(lines)
    assert [line for line in decided if "_aws" not in line] == []
    assert {line["level"] for line in decided} == {"INFO"}
    assert {(line["level"], "LookupError" in line["failure"]) for line in failed} == {("ERROR", True)}
    commands = {line["command"] for line in decided}
    http = {"purchase", "renew", "subscriptions", "models", "quote", "catalogue", "not_found"}
    http |= {"regenerate", "cancel", "plan", "correct", "key", "extend", "change", "top_up", "update_subscription"}
    http |= {"orders", "withdraw_order", "approve", "suspend", "look"}
    assert commands == http | {"authorize", "settle", "reset", "availability"}
