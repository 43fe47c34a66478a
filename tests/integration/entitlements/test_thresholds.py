"""Thresholds, on the real engine: each is announced once per window, under races and after crashes.

A request that reaches none writes nothing more for them, and what cannot be announced fails no request.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.transport import ConditionFailedError, Response, Send, StoreBusyError, StoreRejectedError
from tests.support.audit import assert_conserved
from tests.support.concurrency import at_once
from tests.support.faults import Interleave
from tests.support.world import DAY_MS, World, model

if TYPE_CHECKING:
    from modelpass.schema import Request

DAY_ENDS, NEXT_DAY_ENDS, MONTH_ENDS = "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", "2026-12-23T00:00:00Z"
DAILY_80, DAILY_100 = ("daily", 80, DAY_ENDS), ("daily", 100, DAY_ENDS)
MONTHLY_80, MONTHLY_100 = ("monthly", 80, MONTH_ENDS), ("monthly", 100, MONTH_ENDS)

pytestmark = pytest.mark.usefixtures("few_shards")


def told(world: World) -> Counter[tuple[str, int, str]]:
    rows = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == "limit.threshold_reached"]
    shown = [json.loads(row["data"]["S"]) for row in rows]
    assert all(set(d) == {"modelId", "term", "limit", "percent", "windowEndsAt"} for d in shown)
    return Counter((d["limit"], d["percent"], d["windowEndsAt"]) for d in shown)


def bought(world: World, calls: int = 5, cap: int = 100, **body: Any) -> str:
    return str(world.buy(models=[model(calls=calls, cap=cap)], **body)["apiKey"])


def test_each_share_is_told_when_it_is_reached_and_not_a_unit_before(world: World) -> None:
    key = bought(world, calls=100)
    seen = []
    for number, units in enumerate((79, 1, 19, 1)):
        world.authorize(key, f"r-{number}", units)
        seen.append(set(told(world)))
    assert seen == [set(), {MONTHLY_80}, {MONTHLY_80}, {MONTHLY_80, MONTHLY_100}]


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


def test_share_that_is_left_and_reached_again_in_its_window_is_told_once(world: World) -> None:
    key = bought(world, calls=100)
    for number in range(3):
        granted = world.authorize(key, f"r-{number}", 90)
        world.settle(granted["authorizationId"], 0)
    assert told(world) == Counter([MONTHLY_80])


def test_report_above_its_estimate_is_told(world: World) -> None:
    granted = world.authorize(bought(world), "r-1", 1)
    world.settle(granted["authorizationId"], 150)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_100])


def test_report_that_comes_after_midnight_tells_of_the_month_that_goes_on(world: World) -> None:
    granted = world.authorize(bought(world), "r-1", 1)
    world.clock.advance(DAY_MS)
    world.settle(granted["authorizationId"], 85)
    assert told(world) == Counter([MONTHLY_80])


def test_hold_that_has_expired_does_not_count(world: World) -> None:
    key = bought(world, calls=100)
    world.authorize(key, "r-1", 70, holdSeconds=1)
    world.clock.advance(1000)
    world.authorize(key, "r-2", 20)
    assert told(world) == Counter()


def test_64_requests_at_once_tell_each_share_once(world: World) -> None:
    key = bought(world, calls=60, cap=600)
    answers = at_once(64, lambda n: world.authorize(key, f"r-{n}", 10))
    assert sum(a["allowed"] for a in answers) == 60
    assert told(world) == Counter([DAILY_80, DAILY_100, MONTHLY_80, MONTHLY_100])
    assert_conserved(world)


@dataclass(slots=True)
class GoneAfterOne:
    """A store that takes one request, and no more."""

    send: Send
    taken: int = 0

    def __call__(self, operation: str, request: Request) -> Response:
        self.taken += 1
        if self.taken > 1:
            raise StoreBusyError("injected")
        return self.send(operation, request)


def crossed_and_crashed(world: World) -> str:
    """A grant that reached a share, and the store went away before that could be told."""
    key = bought(world, calls=100)
    world.authorize(key, "first", 1)
    assert world.with_send(GoneAfterOne(world.deps.send)).authorize(key, "crossing", 90)["allowed"]
    assert told(world) == Counter()
    return key


@pytest.mark.parametrize("by", ["grant", "replay", "refusal", "settle", "reset"])
def test_what_a_crash_left_untold_is_told_by_the_next_request_or_the_reset(world: World, by: str) -> None:
    key = crossed_and_crashed(world)
    match by:
        case "grant":
            assert world.authorize(key, "next", 1)["allowed"]
        case "replay":
            assert world.authorize(key, "crossing", 90)["replayed"]
        case "refusal":
            assert not world.authorize(key, "next", 50)["allowed"]
        case "settle":
            settled = world.authorize(key, "crossing", 90)
            world.settle(settled["authorizationId"], 90)
        case _:
            world.make_all_due()
            world.reset()
    assert told(world) == Counter([MONTHLY_80])


@pytest.mark.parametrize("by", ["request", "reset"])
def test_what_is_untold_when_its_windows_end_is_told_as_they_close(world: World, by: str) -> None:
    key = bought(world, calls=2, months=2)
    first = world.authorize(key, "first", 1)
    assert world.with_send(GoneAfterOne(world.deps.send)).authorize(key, "last-call", 1)["allowed"]
    assert world.with_send(GoneAfterOne(world.deps.send)).settle(first["authorizationId"], 90)["settled"]
    assert told(world) == Counter()
    world.clock.advance(31 * DAY_MS)
    if by == "reset":
        world.reset()
    else:
        assert world.authorize(key, "of-the-next-month", 1)["allowed"]
    assert told(world) == Counter([DAILY_80, DAILY_100, MONTHLY_80])


def test_event_that_cannot_be_written_never_costs_the_router_its_grant(world: World) -> None:
    key = bought(world, cap=10**6)

    def send(operation: str, request: Request) -> Response:
        if operation == "TransactWriteItems":
            raise StoreRejectedError("AccessDeniedException")
        return world.deps.send(operation, request)

    answers = [world.with_send(send).authorize(key, f"r-{n}", 1) for n in range(5)]
    assert [a["daily"]["used"] for a in answers] == [1, 2, 3, 4, 5]
    assert told(world) == Counter()


@dataclass(slots=True)
class KeepsBack:
    """Does not send what tells a threshold, but keeps it: a request that is on its way for a long time."""

    send: Send
    kept: list[Request] = field(default_factory=list)

    def __call__(self, operation: str, request: Request) -> Response:
        if operation == "TransactWriteItems":
            self.kept.append(request)
            raise StoreBusyError("injected")
        return self.send(operation, request)


def test_telling_that_arrives_late_tells_nothing_twice(world: World) -> None:
    key = bought(world, calls=100)
    world.authorize(key, "first", 1)
    slow = KeepsBack(world.deps.send)
    world.with_send(slow).authorize(key, "crossing", 90)
    world.clock.advance(1)
    world.authorize(key, "next", 1)
    with pytest.raises(ConditionFailedError):
        world.deps.send("TransactWriteItems", slow.kept[0])
    assert told(world) == Counter([MONTHLY_80])


def test_telling_that_arrives_while_its_window_is_closed_marks_nothing_in_the_next(world: World) -> None:
    key = bought(world, calls=100, months=2)
    world.authorize(key, "first", 1)
    slow = KeepsBack(world.deps.send)
    crossing = world.with_send(slow).authorize(key, "crossing", 90)
    world.with_send(slow).settle(crossing["authorizationId"], 0)
    world.clock.advance(31 * DAY_MS)
    send = Interleave(world.deps.send, 1, lambda: world.deps.send("TransactWriteItems", slow.kept[0]))
    assert world.with_send(send).authorize(key, "of-the-next-month", 1)["allowed"]
    assert send.reached
    world.authorize(key, "crossing-again", 90)
    assert told(world) == Counter([MONTHLY_80, ("monthly", 80, "2027-01-23T00:00:00Z")])


def test_what_is_reported_after_the_term_reaches_nothing_any_more(world: World) -> None:
    granted = world.authorize(bought(world), "r-1", 1)
    world.clock.advance(31 * DAY_MS)
    assert world.settle(granted["authorizationId"], 150)["monthly"]["overrun"] == 50
    assert told(world) == Counter()


def test_grant_is_not_answered_once_its_hold_expired_while_a_threshold_was_told(world: World) -> None:
    key = bought(world, calls=100)
    world.authorize(key, "first", 1)

    def slow(operation: str, request: Request) -> Response:
        if operation == "TransactWriteItems":
            world.clock.advance(2000)
        return world.deps.send(operation, request)

    answer = world.with_send(slow).authorize(key, "crossing", 90, holdSeconds=1)
    assert (answer["allowed"], answer["error"]["code"]) == (False, "temporarily_unavailable")


def test_telling_ends_with_the_time_of_its_request(world: World) -> None:
    key = bought(world, calls=100)
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
    assert slow.authorize(key, "crossing", 90)["allowed"]
    assert tries == [0.0, 4.0]


def test_item_of_another_schema_costs_no_grant(world: World) -> None:
    name = world.buy(models=[model(calls=100, cap=100)])
    key = name["apiKey"]
    world.authorize(key, "first", 1)

    def deployed_meanwhile(operation: str, request: Request) -> Response:
        if operation == "TransactWriteItems":
            (stored,) = world.all_items(world.tables.entitlements)
            world.dynamodb.update_item(
                TableName=world.tables.entitlements,
                Key={"pk": stored["pk"]},
                UpdateExpression="SET v = :v",
                ExpressionAttributeValues={":v": {"N": "3"}},
            )
        return world.deps.send(operation, request)

    assert world.with_send(deployed_meanwhile).authorize(key, "crossing", 90)["allowed"]


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
