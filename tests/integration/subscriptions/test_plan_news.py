"""News of plans that come late, twice or in another order than they were sent: what is older changes nothing.

An `asOf` here is a number of hours before the first instant of the test: the larger, the older.
"""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.subscriptions import items
from modelpass.times import rfc3339
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.refused import refusal
from tests.support.world import DAY_MS, Clock, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass import schema

HOUR_MS = 3_600_000
START_MS = Clock().now_ms
FREE = None


def ago(hours: float) -> int:
    """The instant so many hours before the first one of the test."""
    return START_MS - int(hours * HOUR_MS)


def holder(world: World) -> str | None:
    """What holds the account's place; None when it is free."""
    held: str | None = world.end_plan("no-such-plan")["heldBy"]
    return held


def place(world: World) -> schema.Item:
    (found,) = (i for i in world.all_items(world.tables.subscriptions) if i["sk"]["S"] == "slot")
    return found


def told(world: World) -> list[str]:
    rows = sorted(world.all_items(world.tables.events), key=lambda row: row["sk"]["S"])
    return [f"{r['type']['S']} {json.loads(r['data']['S'])['planId']}" for r in rows if r["type"]["S"][:4] == "plan"]


def test_end_of_a_plan_leaves_the_plan_that_came_after_it(world: World) -> None:
    world.set_plan("pro")
    assert world.end_plan("pro")["heldBy"] is FREE
    world.set_plan("max")
    before = place(world)
    assert world.end_plan("pro")["heldBy"] == "max"
    assert place(world) == before
    assert told(world) == ["plan.started pro", "plan.ended pro", "plan.started max"]


def test_end_of_a_plan_leaves_a_subscription_that_is_called_as_the_plan(world: World) -> None:
    made = world.buy()
    assert world.end_plan(made["subscriptionId"])["heldBy"] == made["subscriptionId"]
    assert world.authorize(made["apiKey"], "r-1")["allowed"]


def test_end_of_a_plan_where_nothing_was_ever_is_done_and_stores_nothing(world: World) -> None:
    assert world.end_plan("pro")["heldBy"] is FREE
    assert world.all_items(world.tables.subscriptions) == []


def test_older_update_does_not_move_an_end_back_and_shows_what_is_known(world: World) -> None:
    new = world.set_plan("pro", days=60, as_of_ms=ago(1))
    assert (new["applied"], new["asOf"]) == (True, rfc3339(ago(1)))
    before = place(world)
    assert world.set_plan("pro", days=2, as_of_ms=ago(2)) == {**new, "applied": False}
    assert place(world) == before


@pytest.mark.parametrize("same", ["same end", "other end"])
def test_update_of_the_same_instant_or_a_later_one_is_applied(world: World, same: str) -> None:
    first = world.set_plan("pro", as_of_ms=ago(2))
    days = 30 if same == "same end" else 40
    assert world.set_plan("pro", days=days, as_of_ms=ago(2))["applied"]
    later = world.set_plan("pro", days=days, as_of_ms=ago(1))
    assert (later["applied"], later["asOf"]) == (True, rfc3339(ago(1)))
    assert (later["expiresAt"] == first["expiresAt"]) is (same == "same end")
    assert not world.set_plan("pro", as_of_ms=ago(1.5))["applied"]


@pytest.mark.parametrize("was_there", [True, False])
def test_older_start_does_not_bring_back_a_plan_that_has_ended(world: World, *, was_there: bool) -> None:
    if was_there:
        world.set_plan("pro", as_of_ms=ago(3))
    assert world.end_plan("pro", as_of_ms=ago(1))["heldBy"] is FREE
    assert world.set_plan("pro", as_of_ms=ago(2)) == {
        "accountId": "acct",
        "planId": None,
        "expiresAt": None,
        "asOf": rfc3339(ago(1)),
        "applied": False,
    }
    assert holder(world) is FREE
    assert world.buy()["apiKey"]


