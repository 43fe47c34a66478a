"""Calls that an operator gives back or adds: booked once, in the day of their instant, conserving, never below zero."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.errors import Refused
from modelpass.times import rfc3339
from tests.support.audit import assert_conserved, counted
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.refused import refusal
from tests.support.world import DAY_MS, World, model


def called(world: World, calls: int = 3, limit: int = 3, **body: Any) -> tuple[str, str, list[str]]:
    """A subscription with so many calls granted; its key, and the authorization ids."""
    made = world.buy(models=[model(calls=limit, cap=1000)], **body)
    ids = [world.authorize(made["apiKey"], f"r-{n}", 10)["authorizationId"] for n in range(calls)]
    return made["subscriptionId"], made["apiKey"], ids


def give_back(world: World, name: str, calls: int, key: str = "ticket-1", **more: Any) -> Any:
    return world.correct(name, None, key, calls=calls, **more)


def day_rows(world: World) -> dict[str, tuple[int, int]]:
    rows = world.all_items(world.tables.history)
    return {r["sk"]["S"][4:14]: (int(r["calls"]["N"]), int(r["units"]["N"])) for r in rows if "day#" in r["sk"]["S"]}


def test_customer_whose_day_is_used_up_goes_on_at_once_with_the_calls_given_back(world: World) -> None:
    name, key, _ = called(world)
    assert world.authorize(key, "r-9", 1)["error"]["code"] == "daily_call_limit_reached"
    corrected = give_back(world, name, -2)
    assert (corrected["units"], corrected["calls"]) == (0, -2)
    assert corrected["daily"] == {"limit": 3, "used": 1, "remaining": 2, "resetsAt": "2026-11-24T00:00:00Z"}
    assert corrected["monthly"]["held"] == 30
    granted = [world.authorize(key, f"r-{n}", 1)["allowed"] for n in range(9, 12)]
    assert granted == [True, True, False]
    assert_conserved(world)


def test_calls_and_units_are_corrected_together_or_not_at_all(world: World) -> None:
    name, _, ids = called(world)
    world.settle(ids[0], 7)
    before = world.all_items(world.tables.entitlements)
    assert refusal(lambda: world.correct(name, -7, calls=-4)) == ("invalid_request", "calls")
    assert refusal(lambda: world.correct(name, -8, calls=-3)) == ("invalid_request", "units")
    assert world.all_items(world.tables.entitlements) == before
    corrected = world.correct(name, -7, calls=-3)
    assert (corrected["daily"]["used"], corrected["monthly"]["used"]) == (0, 0)
    assert counted(world, name) == (0, 0)
    assert_conserved(world)


def test_event_and_record_say_how_many_calls(world: World) -> None:
    name, _, _ = called(world)
    give_back(world, name, -2)
    (record,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("correction#"))
    assert (record["units"], record["calls"]) == ({"N": "0"}, {"N": "-2"})
    (event,) = (e for e in world.all_items(world.tables.events) if e["type"]["S"] == "usage.corrected")
    assert '"units":0,"calls":-2' in event["data"]["S"]


def test_calls_can_be_added_as_far_as_the_day_has_them(world: World) -> None:
    name, key, _ = called(world, 1)
    assert refusal(lambda: give_back(world, name, 3)) == ("invalid_request", "calls")
    assert give_back(world, name, 2)["daily"]["remaining"] == 0
    assert world.authorize(key, "r-9", 1)["error"]["code"] == "daily_call_limit_reached"
    assert world.events().count("limit.threshold_reached") == 2
    assert_conserved(world)


def test_threshold_of_the_day_that_is_given_back_is_told_again(world: World) -> None:
    name, key, _ = called(world, 5, limit=5)
    assert world.events().count("limit.threshold_reached") == 2
    give_back(world, name, -2)
    assert world.events().count("limit.threshold_reached") == 2
    for n in range(10, 12):
        world.authorize(key, f"r-{n}", 1)
    assert world.events().count("limit.threshold_reached") == 4
    assert_conserved(world)


def test_repeat_gives_back_once_and_another_body_is_refused(world: World) -> None:
    name, _, _ = called(world)
    first = give_back(world, name, -1)
    assert give_back(world, name, -1) == {**first, "replayed": True}
    assert refusal(lambda: give_back(world, name, -2)) == ("idempotency_key_reused", "Idempotency-Key")
    assert refusal(lambda: world.correct(name, -1)) == ("idempotency_key_reused", "Idempotency-Key")
    assert counted(world, name)[0] == 2


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"units": None, "calls": None}, "units"),
        ({"units": 0, "calls": 0}, "units"),
        ({"units": None, "calls": 0}, "calls"),
        ({"calls": 10**9 + 1}, "calls"),
        ({"calls": -(10**9) - 1}, "calls"),
        ({"calls": 1.0}, "calls"),
        ({"calls": True}, "calls"),
        ({"calls": "-1"}, "calls"),
    ],
)
def test_field_at_fault_is_named_and_nothing_is_written(world: World, body: dict[str, Any], param: str) -> None:
    name, _, _ = called(world)
    before = world.all_items(world.tables.entitlements)
    assert refusal(lambda: world.correct(name, **{"units": 1, **body})) == ("invalid_request", param)
    assert world.all_items(world.tables.entitlements) == before


def test_units_of_0_beside_calls_correct_the_calls_alone(world: World) -> None:
    name, _, _ = called(world)
    assert world.correct(name, 0, calls=-1)["daily"]["used"] == 2


@pytest.mark.parametrize("rolled", [False, True])
def test_calls_of_an_earlier_day_are_given_back_in_its_own_row(world: World, *, rolled: bool) -> None:
    name, key, ids = called(world)
    world.settle(ids[0], 7)
    at = rfc3339(world.clock.now_ms)
    world.clock.advance(DAY_MS)
    if rolled:
        world.authorize(key, "r-9", 1)
    assert refusal(lambda: give_back(world, name, -4, "ticket-2", at=at)) == ("invalid_request", "calls")
    assert refusal(lambda: give_back(world, name, 1, "ticket-2", at=at)) == ("invalid_request", "calls")
    assert give_back(world, name, -2, at=at)["daily"]["used"] == int(rolled)
    assert give_back(world, name, 1, "ticket-3", at=at)["monthly"]["used"] == 7
    world.authorize(key, "r-10", 1)
    assert day_rows(world) == {"2026-11-23": (2, 7)}
    assert_conserved(world)


def test_day_on_which_nothing_happened_can_be_given_calls_within_its_limit(world: World) -> None:
    name, key, _ = called(world)
    world.clock.advance(3 * DAY_MS)
    at = rfc3339(world.clock.now_ms - DAY_MS)
    world.authorize(key, "r-9", 1)
    assert refusal(lambda: give_back(world, name, -1, at=at)) == ("invalid_request", "calls")
    assert refusal(lambda: give_back(world, name, 4, at=at)) == ("invalid_request", "calls")
    give_back(world, name, 3, at=at)
    assert day_rows(world) == {"2026-11-23": (3, 0), "2026-11-25": (3, 0)}
    assert_conserved(world)


def test_calls_of_a_closed_month_are_given_back_without_a_row_of_that_month(world: World) -> None:
    name, key, _ = called(world, months=2)
    at = rfc3339(world.clock.now_ms)
    world.clock.advance(31 * DAY_MS)
    world.authorize(key, "r-9", 1)
    months = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#")]
    give_back(world, name, -3, at=at)
    assert day_rows(world) == {"2026-11-23": (0, 0)}
    assert [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#")] == months
    assert_conserved(world)


@pytest.mark.parametrize(("days_later", "reset"), [(0, False), (0, True), (1, False), (1, True), (31, True)])
def test_settle_gives_back_no_calls_that_an_operator_gave_back_before(
    world: World, days_later: int, *, reset: bool
) -> None:
    """Of an open hold, of one that has expired and was given back, of a closed day and of a closed month."""
    name, key, ids = called(world, months=2)
    at = rfc3339(world.clock.now_ms)
    give_back(world, name, -2)
    world.clock.advance(DAY_MS * days_later)
    if days_later:
        world.authorize(key, "r-9", 1)
    if reset:
        world.clock.advance(3_600_000)
        world.make_all_due()
        world.reset()
    for one in ids:
        assert world.settle(one, 0, calls=0)["settled"]
    calls, _ = counted(world, name)
    assert calls == int(days_later > 0)
    assert all(calls >= 0 for calls, _ in day_rows(world).values())
    assert refusal(lambda: give_back(world, name, -1, "ticket-2", at=at)) == ("invalid_request", "calls")
    assert_conserved(world)


def test_part_of_a_hold_whose_calls_were_given_back_leaves_no_count_below_zero(world: World) -> None:
    made = world.buy(models=[model(calls=4, cap=1000)])
    name, key = made["subscriptionId"], made["apiKey"]
    granted = world.authorize(key, "r-1", 10, calls=4)
    give_back(world, name, -4)
    more = {"apiKey": key, "estimatedUsage": 5, "calls": 1, "holdSeconds": 60}
    part = world.settle(granted["authorizationId"], 3, calls=0, **{"continue": more})
    assert (part["continued"], part["daily"]["used"], part["heldCalls"]) == (True, 0, 1)
    assert world.settle(part["authorizationId"], 0, calls=0)["daily"]["used"] == 0
    assert_conserved(world)


def test_of_many_operators_and_routers_at_once_none_takes_more_than_was_used(world: World) -> None:
    name, key, ids = called(world, 8, limit=50)

    def any_of(number: int) -> Any:
        match number % 3:
            case 0:
                return give_back(world, name, -1, f"ticket-{number}")
            case 1:
                return world.settle(ids[number // 3 % 8], 0, calls=0)
        return world.authorize(key, f"q-{number}", 1)["allowed"]

    at_once(24, any_of)
    counters = world.entitlement(name).counters
    assert 0 <= counters.day_calls <= 8
    assert counters.day_left + counters.day_calls == 50
    assert_conserved(world)


@pytest.mark.parametrize(("days_later", "at"), [(days, at) for days, calls in ((0, 6), (1, 7)) for at in range(calls)])
def test_of_two_operators_that_give_back_the_last_call_one_is_refused(world: World, at: int, days_later: int) -> None:
    name, key, _ = called(world, 1)
    instant = rfc3339(world.clock.now_ms)
    world.clock.advance(days_later * DAY_MS)
    if days_later:
        world.authorize(key, "r-9", 1)
    results: list[Any] = []

    def take(by: World, ticket: str) -> None:
        try:
            results.append(give_back(by, name, -1, ticket, at=instant)["calls"])
        except Refused as refused:
            results.append(refused.refusal.code.code)

    take(world.with_send(Interleave(world.deps.send, at, lambda: take(world, "ticket-2"))), "ticket-1")
    assert sorted(map(str, results)) == ["-1", "invalid_request"]
    assert_conserved(world)


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("kind", ["before", "after", "lost"])
def test_whatever_fails_calls_are_given_back_once(world: World, at: int, kind: str) -> None:
    name, _, _ = called(world)
    try:
        give_back(world.with_send(FaultAt(world.deps.send, at, kind)), name, -1)
    except Refused as refused:
        assert refused.refusal.code.code == "temporarily_unavailable"  # noqa: PT017
    give_back(world, name, -1)
    assert counted(world, name)[0] == 2
    assert world.events().count("usage.corrected") == 1
    assert_conserved(world)
