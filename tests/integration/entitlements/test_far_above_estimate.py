"""A report far above its estimate is booked, and told once: by an event in the same transaction, and by a metric."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.router import settle as settle_door
from tests.support.audit import assert_conserved
from tests.support.faults import FaultAt
from tests.support.lines import recorded
from tests.support.world import DAY_MS, TEXT_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

FAR = "usage.far_above_estimate"
METRIC = "UsageFarAboveEstimate"
EDGES = [
    # units held, units used, whether it is told
    (0, 9, False),
    (0, 10, True),
    (1, 9, False),
    (1, 10, True),
    (40, 399, False),
    (40, 400, True),
    (40, 10**15, True),
]


@pytest.fixture
def bought(world: World) -> tuple[str, str]:
    made = world.buy(models=[model(cap=10**6)])
    return made["subscriptionId"], made["apiKey"]


def told(world: World) -> list[dict[str, Any]]:
    rows = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == FAR]
    return [json.loads(row["data"]["S"]) for row in rows]


def used(world: World, subscription_id: str) -> int:
    return world.entitlement(subscription_id).counters.month_used


@pytest.mark.parametrize(("held", "reported", "far"), EDGES)
def test_report_of_ten_times_what_was_held_is_booked_and_told(
    world: World, bought: tuple[str, str], held: int, reported: int, *, far: bool
) -> None:
    subscription_id, key = bought
    granted = world.authorize(key, "r-1", held)
    world.clock.advance(5)
    with recorded() as output:
        answer = world.settle(granted["authorizationId"], reported)
    assert (answer["settled"], used(world, subscription_id)) == (True, reported)
    event = {
        "modelId": TEXT_MODEL,
        "term": 1,
        "heldUsage": held,
        "actualUsage": reported,
        "grantedAt": "2026-11-23T00:00:00Z",
    }
    assert told(world) == [event] * far
    assert output.only().get(METRIC) == (1 if far else None)
    assert_conserved(world)


def test_a_repeat_tells_nothing_more(world: World, bought: tuple[str, str]) -> None:
    subscription_id, key = bought
    granted = world.authorize(key, "r-1", 10)
    world.settle(granted["authorizationId"], 500)
    with recorded() as output:
        again = world.settle(granted["authorizationId"], 900)
    assert again == {"settled": True, "replayed": True}
    assert (METRIC in output.only(), len(told(world)), used(world, subscription_id)) == (False, 1, 500)


def test_the_first_report_stands_and_a_far_repeat_of_it_is_not_told(world: World, bought: tuple[str, str]) -> None:
    _, key = bought
    granted = world.authorize(key, "r-1", 10)
    world.settle(granted["authorizationId"], 5)
    world.settle(granted["authorizationId"], 500)
    assert told(world) == []


def test_each_hold_is_told_once(world: World, bought: tuple[str, str]) -> None:
    _, key = bought
    for number in range(2):  # the same request id, free again once its hold is settled
        granted = world.authorize(key, "r-1", 10)
        world.settle(granted["authorizationId"], 100 + number)
    assert sorted(event["actualUsage"] for event in told(world)) == [100, 101]


def test_report_in_another_tier_and_far_above_its_estimate_tells_both(world: World, bought: tuple[str, str]) -> None:
    _, key = bought
    granted = world.authorize(key, "r-1", 10)
    with recorded() as output:
        answer = world.settle(granted["authorizationId"], 500, servedTier="basic")
    assert answer["tierBreached"]
    assert (output.only()[METRIC], output.only()["TierBreaches"]) == (1, 1)
    assert (len(told(world)), world.events().count("tier.breached")) == (1, 1)


@pytest.mark.parametrize("later_ms", [61_000, DAY_MS, 40 * DAY_MS])
@pytest.mark.parametrize("reclaimed", [True, False])
def test_late_report_is_told_as_well(world: World, bought: tuple[str, str], later_ms: int, *, reclaimed: bool) -> None:
    _, key = bought
    granted = world.authorize(key, "r-1", 10, holdSeconds=60)
    world.clock.advance(later_ms)
    if reclaimed:
        world.make_all_due()
        world.reset()
    assert world.settle(granted["authorizationId"], 500)["late"]
    world.settle(granted["authorizationId"], 500)
    assert [event["actualUsage"] for event in told(world)] == [500]
    assert_conserved(world)


def test_report_from_the_queue_is_told_as_a_direct_one_is(world: World, bought: tuple[str, str]) -> None:
    subscription_id, key = bought
    granted = world.authorize(key, "r-1", 10)
    body = json.dumps({"authorizationId": granted["authorizationId"], "actualUsage": 5e2, "x": 1})
    event = {"Records": [{"messageId": "m-0", "body": body}]}
    with recorded() as output:
        answer = settle_door.handle_settle(world.deps, world.caches.tiers, event, "lambda", float("inf"))
    assert (answer, output.only()[METRIC]) == ({"batchItemFailures": []}, 1)
    assert (len(told(world)), used(world, subscription_id)) == (1, 500)


@pytest.mark.parametrize("kind", ["before", "after", "lost"])
@pytest.mark.parametrize("at", range(4))
def test_usage_and_event_are_written_together_and_once_whatever_call_fails(
    world: World, bought: tuple[str, str], kind: str, at: int
) -> None:
    subscription_id, key = bought
    granted = world.authorize(key, "r-1", 10)
    world.with_send(FaultAt(world.deps.send, at, kind)).settle(granted["authorizationId"], 500, servedTier="basic")
    booked = used(world, subscription_id) == 500
    assert (len(told(world)), world.events().count("tier.breached")) == (booked, booked)
    world.settle(granted["authorizationId"], 500, servedTier="basic")
    assert (used(world, subscription_id), len(told(world))) == (500, 1)
    assert_conserved(world)