@pytest.mark.parametrize("beside", [FREE, "max"])
def test_end_that_is_told_again_is_stored_once(world: World, beside: str | None) -> None:
    if beside:
        world.set_plan(beside, as_of_ms=ago(3))
    world.end_plan("pro", as_of_ms=ago(1))
    before = place(world)
    assert world.end_plan("pro", as_of_ms=ago(1))["heldBy"] == beside
    assert world.end_plan("pro", as_of_ms=ago(2))["heldBy"] == beside
    assert place(world) == before


def test_older_end_does_not_end_a_plan_that_was_started_anew(world: World) -> None:
    world.set_plan("pro", as_of_ms=ago(4))
    world.end_plan("pro", as_of_ms=ago(3))
    world.set_plan("pro", as_of_ms=ago(2))
    assert world.end_plan("pro", as_of_ms=ago(3))["heldBy"] == "pro"
    assert world.end_plan("pro", as_of_ms=ago(2))["heldBy"] is FREE


@pytest.mark.parametrize("plan_id", ["pro", "max", "mini"])
def test_older_start_beside_another_plan_is_no_conflict_and_changes_nothing(world: World, plan_id: str) -> None:
    now = world.set_plan("max", as_of_ms=ago(1))
    before = place(world)
    assert world.set_plan(plan_id, days=50, as_of_ms=ago(2)) == {**now, "applied": False}
    assert place(world) == before


def test_newer_start_beside_another_plan_is_a_conflict_and_is_not_remembered(world: World) -> None:
    world.set_plan("max", as_of_ms=ago(3))
    before = place(world)
    assert refusal(lambda: world.set_plan("pro", as_of_ms=ago(1)))[0] == "active_subscription_exists"
    assert place(world) == before
    assert world.set_plan("max", days=40, as_of_ms=ago(2))["applied"]


def test_older_news_beside_a_custom_subscription_changes_nothing_and_names_it(world: World) -> None:
    world.set_plan("pro", as_of_ms=ago(3))
    world.end_plan("pro", as_of_ms=ago(2))
    made = world.buy()
    late = world.set_plan("pro", as_of_ms=ago(2.5))
    assert (late["planId"], late["expiresAt"], late["applied"]) == (None, None, False)
    assert world.end_plan("pro", as_of_ms=ago(2.5))["heldBy"] == made["subscriptionId"]
    assert world.authorize(made["apiKey"], "r-1")["allowed"]


def free_by_cancelling(world: World) -> None:
    world.cancel(world.buy()["subscriptionId"])


def free_by_expiry(world: World) -> None:
    world.buy()
    world.clock.advance(31 * DAY_MS)


def free_by_renewal_and_expiry(world: World) -> None:
    made = world.buy()
    world.clock.advance(31 * DAY_MS)
    world.renew(made["subscriptionId"])
    world.clock.advance(31 * DAY_MS)


def free_by_expiry_of_a_plan(world: World) -> None:
    world.set_plan("other", days=1)
    world.clock.advance(DAY_MS)


def free_by_the_reset(world: World) -> None:
    free_by_expiry_of_a_plan(world)
    world.reset()


def free_by_news_without_an_instant(world: World) -> None:
    world.set_plan("other")
    world.end_plan("other")


@pytest.mark.parametrize(
    "meanwhile",
    [
        free_by_cancelling,
        free_by_expiry,
        free_by_renewal_and_expiry,
        free_by_expiry_of_a_plan,
        free_by_the_reset,
        free_by_news_without_an_instant,
    ],
    ids=lambda f: f.__name__,
)
def test_what_is_known_outlives_whatever_has_the_place_meanwhile(world: World, meanwhile: Any) -> None:
    world.set_plan("pro", as_of_ms=ago(3))
    world.end_plan("pro", as_of_ms=ago(1))
    meanwhile(world)
    assert not world.set_plan("pro", days=90, as_of_ms=ago(2))["applied"]
    assert holder(world) is FREE
    assert world.set_plan("pro", as_of_ms=ago(1))["applied"]


def test_plan_that_expired_by_the_clock_is_not_brought_back_by_older_news_and_is_told_once(world: World) -> None:
    world.set_plan("pro", days=1, as_of_ms=ago(1))
    world.clock.advance(DAY_MS)
    assert not world.set_plan("pro", days=50, as_of_ms=ago(2))["applied"]
    assert holder(world) is FREE
    assert world.set_plan("pro", days=50, as_of_ms=ago(0))["applied"]
    assert told(world) == ["plan.started pro", "plan.ended pro", "plan.started pro"]


