"""`make upgrade`: what code of the version before has left gets the newest form and its orders, while calls go on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.entitlements import items as entitlement_items
from modelpass.subscriptions import order_items, row_writes
from modelpass.subscriptions.model import REMINDERS, OrderKind
from modelpass.subscriptions.order_records import OrderStatus
from modelpass.times import DAY_MS, MS_PER_SECOND
from ops import upgrade
from tests.support.earlier import RECORDED, Earlier, recorded
from tests.support.listings import list_subscriptions
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.subscriptions.order_records import Order

Json = dict[str, Any]
NAMES = sorted(RECORDED["subscriptions"])


@pytest.fixture
def earlier(engine: str) -> Iterator[Earlier]:
    made = recorded(engine)
    yield made
    made.world.drop_tables()


def upgraded(earlier: Earlier, dynamodb: Any = None) -> upgrade.Upgraded:
    return upgrade.everything(dynamodb or earlier.world.dynamodb, earlier.world.tables)


def orders(earlier: Earlier, subscription_id: str) -> list[Order]:
    """The orders of a subscription, by their numbers; each must have its entry in the account's list."""
    stored = earlier.world.all_items(earlier.world.tables.subscriptions)
    own = [i for i in stored if i["pk"]["S"] == subscription_id and i["sk"]["S"].startswith(order_items.ORDERS)]
    found = sorted((order_items.order_of(item) for item in own), key=lambda order: order.number)
    listed = {(item["pk"]["S"], item["sk"]["S"]) for item in stored}
    assert {order_items.listed_key(order) for order in found} <= listed
    return found


def shown(order: Order) -> tuple[Any, ...]:
    (line,) = order.price.lines
    return order.number, order.kind, order.term_number, line.total, order.price.months


def versions(earlier: Earlier) -> set[str]:
    return {item["v"]["N"] for item in earlier.stored()}


def test_nothing_of_the_version_before_is_left_and_nothing_is_written_twice(earlier: Earlier) -> None:
    count = len(earlier.stored())
    assert versions(earlier) == {str(schema.PREVIOUS)}
    done = upgraded(earlier)
    assert (done.items, done.left) == (count, 0)
    assert versions(earlier) == {str(schema.NEWEST)}
    stored = earlier.stored()
    assert upgraded(earlier) == (0, 0, 0)
    assert earlier.stored() == stored


def test_items_differ_in_their_number_alone_but_for_due_marks_counts_and_tickets(earlier: Earlier) -> None:
    before = {key_of(item): item for item in earlier.stored()}
    upgraded(earlier)
    after = {key_of(item): item for item in earlier.stored()}
    changed: dict[str, set[str]] = {}
    for key, item in before.items():
        differing = {name for name in after[key] if after[key].get(name) != item.get(name)} - {"v"}
        assert set(item) <= set(after[key])
        if differing:
            changed.setdefault(key[1].partition("#")[0], set()).update(differing)
    assert changed == {"subscription": {"da", "on"}, "hold": {"ttl"}}
    for name in NAMES:
        listed = [one["subscriptionId"] for one in list_subscriptions(earlier.world.deps, name)["subscriptions"]]
        assert earlier.id_of(name) in listed


def test_each_term_gets_the_order_that_began_it_at_its_own_price(earlier: Earlier) -> None:
    assert upgraded(earlier).orders == 21
    found = orders(earlier, earlier.id_of("thrice"))
    assert [shown(order) for order in found] == [
        (1, OrderKind.PURCHASE, 1, "14.003", 1),
        (2, OrderKind.RENEWAL, 2, "47.003", 1),
        (3, OrderKind.RENEWAL, 3, "14.003", 1),
    ]
    assert {(order.by, order.account_id, order.stored) for order in found} == {("thrice", "thrice", OrderStatus.DONE)}
    row = earlier.world.subscription(earlier.id_of("thrice"))
    assert row.orders == 3
    assert found[0].at_ms == row.created_at_ms
    assert (found[2].from_ms, found[2].until_ms) == (row.term.starts_at_ms, row.term.ends_at_ms)
    assert found[2].models == row.models
    (whole,) = orders(earlier, earlier.id_of("yearly"))
    assert shown(whole) == (1, OrderKind.PURCHASE, 1, "168.036", 12)
    (both,) = orders(earlier, earlier.id_of("busy"))
    assert [(line.monthly, line.total) for line in both.price.lines] == [("12.403", "24.806"), ("5.04", "10.08")]


