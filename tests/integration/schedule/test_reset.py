"""The reset does all that is due, once, and nothing else. That it changes no decision is shown by other tests."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from modelpass.dynamodb.transport import Response, StoreBusyError
from tests.support.audit import assert_conserved
from tests.support.faults import Interleave
from tests.support.world import DAY_MS, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.schema import Request

pytestmark = pytest.mark.usefixtures("few_shards")
NOTHING = {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}


def test_subscriptions_nobody_uses_cost_nothing(world: World) -> None:
    for number in range(5):
        world.buy(f"acct-{number}")
    world.clock.advance(20 * DAY_MS)
    world.fill_tiers()
    world.recorder.clear()
    assert world.reset() == NOTHING
    assert world.recorder.calls[0] == "TransactGetItems"  # which tiers are down, by the item and by its copy
    assert set(world.recorder.calls[1:]) == {"Query"}


def test_windows_that_were_used_are_closed_once(world: World) -> None:
    made = world.buy(months=2)
    granted = world.authorize(made["apiKey"], "r-1", 30)
    world.settle(granted["authorizationId"], 7)
    world.clock.advance(40 * DAY_MS)
    assert world.reset() == {**NOTHING, "windowsRolled": 2}
    assert world.reset() == NOTHING
    (day,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("day#"))
    assert (day["calls"]["N"], day["units"]["N"]) == ("1", "7")
    (month,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#"))
    assert {n: month[n]["N"] for n in ("cap", "left", "held", "used")} == {
        "cap": "1000",
        "left": "993",
        "held": "0",
        "used": "7",
    }


def test_expiry_is_noted_once_at_the_instant_it_happened(world: World) -> None:
    world.buy()
    world.clock.advance(33 * DAY_MS)
    assert world.reset() == {**NOTHING, "subscriptionsExpired": 1}
    assert world.reset() == NOTHING
    (expired,) = (e for e in world.all_items(world.tables.events) if e["type"]["S"] == "subscription.expired")
    assert expired["at"]["S"] == "2026-12-23T00:00:00Z"


def test_more_holds_than_a_transaction_takes_are_released_in_one_run(world: World) -> None:
    many = replace(world, deps=world.deps._replace(max_open_holds=1000))
    key = many.buy(models=[model(calls=1000)])["apiKey"]
    for number in range(90):
        assert many.authorize(key, f"r-{number}", 1, holdSeconds=60)["allowed"]
    world.clock.advance(DAY_MS)
    assert world.reset() == {**NOTHING, "windowsRolled": 1, "holdsReleased": 90}
    assert world.reset() == NOTHING
    assert_conserved(world)


def test_run_that_does_not_come_to_an_end_with_an_item_says_that_more_is_left(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelpass.entitlements.commands.roll_over._STEPS", 2)
    key = world.buy(models=[model(calls=1000)])["apiKey"]
    for number in range(90):
        world.authorize(key, f"r-{number}", 1, holdSeconds=60)
    world.clock.advance(60_000)
    assert world.reset() == {**NOTHING, "holdsReleased": 80, "more": True}
    assert world.reset() == {**NOTHING, "holdsReleased": 10}


def test_run_out_of_time_says_that_more_is_left_and_the_next_goes_on(world: World) -> None:
    for number in range(3):
        world.authorize(world.buy(f"acct-{number}")["apiKey"], "r-1")
    world.clock.advance(DAY_MS)
    ticks = iter(range(10**6))
    counting = world.deps.pacing._replace(monotonic=lambda: float(next(ticks)))
    hurried = replace(world, deps=world.deps._replace(pacing=counting))
    rolled, runs = 0, 0
    while (result := hurried.reset(stop_after=6.0))["more"]:
        rolled, runs = rolled + result["windowsRolled"], runs + 1
    assert rolled + result["windowsRolled"] == 3
    assert runs > 0


@pytest.mark.parametrize("at", range(6))
def test_request_that_comes_between_does_not_keep_the_window_open(world: World, at: int) -> None:
    granted = world.authorize(world.buy(months=2)["apiKey"], "r-1")
    world.clock.advance(DAY_MS)
    settle = Interleave(world.deps.send, at, lambda: world.settle(granted["authorizationId"], 3))
    result = world.with_send(settle).reset()
    assert settle.reached
    assert result["windowsRolled"] == 1
    assert not result["more"]
    assert_conserved(world)


def test_hold_granted_while_the_reset_takes_its_mark_away_is_marked_again(world: World) -> None:
    made = world.buy()
    voided = world.authorize(made["apiKey"], "r-1", holdSeconds=1)
    world.settle(voided["authorizationId"], 0, calls=0)
    later_ms = world.clock.now_ms + 2000

    def reset() -> None:
        world.clock.now_ms, now_ms = later_ms, world.clock.now_ms
        world.reset()
        world.clock.now_ms = now_ms

    world.clock.advance(-1)  # a machine that is behind: its first write finds a window it has not reached
    between = Interleave(world.deps.send, 1, reset)
    assert world.with_send(between).authorize(made["apiKey"], "r-2", holdSeconds=60)["allowed"]
    assert between.reached
    assert world.entitlement(made["subscriptionId"]).due_at_ms is not None
    world.clock.now_ms = later_ms + DAY_MS
    assert world.reset() == {**NOTHING, "windowsRolled": 1, "holdsReleased": 1}


def late_settle_with(world: World, key: str, other: Callable[[], object]) -> Interleave:
    """Settle what a ticket stands for, with another command just before the settle's transaction."""
    granted = world.authorize(key, "r-late", 70, holdSeconds=60)
    world.clock.advance(DAY_MS)
    world.reset()
    between = Interleave(world.deps.send, 2, other)  # after the refused update and the look for the ticket
    assert world.with_send(between).settle(granted["authorizationId"], 70)["late"]
    assert between.reached
    return between


