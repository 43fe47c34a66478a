"""The price a term is sold at: it is quoted before, kept with the term for ever, and carried by its event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.api.subscription_bodies import parse_purchase
from modelpass.errors import Refused
from modelpass.subscriptions import answers
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.commands import queries as subscription_queries
from modelpass.subscriptions.commands import regenerate
from tests.support.faults import FaultAt
from tests.support.listings import list_subscriptions
from tests.support.prices import offer, price_shown, terms, told
from tests.support.tiers import tables_of
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from modelpass.subscriptions.model import SoldTerm, Subscription

Json = dict[str, Any]
BOTH = [model(cap=5_000_000), model(IMAGE_MODEL, "basic", 20, 200)]
PRICE = {
    "currency": "USD",
    "lines": [
        {"modelId": TEXT_MODEL, "channelTier": "stable", "monthly": "29.00", "total": "87.00"},
        {"modelId": IMAGE_MODEL, "channelTier": "basic", "monthly": "7.20", "total": "21.60"},
    ],
    "monthlyTotal": "36.20",
    "months": 3,
    "total": "108.60",
}


def quote(world: World, **body: Any) -> Json:
    return subscription_queries.quote(world.deps, parse_purchase({"models": BOTH, **body}))


def row(world: World, subscription_id: str) -> Subscription:
    key = schema.primary_key(subscription_items.subscription_key(subscription_id))
    found = world.dynamodb.get_item(TableName=world.tables.subscriptions, Key=key, ConsistentRead=True)
    return subscription_items.subscription_of(found["Item"])


def monthly(sold: SoldTerm) -> tuple[str, ...]:
    assert sold.sale is not None
    return sold.sale.monthly


def test_quote_is_the_price_that_the_purchase_keeps_in_its_row_its_history_and_its_event(world: World) -> None:
    assert quote(world, months=3) == PRICE
    bought = world.buy(models=BOTH, months=3)
    stored = row(world, bought["subscriptionId"])
    assert price_shown(stored.sold_term()) == PRICE
    assert terms(world) == [stored.sold_term()]
    (event,) = told(world, "subscription.purchased")
    assert event["price"] == PRICE


def test_price_of_the_term_is_shown_wherever_its_subscription_is(world: World) -> None:
    made = world.buy(models=BOTH, months=3)["subscriptionId"]
    offer(world, TEXT_MODEL, base="99.00")
    outcome = regenerate.regenerate(world.deps, "acct", made)
    (listed,) = list_subscriptions(world.deps, "acct")["subscriptions"]
    shown = [
        subscription_queries.get_subscription(world.deps, "acct", made),
        listed,
        answers.subscription(outcome.subscription, outcome.status, outcome.api_key),
        world.cancel(made),
    ]
    assert [answer["price"] for answer in shown] == [PRICE] * 4


def test_quote_changes_nothing_and_asks_only_the_catalogue(world: World) -> None:
    tables = (world.tables.subscriptions, world.tables.entitlements, world.tables.history, world.tables.events)
    world.recorder.clear()
    quote(world)
    assert [tables_of(*request) for request in world.recorder.requests] == [{world.tables.catalogue}]
    assert [world.all_items(table) for table in tables] == [[]] * 4


def test_account_whose_place_is_taken_is_still_quoted(world: World) -> None:
    world.buy()
    assert quote(world)["total"] == "36.20"


@pytest.mark.parametrize(
    ("wanted", "code", "param"),
    [
        (model("none"), "unknown_model", "models[1].modelId"),
        (model("m-1", "basic"), "tier_not_offered", "models[1].channelTier"),
    ],
)
def test_quote_refuses_what_a_purchase_refuses(world: World, wanted: Json, code: str, param: str) -> None:
    offer(world, "m-1")
    for command in (quote, World.buy):
        with pytest.raises(Refused) as caught:
            command(world, models=[model(), wanted])
        assert (caught.value.refusal.code.code, caught.value.refusal.param) == (code, param)


def test_renewal_is_sold_at_the_prices_of_its_moment_and_earlier_terms_keep_theirs(world: World) -> None:
    offer(world, "m-1")
    bought = world.buy(models=[model("m-1", cap=5_000_003)])
    world.clock.advance(31 * DAY_MS)
    offer(world, "m-1", base="2.00", per_daily_call="0.015")
    world.renew(bought["subscriptionId"])
    first, second = terms(world)
    assert (first.number, monthly(first), second.number, monthly(second)) == (
        1,
        ("6.500003",),
        2,
        ("7.750003",),
    )
    assert first.term.ends_at_ms <= second.term.starts_at_ms
    stored = row(world, bought["subscriptionId"])
    assert stored.sold_term() == second
    (purchased,), (renewed,) = told(world, "subscription.purchased"), told(world, "subscription.renewed")
    assert (purchased["price"]["total"], renewed["price"]["total"]) == ("6.500003", "7.750003")
    (expired,) = told(world, "subscription.expired")
    assert "price" not in expired


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("at", range(3))
def test_row_term_and_event_tell_one_price_whatever_call_of_the_purchase_fails(
    world: World, kind: str, at: int
) -> None:
    bought = world.with_send(FaultAt(world.deps.send, at, kind)).buy(models=BOTH, months=3)
    assert bought["apiKey"] is not None
    assert [price_shown(t) for t in terms(world)] == [PRICE]
    assert price_shown(row(world, bought["subscriptionId"]).sold_term()) == PRICE
    assert [event["price"] for event in told(world, "subscription.purchased")] == [PRICE]


def test_forty_models_for_a_year_keep_every_price_over_a_renewal_in_one_transaction_each(world: World) -> None:
    for number in range(40):
        offer(world, f"m-{number}", base=f"{number}.01")
    bought = world.buy(models=[model(f"m-{n}", cap=1_000_000) for n in range(40)], months=12)
    world.clock.advance(366 * DAY_MS)
    world.recorder.clear()
    assert world.renew(bought["subscriptionId"])["apiKey"]
    (renewal,) = (r for o, r in world.recorder.requests if o == "TransactWriteItems")
    assert len(renewal["TransactItems"]) == 88
    first, second = terms(world)
    assert first.sale == second.sale
    assert monthly(first) == tuple(f"{number + 1}.51" for number in range(40))
    price = price_shown(first)
    assert price is not None
    assert price["total"] == "10084.80"
