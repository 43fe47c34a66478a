"""Ids of models as routers and providers spell them, over the running stack: in paths, bodies, payloads and answers."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.stack import TEXT_MODEL, jwt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.stack import Answer, Json, Stack

    NewAccount = Callable[[], str]

LONGEST = "vendor/" + "m" * 114 + "@latest"
IDS = ["openai/gpt-4o", "claude-3-5-sonnet@20240620", "a:b/c@d/e", LONGEST, "/a", "a/", "a//b", "..", "/", "@"]
READS_AS_ANOTHER_CALL = "x/tiers/basic/availability"
PRICE = {"currency": "USD", "base": "9.00", "perUnit": "0.1", "perDailyCall": "0"}
MODEL = {"kind": "text", "tiers": [{"channelTier": "stable", "price": PRICE}]}
LIMITS = {"channelTier": "stable", "dailyCallLimit": 5, "monthlyTokenCap": 1000}


def once(text: str) -> str:
    return quote(text, safe="")


def twice(text: str) -> str:
    return once(once(text))


def as_it_is(text: str) -> str:
    return text


def operate(stack: Stack, method: str, path: str, body: object = None) -> Answer:
    bearer = f"Bearer {jwt_of('operator', scope='operator')}"
    headers = {"Authorization": bearer, "Content-Type": "application/json", "Idempotency-Key": path[-200:]}
    return stack.send(method, path, None if body is None else json.dumps(body).encode(), headers)


def availability_of(spelled: str) -> str:
    return f"/v1/models/{spelled}/tiers/stable/availability"


@pytest.fixture(autouse=True)
def as_it_was(stack: Stack) -> Iterator[None]:
    """Let no other test see these models."""
    yield
    for model_id in (*IDS, READS_AS_ANOTHER_CALL):
        assert operate(stack, "DELETE", f"/v1/models/{twice(model_id)}").status == 204


def listed(stack: Stack) -> list[str]:
    """The models that are offered, as an operator is shown them, who sees what is so now."""
    shown = operate(stack, "GET", "/v1/models").json["models"]
    return [m["modelId"] for m in shown if "withdrawn" not in m]


@pytest.mark.parametrize("spelled", [once, twice, as_it_is])
@pytest.mark.parametrize("model_id", IDS)
def test_model_is_put_turned_and_withdrawn(stack: Stack, model_id: str, spelled: Callable[[str], str]) -> None:
    path = f"/v1/models/{spelled(model_id)}"
    put = operate(stack, "PUT", path, {"modelId": model_id, **MODEL})
    assert (put.status, put.json["modelId"]) == (200, model_id)
    assert model_id in listed(stack)
    for turn in ({"available": False, "reason": "a test"}, {"available": True}):
        turned = operate(stack, "PUT", availability_of(spelled(model_id)), turn)
        assert (turned.status, turned.json["modelId"], turned.json["available"]) == (200, model_id, turn["available"])
    assert operate(stack, "DELETE", path).status == 204
    assert model_id not in listed(stack)


@pytest.mark.parametrize("model_id", IDS)
def test_model_is_bought_used_corrected_and_shown(stack: Stack, new_account: NewAccount, model_id: str) -> None:
    assert operate(stack, "PUT", f"/v1/models/{once(model_id)}", MODEL).status == 200
    account = new_account()
    made = stack.buy(account, {"models": [{"modelId": model_id, **LIMITS}]})
    assert [m["modelId"] for m in made["models"]] == [model_id]
    granted = stack.authorize(made["apiKey"], "r-1", 900, modelId=model_id)
    assert (granted["allowed"], granted["modelId"]) == (True, model_id)
    assert (
        stack.authorize(made["apiKey"], "r-1", 900, modelId=model_id)["authorizationId"] == granted["authorizationId"]
    )
    assert stack.settle(granted["authorizationId"], 850, servedTier="basic")["settled"]
    assert stack.settle(granted["authorizationId"], 850)["replayed"]
    own = f"/v1/subscriptions/{made['subscriptionId']}"
    correction = {"modelId": model_id, "units": -50, "reason": "a test"}
    corrected = operate(stack, "POST", f"{own}/corrections", correction)
    assert (corrected.status, corrected.json["modelId"]) == (200, model_id)
    (usage,) = stack.usage(account, made["subscriptionId"])["models"]
    assert (usage["modelId"], usage["monthly"]["used"]) == (model_id, 800)
    days = stack.api("GET", f"{own}/history", account).json["days"]
    assert {(d["modelId"], d["units"]) for d in days} == {(model_id, 800)}
    assert model_id in named_by_events(stack, account, own)


def named_by_events(stack: Stack, account: str, own: str) -> set[str]:
    """The models that the events of a subscription name, read in pages of one."""
    named: set[str] = set()
    cursor: Any = ""
    while cursor is not None:
        more = f"&cursor={cursor}" if cursor else ""
        page: Json = stack.api("GET", f"{own}/events?limit=1{more}", account).json
        named |= {e["data"]["modelId"] for e in page["events"] if "modelId" in e["data"]}
        cursor = page["next"]
    return named


def test_id_that_reads_as_another_call_is_encoded_twice(stack: Stack) -> None:
    read_otherwise = operate(stack, "PUT", f"/v1/models/{once(READS_AS_ANOTHER_CALL)}", MODEL)
    assert (read_otherwise.status, READS_AS_ANOTHER_CALL in listed(stack)) == (400, False)
    put = operate(stack, "PUT", f"/v1/models/{twice(READS_AS_ANOTHER_CALL)}", MODEL)
    assert (put.status, put.json["modelId"]) == (200, READS_AS_ANOTHER_CALL)


@pytest.mark.parametrize("name", ["a b", "a%b", "a#b", "é", "m" * 129, "a/" + "m" * 127, "a/b c"])
def test_what_can_be_no_id_is_refused_by_name(stack: Stack, name: str) -> None:
    answer = operate(stack, "PUT", f"/v1/models/{once(name)}", MODEL)
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "invalid_request", "modelId")
    assert operate(stack, "DELETE", f"/v1/models/{once(name)}").status == 204
    turned = operate(stack, "PUT", availability_of(once(name)), {"available": True})
    assert (turned.status, turned.error["code"]) == (404, "not_found")


def test_longer_path_is_for_operators_and_wants_a_token(stack: Stack, new_account: NewAccount) -> None:
    for method, path in (
        ("PUT", f"/v1/models/{once('a/b')}"),
        ("DELETE", "/v1/models/a/b"),
        ("PUT", "/v1/accounts/a/b"),
    ):
        assert stack.send(method, path).status == 401
    for path in (f"/v1/models/{once('a/b')}", availability_of("a/b"), "/v1/accounts/t%2Fa/plan-subscription"):
        answer = stack.api("PUT", path, new_account(), {})
        assert (answer.status, answer.error["code"]) == (403, "forbidden")


@pytest.mark.parametrize("name", ["team/a", "/a", "a%2Fb", "auth0|1", "https://id.example/a b", "50%"])
def test_plan_of_an_account_of_any_name_holds_its_place(stack: Stack, name: str) -> None:
    path = f"/v1/accounts/{(twice if '%' in name else once)(name)}/plan-subscription"
    plan = {"planId": "vendor/pro@1", "expiresAt": "2199-01-01T00:00:00Z"}
    put = operate(stack, "PUT", path, plan)
    assert (put.status, put.json["accountId"], put.json["planId"]) == (200, name, "vendor/pro@1")
    body = {"models": [{"modelId": TEXT_MODEL, **LIMITS}]}
    held = stack.api("POST", "/v1/subscriptions", name, body)
    assert held.error["code"] == "active_subscription_exists"
    other = operate(stack, "DELETE", f"{path}/{once('vendor/max')}")
    assert (other.status, other.headers["modelpass-held-by"]) == (204, "vendor/pro@1")
    ended = operate(stack, "DELETE", f"{path}/{once('vendor/pro@1')}")
    assert (ended.status, ended.headers.get("modelpass-held-by")) == (204, None)
    assert stack.buy(name, body)["status"] == "active"


def test_path_that_is_longer_for_nothing_is_no_route(stack: Stack) -> None:
    for path in ("/v1/accounts/a/b", "/v1/accounts/a/b/plan"):
        answer = operate(stack, "PUT", path, {})
        assert (answer.status, answer.error["code"]) == (404, "not_found")