def test_late_settle_sees_that_the_reset_took_the_mark_away(world: World) -> None:
    made = world.buy(months=2)

    def granted_voided_and_reset() -> None:
        voided = world.authorize(made["apiKey"], "r-2", holdSeconds=1)
        world.settle(voided["authorizationId"], 0, calls=0)
        world.clock.advance(1000)
        world.reset()

    late_settle_with(world, made["apiKey"], granted_voided_and_reset)
    assert world.entitlement(made["subscriptionId"]).due_at_ms is not None
    world.clock.advance(40 * DAY_MS)
    assert world.reset()["windowsRolled"] == 1


def test_late_settle_leaves_the_earlier_mark_of_a_grant_that_came_between(world: World) -> None:
    made = world.buy(months=2)
    late_settle_with(world, made["apiKey"], lambda: world.authorize(made["apiKey"], "r-2", 5, holdSeconds=60))
    world.clock.advance(3 * DAY_MS)
    assert world.reset() == {**NOTHING, "windowsRolled": 1, "holdsReleased": 1}


def test_busy_page_after_much_work_does_not_end_the_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tries of each page have a time of their own, whatever the work on the page before took."""
    monkeypatch.setattr("modelpass.schedule.due_index._PAGE", 1)
    for number in range(4):
        world.authorize(world.buy(f"acct-{number}")["apiKey"], "r-1")
    world.clock.advance(DAY_MS)
    seconds, queries = itertools.count(step=2), itertools.count()
    pacing = world.deps.pacing._replace(monotonic=lambda: float(next(seconds)))

    def send(operation: str, request: Request) -> Response:
        if operation == "Query" and next(queries) == 4:
            raise StoreBusyError("injected")
        return world.deps.send(operation, request)

    slow = replace(world, deps=world.deps._replace(pacing=pacing, send=send))
    assert slow.reset() == {**NOTHING, "windowsRolled": 4, "holdsReleased": 4}


def test_month_that_only_a_late_settle_used_is_closed(world: World) -> None:
    made = world.buy(months=2)
    granted = world.authorize(made["apiKey"], "r-1", 70, holdSeconds=60)
    world.clock.advance(DAY_MS)
    assert world.reset() == {**NOTHING, "windowsRolled": 1, "holdsReleased": 1}
    assert world.entitlement(made["subscriptionId"]).due_at_ms is None
    assert world.settle(granted["authorizationId"], 70)["late"]
    world.clock.advance(40 * DAY_MS)
    assert world.reset() == {**NOTHING, "windowsRolled": 1}
    (month,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#"))
    assert month["used"]["N"] == "70"
