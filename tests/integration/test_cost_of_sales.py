"""What sales to a running subscription, its settings and looks at orders cost the store, counted on the real engine."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import sales
from tests.support.world import DAY_MS, World

if TYPE_CHECKING:
    from collections.abc import Callable

Cost = tuple[list[str], float, float]


def cost(world: World, command: Callable[[], Any]) -> Cost:
    world.recorder.clear()
    command()
    return list(world.recorder.calls), world.recorder.write_units, world.recorder.read_units


@pytest.fixture
def name(world: World) -> str:
    subscription_id: str = world.buy()["subscriptionId"]
    return subscription_id


def test_extension_is_three_requests_however_many_entitlements_there_are(world: World, name: str) -> None:
    sale = ["TransactGetItems", "BatchGetItem", "TransactWriteItems"]
    assert cost(world, partial(sales.extend, world, name, key="order-1")) == (sale, 16, 7)
    assert cost(world, partial(sales.extend, world, name, key="order-1")) == (["TransactGetItems", "GetItem"], 0, 7)
    assert cost(world, partial(sales.quote, world, name, extend={"months": 1})) == (["GetItem", "BatchGetItem"], 0, 2)


def test_change_of_settings_is_two_reads_and_a_write_of_what_it_touches(world: World, name: str) -> None:
    reads = ["GetItem", "TransactGetItems"]
    assert cost(world, partial(sales.update, world, name, label="a")) == ([*reads, "UpdateItem"], 1, 5)
    both = [*reads, "TransactWriteItems", "BatchGetItem"]
    assert cost(world, partial(sales.update, world, name, autoRenew=True)) == (both, 4, 6)
    assert cost(world, partial(sales.update, world, name, autoRenew=True)) == ([*reads, "BatchGetItem"], 0, 6)


def test_look_at_a_subscription_reads_the_catalogue_only_while_it_is_to_renew_itself(world: World, name: str) -> None:
    assert cost(world, partial(sales.look, world, name)) == (["GetItem"], 0, 1)
    sales.update(world, name, autoRenew=True)
    assert cost(world, partial(sales.look, world, name)) == (["GetItem", "BatchGetItem"], 0, 2)


def test_looks_at_orders_are_one_or_two_reads(world: World, name: str) -> None:
    (order,) = sales.orders(world)["orders"]
    assert cost(world, partial(sales.orders, world)) == (["Query", "BatchGetItem"], 0, 2)
    assert cost(world, partial(sales.orders_of, world, name)) == (["GetItem", "Query"], 0, 2)
    assert cost(world, partial(sales.order, world, order["orderId"])) == (["GetItem"], 0, 1)


@pytest.mark.usefixtures("few_shards")
def test_reminder_is_one_read_and_one_transaction(world: World, name: str) -> None:
    world.clock.now_ms = world.subscription(name).expires_at_ms - 7 * DAY_MS
    calls, written, _ = cost(world, world.reset)
    assert (calls.count("TransactWriteItems"), written) == (1, 7)  # one of them for the tiers that are down