def test_term_that_was_sold_before_prices_were_kept_gets_no_order(earlier: Earlier) -> None:
    upgraded(earlier)
    assert orders(earlier, earlier.id_of("ancient")) == []
    assert earlier.world.subscription(earlier.id_of("ancient")).orders == 0


def test_upgraded_rows_are_due_for_their_reminders(earlier: Earlier) -> None:
    upgraded(earlier)
    week = max(before for _, before in REMINDERS)
    row = earlier.world.subscription(earlier.id_of("untouched"))
    assert row.due_at_ms == row.expires_at_ms - week
    assert earlier.world.subscription(earlier.id_of("told")).due_at_ms is None
    keying = earlier.world.subscription(earlier.id_of("keying"))
    assert (keying.key_pending, keying.due_at_ms) == (True, keying.created_at_ms)


def test_tickets_are_kept_for_as_long_as_a_settle_may_come(earlier: Earlier) -> None:
    upgraded(earlier)
    stored = earlier.world.all_items(earlier.world.tables.history)
    tickets = [item for item in stored if item["sk"]["S"].startswith("hold#")]
    assert len(tickets) == 4
    for ticket in tickets:
        granted_ms = entitlement_items.unpack_hold("", ticket["hold"]["S"]).granted_at_ms
        assert int(ticket["ttl"]["N"]) == (granted_ms + 458 * DAY_MS) // MS_PER_SECOND


