"""What an account can cost by new keys is bounded: a hundred a UTC day, counted in the write that makes each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelpass import schema
from modelpass.errors import Refused
from modelpass.subscriptions import items
from modelpass.subscriptions.model import MAX_NEW_KEYS_PER_DAY
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt
from tests.support.world import DAY_MS

if TYPE_CHECKING:
    from tests.support.world import World


def made_today(world: World, name: str, count: int) -> None:
    """Let the row say how many new keys it has had today."""
    world.dynamodb.update_item(
        TableName=world.tables.subscriptions,
        Key=schema.primary_key(items.subscription_key(name)),
        UpdateExpression="SET nd = :nd, nn = :nn",
        ExpressionAttributeValues={":nd": schema.number(world.clock.now_ms // DAY_MS), ":nn": schema.number(count)},
    )


def counted(world: World, name: str) -> tuple[int, int]:
    row = world.subscription(name)
    return row.new_keys, row.key_generation


def test_hundred_keys_a_day_are_made_and_the_next_is_refused_and_changes_nothing(world: World) -> None:
    bought = world.buy()
    name = bought["subscriptionId"]
    keys = [world.regenerate(name)["apiKey"] for _ in range(MAX_NEW_KEYS_PER_DAY)]
    before = [world.all_items(table) for table in world.names()]
    with pytest.raises(Refused, match="too_many_new_keys"):
        world.regenerate(name)
    assert [world.all_items(table) for table in world.names()] == before
    assert world.authorize(keys[-1], "r-1")["allowed"]
    world.clock.advance(DAY_MS)
    again = world.regenerate(name)["apiKey"]
    assert world.authorize(again, "r-2")["allowed"]
    assert counted(world, name) == (1, MAX_NEW_KEYS_PER_DAY + 1)


def test_of_many_at_once_no_more_are_made_than_the_day_has_left(world: World) -> None:
    name = world.buy()["subscriptionId"]
    made_today(world, name, MAX_NEW_KEYS_PER_DAY - 3)
    answers = at_once(12, lambda _: world.regenerate(name))
    assert answers.count("too_many_new_keys") == 9
    assert counted(world, name) == (MAX_NEW_KEYS_PER_DAY, 3)
    assert world.events().count("key.regenerated") == 3


@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("at", range(4))
def test_key_whose_reply_was_lost_counts_once(world: World, at: int, kind: str) -> None:
    name = world.buy()["subscriptionId"]
    made_today(world, name, MAX_NEW_KEYS_PER_DAY - 1)
    send = FaultAt(world.deps.send, at, kind)
    assert world.authorize(world.with_send(send).regenerate(name)["apiKey"], "r-1")["allowed"]
    assert send.reached
    assert counted(world, name) == (MAX_NEW_KEYS_PER_DAY, 1)


def test_renewal_on_the_same_day_keeps_the_count_and_is_not_refused_for_it(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.clock.advance(30 * DAY_MS - 1000)
    made_today(world, name, MAX_NEW_KEYS_PER_DAY)
    world.clock.advance(1000)
    made_today(world, name, MAX_NEW_KEYS_PER_DAY)
    assert world.renew(name)["apiKey"]
    with pytest.raises(Refused, match="too_many_new_keys"):
        world.regenerate(name)


def test_refused_key_leaves_cancelling_open(world: World) -> None:
    name = world.buy()["subscriptionId"]
    made_today(world, name, MAX_NEW_KEYS_PER_DAY)
    assert world.cancel(name)["status"] == "cancelled"


def test_cancelling_again_writes_nothing(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.cancel(name)
    world.recorder.clear()
    for _ in range(3):
        world.cancel(name)
    assert (world.recorder.calls, world.recorder.write_units) == (["GetItem"] * 3, 0)
