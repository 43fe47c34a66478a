"""New time zone data arrives in the middle of a term: what was sold stays sold, and every equation goes on holding.

A change of a zone's offset is simulated by writing another zone into the stored rows. It is in force at once, as it is
when new time zone data is deployed later than the law that it follows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.entitlements.windows import month_window_start_ms
from tests.support.audit import assert_conserved, counted
from tests.support.builders import ms
from tests.support.lines import recorded
from tests.support.world import DAY_MS, World, model

if TYPE_CHECKING:
    from tests.support.world import Json

pytestmark = pytest.mark.usefixtures("few_shards")
HOUR_MS = 3_600_000
EAST, WEST = "Etc/GMT-6", "Etc/GMT-5"  # the names count westwards: these are +06:00 and +05:00
CHANGES = [(EAST, WEST), (WEST, EAST)]
SUMMER, NO_SUMMER = "Europe/Berlin", "Africa/Lagos"  # alike in winter: a law on summer time changes one into the other
SUMMER_TIMES = [(SUMMER, NO_SUMMER), (NO_SUMMER, SUMMER)]
IN_WINTER_MS = ms("2026-03-10T09:00:00Z")


def new_data(world: World, zone: str) -> None:
    for table in (world.tables.entitlements, world.tables.subscriptions):
        for row in world.all_items(table):
            if "tz" in row:
                world.dynamodb.update_item(
                    TableName=table,
                    Key={name: row[name] for name in ("pk", "sk") if name in row},
                    UpdateExpression="SET tz = :tz",
                    ExpressionAttributeValues={":tz": {"S": zone}},
                )


@pytest.mark.parametrize("hour", range(0, 27, 2))
@pytest.mark.parametrize(("before", "after"), CHANGES)
def test_traffic_over_the_change_is_granted_settled_and_counted_once(
    world: World, before: str, after: str, hour: int
) -> None:
    made = world.buy(timezone=before, months=2, models=[model(calls=10, cap=10**6)])
    term = world.entitlement(made["subscriptionId"]).term
    change_at_ms = month_window_start_ms(term, 1) + (hour - 13) * HOUR_MS  # a month begins, over a midnight
    world.clock.now_ms = change_at_ms - 30 * HOUR_MS
    unsettled: list[str] = []
    granted = settled = 0
    while world.clock.now_ms < change_at_ms + 40 * HOUR_MS:
        if change_at_ms <= world.clock.now_ms < change_at_ms + 5 * HOUR_MS:
            new_data(world, after)
        answer = world.authorize(made["apiKey"], f"r-{granted}", 10, holdSeconds=9 * 3600)
        assert answer["allowed"], answer
        assert answer["daily"]["used"] > 0
        granted += 1
        unsettled.append(answer["authorizationId"])
        if len(unsettled) > 2:  # each is settled ten hours later: over midnights, months and the change
            assert world.settle(unsettled.pop(0), 7)["settled"]
            settled += 1
        assert_conserved(world)
        world.clock.advance(5 * HOUR_MS)
    world.reset()
    assert_conserved(world)
    assert counted(world, made["subscriptionId"]) == (granted, 7 * settled)


@pytest.mark.parametrize(("before", "after"), SUMMER_TIMES)
def test_term_ends_when_it_was_sold_to_end(world: World, before: str, after: str) -> None:
    world.clock.now_ms = IN_WINTER_MS
    made = world.buy(timezone=before)
    ends_at_ms = world.entitlement(made["subscriptionId"]).expires_at_ms
    world.clock.advance(2 * DAY_MS)
    new_data(world, after)
    world.clock.now_ms = ends_at_ms - HOUR_MS
    assert world.authorize(made["apiKey"], "r-1")["allowed"]
    world.recorder.clear()
    for minute in range(1, 60, 7):
        world.clock.now_ms = ends_at_ms - minute
        assert world.authorize(made["apiKey"], f"m-{minute}")["allowed"]
    assert world.recorder.calls == ["UpdateItem"] * 9
    world.clock.now_ms = ends_at_ms
    assert world.authorize(made["apiKey"], "r-2")["error"]["code"] == "subscription_expired"
    bought: dict[str, Any] = world.buy()
    assert world.authorize(bought["apiKey"], "r-1")["allowed"]
    assert world.authorize(made["apiKey"], "r-3")["error"]["code"] == "subscription_expired"


@pytest.mark.parametrize(("before", "after"), CHANGES + SUMMER_TIMES)
def test_reset_comes_to_rest(world: World, before: str, after: str) -> None:
    world.clock.now_ms = IN_WINTER_MS
    made = world.buy(timezone=before)
    with recorded() as output:
        for _ in range(34):
            world.authorize(made["apiKey"], f"r-{world.clock.now_ms}", holdSeconds=60)
            new_data(world, after)
            world.clock.advance(22 * HOUR_MS)
            world.reset()
            assert world.reset() == {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}
            assert_conserved(world)
    assert "internal_error" not in output.getvalue()


@pytest.mark.parametrize(("before", "after"), CHANGES)
@pytest.mark.parametrize("minutes", range(15, 150, 30))
def test_hold_of_the_hour_that_moved_counts_in_the_day_it_was_granted_in(
    world: World, before: str, after: str, minutes: int
) -> None:
    """Granted near a midnight, settled when the new data puts it on the other side."""
    made = world.buy(timezone=before, models=[model(calls=9, cap=100)])
    midnight_ms = world.entitlement(made["subscriptionId"]).segment_end_ms
    later, last = over_the_edge(world, made["apiKey"], midnight_ms, minutes, after)
    assert (later["daily"]["used"], last["daily"]["used"]) == (1, 2)
    assert_conserved(world)


@pytest.mark.parametrize(("before", "after"), SUMMER_TIMES)
@pytest.mark.parametrize("minutes", range(15, 150, 30))
def test_hold_of_the_hour_that_moved_counts_in_the_month_it_was_granted_in(
    world: World, before: str, after: str, minutes: int
) -> None:
    """Granted near the start of a month in summer, settled when the new data puts it on the other side."""
    world.clock.now_ms = IN_WINTER_MS
    made = world.buy(timezone=before, months=2, models=[model(calls=9, cap=100)])
    month_ms = month_window_start_ms(world.entitlement(made["subscriptionId"]).term, 1)
    later, last = over_the_edge(world, made["apiKey"], month_ms, minutes, after)
    assert (later["monthly"]["used"], last["monthly"]["used"]) == (0, 0)
    assert (later["monthly"]["held"], last["monthly"]["held"]) == (1, 2)
    assert_conserved(world)


def over_the_edge(world: World, key: str, edge_ms: int, minutes: int, after: str) -> tuple[Json, Json]:
    """The answers before and after a settle of what was granted so many minutes before an edge, once it is over."""
    world.clock.now_ms = edge_ms - 3 * HOUR_MS
    world.authorize(key, "opens", 1)
    world.clock.now_ms = edge_ms - minutes * 60_000
    granted = world.authorize(key, "moved", 40, calls=3, holdSeconds=86_400)
    new_data(world, after)
    world.clock.now_ms = edge_ms + 70 * 60_000
    later = world.authorize(key, "later", 1)
    assert world.settle(granted["authorizationId"], 20, calls=0)["settled"]
    return later, world.authorize(key, "last", 1)


@pytest.mark.parametrize("minutes_before_midnight", [5, 20, 55, 65])
@pytest.mark.parametrize(("before", "after"), SUMMER_TIMES)
def test_month_that_began_in_the_hour_that_moved_is_sold_once(
    world: World, before: str, after: str, minutes_before_midnight: int
) -> None:
    """By the new data its first hour is still the month before: it goes on, and no cap comes back."""
    world.clock.now_ms = ms("2026-03-10T23:00:00Z") - minutes_before_midnight * 60_000
    made = world.buy(timezone=before, months=3, models=[model(calls=99, cap=100)])
    month_ms = month_window_start_ms(world.entitlement(made["subscriptionId"]).term, 1)
    first = world.authorize(made["apiKey"], "first-month", 60, holdSeconds=86_400)
    world.clock.now_ms = month_ms
    used = world.authorize(made["apiKey"], "second-month", 100, holdSeconds=86_400)
    assert used["monthly"]["remaining"] == 0
    new_data(world, after)
    for minute in range(1, 200, 7):
        world.clock.now_ms = month_ms + minute * 60_000
        refused = world.authorize(made["apiKey"], f"more-{minute}", 1)
        assert refused["error"]["code"] == "monthly_cap_reached", minute
        assert refused["monthly"]["held"] == 100
        assert refused["retryAfter"] > 20 * 86_400
    assert world.settle(first["authorizationId"], 50)["settled"]
    assert world.settle(used["authorizationId"], 30)["monthly"]["used"] == 30
    world.authorize(made["apiKey"], "again", 1)
    assert_conserved(world)
    months = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#")]
    assert [(m["sk"]["S"].split("#")[2], m["used"]["N"]) for m in months] == [("00", "50")]


def test_day_in_force_ends_no_sooner_than_it_was_to(world: World) -> None:
    made = world.buy(timezone=WEST, models=[model(calls=1)])
    world.authorize(made["apiKey"], "r-1")
    new_data(world, EAST)
    world.clock.advance(18 * HOUR_MS + HOUR_MS // 2)  # by the new data, this day is over
    refused = world.authorize(made["apiKey"], "r-2")
    assert (refused["error"]["code"], refused["retryAfter"]) == ("daily_call_limit_reached", 1800)
    assert refused["daily"]["resetsAt"] == "2026-11-23T19:00:00Z"
    world.clock.advance(HOUR_MS // 2)
    assert world.authorize(made["apiKey"], "r-2")["allowed"]


def test_limits_of_the_day_in_force_hold_until_it_was_to_end(world: World) -> None:
    made = world.buy(timezone=EAST, models=[model(calls=2)])
    day_ends_ms = 18 * HOUR_MS + world.clock.now_ms
    world.authorize(made["apiKey"], "r-1")
    new_data(world, WEST)
    answer = world.authorize(made["apiKey"], "r-2")
    assert answer["daily"] == {"limit": 2, "used": 2, "remaining": 0, "resetsAt": "2026-11-23T19:00:00Z"}
    world.clock.now_ms = day_ends_ms  # by the new data the day goes on for an hour
    refused = world.authorize(made["apiKey"], "r-3")
    assert (refused["error"]["code"], refused["retryAfter"]) == ("daily_call_limit_reached", 3600)
    world.clock.advance(HOUR_MS)
    assert world.authorize(made["apiKey"], "r-3")["daily"]["used"] == 1
