"""A subscription that renews itself goes on by the clock alone, decided once, and nothing is refused in between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from modelpass.dynamodb.transport import StoreBusyError
from modelpass.errors import Refused
from modelpass.subscriptions.commands import queries
from modelpass.subscriptions.model import FOREVER, Suspension
from modelpass.subscriptions.order_items import order_of
from modelpass.subscriptions.row_writes import change_row
from tests.support.audit import assert_conserved
from tests.support.concurrency import at_once
from tests.support.prices import offer, told
from tests.support.world import DAY_MS, TEXT_MODEL, World, model

Json = dict[str, Any]
ENDS = datetime(2026, 12, 23, tzinfo=UTC)
"""The end of a month that is bought when the clock of a world begins."""
YEAR_MS = 366 * DAY_MS


@pytest.fixture
def bought(world: World) -> Json:
    return world.buy(models=[model(calls=5, cap=100)], autoRenew=True)


def at_the_end(world: World, late_ms: int = 0) -> None:
    world.clock.set(ENDS)
    world.clock.advance(late_ms)


def refusal_of(world: World, **body: Any) -> str:
    with pytest.raises(Refused) as caught:
        world.buy(**body)
    return caught.value.refusal.code.code


def orders(world: World) -> list[Any]:
    """Every order, in the order of their keys."""
    rows = [r for r in world.all_items(world.tables.subscriptions) if r["sk"]["S"].startswith("order#0")]
    found = [order_of(row) for row in rows if not row["pk"]["S"].startswith("account#")]
    return sorted(found, key=lambda order: order.number)


def withdraw_the_model(world: World) -> None:
    world.dynamodb.delete_item(
        TableName=world.tables.catalogue, Key={"pk": {"S": "catalogue"}, "sk": {"S": f"model#{TEXT_MODEL}"}}
    )


def shown(world: World, subscription_id: str) -> Json:
    return queries.get_subscription(world.deps, "acct", subscription_id)


@pytest.mark.parametrize("late_ms", [0, 1, 3_600_000, 20 * DAY_MS])
def test_first_request_after_the_end_is_granted_in_the_next_month(world: World, bought: Json, late_ms: int) -> None:
    world.authorize(bought["apiKey"], "before", 40)
    at_the_end(world, late_ms)
    granted = world.authorize(bought["apiKey"], "after", 60)
    assert granted["allowed"]
    assert granted["monthly"]["remaining"] == 40
    row = world.subscription(bought["subscriptionId"])
    assert (row.term_number, row.term.months, row.sold_months) == (1, 2, 1)
    assert [(order.kind, order.by, order.months) for order in orders(world)] == [
        ("purchase", "acct", 1),
        ("renewal", "service", 1),
    ]
    assert_conserved(world)


def test_key_usage_and_holds_go_on(world: World, bought: Json) -> None:
    at_the_end(world, -1000)
    held = world.authorize(bought["apiKey"], "held", 40)
    at_the_end(world)
    assert world.authorize(bought["apiKey"], "after", 60)["allowed"]
    settled = world.settle(held["authorizationId"], 40)
    assert (settled["settled"], settled["late"], settled["monthly"]["used"]) == (True, True, 0)
    assert_conserved(world)


def test_settle_after_the_end_shows_the_month_that_follows(world: World, bought: Json) -> None:
    at_the_end(world, -1000)
    held = world.authorize(bought["apiKey"], "held", 40)
    at_the_end(world)
    settled = world.settle(held["authorizationId"], 40)
    assert (settled["settled"], settled["monthly"]["used"]) == (True, 0)
    assert settled["monthly"]["resetsAt"] == "2027-01-23T00:00:00Z"


def test_missed_periods_are_one_order_of_today_s_prices(world: World, bought: Json) -> None:
    offer(world, TEXT_MODEL, base="9.00", per_unit="0", per_daily_call="0")
    world.clock.advance(95 * DAY_MS)
    found = shown(world, bought["subscriptionId"])
    assert (found["status"], found["expiresAt"]) == ("active", "2027-03-23T00:00:00Z")
    (_, renewal) = orders(world)
    assert (renewal.months, renewal.price.lines[0].total) == (3, "27.00")
    assert [event["months"] for event in told(world, "subscription.extended")] == [3]


def test_who_ever_comes_first_decides_and_all_others_find_it_done(world: World, bought: Json) -> None:
    at_the_end(world)
    processes = [world.another_process() for _ in range(6)]
    answers = at_once(6, lambda i: processes[i].authorize(bought["apiKey"], f"r-{i}", 10))
    assert sum(answer["allowed"] for answer in answers) == 5  # of a daily limit of 5
    assert [order.kind for order in orders(world)] == ["purchase", "renewal"]
    assert len(told(world, "subscription.extended")) == 1
    assert_conserved(world)


def test_reset_decides_as_well_and_announces_no_end(world: World, bought: Json) -> None:
    world.authorize(bought["apiKey"], "before", 40)
    at_the_end(world)
    for _ in range(2):
        assert world.reset()["subscriptionsExpired"] == 0
    assert shown(world, bought["subscriptionId"])["expiresAt"] == "2027-01-23T00:00:00Z"
    assert told(world, "subscription.expired") == []


def test_place_is_not_free_before_it_is_decided(world: World, bought: Json) -> None:
    at_the_end(world, 20 * DAY_MS)
    assert refusal_of(world) == "active_subscription_exists"
    assert shown(world, bought["subscriptionId"])["status"] == "active"


def test_plan_finds_the_place_taken_by_a_term_that_goes_on(world: World, bought: Json) -> None:
    at_the_end(world)
    with pytest.raises(Refused) as caught:
        world.set_plan()
    assert caught.value.refusal.code.code == "active_subscription_exists"
    assert bought["subscriptionId"] in str(caught.value.refusal)


def test_what_is_not_sold_any_more_ends_at_its_end_and_frees_the_place(world: World, bought: Json) -> None:
    withdraw_the_model(world)
    at_the_end(world, DAY_MS)
    refused = world.authorize(bought["apiKey"], "after")
    assert refused["error"]["code"] == "subscription_expired"
    found = shown(world, bought["subscriptionId"])
    assert (found["status"], found["expiresAt"]) == ("expired", "2026-12-23T00:00:00Z")
    (ended,) = [e for e in world.all_items(world.tables.events) if e["type"]["S"] == "subscription.expired"]
    assert ended["at"]["S"] == "2026-12-23T00:00:00Z"
    assert [order.kind for order in orders(world)] == ["purchase"]
    offer(world, TEXT_MODEL)
    assert world.authorize(bought["apiKey"], "later")["error"]["code"] == "subscription_expired"
    assert world.buy(key="another")["apiKey"]


def test_limit_that_is_not_allowed_any_more_ends_the_term(world: World, bought: Json) -> None:
    stored = world.dynamodb.get_item(
        TableName=world.tables.catalogue, Key={"pk": {"S": "catalogue"}, "sk": {"S": f"model#{TEXT_MODEL}"}}
    )["Item"]
    stored["limits"]["M"]["monthlyTokenCap"] = {"M": {"min": {"N": "1"}, "max": {"N": "99"}}}
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=stored)
    at_the_end(world)
    assert world.authorize(bought["apiKey"], "after")["error"]["code"] == "subscription_expired"


@pytest.mark.parametrize("why", ["damaged", "away"])
def test_while_the_catalogue_cannot_be_read_this_subscription_alone_waits(world: World, bought: Json, why: str) -> None:
    other = world.buy("other", models=[model(calls=5, cap=100)], months=2)
    broken = world
    if why == "damaged":
        world.dynamodb.put_item(
            TableName=world.tables.catalogue,
            Item={"pk": {"S": "catalogue"}, "sk": {"S": f"model#{TEXT_MODEL}"}, "v": {"N": "3"}},
        )
    else:

        def away(operation: str, request: Json) -> Json:
            tables = str(request)
            if operation in ("GetItem", "BatchGetItem") and world.tables.catalogue in tables:
                raise StoreBusyError("timeout")
            return world.deps.send(operation, request)

        broken = world.with_send(away)
    at_the_end(world)
    assert broken.authorize(bought["apiKey"], "after")["error"]["code"] == "temporarily_unavailable"
    assert broken.authorize(other["apiKey"], "after")["allowed"]
    assert world.subscription(bought["subscriptionId"]).term.months == 1
    offer(world, TEXT_MODEL)
    assert world.authorize(bought["apiKey"], "after")["allowed"]


def test_suspended_subscription_does_not_renew_itself(world: World, bought: Json) -> None:
    old = world.subscription(bought["subscriptionId"])
    suspended = old._replace(suspension=Suspension(world.clock.now_ms, "operator", "unpaid"))
    world.deps.send("UpdateItem", change_row(world.tables, old, suspended))
    at_the_end(world)
    assert world.buy(key="another")["apiKey"]  # the end frees the place as ever
    assert shown(world, bought["subscriptionId"])["status"] == "suspended"
    assert len(told(world, "subscription.expired")) == 1


def test_nothing_renews_itself_where_sales_have_to_be_approved(world: World, bought: Json) -> None:
    at_the_end(world)
    deps = world.deps._replace(sale_approval=True)
    assert queries.get_subscription(deps, "acct", bought["subscriptionId"])["status"] == "expired"
    assert shown(world, bought["subscriptionId"])["status"] == "expired"  # it is decided


def test_cancelled_subscription_never_renews_itself(world: World, bought: Json) -> None:
    world.cancel(bought["subscriptionId"])
    at_the_end(world)
    assert shown(world, bought["subscriptionId"])["status"] == "cancelled"
    assert world.buy(key="another")["apiKey"]


def test_place_is_held_for_as_long_as_the_subscription_renews_itself(world: World, bought: Json) -> None:
    (slot,) = [item for item in world.all_items(world.tables.subscriptions) if item["sk"]["S"] == "slot"]
    assert slot["un"]["N"] == str(FOREVER)
    assert bought["subscriptionId"] == slot["id"]["S"]


def test_a_year_of_months_costs_a_read_of_the_row_and_one_write_each(world: World, bought: Json) -> None:
    for month in range(12):
        world.clock.set(datetime(2026 + (11 + month) // 12, (11 + month) % 12 + 1, 24, tzinfo=UTC))
        assert world.authorize(bought["apiKey"], f"first-{month}", 10)["allowed"]
        world.recorder.clear()
        assert world.authorize(bought["apiKey"], f"second-{month}", 10)["allowed"]
        assert world.recorder.calls == ["UpdateItem"]
    assert world.subscription(bought["subscriptionId"]).term.months == 13
    assert_conserved(world)


def test_settles_are_booked_until_90_days_after_the_true_end(world: World) -> None:
    bought = world.buy(models=[model(calls=5, cap=100)], autoRenew=True)
    held = world.authorize(bought["apiKey"], "held", 40)
    world.clock.advance(100 * DAY_MS)
    assert world.authorize(bought["apiKey"], "later", 10)["allowed"]
    assert world.settle(held["authorizationId"], 40)["settled"]
    world.clock.advance(YEAR_MS)
    assert world.settle(held["authorizationId"], 40)["error"]["code"] == "authorization_not_found"
