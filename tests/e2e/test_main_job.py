"""The main job from outside: buy, look, authorize, settle. Rule: only what a caller of the running stack can see."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local import token
from tests.support.concurrency import at_once
from tests.support.stack import IMAGE_MODEL, PURCHASE_BODY, TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

    NewAccount = Callable[[], str]

MANY = 64


def test_the_example_is_bought_as_written(stack: Stack, new_account: NewAccount) -> None:
    stack.move_clock(advanceSeconds=0)
    now = datetime.fromisoformat(stack.now())
    answer = stack.api("POST", "/v1/subscriptions", new_account(), PURCHASE_BODY)
    bought = answer.json
    assert answer.status == 201
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["location"] == f"/v1/subscriptions/{bought['subscriptionId']}"
    assert list(bought) == [
        *("subscriptionId", "status", "term", "apiKey", "apiKeyMasked"),
        *("startsAt", "expiresAt", "timezone", "autoRenew", "autoRenewMonths", "label"),
        *("models", "pendingChange", "price", "order"),
    ]
    assert bought["subscriptionId"].startswith("sub_")
    assert (bought["status"], bought["term"], bought["timezone"]) == ("active", 1, "UTC")
    assert re.fullmatch(r"sk-custom-[A-Za-z0-9_-]+", bought["apiKey"])
    assert bought["apiKeyMasked"] == f"sk-custom-…{bought['apiKey'][-4:]}"
    starts, expires = (datetime.fromisoformat(bought[name]) for name in ("startsAt", "expiresAt"))
    assert starts == now.replace(microsecond=0)
    assert timedelta(days=28) <= expires - starts <= timedelta(days=31)
    units = {TEXT_MODEL: "tokens", IMAGE_MODEL: "generations"}
    assert bought["models"] == [{**m, "unit": units[m["modelId"]]} for m in PURCHASE_BODY["models"]]
    assert bought["price"] == stack.api("POST", "/v1/quotes", new_account(), PURCHASE_BODY).json


def test_a_key_is_shown_once(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    shown = stack.api("GET", f"/v1/subscriptions/{bought['subscriptionId']}", account)
    assert shown.status == 200
    kept = {name: value for name, value in bought.items() if name not in ("apiKey", "order")}
    assert shown.json == {**kept, "renewalBlockedBy": None}


def test_usage_shows_live_counters(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    granted = stack.authorize(bought["apiKey"], "r-1", 4000)
    text, image = stack.usage(account, bought["subscriptionId"])["models"]
    assert {**text["daily"], **text["monthly"]} == {**granted["daily"], **granted["monthly"]}
    assert (text["daily"]["used"], text["monthly"]["held"]) == (1, 4000)
    assert (image["modelId"], image["unit"], image["channelTier"]) == (IMAGE_MODEL, "generations", "basic")
    assert (image["daily"]["used"], image["monthly"]["remaining"]) == (0, 200)


def test_a_key_is_described_as_usage_shows_it(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    granted = stack.authorize(bought["apiKey"], "r-1", 4000)
    assert 0 < granted["startWithinMs"] <= 4000
    described = stack.describe_key(bought["apiKey"])
    assert (described["status"], described["accountId"], described["term"]) == ("active", account, 1)
    shown = [
        {n: v for n, v in m.items() if n not in ("dailyCallLimit", "monthlyTokenCap", "openHolds")}
        for m in described["models"]
    ]
    assert shown == stack.usage(account, bought["subscriptionId"])["models"]
    assert [m["openHolds"] for m in described["models"]] == [granted["openHolds"], 0] == [1, 0]
    refused = stack.describe_key(bought["apiKey"][:-1] + "?")
    assert (refused["allowed"], refused["statusCode"], refused["error"]["code"]) == (False, 401, "invalid_api_key")


def test_a_request_is_authorized_and_settled_once(stack: Stack, new_account: NewAccount) -> None:
    api_key = stack.buy(new_account())["apiKey"]
    granted = stack.authorize(api_key, "r-1", 4000, channelTier="stable", holdSeconds=60)
    assert granted["allowed"]
    again = stack.authorize(api_key, "r-1", 4000)
    assert again["replayed"]
    assert again["authorizationId"] == granted["authorizationId"]
    assert again["daily"]["used"] == 1
    settled = stack.settle(granted["authorizationId"], 1234, servedTier="stable")
    assert (settled["settled"], settled["late"], settled["tierBreached"]) == (True, False, False)
    assert (settled["monthly"]["used"], settled["monthly"]["held"]) == (1234, 0)
    assert stack.settle(granted["authorizationId"], 5) == {"settled": True, "replayed": True}
    other = stack.authorize(api_key, "r-1", 4000)
    assert other["authorizationId"] != granted["authorizationId"]


def test_a_batch_of_settles_is_answered_message_by_message(stack: Stack, new_account: NewAccount) -> None:
    api_key = stack.buy(new_account())["apiKey"]
    granted = stack.authorize(api_key, "r-1")
    bodies = [json.dumps({"authorizationId": granted["authorizationId"], "actualUsage": 3}), "{", "null"]
    records = [{"messageId": str(number), "body": body} for number, body in enumerate(bodies)]
    parked = [{"itemIdentifier": number} for number in ("1", "2")]
    assert stack.invoke("SettleFunction", {"Records": records}) == {"batchItemFailures": parked}
    assert stack.settle(granted["authorizationId"], 9)["replayed"]


def test_the_catalogue_lists_both_models_in_every_tier(stack: Stack) -> None:
    bearer = f"Bearer {token.token_of({'sub': 'operator', 'scope': 'operator'})}"  # who sees what is so now
    answer = stack.api("GET", "/v1/models", "operator", Authorization=bearer)
    assert answer.status == 200
    offered = [m for m in answer.json["models"] if "withdrawn" not in m]
    found = {m["modelId"]: (m["kind"], m["unit"], [t["channelTier"] for t in m["tiers"]]) for m in offered}
    tiers = ["basic", "stable", "enterprise"]
    assert found.pop("veo-3") == ("video", "generations", ["stable", "enterprise"])
    assert found == {TEXT_MODEL: ("text", "tokens", tiers), IMAGE_MODEL: ("image", "generations", tiers)}
    assert all(t["available"] for m in offered for t in m["tiers"])


def test_a_repeated_purchase_is_replayed_without_its_key(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account, Idempotency_Key="once")
    reordered = dict(reversed(PURCHASE_BODY["models"][0].items()))
    body = {"models": [reordered, PURCHASE_BODY["models"][1]]}
    again = stack.api("POST", "/v1/subscriptions", account, body, Idempotency_Key="once")
    assert (again.status, again.headers["idempotent-replayed"]) == (201, "true")
    assert again.json == {name: value for name, value in bought.items() if name != "apiKey"}
    other = {"models": [reordered]}
    refused = stack.api("POST", "/v1/subscriptions", account, other, Idempotency_Key="once")
    assert (refused.status, refused.error["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("path", ["", "/usage", "/renew"])
def test_anothers_subscription_answers_as_if_it_did_not_exist(stack: Stack, new_account: NewAccount, path: str) -> None:
    bought = stack.buy(new_account())
    method = "POST" if path == "/renew" else "GET"
    stranger = new_account()
    refused = stack.api(method, f"/v1/subscriptions/{bought['subscriptionId']}{path}", stranger)
    unknown = stack.api(method, f"/v1/subscriptions/sub_{'a' * 24}{path}", stranger)
    assert refused.status == unknown.status == 404
    assert refused.json == unknown.json


def test_an_active_subscription_is_not_renewed(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    refused = stack.api("POST", f"/v1/subscriptions/{bought['subscriptionId']}/renew", account)
    assert (refused.status, refused.error["code"]) == (409, "subscription_not_expired")


def test_of_64_buyers_of_one_account_one_buys(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    answers = at_once(MANY, lambda _: stack.api("POST", "/v1/subscriptions", account, PURCHASE_BODY))
    assert sorted(a.status for a in answers) == [201] + [409] * (MANY - 1)
    refusals = {a.error["code"] for a in answers if a.status == 409}
    assert refusals == {"active_subscription_exists"}


def test_of_64_authorizes_for_the_last_20_calls_20_are_granted(stack: Stack, new_account: NewAccount) -> None:
    account = new_account()
    bought = stack.buy(account)
    assert stack.authorize(bought["apiKey"], "block", calls=30)["allowed"]

    def ask(number: int) -> Any:
        return stack.authorize(bought["apiKey"], f"r-{number}")

    answers = at_once(MANY, ask)
    assert sum(a["allowed"] for a in answers) == 20
    assert {a["error"]["code"] for a in answers if not a["allowed"]} == {"daily_call_limit_reached"}
    daily = stack.usage(account, bought["subscriptionId"])["models"][0]["daily"]
    assert (daily["used"], daily["remaining"]) == (50, 0)
