"""Thresholds under crashes and late writes, on the real engine: what was left undone is done once, whoever looks.

What cannot be announced fails no request, and a write that arrives late tells nothing that is not so any more.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from modelpass.dynamodb.transport import ConditionFailedError, Response, Send, StoreBusyError, StoreRejectedError
from tests.support.faults import Interleave, SlowReply
from tests.support.thresholds import DAILY_80, DAILY_100, MONTHLY_80, bought, told, use
from tests.support.world import DAY_MS, World, model

if TYPE_CHECKING:
    from modelpass.schema import Request

pytestmark = pytest.mark.usefixtures("few_shards")


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


def crossed_and_crashed(world: World) -> tuple[str, str]:
    """A settle that reached a share, and the store went away before that could be told; the key and the settled id."""
    key = bought(world, calls=100)
    world.authorize(key, "first", 1)
    crossing = world.authorize(key, "crossing", 90)["authorizationId"]
    assert world.with_send(GoneAfterOne(world.deps.send)).settle(crossing, 90)["settled"]
    assert told(world) == Counter()
    return key, crossing


@pytest.mark.parametrize("by", ["grant", "replay", "refusal", "settle", "reset"])
def test_what_a_crash_left_untold_is_told_by_the_next_request_or_the_reset(world: World, by: str) -> None:
    key, crossing = crossed_and_crashed(world)
    match by:
        case "grant":
            assert world.authorize(key, "next", 1)["allowed"]
        case "replay":
            assert world.authorize(key, "first", 1)["replayed"]
        case "refusal":
            assert not world.authorize(key, "next", 50)["allowed"]
        case "settle":
            assert world.settle(crossing, 90)["replayed"]
        case _:
            world.make_all_due()
            world.reset()
    assert told(world) == Counter([MONTHLY_80])


@pytest.mark.parametrize("by", ["replay", "refusal", "settle", "correction", "reset"])
def test_mark_that_a_crash_left_is_taken_away_by_the_next_request_or_the_reset(world: World, by: str) -> None:
    made = world.buy(models=[model(calls=10, cap=100)])
    key, name = made["apiKey"], made["subscriptionId"]
    ids = [world.authorize(key, f"r-{n}", 1)["authorizationId"] for n in range(8)]
    assert world.with_send(GoneAfterOne(world.deps.send)).settle(ids[0], 0, calls=0)["settled"]
    assert len(world.entitlement(name).announced) == 1
    match by:
        case "replay":
            assert world.authorize(key, "r-1", 1)["replayed"]
        case "refusal":
            assert not world.authorize(key, "next", 1, channelTier="enterprise")["allowed"]
        case "settle":
            world.settle(ids[1], 1)
        case "correction":
            world.correct(name, 1)
        case _:
            world.make_all_due()
            world.reset()
    assert not world.entitlement(name).announced
    world.authorize(key, "again", 1)
    assert told(world) == Counter([DAILY_80, DAILY_80])


@pytest.mark.parametrize("by", ["grant", "reset", "midnight"])
def test_marks_that_earlier_code_set_for_estimates_spend_no_alert(world: World, by: str) -> None:
    made = world.buy(models=[model(calls=100, cap=100)])
    key, name = made["apiKey"], made["subscriptionId"]
    world.authorize(key, "first", 1)
    (stored,) = world.all_items(world.tables.entitlements)
    world.dynamodb.update_item(
        TableName=world.tables.entitlements,
        Key={"pk": stored["pk"]},
        UpdateExpression="SET ta = :ta",
        ExpressionAttributeValues={":ta": {"N": "12"}},
    )
    match by:
        case "grant":
            world.authorize(key, "next", 1)
        case "reset":
            world.make_all_due()
            world.reset()
        case _:
            world.clock.advance(DAY_MS)
            world.reset()
    assert not world.entitlement(name).announced
    use(world, key, "used", 98)
    assert told(world) == Counter([MONTHLY_80])


@pytest.mark.parametrize("by", ["request", "reset"])
def test_what_is_untold_when_its_windows_end_is_told_as_they_close(world: World, by: str) -> None:
    key = bought(world, calls=2, months=2)
    first = world.authorize(key, "first", 10)
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
    """Does not send what writes a mark, but keeps it: a request that is on its way for a long time."""

    send: Send
    kept: list[tuple[str, Request]] = field(default_factory=list)

    def __call__(self, operation: str, request: Request) -> Response:
        if "#ta" in str(request):
            self.kept.append((operation, request))
            raise StoreBusyError("injected")
        return self.send(operation, request)


def arrives(world: World, late: KeepsBack) -> None:
    """What was kept back reaches the store now, and its guard fails."""
    with pytest.raises(ConditionFailedError):
        world.deps.send(*late.kept[0])


def test_telling_that_arrives_late_tells_nothing_twice(world: World) -> None:
    key = bought(world, calls=100)
    slow = KeepsBack(world.deps.send)
    use(world.with_send(slow), key, "crossing", 90)
    world.clock.advance(1)
    world.authorize(key, "next", 1)
    arrives(world, slow)
    assert told(world) == Counter([MONTHLY_80])


def test_telling_that_arrives_after_its_share_was_told_and_armed_again_tells_nothing(world: World) -> None:
    """The marks look just as they did when it was sent, and usage has risen again: what rose then is told once."""
    made = world.buy(models=[model(calls=100, cap=100)])
    key, slow = made["apiKey"], KeepsBack(world.deps.send)
    use(world.with_send(slow), key, "crossing", 90)
    world.authorize(key, "next", 1)
    assert told(world) == Counter([MONTHLY_80])
    world.correct(made["subscriptionId"], -50)
    arrives(world, slow)
    again = world.authorize(key, "crossing-again", 50)["authorizationId"]
    world.with_send(GoneAfterOne(world.deps.send)).settle(again, 50)
    arrives(world, slow)
    assert told(world) == Counter([MONTHLY_80])
    world.authorize(key, "first", 1)
    assert told(world) == Counter([MONTHLY_80, MONTHLY_80])


def test_telling_that_arrives_when_usage_was_taken_back_tells_nothing(world: World) -> None:
    made = world.buy(models=[model(calls=100, cap=100)])
    slow = KeepsBack(world.deps.send)
    use(world.with_send(slow), made["apiKey"], "crossing", 80)
    world.with_send(slow).correct(made["subscriptionId"], -1)
    arrives(world, slow)
    assert (told(world), world.entitlement(made["subscriptionId"]).announced) == (Counter(), frozenset())
    world.correct(made["subscriptionId"], 1, "back")
    assert told(world) == Counter([MONTHLY_80])


def test_telling_of_calls_that_arrives_when_some_were_given_back_tells_nothing(world: World) -> None:
    key = bought(world, calls=10)
    ids = [world.authorize(key, f"r-{n}", 1)["authorizationId"] for n in range(7)]
    slow = KeepsBack(world.deps.send)
    world.with_send(slow).authorize(key, "crossing", 1)
    world.settle(ids[0], 0, calls=0)
    arrives(world, slow)
    assert told(world) == Counter()


def test_mark_is_not_taken_away_late_once_its_share_is_reached_again(world: World) -> None:
    made = world.buy(models=[model(calls=10, cap=100)])
    key, slow = made["apiKey"], KeepsBack(world.deps.send)
    ids = [world.authorize(key, f"r-{n}", 1)["authorizationId"] for n in range(8)]
    world.with_send(slow).settle(ids[0], 0, calls=0)
    world.authorize(key, "again", 1)
    arrives(world, slow)
    (mark,) = world.entitlement(made["subscriptionId"]).announced
    assert (mark.limit, mark.percent) == ("daily", 80)


def test_telling_whose_reply_is_lost_is_not_repeated_though_its_share_is_armed_again_meanwhile(world: World) -> None:
    made = world.buy(models=[model(calls=100, cap=100)])
    granted = world.authorize(made["apiKey"], "crossing", 90)["authorizationId"]

    def taken_back() -> None:
        world.correct(made["subscriptionId"], -50, "down")
        world.correct(made["subscriptionId"], 50, "up")

    send = SlowReply(world.deps.send, 1, taken_back, lost=True)
    assert world.with_send(send).settle(granted, 90)["settled"]
    assert send.reached
    assert told(world) == Counter([MONTHLY_80, MONTHLY_80])


def test_correction_keeps_a_mark_whose_share_it_no_longer_takes_usage_below(world: World) -> None:
    """Usage rises between its look and its write."""
    made = world.buy(models=[model(calls=100, cap=100)])
    use(world, made["apiKey"], "used", 85)
    send = Interleave(world.deps.send, 3, lambda: world.correct(made["subscriptionId"], 10, "up"))
    assert world.with_send(send).correct(made["subscriptionId"], -10, "down")["monthly"]["used"] == 85
    assert send.reached
    assert told(world) == Counter([MONTHLY_80])


def test_telling_that_arrives_while_its_window_is_closed_marks_nothing_in_the_next(world: World) -> None:
    key = bought(world, calls=100, months=2)
    world.authorize(key, "first", 1)
    slow = KeepsBack(world.deps.send)
    use(world.with_send(slow), key, "crossing", 90)
    world.clock.advance(31 * DAY_MS)
    late = Interleave(world.deps.send, 1, lambda: world.deps.send(*slow.kept[0]))
    assert world.with_send(late).authorize(key, "of-the-next-month", 1)["allowed"]
    assert late.reached
    use(world, key, "crossing-again", 90)
    assert told(world) == Counter([MONTHLY_80, ("monthly", 80, "2027-01-23T00:00:00Z")])
