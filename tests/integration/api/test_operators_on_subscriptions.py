"""Operators look at any account's subscription, stop it and let it go on; nobody else does. Each look has its line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.asked import of_hold
from tests.support.handlers import FUNCTION_OF_SAMPLE, deployed_on_failing_store, http_sample, sample
from tests.support.lines import recorded

if TYPE_CHECKING:
    from tests.support.handlers import Answer, Service

pytestmark = pytest.mark.usefixtures("clock", "few_shards")
OURS = sorted(
    n
    for n, function in FUNCTION_OF_SAMPLE.items()
    if function in {"LookFunction", "SuspendFunction", "CorrectFunction"} and n != "correct"
)
OF_ACCOUNTS = {"look-at-subscriptions", "look-at-subscriptions-slash", "look-at-orders-of-account", "look-at-plan"}
OF_NO_ACCOUNT = {"look-at-pending-orders"}
OF_NO_SUBSCRIPTION = {*OF_ACCOUNTS, *OF_NO_ACCOUNT, "look-up-key", "look-at-order", "release"}
OPERATOR = "anna"


def ask(service: Service, name: str, subscription_id: str = "sub_" + "a" * 24, **changes: Any) -> Answer:
    """What an operator is answered."""
    return service.http(name, OPERATOR, subscription_id, **changes)


def of_account(service: Service, account: str) -> Answer:
    return ask(service, "look-at-subscriptions", pathParameters={"accountId": account})


def look_up(service: Service, api_key: object) -> Answer:
    return ask(service, "look-up-key", body=json.dumps({"apiKey": api_key}))


@pytest.mark.parametrize("name", OURS)
@pytest.mark.parametrize("claims", [{}, {"scope": "orders"}, {"scope": "operators"}])
def test_everybody_else_is_forbidden_before_anything_is_looked_at(
    service: Service, account: str, name: str, claims: dict[str, str]
) -> None:
    bought = service.buy(account)
    before = service.items()
    for subscription_id in (bought["subscriptionId"], "sub_" + "a" * 24, "x"):
        event = http_sample(name, account, subscription_id, queryStringParameters={"colour": "red"})
        given = event["requestContext"]["authorizer"]["jwt"]["claims"]
        del given["scope"]
        given |= claims
        answer = service.answer(name, event)
        assert (answer.status, answer.error[0]) == (403, "forbidden")
    assert service.items() == before


@pytest.mark.parametrize("name", [n for n in OURS if n not in OF_NO_SUBSCRIPTION])
def test_unknown_subscription_is_not_found(service: Service, name: str) -> None:
    for subscription_id in ("sub_" + "a" * 24, "x"):
        answer = ask(service, name, subscription_id)
        assert (answer.status, answer.error) == (404, ("not_found", None))


@pytest.mark.parametrize("name", OURS)
def test_unknown_parameter_is_refused_by_name(service: Service, name: str) -> None:
    answer = ask(service, name, queryStringParameters={"colour": "red"})
    assert (answer.status, answer.error) == (400, ("invalid_request", "colour"))


def test_operator_sees_what_the_customer_sees_and_whose_it_is(service: Service, account: str) -> None:
    bought = service.buy(account)
    name = bought["subscriptionId"]
    seen = ask(service, "look-at-subscription", name).json
    assert (seen.pop("accountId"), seen.pop("suspension")) == (account, None)
    assert seen == service.http("get-subscription", account, name).json
    for what in ("usage", "history", "events"):
        assert ask(service, f"look-at-{what}", name).json == service.http(f"get-{what}", account, name).json


def test_operator_finds_the_subscriptions_of_an_account(service: Service, account: str) -> None:
    assert of_account(service, account).json == {"subscriptions": [], "next": None}
    bought = service.buy(account)
    found = of_account(service, account).json
    assert [s["subscriptionId"] for s in found["subscriptions"]] == [bought["subscriptionId"]]
    assert found == service.http("get-subscriptions", account).json
    assert of_account(service, "a" * 256).error == ("invalid_request", "accountId")


def test_operator_sees_the_orders_of_any_account(service: Service, account: str) -> None:
    name = service.buy(account)["subscriptionId"]
    listed = ask(service, "look-at-orders", name).json
    (order,) = listed["orders"]
    assert (order["kind"], order["subscriptionId"], listed["next"]) == ("purchase", name, None)
    of_account = ask(service, "look-at-orders-of-account", pathParameters={"accountId": account})
    assert of_account.json == listed
    assert ask(service, "look-at-order", pathParameters={"orderId": order["orderId"]}).json == order
    nobodys = ask(service, "look-at-orders-of-account", pathParameters={"accountId": f"{account}-other"})
    assert nobodys.json == {"orders": [], "next": None}
    for order_id in ("ord_" + "a" * 32, "x"):
        answer = ask(service, "look-at-order", pathParameters={"orderId": order_id})
        assert (answer.status, answer.error) == (404, ("not_found", None))


def test_plan_is_shown_while_it_holds_the_place(service: Service, account: str, clock: Any) -> None:
    def plan(of: str = account) -> Any:
        return ask(service, "look-at-plan", pathParameters={"accountId": of}).json

    def tell(name: str, **changes: Any) -> None:
        assert ask(service, name, **changes).status in {200, 204}

    none = {"planSubscription": None}
    assert plan() == none
    bought = service.buy(account)
    assert plan() == none  # the place is taken, and not by a plan
    service.http("cancel", account, bought["subscriptionId"])
    body = {"planId": "gold", "expiresAt": "2026-11-23T01:00:00Z"}
    tell("put-plan", pathParameters={"accountId": account}, body=json.dumps(body))
    assert plan() == {"planSubscription": {**body, "asOf": None}}
    body["asOf"] = "2026-11-22T00:00:00Z"
    tell("put-plan", pathParameters={"accountId": account}, body=json.dumps(body))
    assert plan() == {"planSubscription": body}
    assert plan(f"{account}-other") == none
    clock.advance(3_600_000 - 1)
    assert plan() == {"planSubscription": body}
    clock.advance(1)
    assert plan() == none  # over by the clock alone: nothing has been written
    body["expiresAt"] = "2026-11-24T00:00:00Z"
    tell("put-plan", pathParameters={"accountId": account}, body=json.dumps(body))
    assert plan() == {"planSubscription": body}
    tell("delete-plan", pathParameters={"accountId": account, "planId": "gold"})
    assert plan() == none
    for name in ("a" * 256, "\ufffd"):
        refused = ask(service, "look-at-plan", pathParameters={"accountId": name})
        assert (refused.status, refused.error) == (400, ("invalid_request", "accountId"))


def test_plan_is_read_strongly_consistent_and_with_one_read(service: Service, account: str) -> None:
    asked: list[Any] = []
    send = service.module("LookFunction").deps.send

    def keeping(operation: str, request: Any) -> Any:
        asked.append((operation, request.get("ConsistentRead")))
        return send(operation, request)

    with service.sending("LookFunction", keeping):
        ask(service, "look-at-plan", pathParameters={"accountId": account})
    assert asked == [("GetItem", True)]


def test_open_holds_are_shown_until_they_are_settled_or_expire(service: Service, account: str, clock: Any) -> None:
    bought = service.buy(account)
    name = bought["subscriptionId"]
    grants = [service.authorize(bought["apiKey"], requestId=f"r-{n}", holdSeconds=60 * (2 - n)) for n in range(2)]
    found = ask(service, "look-at-holds", name).json
    assert (found["subscriptionId"], found["accountId"]) == (name, account)
    first = next(m for m in found["models"] if m["modelId"] == grants[0]["modelId"])
    assert [h["holdExpiresAt"] for h in first["holds"]] == [g["holdExpiresAt"] for g in reversed(grants)]
    assert [h["authorizationId"] for h in first["holds"]] == [g["authorizationId"] for g in reversed(grants)]
    assert set(first["holds"][0]) == {"authorizationId", "authorizedAt", "holdExpiresAt", "heldUsage", "heldCalls"}
    assert (first["openHolds"], first["heldUsage"]) == (2, sum(g["heldUsage"] for g in grants))
    assert [m["holds"] for m in found["models"] if m is not first] == [[]]
    service.settle(grants[0]["authorizationId"])
    clock.advance(60_000)
    models = ask(service, "look-at-holds", name).json["models"]
    assert [(m["openHolds"], m["heldUsage"], m["holds"]) for m in models] == [(0, 0, [])] * 2


def test_key_is_found_with_whose_it_is_and_whether_it_is_current(service: Service, account: str) -> None:
    bought = service.buy(account)
    name = bought["subscriptionId"]
    whose = {"subscriptionId": name, "accountId": account, "status": "active", "term": 1}
    assert look_up(service, bought["apiKey"]).json == {**whose, "current": True}
    new = service.http("regenerate", account, name).json["apiKey"]
    assert look_up(service, bought["apiKey"]).json == {**whose, "current": False}
    assert look_up(service, new).json == {**whose, "current": True}
    assert service.http("revoke-key", account, name).status == 204
    assert look_up(service, new).json == {**whose, "current": False}
    service.http("cancel", account, name)
    assert look_up(service, new).json == {**whose, "status": "cancelled", "current": False}


def test_forged_key_is_not_found_and_what_is_no_text_is_refused(service: Service, account: str) -> None:
    key = service.buy(account)["apiKey"]
    forged = key[:-1] + ("A" if key[-1] != "A" else "B")
    for text in ("", "x", forged, f"Bearer {key}", key + "\n", key.upper(), "sk-custom-" + "A" * 60):
        answer = look_up(service, text)
        assert (answer.status, answer.error) == (404, ("not_found", None))
    for value in (None, 1, [key], {"key": key}):
        answer = look_up(service, value)
        assert (answer.status, answer.error) == (400, ("invalid_request", "apiKey"))
        assert key not in answer.body
    answer = ask(service, "look-up-key", body=json.dumps({"apiKey": key, "colour": 1}))
    assert (answer.status, answer.error) == (400, ("invalid_request", "colour"))


def test_store_that_is_busy_is_told_as_temporary(service: Service, account: str) -> None:
    key = service.buy(account)["apiKey"]
    with deployed_on_failing_store(400, "ThrottlingException", service.template) as busy, busy.impatient("look-up-key"):
        refused = [look_up(busy, key), ask(busy, "look-at-plan")]
    for answer in refused:
        told = (answer.status, answer.error, answer.headers["Retry-After"])
        assert told == (503, ("temporarily_unavailable", None), "1")


def test_each_look_leaves_a_line_with_who_looked_at_what_and_no_key(service: Service, account: str) -> None:
    bought = service.buy(account)
    name, key = bought["subscriptionId"], bought["apiKey"]
    for sample_name in sorted(set(OURS) - {"look-at-subscriptions-slash", *OF_NO_ACCOUNT}):
        changes: dict[str, Any] = {}
        if sample_name in OF_ACCOUNTS:
            changes["pathParameters"] = {"accountId": account}
        if sample_name == "look-at-order":
            (order,) = ask(service, "look-at-orders", name).json["orders"]
            changes["pathParameters"] = {"orderId": order["orderId"]}
        if sample_name == "release":
            changes["pathParameters"] = of_hold(name, service.authorize(key))
        if sample_name == "look-up-key":
            changes["body"] = json.dumps({"apiKey": key})
        with recorded() as lines:
            assert ask(service, sample_name, name, **changes).status in {200, 204}
        line = lines.only()
        assert (line["operatorId"], line["accountId"]) == (OPERATOR, account)
        if sample_name not in OF_ACCOUNTS:
            assert line["subscriptionId"] == name
        text = json.dumps(line)
        assert key not in text
        assert key[-4:] not in text.replace(name, "")


def test_forged_key_stands_in_no_line(service: Service) -> None:
    forged = "sk-custom-" + "Z" * 60
    with recorded() as lines:
        look_up(service, forged)
    assert forged not in lines.getvalue()
    assert "Z" * 8 not in lines.getvalue()


def test_suspended_one_is_shown_with_who_and_why_and_resumed_again(service: Service, account: str) -> None:
    bought = service.buy(account)
    name, key = bought["subscriptionId"], bought["apiKey"]
    reason = json.loads(sample("suspend")["body"])["reason"]
    suspended = ask(service, "suspend", name)
    assert (suspended.status, suspended.json["status"]) == (200, "suspended")
    assert suspended.json["suspension"]["operatorId"] == OPERATOR
    assert suspended.json["suspension"]["reason"] == reason
    assert service.http("get-subscription", account, name).json["status"] == "suspended"
    assert service.authorize(key)["error"]["code"] == "subscription_suspended"
    resumed = ask(service, "resume", name)
    assert (resumed.status, resumed.json["status"], resumed.json["suspension"]) == (200, "active", None)
    assert service.authorize(key)["allowed"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "reason"),
        ({"reason": ""}, "reason"),
        ({"reason": "r" * 501}, "reason"),
        ({"reason": None}, "reason"),
        ({"reason": 5}, "reason"),
        ({"reason": "abuse", "until": "2027-01-01T00:00:00Z"}, "until"),
    ],
)
def test_reason_is_required_and_nothing_beside_it_is_taken(
    service: Service, account: str, body: Any, param: str
) -> None:
    name = service.buy(account)["subscriptionId"]
    answer = ask(service, "suspend", name, body=json.dumps(body))
    assert (answer.status, answer.error) == (400, ("invalid_request", param))
    assert ask(service, "look-at-subscription", name).json["status"] == "active"


def test_operator_revokes_the_key_of_any_account_and_a_customer_his_own_alone(service: Service, account: str) -> None:
    bought = service.buy(account)
    name = bought["subscriptionId"]
    other = service.http("revoke-key", f"{account}-other", name)
    assert (other.status, other.error) == (404, ("not_found", None))
    assert service.authorize(bought["apiKey"])["allowed"]
    revoked = ask(service, "revoke-key-as-operator", name)
    assert (revoked.status, revoked.body) == (204, "")
    assert service.authorize(bought["apiKey"])["error"]["code"] == "invalid_api_key"
    assert service.http("get-subscription", account, name).json["apiKeyMasked"] is None
    new = service.http("regenerate", account, name).json["apiKey"]
    assert service.http("revoke-key", account, name).status == 204
    assert service.authorize(new)["error"]["code"] == "invalid_api_key"


def test_call_without_a_body_takes_none(service: Service, account: str) -> None:
    name = service.buy(account)["subscriptionId"]
    for sample_name in ("resume", "revoke-key-as-operator", "revoke-key"):
        who = account if sample_name == "revoke-key" else OPERATOR
        headers = {"content-type": "application/json"}
        answer = service.http(sample_name, who, name, headers=headers, body='{"reason": "x"}')
        assert (answer.status, answer.error) == (400, ("invalid_request", "reason"))
        assert service.http(sample_name, who, name, headers=headers, body="{}").status in {200, 204}


def test_operators_token_changes_nothing_of_others_by_a_customers_call(service: Service, account: str) -> None:
    name = service.buy(account)["subscriptionId"]
    before = service.items()
    for sample_name in ("regenerate", "revoke-key", "cancel", "renew"):
        event = http_sample(sample_name, OPERATOR, name)
        event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] = "operator"
        answer = service.answer(sample_name, event)
        assert (answer.status, answer.error) == (404, ("not_found", None))
    assert service.items() == before


def test_given_back_calls_are_booked_by_the_handler(service: Service, account: str) -> None:
    bought = service.buy(account)
    granted = service.authorize(bought["apiKey"])
    body = {"modelId": granted["modelId"], "calls": -1, "reason": "the upstream failed"}
    answer = ask(service, "correct", bought["subscriptionId"], body=json.dumps(body))
    assert (answer.status, answer.json["calls"], answer.json["units"]) == (200, -1, 0)
    assert answer.json["daily"]["used"] == granted["daily"]["used"] - 1