def test_row_that_is_of_the_newest_version_gets_the_orders_it_lacks_beside_those_it_has(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("thrice")
    upgraded(earlier)
    second = orders(earlier, subscription_id)[1]
    for key in (order_items.order_key(subscription_id, 2), order_items.listed_key(second)):
        world.dynamodb.delete_item(TableName=world.tables.subscriptions, Key=schema.primary_key(key))
    before = world.subscription(subscription_id)
    assert upgraded(earlier) == (0, 1, 0)
    assert [order.number for order in orders(earlier, subscription_id)] == [1, 2, 3]
    assert world.subscription(subscription_id) == before


def test_order_whose_number_another_has_comes_after_all_others(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("untouched")
    upgraded(earlier)
    (first,) = orders(earlier, subscription_id)
    key = schema.primary_key(order_items.order_key(subscription_id, 1))
    extension = order_items.order_item(first._replace(kind=OrderKind.EXTENSION))
    world.dynamodb.put_item(TableName=world.tables.subscriptions, Item={**extension, **key})
    assert upgraded(earlier) == (0, 1, 0)
    kinds = [(order.number, order.kind) for order in orders(earlier, subscription_id)]
    assert kinds == [(1, OrderKind.EXTENSION), (2, OrderKind.PURCHASE)]
    assert world.subscription(subscription_id).orders == 2
    assert upgraded(earlier) == (0, 0, 0)


def test_more_terms_than_a_transaction_holds_get_their_orders(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("untouched")
    stored = world.all_items(world.tables.history)
    (term,) = (i for i in stored if (i["pk"]["S"], i["sk"]["S"]) == (subscription_id, "term#000001"))
    for number in range(2, 101):
        later = {**term, "sk": {"S": f"term#{number:06d}"}, "tn": {"N": str(number)}}
        world.dynamodb.put_item(TableName=world.tables.history, Item=later)
    world.dynamodb.update_item(
        TableName=world.tables.subscriptions,
        Key={"pk": {"S": subscription_id}, "sk": {"S": "subscription"}},
        UpdateExpression="SET tn = :tn",
        ExpressionAttributeValues={":tn": {"N": "100"}},
    )
    assert upgraded(earlier).left == 0
    assert [order.number for order in orders(earlier, subscription_id)] == list(range(1, 101))
    assert world.subscription(subscription_id).orders == 100
    assert upgraded(earlier) == (0, 0, 0)


class Meanwhile:
    """A client that lets something happen between the look at a table and the writes to it."""

    def __init__(self, dynamodb: Any, table: str, happens: Callable[[], object]) -> None:
        self.dynamodb, self.table, self.happens = dynamodb, table, happens
        self.exceptions = dynamodb.exceptions

    def __getattr__(self, name: str) -> Any:
        return getattr(self.dynamodb, name)

    def get_paginator(self, operation: str) -> Any:
        paginator = self.dynamodb.get_paginator(operation)
        return self if operation == "scan" else paginator

    def paginate(self, **request: Any) -> Any:
        pages = list(self.dynamodb.get_paginator("scan").paginate(**request))
        if request["TableName"] == self.table:
            self.happens()
        return pages


def test_what_changes_meanwhile_is_left_for_the_next_run_and_what_is_not_understood_for_good(earlier: Earlier) -> None:
    world = earlier.world
    regenerated, later = earlier.id_of("busy"), earlier.id_of("untouched")
    world.dynamodb.update_item(
        TableName=world.tables.subscriptions,
        Key={"pk": {"S": later}, "sk": {"S": "subscription"}},
        UpdateExpression="SET v = :v",
        ExpressionAttributeValues={":v": {"N": str(schema.NEWEST + 1)}},
    )
    meanwhile = Meanwhile(world.dynamodb, world.tables.subscriptions, lambda: world.regenerate(regenerated, "busy"))
    count = len(earlier.stored())
    done = upgraded(earlier, meanwhile)
    assert (done.items, done.left) == (count - 2, 1)
    left = {key_of(item): item["v"]["N"] for item in earlier.stored() if item["v"]["N"] != str(schema.NEWEST)}
    assert left == {(later, "subscription"): "4", (regenerated, "subscription"): "2"}
    assert upgraded(earlier) == (1, 1, 0)
    assert world.subscription(regenerated).key_generation == 1
    assert orders(earlier, later) == []


def test_order_that_is_sold_meanwhile_keeps_its_number(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("untouched")

    def sell() -> None:
        old = world.subscription(subscription_id)
        request = row_writes.change_row(world.tables, old, old._replace(orders=2))
        world.dynamodb.update_item(**request)

    done = upgraded(earlier, Meanwhile(world.dynamodb, world.tables.subscriptions, sell))
    assert done.left == 1
    assert orders(earlier, subscription_id) == []
    assert upgraded(earlier) == (0, 1, 0)  # the sale has brought the row to the newest version
    assert [order.number for order in orders(earlier, subscription_id)] == [1]
    assert world.subscription(subscription_id).orders == 2


def test_row_with_the_body_of_an_earlier_renewal_is_upgraded(earlier: Earlier) -> None:
    """Code of before renews without a look at it: then it belongs to no term that is current."""
    world, subscription_id = earlier.world, earlier.id_of("untouched")
    world.dynamodb.update_item(
        TableName=world.tables.subscriptions,
        Key={"pk": {"S": subscription_id}, "sk": {"S": "subscription"}},
        UpdateExpression="SET rb = :rb",
        ExpressionAttributeValues={":rb": {"M": {"tn": {"N": "0"}, "bd": {"B": b"a digest"}}}},
    )
    assert upgraded(earlier).left == 0
    assert world.subscription(subscription_id).orders == 1


def test_row_that_cannot_be_read_is_left_and_stops_no_other(earlier: Earlier) -> None:
    world = earlier.world
    key = {"pk": {"S": earlier.id_of("untouched")}, "sk": {"S": "subscription"}}
    world.dynamodb.update_item(TableName=world.tables.subscriptions, Key=key, UpdateExpression="REMOVE kt")
    done = upgraded(earlier)
    assert (done.items, done.left) == (len(earlier.stored()) - 2 * done.orders - 1, 1)
    assert orders(earlier, earlier.id_of("busy")) != []


def test_service_goes_on_after_it(earlier: Earlier) -> None:
    upgraded(earlier)
    assert earlier.settle("busy", "busy-open", 800)["settled"]
    assert earlier.settle("busy", "busy-reclaimed", 41)["late"]
    assert earlier.authorize("untouched", "new", modelId=TEXT_MODEL)["allowed"]
    assert earlier.world.renew(earlier.id_of("expired"), "expired")["apiKey"]


def key_of(item: Json) -> tuple[str, str]:
    return item["pk"]["S"], item.get("sk", {"S": ""})["S"]
