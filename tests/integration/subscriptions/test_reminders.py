"""A customer is told 7 days and 1 day before a term ends, once each for each end, and whether it goes on by itself."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from tests.support.concurrency import at_once
from tests.support.faults import FaultAt
from tests.support.prices import offer, told
from tests.support.sales import extend, purchase, renew, update
from tests.support.world import DAY_MS, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
pytestmark = pytest.mark.usefixtures("few_shards")


def at(world: World, text: str) -> None:
    world.clock.set(datetime.fromisoformat(text))


def reminders(world: World) -> list[tuple[int, str]]:
    """How many days were left by each reminder, in the order of time, and the end that it tells."""
    return sorted((-e["daysLeft"], e["expiresAt"]) for e in told(world, "subscription.expiring"))


def test_reminders_are_told_from_the_millisecond_of_seven_days_and_of_one_day_before_the_end(world: World) -> None:
    bought = purchase(world)
    ends_ms = world.subscription(bought["subscriptionId"]).expires_at_ms
    seen = []
    for before in (7 * DAY_MS + 1, 7 * DAY_MS, 7 * DAY_MS - 60_000, DAY_MS + 1, DAY_MS, 1):
        world.clock.now_ms = ends_ms - before
        world.reset()
        seen.append([event["daysLeft"] for event in told(world, "subscription.expiring")])
    assert [sorted(days) for days in seen] == [[], [7], [7], [7], [1, 7], [1, 7]]
    (first, _) = sorted(told(world, "subscription.expiring"), key=lambda event: -event["daysLeft"])
    assert first == {
        "term": 1,
        "startsAt": "2026-11-23T00:00:00Z",
        "expiresAt": "2026-12-23T00:00:00Z",
        "models": [line["modelId"] for line in bought["models"]],
        "daysLeft": 7,
        "autoRenew": False,
        "renewalBlockedBy": None,
    }
    world.clock.now_ms = ends_ms
    assert world.reset()["subscriptionsExpired"] == 1
    world.reset()
    assert len(told(world, "subscription.expiring")) == 2


def test_reset_that_comes_late_tells_only_the_reminder_nearest_to_the_end(world: World) -> None:
    world.buy()
    at(world, "2026-12-22T12:00:00Z")
    world.reset()
    assert reminders(world) == [(-1, "2026-12-23T00:00:00Z")]


def test_reset_that_comes_after_the_end_tells_no_reminder(world: World) -> None:
    world.buy()
    at(world, "2026-12-23T00:00:00Z")
    assert world.reset()["subscriptionsExpired"] == 1
    assert reminders(world) == []


def test_new_end_is_told_of_anew(world: World) -> None:
    name = world.buy()["subscriptionId"]
    at(world, "2026-12-22T12:00:00Z")
    world.reset()
    extend(world, name)
    world.reset()
    at(world, "2027-01-17T00:00:00Z")
    world.reset()
    at(world, "2027-02-23T00:00:00Z")
    world.reset()
    renew(world, name)
    at(world, "2027-03-22T23:00:00Z")
    world.reset()
    assert reminders(world) == [
        (-7, "2027-01-23T00:00:00Z"),
        (-1, "2026-12-23T00:00:00Z"),
        (-1, "2027-03-23T00:00:00Z"),
    ]


def test_resets_at_once_tell_a_reminder_once(world: World) -> None:
    world.buy()
    at(world, "2026-12-16T00:00:00Z")
    at_once(12, lambda _: world.reset())
    assert reminders(world) == [(-7, "2026-12-23T00:00:00Z")]


@pytest.mark.parametrize("kind", ["before", "after", "lost"])
def test_fault_at_any_call_of_a_reminder_leaves_it_told_once_by_the_next_run(world: World, kind: str) -> None:
    name = world.buy()["subscriptionId"]
    update(world, name, autoRenew=True)
    at(world, "2026-12-16T00:00:00Z")
    for number in range(8):
        world.with_send(FaultAt(world.deps.send, number, kind)).reset()
    world.reset()
    assert reminders(world) == [(-7, "2026-12-23T00:00:00Z")]


def without_model(world: World, _: str) -> None:
    key = {"pk": {"S": "catalogue"}, "sk": {"S": "model#m-1"}}
    world.dynamodb.delete_item(TableName=world.tables.catalogue, Key=key)


def with_smaller_limits(world: World, _: str) -> None:
    key = {"pk": {"S": "catalogue"}, "sk": {"S": "model#m-1"}}
    found = world.dynamodb.get_item(TableName=world.tables.catalogue, Key=key)["Item"]
    found["limits"]["M"]["monthlyTokenCap"]["M"]["max"] = {"N": "5"}
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=found)


def as_ever(world: World, name: str) -> None:
    pass


def suspended(world: World, name: str) -> None:
    world.dynamodb.update_item(
        TableName=world.tables.subscriptions,
        Key={"pk": {"S": name}, "sk": {"S": "subscription"}},
        UpdateExpression="SET su = :su",
        ExpressionAttributeValues={":su": {"M": {"at": {"N": "1"}, "by": {"S": "op"}, "re": {"S": "unpaid"}}}},
    )


@pytest.mark.parametrize(
    ("spoil", "blocked"),
    [
        (as_ever, None),
        (without_model, "unknown_model"),
        (with_smaller_limits, "limits_not_offered"),
        (suspended, "subscription_suspended"),
    ],
)
def test_reminder_of_a_term_that_is_to_renew_itself_says_what_stands_in_the_way(
    world: World, spoil: Callable[[World, str], None], blocked: str | None
) -> None:
    offer(world, "m-1")
    name = purchase(world, models=[model("m-1")], autoRenew=True)["subscriptionId"]
    spoil(world, name)
    at(world, "2026-12-16T00:00:00Z")
    world.reset()
    (event,) = told(world, "subscription.expiring")
    assert (event["autoRenew"], event["renewalBlockedBy"]) == (True, blocked)


def test_cancelled_subscription_is_not_reminded(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.cancel(name)
    at(world, "2026-12-22T12:00:00Z")
    world.reset()
    assert reminders(world) == []


def test_rows_of_the_version_before_are_announced_at_their_end_and_not_reminded(world: World) -> None:
    name = world.writing(schema.PREVIOUS).buy()["subscriptionId"]
    (row,) = [r for r in world.all_items(world.tables.subscriptions) if r["sk"]["S"] == "subscription"]
    assert row["da"] == row["xa"]
    at(world, "2026-12-22T12:00:00Z")
    world.reset()
    assert reminders(world) == []
    update(world, name, label="brought to the newest version")
    world.reset()
    assert reminders(world) == [(-1, "2026-12-23T00:00:00Z")]
