"""A plan of another system and a custom subscription share the account's one place: never are two of them active."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modelpass.errors import Refused
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.world import DAY_MS, World


def refusal(command: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        command()
    return caught.value.refusal.code.code, caught.value.refusal.message


def told(world: World) -> list[tuple[str, Any]]:
    rows = sorted(world.all_items(world.tables.events), key=lambda row: row["sk"]["S"])
    return [
        (row["type"]["S"], json.loads(row["data"]["S"]))
        for row in rows
        if row["type"]["S"].startswith("plan") and row["pk"]["S"] == "account#acct"
    ]


def test_plan_keeps_a_custom_subscription_out_and_the_refusal_names_it(world: World) -> None:
    world.set_plan("gold")
    code, message = refusal(world.buy)
    assert (code, message) == (
        "active_subscription_exists",
        "The account already has an active plan: gold.",
    )
    assert world.buy("another account")["apiKey"]


def test_custom_subscription_keeps_a_plan_out_and_ending_no_plan_leaves_it(world: World) -> None:
    made = world.buy()
    assert refusal(world.set_plan)[0] == "active_subscription_exists"
    assert world.end_plan()["heldBy"] == made["subscriptionId"]
    assert world.authorize(made["apiKey"], "r-1")["allowed"]
    assert refusal(world.buy)[0] == "active_subscription_exists"
    world.cancel(made["subscriptionId"])
    world.set_plan()


def test_another_plan_is_refused_while_one_is_active_and_the_same_one_moves_its_end(world: World) -> None:
    world.set_plan("gold", days=10)
    assert refusal(lambda: world.set_plan("silver")) == (
        "active_subscription_exists",
        "The account already has an active plan: gold.",
    )
    world.set_plan("gold", days=2)
    world.clock.advance(2 * DAY_MS - 1)
    assert refusal(world.buy)[0] == "active_subscription_exists"
    world.clock.advance(1)
    assert world.buy()["apiKey"]


def test_plan_that_is_set_or_ended_again_is_told_once(world: World) -> None:
    ends = world.set_plan("gold")["expiresAt"]
    world.set_plan("gold")
    world.clock.advance(1)
    world.end_plan()
    world.end_plan()
    assert told(world) == [
        ("plan.started", {"planId": "gold", "expiresAt": ends}),
        ("plan.ended", {"planId": "gold", "expiresAt": ends, "reason": "ended"}),
    ]


@pytest.mark.parametrize("noticed_by", ["buy", "renew", "set_plan", "reset"])
def test_end_of_a_plan_by_the_clock_is_told_once_whoever_notices_it(world: World, noticed_by: str) -> None:
    made = world.buy()
    world.clock.advance(31 * DAY_MS)
    ends = world.set_plan("gold", days=1)["expiresAt"]
    world.clock.advance(DAY_MS)
    match noticed_by:
        case "buy":
            world.buy()
        case "renew":
            world.renew(made["subscriptionId"])
        case "set_plan":
            world.set_plan("gold")
        case _:
            world.reset()
    world.reset()
    assert told(world).count(("plan.ended", {"planId": "gold", "expiresAt": ends, "reason": "expired"})) == 1
    ended = next(e for e in world.all_items(world.tables.events) if e["type"]["S"] == "plan.ended")
    assert ended["at"]["S"] == ends


def test_plan_that_would_end_in_the_past_is_refused_and_changes_nothing(world: World) -> None:
    code, message = refusal(lambda: world.set_plan("gold", days=0))
    assert (code, message) == ("invalid_request", "expiresAt must be later than now.")
    assert world.all_items(world.tables.subscriptions) == []
    world.set_plan("gold")
    assert refusal(lambda: world.set_plan("gold", days=-1))[0] == "invalid_request"
    assert refusal(world.buy)[0] == "active_subscription_exists"


def test_purchases_of_the_day_are_counted_across_plans(world: World) -> None:
    for _ in range(10):
        made = world.buy()
        world.cancel(made["subscriptionId"])
        world.set_plan("gold")
        world.end_plan()
    assert refusal(world.buy)[0] == "too_many_purchases"
    world.set_plan("gold")


def test_of_plan_and_custom_at_once_exactly_one_wins(world: World) -> None:
    for number in range(4):
        account = f"acct-{number}"

        def either(n: int, account: str = account) -> Any:
            return world.set_plan(f"plan-{n}", account) if n % 2 else world.buy(account)

        results = at_once(16, either)
        assert sum(isinstance(r, dict) for r in results) == 1
        assert results.count("active_subscription_exists") == 15


def test_plan_at_once_with_itself_starts_once(world: World) -> None:
    results = at_once(16, lambda _: world.set_plan("gold"))
    assert all(isinstance(r, dict) for r in results)
    assert [kind for kind, _ in told(world)] == ["plan.started"]


def test_end_that_was_told_is_told_once_whatever_the_clocks(world: World) -> None:
    world.set_plan("gold", days=1)
    world.clock.advance(DAY_MS)
    world.reset()
    behind = replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms - 1000))
    behind.end_plan()
    assert [kind for kind, _ in told(world)].count("plan.ended") == 1
    assert behind.buy()["apiKey"]
