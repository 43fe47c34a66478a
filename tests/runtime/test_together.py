"""The whole stack on the build: the demo's story, a load, and what the sources are tested for over HTTP as well."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from local.demo.life import Life
from local.demo.narrator import Narrator
from local.demo.router import Router
from local.demo.story import Story
from local.token import token_of
from ops.api_client import Http
from tests.support.concurrency import at_once
from tests.support.stack import TEXT_MODEL, jwt_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.stack import Stack

OPERATOR = {"sub": "operator", "scope": "operator"}
LIMIT, MANY = 40, 64


def test_the_whole_story_is_played(stack: Stack) -> None:
    told = io.StringIO()
    teller, router = Narrator(told), Router(stack.url)
    Story(Http(stack.url, jwt_of("acct_story")), router, teller).tell()
    of_account, operators = Http(stack.url, jwt_of("acct_life")), Http(stack.url, token_of(OPERATOR))
    Life(of_account, router, teller, account="acct_life", operators=operators).tell()
    assert "subscription.cancelled" in told.getvalue()
    assert "no job had to run" in told.getvalue()


def test_under_a_load_the_limit_is_reached_exactly_and_every_settle_is_booked_once(
    stack: Stack, new_account: Callable[[], str]
) -> None:
    account = new_account()
    model = {"modelId": TEXT_MODEL, "channelTier": "stable", "dailyCallLimit": LIMIT, "monthlyTokenCap": 10**6}
    bought = stack.buy(account, {"models": [model]})
    answers = at_once(MANY, lambda n: stack.authorize(bought["apiKey"], f"r-{n}", 10))
    granted = [answer["authorizationId"] for answer in answers if answer["allowed"]]
    assert len(granted) == len(set(granted)) == LIMIT
    assert {a["error"]["code"] for a in answers if not a["allowed"]} == {"daily_call_limit_reached"}
    settled = at_once(2 * LIMIT, lambda n: stack.settle(granted[n // 2], 7))
    assert sum(answer.get("replayed", False) for answer in settled) == LIMIT
    (usage,) = stack.usage(account, bought["subscriptionId"])["models"]
    assert usage["daily"]["used"] == LIMIT
    assert (usage["monthly"]["used"], usage["monthly"]["held"]) == (7 * LIMIT, 0)