def test_end_that_comes_after_the_clock_has_ended_the_plan_is_remembered_and_told_once(world: World) -> None:
    world.set_plan("pro", days=1, as_of_ms=ago(2))
    world.clock.advance(DAY_MS)
    assert world.end_plan("pro", as_of_ms=ago(-1))["heldBy"] is FREE
    assert not world.set_plan("pro", as_of_ms=ago(1))["applied"]
    world.reset()
    behind = replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms - 1000))
    behind.end_plan("pro")
    assert told(world) == ["plan.started pro", "plan.ended pro"]
    assert holder(world) is FREE


@pytest.mark.parametrize("beside", ["a plan", "a custom subscription"])
def test_end_of_a_plan_that_found_another_holder_keeps_that_plan_ended(world: World, beside: str) -> None:
    """The start that was refused while another held the place comes again once it is free."""
    if beside == "a plan":
        world.set_plan("max", as_of_ms=ago(4))
        assert refusal(lambda: world.set_plan("pro", as_of_ms=ago(3)))[0] == "active_subscription_exists"
        assert world.end_plan("pro", as_of_ms=ago(1))["heldBy"] == "max"
        assert world.set_plan("max", days=40, as_of_ms=ago(2.5))["applied"], "news of pro say nothing of max"
        assert world.end_plan("max", as_of_ms=ago(2))["heldBy"] is FREE
    else:
        made = world.buy()
        assert refusal(lambda: world.set_plan("pro", as_of_ms=ago(3)))[0] == "active_subscription_exists"
        assert world.end_plan("pro", as_of_ms=ago(1))["heldBy"] == made["subscriptionId"]
        world.cancel(made["subscriptionId"])
    assert not world.set_plan("pro", as_of_ms=ago(3))["applied"]
    assert holder(world) is FREE
    assert world.set_plan("pro", as_of_ms=ago(1))["applied"]
    assert not world.set_plan("pro", days=99, as_of_ms=ago(1.5))["applied"]


def test_news_without_an_instant_is_applied_and_leaves_what_is_known(world: World) -> None:
    world.set_plan("pro", as_of_ms=ago(3))
    world.end_plan("pro", as_of_ms=ago(1))
    begun = world.set_plan("pro")
    assert (begun["applied"], begun["asOf"]) == (True, rfc3339(ago(1)))
    assert not world.set_plan("pro", days=2, as_of_ms=ago(2))["applied"]
    assert world.end_plan("pro", as_of_ms=ago(2))["heldBy"] == "pro"
    assert world.set_plan("pro", days=50)["applied"]
    assert world.end_plan("pro")["heldBy"] is FREE
    assert not world.set_plan("pro", as_of_ms=ago(2))["applied"]


def test_first_news_without_an_instant_says_that_none_is_known(world: World) -> None:
    assert world.set_plan("pro")["asOf"] is None


@pytest.mark.parametrize(("ahead_ms", "taken"), [(300_000, True), (300_001, False)])
def test_news_from_the_future_is_refused_by_name_and_changes_nothing(
    world: World, *, ahead_ms: int, taken: bool
) -> None:
    """Clocks may differ by five minutes. Later news would outweigh all that is true until then."""
    at_ms = world.clock.now_ms + ahead_ms
    news: list[Callable[[], Any]] = [
        lambda: world.set_plan("pro", as_of_ms=at_ms),
        lambda: world.end_plan("pro", as_of_ms=at_ms),
    ]
    for command in news:
        if taken:
            command()
        else:
            assert refusal(command) == ("invalid_request", "asOf")
            assert world.all_items(world.tables.subscriptions) == []


def test_older_news_of_a_plan_whose_time_is_over_is_no_bad_request(world: World) -> None:
    world.set_plan("pro", days=60, as_of_ms=ago(1))
    assert not world.set_plan("pro", days=-1, as_of_ms=ago(2))["applied"]
    assert refusal(lambda: world.set_plan("pro", days=-1, as_of_ms=ago(1))) == ("invalid_request", "expiresAt")


