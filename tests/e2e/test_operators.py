"""What operators do while the stack runs: a tier goes down and comes back within 5 seconds of real time, everywhere."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest

from local import token
from local.machine import ROOT, free_port
from ops import seed
from ops.api_client import Http
from tests.support.concurrency import at_once
from tests.support.stack import IMAGE_MODEL, TEXT_MODEL, jwt_with, run_to_end

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support.stack import Answer, Json, Stack

    NewAccount = Callable[[], str]

BINDS_WITHIN_SECONDS = 5.0
MANY = 16
TIER = f"/v1/models/{TEXT_MODEL}/tiers/stable/availability"


@cache
def operators_token() -> str:
    return token.token_of({"sub": "operator", "scope": "operator"})


def operate(stack: Stack, method: str, path: str, body: object = None) -> Answer:
    return stack.api(method, path, "operator", body, Authorization=f"Bearer {operators_token()}")


def turn(stack: Stack, **body: Any) -> float:
    """Set whether the text model's stable tier is available; gives the steady clock's seconds at the answer."""
    answer = operate(stack, "PUT", TIER, body)
    assert answer.status == 200, answer
    assert answer.json["available"] is body["available"]
    return time.monotonic()


@pytest.fixture(autouse=True)
def as_it_was(stack: Stack) -> Iterator[None]:
    """Let every tier be up again, and every model offered, whatever came of a test."""
    yield
    turn(stack, available=True)
    assert seed.seed(Http(stack.url, operators_token()), ROOT / "catalogue.json") == 0


class Traffic:
    """Requests of one customer, told apart by number; each is settled, so that only calls count."""

    def __init__(self, stack: Stack, account: str) -> None:
        limits = {"dailyCallLimit": 10**6, "monthlyTokenCap": 10**9}
        models = [{"modelId": TEXT_MODEL, "channelTier": "stable", **limits}]
        bought = stack.buy(account, {"models": models})
        self.stack, self.account, self.id, self.key = stack, account, bought["subscriptionId"], bought["apiKey"]
        self.number = 0

    def ask(self) -> Json:
        """Send one request and settle it, so that none of its units stays held."""
        self.number += 1
        answer = self.stack.authorize(self.key, f"r-{self.number}")
        if answer["allowed"]:
            self.stack.settle(answer["authorizationId"], 1)
        return answer

    def ask_many(self) -> list[Json]:
        """As many at once as there are runtimes, so that every one of them is asked."""
        numbers = range(self.number, self.number + MANY)
        self.number += MANY
        return at_once(MANY, lambda n: self.stack.authorize(self.key, f"m-{numbers[n]}", holdSeconds=1))

    def until(self, *, allowed: bool, since: float) -> float:
        """Ask again and again until the answer is as wanted; gives the seconds since `since`."""
        while True:
            answer = self.ask()
            waited = time.monotonic() - since
            if answer["allowed"] is allowed:
                return waited
            assert waited < BINDS_WITHIN_SECONDS, answer

    def usage(self) -> Json:
        (model,) = self.stack.usage(self.account, self.id)["models"]
        return {"daily": model["daily"], "monthly": model["monthly"]}


def test_tier_taken_down_is_refused_everywhere_within_five_seconds_charges_nothing_and_comes_back_as_fast(
    stack: Stack, new_account: NewAccount
) -> None:
    traffic, others = Traffic(stack, new_account()), stack.buy(new_account(), basic_body())
    assert all(answer["allowed"] for answer in traffic.ask_many())  # every runtime has just learned that all is up
    down_at = turn(stack, available=False, reason="its upstream is failing")
    assert traffic.until(allowed=False, since=down_at) < BINDS_WITHIN_SECONDS
    pause_until(down_at + BINDS_WITHIN_SECONDS, traffic.ask)
    before = traffic.usage()
    for answer in traffic.ask_many():
        assert (answer["allowed"], answer["statusCode"], answer["retryAfter"]) == (False, 503, 5)
        error = answer["error"]
        assert (error["code"], error["type"]) == ("tier_unavailable", "service_unavailable_error")
    assert traffic.usage() == before
    for model_id, tier in ((TEXT_MODEL, "basic"), (IMAGE_MODEL, "stable")):
        granted = stack.authorize(others["apiKey"], f"other-{model_id}", modelId=model_id)
        assert (granted["allowed"], granted["channelTier"]) == (True, tier)
    up_at = turn(stack, available=True, reason="it is well again")
    assert traffic.until(allowed=True, since=up_at) < BINDS_WITHIN_SECONDS
    pause_until(up_at + BINDS_WITHIN_SECONDS, traffic.ask)
    assert all(answer["allowed"] for answer in traffic.ask_many())


def basic_body() -> Json:
    limits = {"dailyCallLimit": 50, "monthlyTokenCap": 1000}
    tiers = ((TEXT_MODEL, "basic"), (IMAGE_MODEL, "stable"))
    return {"models": [{"modelId": m, "channelTier": t, **limits} for m, t in tiers]}


def pause_until(moment: float, meanwhile: Callable[[], object]) -> None:
    """Let time pass with traffic, not with sleep."""
    while time.monotonic() < moment:
        meanwhile()


@pytest.mark.parametrize("claims", [{}, {"scope": "customer"}], ids=str)
def test_customer_is_forbidden_what_operators_do(stack: Stack, claims: Json) -> None:
    bearer = f"Bearer {jwt_with({'sub': 'customer', **claims})}"
    looks: list[tuple[str, str, object]] = [("GET", f"/v1/models/{name}", None) for name in (TEXT_MODEL, "a/none")]
    calls = [*looks, ("PUT", TIER, {"available": False, "reason": "x"}), ("DELETE", f"/v1/models/{TEXT_MODEL}", None)]
    for method, path, body in [*calls, ("PUT", f"/v1/models/{TEXT_MODEL}", {})]:
        answer = stack.api(method, path, "customer", body, Authorization=bearer)
        assert (answer.status, answer.error["code"]) == (403, "forbidden")


def test_model_is_offered_quoted_and_withdrawn_over_http(stack: Stack, new_account: NewAccount) -> None:
    price = {"currency": "USD", "base": "1.5", "perUnit": "0.001", "perDailyCall": "0"}
    body = {"kind": "text", "tiers": [{"channelTier": "basic", "price": price}]}
    put = operate(stack, "PUT", "/v1/models/new.model:1", body)
    assert (put.status, put.json["unit"]) == (200, "tokens")
    wanted = {"modelId": "new.model:1", "channelTier": "basic", "dailyCallLimit": 1, "monthlyTokenCap": 1}
    account = new_account()
    quote = stack.api("POST", "/v1/quotes", account, {"models": [wanted], "months": 2})
    assert (quote.status, quote.json["monthlyTotal"], quote.json["total"]) == (200, "1.501", "3.002")
    for _ in range(2):
        withdrawn = operate(stack, "DELETE", "/v1/models/new.model%3A1")
        assert (withdrawn.status, withdrawn.body) == (204, b"")
    refused = stack.api("POST", "/v1/quotes", account, {"models": [wanted]})
    assert (refused.status, refused.error["code"]) == (400, "unknown_model")


def test_of_two_operators_one_changes_a_price_and_the_other_is_told(stack: Stack, new_account: NewAccount) -> None:
    path, model_id = "/v1/models/vendor%2Fpriced", "vendor/priced"
    price = {"currency": "USD", "base": "1.5", "perUnit": "0.001", "perDailyCall": "0"}
    body: Json = {"kind": "text", "tiers": [{"channelTier": "basic", "price": price}]}

    def put(base: str, only_if: str, **more: object) -> Answer:
        tiers = [{"channelTier": "basic", "price": {**price, "base": base}}]
        headers = {"Authorization": f"Bearer {operators_token()}", "If-Match": only_if}
        return stack.api("PUT", path, "operator", {**body, "tiers": tiers, **more}, **headers)

    made = operate(stack, "PUT", path, body)
    shown = operate(stack, "GET", path)
    assert (shown.status, shown.json, shown.headers["etag"]) == (200, made.json, made.headers["etag"])
    changed = put("2", made.headers["etag"])
    assert changed.status == 200
    late = put("3", made.headers["etag"])
    assert (late.status, late.error["code"], late.error["param"]) == (412, "precondition_failed", "If-Match")
    far = put("2000", changed.headers["etag"])
    assert (far.status, far.error["code"], far.error["param"]) == (409, "confirmation_required", "tiers[0].price.base")
    assert put("2000", changed.headers["etag"], confirm=True).status == 200
    assert operate(stack, "DELETE", path).status == 204
    shown = operate(stack, "GET", path).json
    assert shown["withdrawn"] is True
    assert shown in operate(stack, "GET", "/v1/models").json["models"]
    assert model_id not in {m["modelId"] for m in stack.api("GET", "/v1/models", new_account()).json["models"]}


def test_seed_offers_the_models_of_the_file_and_may_be_repeated(stack: Stack) -> None:
    assert operate(stack, "DELETE", "/v1/models/veo-3").status == 204
    for _ in range(2):
        ended = run_to_end(ROOT, "ops", "seed", API=stack.url, TOKEN=operators_token())
        assert (ended.returncode, ended.stderr) == (0, "")
        seeded = [line.partition(":")[0] for line in ended.stdout.splitlines()]
        assert seeded == ["claude-opus-4-6", "nano-banana-2", "veo-3"]
        listed = {m["modelId"] for m in operate(stack, "GET", "/v1/models").json["models"] if "withdrawn" not in m}
        assert listed.issuperset(seeded)  # other tests of this stack offer models as well
        assert ended.stdout.endswith("veo-3: offered in stable, enterprise\n")


def test_seed_tells_what_was_refused_and_goes_on(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((ROOT / "catalogue.json").read_text("utf-8"))
    document["models"][0]["kind"] = "video"
    (tmp_path / "catalogue.json").write_text(json.dumps(document))
    assert seed.seed(Http(stack.url, operators_token()), tmp_path / "catalogue.json") == 1
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{TEXT_MODEL}: refused, 400 invalid_request: kind: ")
    assert [": offered in " in line for line in others] == [True, True]


def test_seed_refuses_prices_that_are_far_from_those_there_until_they_are_confirmed(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document = json.loads((ROOT / "catalogue.json").read_text("utf-8"))
    document["models"][0]["tiers"][1]["price"]["base"] = "12000"
    path, api = tmp_path / "catalogue.json", Http(stack.url, operators_token())
    path.write_text(json.dumps(document))
    assert seed.seed(api, path) == 1
    first, *_ = capsys.readouterr().out.splitlines()
    assert first.startswith(f"{TEXT_MODEL}: refused, 409 confirmation_required: tiers[1].price.base: ")
    assert seed.seed(api, path, confirmed=True) == 0
    ended = run_to_end(ROOT, "ops", "seed", API=stack.url, TOKEN=operators_token(), CONFIRM="yes")
    assert (ended.returncode, ended.stderr) == (0, "")


def test_seed_that_cannot_be_carried_out_says_why(stack: Stack) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    customers = token.token_of({"sub": "customer"})
    cases: list[tuple[dict[str, str], int, str]] = [
        ({"TOKEN": ""}, 2, "TOKEN="),
        ({"TOKEN": "x", "API": "ftp://example"}, 1, "API must be"),
        ({"TOKEN": "x", "API": nobody}, 1, "does not answer"),
        ({"TOKEN": "x", "API": stack.url}, 1, "401 Unauthorized"),
        ({"TOKEN": customers, "API": stack.url}, 1, "403 forbidden"),
        ({"TOKEN": "x", "API": stack.url, "CONFIRM": "true"}, 1, "CONFIRM must be yes or left out"),
    ]
    for environment, status, words in cases:
        ended = run_to_end(ROOT, "ops", "seed", **environment)
        assert ended.returncode == status
        assert words in ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr


def test_operator_finds_stops_and_lets_go_on_what_somebody_else_has_bought(
    stack: Stack, new_account: NewAccount
) -> None:
    account = new_account()
    bought = stack.buy(account)
    name, key = bought["subscriptionId"], bought["apiKey"]
    path = f"/v1/subscriptions/{name}"
    found = operate(stack, "POST", "/v1/keys/lookup", {"apiKey": key}).json
    assert (found["subscriptionId"], found["accountId"], found["current"]) == (name, account, True)
    assert operate(stack, "GET", path).json["accountId"] == account
    for listed in ("subscriptions", "orders"):
        (one,) = operate(stack, "GET", f"/v1/accounts/{account}/{listed}").json[listed]
        assert one["subscriptionId"] == name
    assert operate(stack, "PUT", f"{path}/suspension", {"reason": "abuse"}).json["status"] == "suspended"
    assert stack.authorize(key, "r-1")["error"]["code"] == "subscription_suspended"
    assert operate(stack, "DELETE", f"{path}/suspension").json["status"] == "active"
    assert stack.authorize(key, "r-1")["allowed"]
    (held,) = [m["holds"] for m in operate(stack, "GET", f"{path}/holds").json["models"] if m["openHolds"]]
    assert len(held) == 1
    assert operate(stack, "DELETE", f"{path}/key").status == 204
    assert stack.authorize(key, "r-2")["error"]["code"] == "invalid_api_key"
    for what in ("usage", "history", "events", "orders"):
        assert operate(stack, "GET", f"{path}/{what}").json == stack.api("GET", f"{path}/{what}", account).json


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/v1/subscriptions/{id}/suspension", {"reason": "abuse"}),
        ("DELETE", "/v1/subscriptions/{id}/suspension", None),
        ("GET", "/v1/subscriptions/{id}/holds", None),
        ("GET", "/v1/accounts/{account}/subscriptions", None),
        ("GET", "/v1/accounts/{account}/orders", None),
        ("GET", "/v1/accounts/a%252Fb/subscriptions", None),
        ("POST", "/v1/keys/lookup", {"apiKey": "sk-custom-x"}),
        ("POST", "/v1/subscriptions/{id}/corrections", {"calls": -1}),
    ],
)
def test_customer_is_refused_what_is_operators(
    stack: Stack, new_account: NewAccount, method: str, path: str, body: Any
) -> None:
    account = new_account()
    name = stack.buy(account)["subscriptionId"]
    for subscription_id in (name, "sub_" + "a" * 24):
        answer = stack.api(method, path.format(id=subscription_id, account=account), account, body)
        assert (answer.status, answer.json["error"]["code"]) == (403, "forbidden")
