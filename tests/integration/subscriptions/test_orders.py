"""Whatever is sold is an order: kept in the transaction that sells, and listed for its account and its subscription."""

from __future__ import annotations

from collections import Counter
from functools import partial
from typing import Any

import pytest

from modelpass import schema
from modelpass.errors import Refused
from tests.support.faults import FaultAt, Interleave
from tests.support.prices import told
from tests.support.refused import refusal
from tests.support.sales import extend, order, orders, orders_of, purchase, renew
from tests.support.world import DAY_MS, World

Json = dict[str, Any]
VERSIONS = pytest.mark.parametrize("version", [schema.PREVIOUS, schema.NEWEST])


def change_stored(world: World, sort_key: str, **values: Any) -> None:
    """Damage one item of the subscriptions table, or many, whose sort keys begin so."""
    for item in world.all_items(world.tables.subscriptions):
        if item["sk"]["S"].startswith(sort_key):
            world.dynamodb.put_item(TableName=world.tables.subscriptions, Item={**item, **values})


@VERSIONS
def test_purchase_and_renewal_are_orders_whatever_version_is_written(world: World, version: int) -> None:
    on = world.writing(version)
    bought = purchase(on, months=2)
    world.clock.advance(70 * DAY_MS + 5)
    renewed = renew(on, bought["subscriptionId"])
    made = orders(on)["orders"]
    assert made == orders_of(on, bought["subscriptionId"])["orders"] == [renewed["order"], bought["order"]]
    assert [(one["kind"], one["status"], one["by"]) for one in made] == [
        ("renewal", "done", "acct"),
        ("purchase", "done", "acct"),
    ]
    assert [one["price"] for one in made] == [renewed["price"], bought["price"]]
    assert [(one["startsAt"], one["endsAt"]) for one in made] == [
        (renewed["startsAt"], renewed["expiresAt"]),
        (bought["startsAt"], bought["expiresAt"]),
    ]
    assert (made[0]["at"], made[1]["at"]) == ("2027-02-01T00:00:00.005Z", "2026-11-23T00:00:00Z")
    stored = [item for item in world.all_items(world.tables.subscriptions) if item["sk"]["S"].startswith("order#")]
    assert [item["v"] for item in stored] == [schema.number(version)] * 4


@VERSIONS
def test_event_of_every_sale_names_its_order_and_its_price(world: World, version: int) -> None:
    on = world.writing(version)
    bought = purchase(on)
    world.clock.advance(40 * DAY_MS)
    renewed = renew(on, bought["subscriptionId"])
    for kind, sold in (("subscription.purchased", bought), ("subscription.renewed", renewed)):
        (event,) = told(world, kind)
        assert (event["orderId"], event["price"]) == (sold["order"]["orderId"], sold["price"])


@VERSIONS
@pytest.mark.parametrize("kind", ["before", "after", "lost"])
@pytest.mark.parametrize("at", range(3))
def test_order_is_there_just_when_its_sale_is(world: World, at: int, kind: str, version: int) -> None:
    on = world.writing(version)
    broken = on.with_send(FaultAt(on.deps.send, at, kind))
    try:
        bought = broken.buy(key="order-1")
    except Refused:
        bought = on.buy(key="order-1")
    assert [one["subscriptionId"] for one in orders(on)["orders"]] == [bought["subscriptionId"]]
    world.clock.advance(40 * DAY_MS)
    broken = on.with_send(FaultAt(on.deps.send, at, kind))
    try:
        broken.renew(bought["subscriptionId"], key="order-2")
    except Refused:
        on.renew(bought["subscriptionId"], key="order-2")
    assert Counter(one["kind"] for one in orders(on)["orders"]) == {"purchase": 1, "renewal": 1}


def test_repeat_of_a_purchase_or_a_renewal_shows_its_own_order(world: World) -> None:
    bought = purchase(world, key="order-1")
    extend(world, bought["subscriptionId"])
    again = purchase(world, key="order-1")
    assert (again["order"], again["price"]) == (bought["order"], bought["price"])
    assert again["expiresAt"] == "2027-01-23T00:00:00Z"
    world.clock.advance(90 * DAY_MS)
    renewed = renew(world, bought["subscriptionId"], key="order-2")
    extend(world, bought["subscriptionId"])
    assert renew(world, bought["subscriptionId"], key="order-2")["order"] == renewed["order"]


def test_repeat_of_what_was_sold_before_orders_were_kept_shows_none(world: World) -> None:
    bought = world.buy(key="order-1")
    for item in world.all_items(world.tables.subscriptions):
        if item["sk"]["S"].startswith("order#"):
            key = {name: item[name] for name in ("pk", "sk")}
            world.dynamodb.delete_item(TableName=world.tables.subscriptions, Key=key)
    again = purchase(world, key="order-1")
    assert (again["subscriptionId"], "order" in again) == (bought["subscriptionId"], False)
    assert again["price"]["total"] == "12.05" or again["price"]["months"] == 1


def test_key_of_a_renewal_may_be_used_once_more_when_another_term_lies_between(world: World) -> None:
    name = world.buy()["subscriptionId"]
    for term, key in ((2, "even"), (3, "odd"), (4, "even"), (5, "odd")):
        world.clock.advance(40 * DAY_MS)
        renewed = renew(world, name, key=key)
        assert (renewed["term"], renew(world, name, key=key)["term"]) == (term, term)
    assert [one["kind"] for one in orders_of(world, name)["orders"]] == [*["renewal"] * 4, "purchase"]


