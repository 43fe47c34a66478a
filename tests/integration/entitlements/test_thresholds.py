"""Thresholds, on the real engine: what was really used is announced once per crossing.

A request that crosses none writes nothing more for them, and what cannot be announced fails no request.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from modelpass.dynamodb.transport import Response, StoreBusyError
from tests.support.audit import assert_conserved
from tests.support.concurrency import at_once
from tests.support.thresholds import (
    DAILY_80,
    DAILY_100,
    MONTH_ENDS,
    MONTHLY_80,
    MONTHLY_100,
    NEXT_DAY_ENDS,
    bought,
    told,
    use,
)
from tests.support.world import DAY_MS, World, model

if TYPE_CHECKING:
    from modelpass.schema import Request

pytestmark = pytest.mark.usefixtures("few_shards")


def test_each_share_is_told_when_it_is_used_and_not_a_unit_before(world: World) -> None:
    key = bought(world, calls=100)
    seen = []
    for number, units in enumerate((79, 1, 19, 1)):
        use(world, key, f"r-{number}", units)
        seen.append(set(told(world)))
    assert seen == [set(), {MONTHLY_80}, {MONTHLY_80}, {MONTHLY_80, MONTHLY_100}]


def test_estimate_that_is_voided_tells_nothing_and_what_is_used_later_is_told(world: World) -> None:
    key = bought(world, calls=100)
    granted = world.authorize(key, "estimated", 100)
    assert told(world) == Counter()
    world.settle(granted["authorizationId"], 0, calls=0)
    use(world, key, "little", 10)
    assert told(world) == Counter()
    use(world, key, "rest", 90)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_100])


def test_estimate_that_expires_tells_nothing(world: World) -> None:
    key = bought(world, calls=100, months=2)
    world.authorize(key, "left-open", 100, holdSeconds=60)
    world.clock.advance(60_000)
    world.make_all_due()
    world.reset()
    assert world.authorize(key, "next", 100)["allowed"]
    world.clock.advance(31 * DAY_MS)
    world.reset()
    assert told(world) == Counter()


def test_calls_of_the_day_are_told_and_the_next_day_again(world: World) -> None:
    key = bought(world)
    for number in range(5):
        world.authorize(key, f"r-{number}", 1)
    assert told(world) == Counter([DAILY_80, DAILY_100])
    world.clock.advance(DAY_MS)
    for number in range(4):
        world.authorize(key, f"s-{number}", 1)
    assert told(world) == Counter([DAILY_80, DAILY_100, ("daily", 80, NEXT_DAY_ENDS)])


def test_limit_of_one_call_reaches_both_shares_at_once(world: World) -> None:
    world.authorize(bought(world, calls=1), "r-1", 1)
    assert told(world) == Counter([DAILY_80, DAILY_100])


def test_block_that_is_given_back_tells_nothing(world: World) -> None:
    key = bought(world, calls=10)
    block = world.authorize(key, "block", 10, calls=10)
    assert block["daily"]["used"] == 10
    world.settle(block["authorizationId"], 0, calls=0)
    part = world.authorize(key, "block", 10, calls=10)
    world.settle(part["authorizationId"], 1, calls=7)
    assert told(world) == Counter()
    world.authorize(key, "single", 1)
    assert told(world) == Counter([DAILY_80])


def test_block_tells_what_it_made_as_it_is_settled(world: World) -> None:
    key = bought(world, calls=10)
    block = world.authorize(key, "block", 10, calls=10)
    world.settle(block["authorizationId"], 1, calls=9)
    assert told(world) == Counter([DAILY_80])


def test_calls_beside_an_open_block_are_told_by_themselves(world: World) -> None:
    key = bought(world, calls=12)
    world.authorize(key, "block", 10, calls=2)
    seen = []
    for number in range(10):
        world.authorize(key, f"r-{number}", 1)
        seen.append(sum(told(world).values()))
    assert seen == [0] * 9 + [1]  # 80 percent of 12 are reached by the tenth


@pytest.mark.parametrize("by", ["refusal", "replay", "reset", "next-day"])
def test_calls_of_a_block_that_expired_are_used_and_told_by_whoever_looks(world: World, by: str) -> None:
    key = bought(world, calls=10, months=2)
    world.authorize(key, "open", 1)
    world.authorize(key, "block", 10, calls=9, holdSeconds=60)
    world.clock.advance(59_999)
    assert not world.authorize(key, "too-many", 1)["allowed"]
    assert told(world) == Counter()
    world.clock.advance(1)
    match by:
        case "refusal":
            assert not world.authorize(key, "too-many", 1)["allowed"]
        case "replay":
            assert world.authorize(key, "open", 1)["replayed"]
        case "reset":
            world.clock.advance(15 * 60_000)  # it comes when the first hold expires
            world.reset()
        case _:
            world.clock.advance(DAY_MS)
            world.reset()
    assert told(world) == Counter([DAILY_80, DAILY_100])


def test_block_that_expires_unseen_in_the_last_day_of_a_term_is_told_by_the_reset(world: World) -> None:
    key = bought(world, calls=10)
    world.clock.advance(30 * DAY_MS - 120_000)
    world.authorize(key, "block", 10, calls=10, holdSeconds=60)
    assert told(world) == Counter()
    world.clock.advance(DAY_MS)
    world.reset()
    assert told(world) == Counter([("daily", 80, MONTH_ENDS), ("daily", 100, MONTH_ENDS)])


def test_correction_that_takes_usage_below_a_share_arms_it_again(world: World) -> None:
    made = world.buy(models=[model(calls=100, cap=100)])
    key = made["apiKey"]
    use(world, key, "wrong", 100)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_100])
    world.correct(made["subscriptionId"], -20, "above-80")
    use(world, key, "up-1", 20)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_100, MONTHLY_100])
    world.correct(made["subscriptionId"], -99, "nearly-all")
    use(world, key, "up-2", 78)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_100, MONTHLY_100])
    use(world, key, "up-3", 1)
    use(world, key, "up-4", 1)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_80, MONTHLY_100, MONTHLY_100])


def test_correction_arms_a_share_again_with_its_own_write(world: World) -> None:
    """Even where nothing can be written after it: the very next report is told."""
    made = world.buy(models=[model(calls=100, cap=100)])
    use(world, made["apiKey"], "wrong", 90)
    again = world.authorize(made["apiKey"], "again", 10)["authorizationId"]

    def only_transactions(operation: str, request: Request) -> Response:
        if operation == "UpdateItem":
            raise StoreBusyError("injected")
        return world.deps.send(operation, request)

    world.with_send(only_transactions).correct(made["subscriptionId"], -20)
    world.settle(again, 10)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_80])


def test_each_crossing_has_an_event_with_an_id_of_its_own(world: World) -> None:
    made = world.buy(models=[model(calls=100, cap=100)])
    use(world, made["apiKey"], "wrong", 80)
    for number in range(3):
        world.correct(made["subscriptionId"], -1, f"down-{number}")
        world.correct(made["subscriptionId"], 1, f"up-{number}")
    rows = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == "limit.threshold_reached"]
    assert len({row["id"]["S"] for row in rows}) == len(rows) == 4


def test_correction_that_leaves_usage_above_a_share_tells_it_no_more(world: World) -> None:
    made = world.buy(models=[model(calls=100, cap=100)])
    use(world, made["apiKey"], "used", 90)
    world.correct(made["subscriptionId"], -10, "to-80")
    world.correct(made["subscriptionId"], 5, "to-85")
    assert told(world) == Counter([MONTHLY_80])


def test_calls_that_are_voided_arm_the_day_again(world: World) -> None:
    key = bought(world)
    ids = [world.authorize(key, f"r-{n}", 1)["authorizationId"] for n in range(5)]
    assert told(world) == Counter([DAILY_80, DAILY_100])
    world.settle(ids[0], 0, calls=0)
    world.authorize(key, "s-1", 1)
    assert told(world) == Counter([DAILY_80, DAILY_100, DAILY_100])
    for authorization_id in ids[1:3]:
        world.settle(authorization_id, 0, calls=0)
    world.authorize(key, "s-2", 1)
    assert told(world) == Counter([DAILY_80, DAILY_80, DAILY_100, DAILY_100])


def test_share_that_is_left_open_and_reached_by_estimates_alone_is_never_told(world: World) -> None:
    key = bought(world, calls=100)
    for number in range(3):
        granted = world.authorize(key, f"r-{number}", 90)
        world.settle(granted["authorizationId"], 0)
    assert told(world) == Counter()


def test_report_above_its_estimate_is_told(world: World) -> None:
    granted = world.authorize(bought(world), "r-1", 1)
    world.settle(granted["authorizationId"], 150)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_100])


def test_report_that_comes_after_midnight_tells_of_the_month_that_goes_on(world: World) -> None:
    granted = world.authorize(bought(world), "r-1", 1)
    world.clock.advance(DAY_MS)
    world.settle(granted["authorizationId"], 85)
    assert told(world) == Counter([MONTHLY_80])


def test_64_requests_at_once_tell_each_share_once(world: World) -> None:
    key = bought(world, calls=60, cap=600)
    answers = at_once(64, lambda n: world.authorize(key, f"r-{n}", 10))
    ids = [a["authorizationId"] for a in answers if a["allowed"]]
    assert len(ids) == 60
    assert told(world) == Counter([DAILY_80, DAILY_100])
    at_once(60, lambda n: world.settle(ids[n], 10))
    assert told(world) == Counter([DAILY_80, DAILY_100, MONTHLY_80, MONTHLY_100])
    assert_conserved(world)


def test_what_is_reported_after_the_term_reaches_nothing_any_more(world: World) -> None:
    granted = world.authorize(bought(world), "r-1", 1)
    world.clock.advance(31 * DAY_MS)
    assert world.settle(granted["authorizationId"], 150)["monthly"]["overrun"] == 50
    assert told(world) == Counter()


def test_grant_is_not_answered_once_its_hold_expired_while_a_threshold_was_told(world: World) -> None:
    key = bought(world, calls=2)
    world.authorize(key, "first", 1)

    def slow(operation: str, request: Request) -> Response:
        if operation == "TransactWriteItems":
            world.clock.advance(2000)
        return world.deps.send(operation, request)

    answer = world.with_send(slow).authorize(key, "crossing", 1, holdSeconds=1)
    assert (answer["allowed"], answer["error"]["code"]) == (False, "temporarily_unavailable")


def test_telling_ends_with_the_time_of_its_request(world: World) -> None:
    key = bought(world, calls=2)
    world.authorize(key, "first", 1)
    seconds = [0.0]
    tries = []

    def silent(operation: str, request: Request) -> Response:
        if operation != "TransactWriteItems":
            return world.deps.send(operation, request)
        tries.append(seconds[0])
        seconds[0] += 4.0  # connecting and waiting for a reply, both in vain
        raise StoreBusyError("injected")

    pacing = world.deps.pacing._replace(monotonic=lambda: seconds[0])
    slow = replace(world, deps=world.deps._replace(send=silent, pacing=pacing))
    assert slow.authorize(key, "crossing", 1)["allowed"]
    assert tries == [0.0, 4.0]


def test_item_of_another_schema_costs_no_grant(world: World) -> None:
    name = world.buy(models=[model(calls=2, cap=100)])
    key = name["apiKey"]
    world.authorize(key, "first", 1)
    changed = []

    def deployed_meanwhile(operation: str, request: Request) -> Response:
        if operation == "TransactWriteItems":
            (stored,) = world.all_items(world.tables.entitlements)
            changed.append(stored)
            world.dynamodb.update_item(
                TableName=world.tables.entitlements,
                Key={"pk": stored["pk"]},
                UpdateExpression="SET v = :v",
                ExpressionAttributeValues={":v": {"N": "3"}},
            )
        return world.deps.send(operation, request)

    assert world.with_send(deployed_meanwhile).authorize(key, "crossing", 1)["allowed"]
    assert changed


def test_what_a_late_report_reaches_in_the_last_month_is_told_by_the_reset_if_it_must(world: World) -> None:
    late = world.authorize(bought(world), "late", 10, holdSeconds=60)
    world.clock.advance(2 * DAY_MS)
    world.reset()

    def mute(operation: str, request: Request) -> Response:
        if "limit.threshold_reached" in str(request):
            raise StoreBusyError("injected")
        return world.deps.send(operation, request)

    assert world.with_send(mute).settle(late["authorizationId"], 90)["settled"]
    assert told(world) == Counter()
    world.clock.advance(30 * DAY_MS)
    world.reset()
    assert told(world) == Counter([MONTHLY_80])
