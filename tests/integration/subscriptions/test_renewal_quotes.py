"""What a renewal would cost now, and when it would begin: asked before it is made, and changing nothing."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.errors import Refused
from modelpass.subscriptions.commands import queries as subscription_queries
from tests.support import sales
from tests.support.faults import FaultAt
from tests.support.prices import RISEN, SHOWN, buy_for_a_year, expired_after_a_year, price
from tests.support.tiers import tables_of
from tests.support.world import DAY_MS, TEXT_MODEL, World, model

Json = dict[str, Any]


@pytest.fixture(autouse=True)
def catalogue(world: World) -> None:
    price(world, "1.00")


def refusal(world: World, subscription_id: str, account: str = "acct") -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        quoted(world, subscription_id, account)
    return caught.value.refusal.code.code, caught.value.refusal.param


def quoted(world: World, subscription_id: str, account: str = "acct") -> Json:
    return sales.quote(world, subscription_id, account, renew={})


def test_renewal_of_a_running_term_is_quoted_at_the_prices_of_now_from_the_end_of_the_term(world: World) -> None:
    subscription_id = buy_for_a_year(world)["subscriptionId"]
    world.clock.advance(DAY_MS + 1)
    price(world, "9.00")
    line = {"modelId": "m-1", "channelTier": "stable", "monthly": "9.50", "total": RISEN}
    assert quoted(world, subscription_id) == {
        "currency": "USD",
        "lines": [line],
        "monthlyTotal": "9.50",
        "months": 12,
        "total": RISEN,
        "bindsAt": "2027-11-23T00:00:00Z",
    }


def test_what_is_quoted_of_an_expired_one_is_what_its_renewal_is_sold_at_and_when_it_begins(world: World) -> None:
    subscription_id = expired_after_a_year(world)
    world.clock.advance(777)
    price(world, "9.00")
    quote = quoted(world, subscription_id)
    world.renew(subscription_id, expectedTotal=quote["total"])
    shown = subscription_queries.get_subscription(world.deps, "acct", subscription_id)
    assert {**shown["price"], "bindsAt": shown["startsAt"]} == quote


def test_quote_of_a_renewal_reads_the_subscription_and_the_catalogue_and_writes_nothing(world: World) -> None:
    subscription_id = expired_after_a_year(world)
    world.set_plan("gold")  # whether the place is free is not looked at
    world.recorder.clear()
    assert quoted(world, subscription_id)["total"] == SHOWN
    asked = [(operation, tables_of(operation, request)) for operation, request in world.recorder.requests]
    assert asked == [("GetItem", {world.tables.subscriptions}), ("BatchGetItem", {world.tables.catalogue})]


def test_quote_of_a_renewal_is_refused_where_renewing_never_works(world: World) -> None:
    subscription_id = buy_for_a_year(world)["subscriptionId"]
    assert refusal(world, subscription_id, "another") == ("not_found", None)
    assert refusal(world, "sub_" + "a" * 24) == ("not_found", None)
    with pytest.raises(Refused, match="temporarily_unavailable"):  # breaks off when the first model is stopped
        world.with_send(FaultAt(world.deps.send, 3, "lost")).cancel(subscription_id)
    assert world.subscription(subscription_id).cancelled_at_ms is None
    assert refusal(world, subscription_id) == ("subscription_not_expired", None)
    world.cancel(subscription_id)
    assert refusal(world, subscription_id) == ("subscription_not_expired", None)
    world.clock.advance(366 * DAY_MS)
    assert refusal(world, subscription_id) == ("subscription_not_expired", None)


def test_quote_of_a_renewal_names_the_model_that_is_not_sold_any_more(world: World) -> None:
    subscription_id = world.buy(models=[model(TEXT_MODEL), model("m-1")])["subscriptionId"]
    key = {"pk": {"S": "catalogue"}, "sk": {"S": "model#m-1"}}
    world.dynamodb.delete_item(TableName=world.tables.catalogue, Key=key)
    assert refusal(world, subscription_id) == ("unknown_model", "models[1].modelId")
