"""Customers and operators have an API each. Rule: what is done at one door is never done by a token for the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.stack import TEXT_MODEL, jwt_of, jwt_with

if TYPE_CHECKING:
    from tests.support.stack import Answer, Stack

TIER = f"/v1/models/{TEXT_MODEL}/tiers/basic/availability"
CALLS = [
    ("PUT", TIER),
    ("PUT", f"/v1/models/{TEXT_MODEL}"),
    ("DELETE", f"/v1/models/{TEXT_MODEL}"),
    ("DELETE", "/v1/models/a/b"),
    ("PUT", "/v1/accounts/acct_a/plan-subscription"),
    ("DELETE", "/v1/accounts/acct_a/plan-subscription/pro"),
    ("PUT", "/v1/accounts/team/a/plan-subscription"),
    ("POST", "/v1/subscriptions/sub_x/corrections"),
]
ACCOUNTS = ["d/b", "d?b", "51%", "51%25", "%3F%3F", "d+b", "d b", "d&b#c", "auth0|d", "é/?", "/", "%"]


def ask(stack: Stack, method: str, path: str, claims: dict[str, Any], body: object = None) -> Answer:
    return stack.api(method, path, "", body, Authorization=f"Bearer {jwt_with(claims)}")


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_scope_of_an_operator_in_a_token_for_customers_opens_nothing(stack: Stack, call: tuple[str, str]) -> None:
    answer = ask(stack, *call, {"sub": "mallory", "scope": "operator", "aud": "modelpass"}, {})
    assert (answer.status, answer.error["code"]) == (403, "forbidden")
    assert "address of their own" in answer.error["message"]


@pytest.mark.parametrize("call", CALLS, ids=" ".join)
def test_token_for_operators_without_their_scope_opens_nothing(stack: Stack, call: tuple[str, str]) -> None:
    answer = ask(stack, *call, {"sub": "eve", "aud": "modelpass-operators"}, {})
    assert (answer.status, answer.error["code"]) == (403, "forbidden")


def test_token_for_operators_alone_is_none_of_a_customer(stack: Stack) -> None:
    operators = {"sub": "operator", "scope": "operator", "aud": "modelpass-operators"}
    assert ask(stack, "PUT", TIER, operators, {"available": True}).status == 200
    for method, path in (("GET", "/v1/orders"), ("GET", "/v1/subscriptions"), ("POST", "/v1/quotes")):
        assert ask(stack, method, path, operators).status == 401


def test_printed_token_of_an_operator_does_for_both_on_this_machine(stack: Stack) -> None:
    operator = {"sub": "operator", "scope": "operator"}
    assert ask(stack, "PUT", TIER, operator, {"available": True}).status == 200
    assert ask(stack, "GET", "/v1/subscriptions", operator).status == 200


@pytest.mark.parametrize("account", ACCOUNTS)
def test_every_account_can_be_named_by_encoding_it_twice(stack: Stack, account: str) -> None:
    operator = {"sub": "operator", "scope": "operator"}
    path = f"/v1/accounts/{quote(quote(account, safe=''), safe='')}/plan-subscription"
    put = ask(stack, "PUT", path, operator, {"planId": "pro", "expiresAt": "2099-01-01T00:00:00Z"})
    assert (put.status, put.json["accountId"]) == (200, account)
    wanted = {"modelId": TEXT_MODEL, "channelTier": "stable", "dailyCallLimit": 1, "monthlyTokenCap": 1000}
    taken = ask(stack, "POST", "/v1/subscriptions", {"sub": account}, {"models": [wanted]})
    assert (taken.status, taken.error["code"]) == (409, "active_subscription_exists")
    assert ask(stack, "DELETE", f"{path}/pro", operator).status == 204
    assert ask(stack, "POST", "/v1/subscriptions", {"sub": account}, {"models": [wanted]}).status == 201


def test_question_mark_that_is_encoded_once_ends_the_path_as_it_does_at_api_gateway(stack: Stack) -> None:
    bearer = {"Authorization": f"Bearer {jwt_of('operator', scope='operator')}"}
    cut = stack.send("PUT", "/v1/accounts/a%3Fb/plan-subscription", b"{}", bearer)
    assert cut.status == 404  # the path that is left, /v1/accounts/a, has no route
    kept = stack.send("GET", "/v1/models%3Flimit=nothing", None, bearer)
    assert kept.status == 200  # what was behind it is no query either