def come_twice(news: list[Callable[[], dict[str, Any]]], order: tuple[int, ...]) -> None:
    for _ in range(2):
        for number in order:
            news[number]()


@pytest.mark.parametrize("order", list(permutations(range(4))), ids=str)
def test_four_news_of_a_plan_come_to_the_same_in_any_order(world: World, order: tuple[int, ...]) -> None:
    """Started, prolonged, ended, and started anew: in whichever order they come, and each of them twice."""
    news = [
        lambda: world.set_plan("pro", days=10, as_of_ms=ago(4)),
        lambda: world.set_plan("pro", days=20, as_of_ms=ago(3)),
        lambda: world.end_plan("pro", as_of_ms=ago(2)),
        lambda: world.set_plan("pro", days=40, as_of_ms=ago(1)),
    ]
    come_twice(news, order)
    assert (holder(world), place(world)["un"]) == ("pro", {"N": str(START_MS + 40 * DAY_MS)})


@pytest.mark.parametrize("order", list(permutations(range(3))), ids=str)
def test_plan_that_ended_stays_ended_in_whichever_order_its_news_come(world: World, order: tuple[int, ...]) -> None:
    news = [
        lambda: world.set_plan("pro", days=10, as_of_ms=ago(3)),
        lambda: world.set_plan("pro", days=20, as_of_ms=ago(2)),
        lambda: world.end_plan("pro", as_of_ms=ago(1)),
    ]
    come_twice(news, order)
    assert holder(world) is FREE


@pytest.mark.parametrize("at", range(2))
@pytest.mark.parametrize("newer_first", [True, False])
def test_of_two_news_at_once_the_newer_one_stands(world: World, at: int, *, newer_first: bool) -> None:
    world.set_plan("pro", days=5, as_of_ms=ago(5))

    def older(by: World) -> Any:
        return by.set_plan("pro", days=10, as_of_ms=ago(3))

    def newer(by: World) -> Any:
        return by.end_plan("pro", as_of_ms=ago(2))

    first, between = (newer, older) if newer_first else (older, newer)
    other = Interleave(world.deps.send, at, lambda: between(world))
    first(world.with_send(other))
    assert other.reached
    assert holder(world) is FREE


def test_many_news_at_once_leave_the_newest(world: World) -> None:
    results = at_once(16, lambda n: world.set_plan("pro", days=30 + n, as_of_ms=ago(20 - n)))
    assert all(isinstance(r, dict) for r in results)
    assert place(world)["un"] == {"N": str(START_MS + 45 * DAY_MS)}
    assert told(world) == ["plan.started pro"]


@pytest.mark.parametrize("how", ["before", "after"])
@pytest.mark.parametrize("at", range(2))
def test_news_whose_reply_was_lost_is_applied_once(world: World, how: str, at: int) -> None:
    faulty = world.with_send(FaultAt(world.deps.send, at, how))
    assert faulty.set_plan("pro", as_of_ms=ago(2))["applied"]
    faulty = world.with_send(FaultAt(world.deps.send, at, how))
    assert faulty.end_plan("pro", as_of_ms=ago(1))["heldBy"] is FREE
    assert told(world) == ["plan.started pro", "plan.ended pro"]


def test_code_of_before_forgets_the_instant_and_what_it_writes_is_read(world: World) -> None:
    """It writes the place anew, without what it does not know; the guard sees that, whatever it counts."""
    world.set_plan("pro", as_of_ms=ago(1))
    item = place(world)
    for name in ("ao", "ae"):
        item.pop(name, None)

    def earlier_code() -> None:
        world.dynamodb.put_item(TableName=world.tables.subscriptions, Item=item)  # not even its revision differs

    other = Interleave(world.deps.send, 1, earlier_code)
    assert world.with_send(other).end_plan("pro", as_of_ms=ago(0))["heldBy"] is FREE
    assert other.reached
    assert items.slot_of(place(world)).as_of_ms == ago(0)
    earlier_code()
    assert world.set_plan("pro", days=2, as_of_ms=ago(3))["applied"]