def test_orders_of_an_account_are_newest_first_over_all_its_subscriptions_and_of_nobody_else(world: World) -> None:
    first = world.buy()["subscriptionId"]
    world.clock.advance(1000)
    extend(world, first)
    world.cancel(first)
    world.clock.advance(1000)
    second = world.buy()["subscriptionId"]
    world.buy("another")
    shown = [(one["subscriptionId"], one["kind"]) for one in orders(world)["orders"]]
    assert shown == [(second, "purchase"), (first, "extension"), (first, "purchase")]
    assert orders(world, "who bought nothing") == {"orders": [], "next": None}
    assert refusal(orders_of, world, first, "another") == ("not_found", None)
    (theirs,) = orders(world, "another")["orders"]
    assert refusal(order, world, theirs["orderId"]) == ("not_found", None)


@pytest.mark.parametrize("limit", [1, 2, 3, 5, 6])
def test_pages_show_each_order_once(world: World, limit: int) -> None:
    name = world.buy()["subscriptionId"]
    for _ in range(4):
        extend(world, name)  # some of the same millisecond
    for listing in (orders, lambda on, **query: orders_of(on, name, **query)):
        pages = [listing(world, limit=str(limit))]
        while pages[-1]["next"]:
            pages.append(listing(world, limit=str(limit), cursor=pages[-1]["next"]))
        shown = [one["orderId"] for page in pages for one in page["orders"]]
        assert shown == [one["orderId"] for one in listing(world)["orders"]]
        assert (len(shown), len(set(shown)), len(pages)) == (5, 5, -(-5 // limit))


def test_order_that_is_made_while_pages_are_read_moves_none(world: World) -> None:
    name = world.buy()["subscriptionId"]
    extend(world, name)
    extend(world, name)
    before = [one["orderId"] for one in orders(world)["orders"]]
    first = orders(world, limit="2")
    world.clock.advance(1)
    extend(world, name)
    assert [one["orderId"] for one in orders(world, cursor=first["next"])["orders"]] == before[2:]


@pytest.mark.parametrize("cursor", ["", "x", "YQ", "A" * 300, "Ym91Z2h0Iw"])
def test_cursor_that_no_page_gave_is_named(world: World, cursor: str) -> None:
    name = world.buy()["subscriptionId"]
    assert refusal(orders, world, cursor=cursor) == ("invalid_request", "cursor")
    assert refusal(orders_of, world, name, cursor=cursor) == ("invalid_request", "cursor")


@pytest.mark.parametrize("order_id", ["", "ord_", "ord_" + "a" * 32, "sub_" + "a" * 24, "ord_" + "A" * 32, "x" * 500])
def test_text_that_names_no_order_is_not_found(world: World, order_id: str) -> None:
    world.buy()
    assert refusal(order, world, order_id) == ("not_found", None)


def test_order_that_cannot_be_read_is_left_out_of_lists_and_spoils_no_other(world: World) -> None:
    name = world.buy()["subscriptionId"]
    extend(world, name)
    change_stored(world, "order#000002", kd={"S": "gift"})
    for listed in (orders(world), orders_of(world, name)):
        assert [one["kind"] for one in listed["orders"]] == ["purchase"]
    assert extend(world, name)["order"]["kind"] == "extension"


def test_entry_that_names_an_order_of_another_account_shows_nothing_of_it(world: World) -> None:
    mine = world.buy()["subscriptionId"]
    theirs = world.buy("another")["subscriptionId"]
    for item in world.all_items(world.tables.subscriptions):
        if item["sk"]["S"].startswith("order#") and theirs in item["sk"]["S"]:
            moved = {**item, "pk": {"S": "account#acct"}}
            world.dynamodb.put_item(TableName=world.tables.subscriptions, Item=moved)
    assert [one["subscriptionId"] for one in orders(world)["orders"]] == [mine]


def test_hundred_sales_of_any_kind_are_made_in_a_utc_day_and_not_one_more(world: World) -> None:
    name = world.buy()["subscriptionId"]
    slot = {"pk": {"S": "account#acct"}, "sk": {"S": "slot"}}
    extend(world, name)
    found = world.dynamodb.get_item(TableName=world.tables.subscriptions, Key=slot)["Item"]
    assert (found["pn"], found["sn"]) == (schema.number(1), schema.number(2))
    world.dynamodb.put_item(TableName=world.tables.subscriptions, Item={**found, "sn": schema.number(99)})
    extend(world, name)
    world.clock.advance(DAY_MS - 1000)
    with pytest.raises(Refused) as caught:
        extend(world, name)
    assert (caught.value.refusal.code.code, caught.value.refusal.retry_after) == ("too_many_purchases", 1)
    world.clock.advance(1000)
    assert extend(world, name)["order"]["status"] == "done"


def test_sale_that_meets_another_at_any_call_has_a_number_of_its_own(world: World) -> None:
    for at in range(3):
        account = f"acct-{at}"
        name = world.buy(account)["subscriptionId"]
        meeting = Interleave(world.deps.send, at, partial(extend, world, name, account=account))
        extend(world.with_send(meeting), name, account=account)
        assert meeting.reached
        made = orders_of(world, name, account)["orders"]
        assert len({one["orderId"] for one in made}) == len(made) == 3
