"""An operator's correction of usage: booked once, in the windows of its instant, conserving, and never below zero."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass import schema
from modelpass.entitlements import history
from modelpass.errors import Refused
from modelpass.subscriptions import idempotency
from modelpass.times import rfc3339
from tests.support.audit import assert_conserved, counted
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import Interleave
from tests.support.refused import refusal
from tests.support.world import DAY_MS, TEXT_MODEL, World, model


def used(world: World, units: int = 100, **body: Any) -> tuple[str, str]:
    """A subscription of which so much is used, and its key."""
    made = world.buy(models=[model(cap=100)], **body)
    granted = world.authorize(made["apiKey"], "r-1", 10)
    world.settle(granted["authorizationId"], units)
    return made["subscriptionId"], made["apiKey"]


def test_customer_blocked_by_a_wrong_report_goes_on_at_once(world: World) -> None:
    name, key = used(world, 4000)
    assert world.authorize(key, "r-2", 10)["error"]["code"] == "monthly_cap_reached"
    corrected = world.correct(name, -3990)
    assert corrected["monthly"] == {
        "limit": 100,
        "used": 10,
        "held": 0,
        "remaining": 90,
        "overrun": 0,
        "resetsAt": "2026-12-23T00:00:00Z",
    }
    assert (corrected["units"], corrected["at"], corrected["reason"]) == (
        -3990,
        "2026-11-23T00:00:00Z",
        "bytes for tokens",
    )
    assert corrected["daily"]["used"] == 1  # a call stays a call
    assert world.authorize(key, "r-2", 10)["allowed"]
    assert counted(world, name) == (2, 10)
    assert_conserved(world)


def test_more_can_be_added_and_reaches_thresholds(world: World) -> None:
    name, key = used(world, 10)
    assert world.correct(name, 85)["monthly"]["used"] == 95
    assert world.authorize(key, "r-2", 10)["error"]["code"] == "monthly_cap_reached"
    assert world.events().count("limit.threshold_reached") == 1
    assert world.correct(name, 50, "ticket-2")["monthly"]["overrun"] == 45
    assert_conserved(world)


def test_repeat_corrects_once_and_another_body_is_refused(world: World) -> None:
    name, _ = used(world)
    first = world.correct(name, -5)
    world.clock.advance(1000)
    assert world.correct(name, -5) == {**first, "replayed": True}
    assert refusal(lambda: world.correct(name, -6)) == ("idempotency_key_reused", "Idempotency-Key")
    assert world.correct(name, -5, "ticket-2")["monthly"]["used"] == 90
    assert world.events().count("usage.corrected") == 2


def test_repeat_may_send_as_null_what_it_left_out_before(world: World) -> None:
    name, _ = used(world)
    first = world.correct(name, -5)
    assert world.correct(name, -5, at=None) == {**first, "replayed": True}
    other = world.correct(name, -5, "ticket-2", at=None)
    assert world.correct(name, -5, "ticket-2") == {**other, "replayed": True}
    assert counted(world, name) == (1, 90)


@pytest.mark.parametrize("at", ["2026-11-23t00:00:00.000999z", "2026-11-23T05:30:00.000000001+05:30"])
def test_instant_is_taken_in_every_form(world: World, at: str) -> None:
    name, _ = used(world)
    assert world.correct(name, -5, at=at)["at"] == "2026-11-23T00:00:00Z"


def test_ticket_whose_instant_was_null_in_the_release_before_is_recognised(world: World) -> None:
    name, _ = used(world)
    first = world.correct(name, -5, at=None)
    (record,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("correction#"))
    raw = {"modelId": TEXT_MODEL, "units": -5, "reason": "bytes for tokens", "at": None}
    record["body"] = {"B": idempotency.earlier_body(raw)}
    world.dynamodb.put_item(TableName=world.tables.history, Item=record)
    assert world.correct(name, -5, at=None) == {**first, "replayed": True}
    assert refusal(lambda: world.correct(name, -6, at=None)) == ("idempotency_key_reused", "Idempotency-Key")
    assert counted(world, name) == (1, 95)


def test_ticket_that_two_operators_book_is_booked_once_and_shown_to_the_second_as_the_first_was(world: World) -> None:
    name, _ = used(world)
    first = world.correct(name, -5, by="anna")
    world.clock.advance(1000)
    assert world.correct(name, -5, by="ben") == {**first, "replayed": True}
    assert refusal(lambda: world.correct(name, -6, by="ben")) == ("idempotency_key_reused", "Idempotency-Key")
    assert counted(world, name) == (1, 95)
    assert world.events().count("usage.corrected") == 1
    (record,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("correction#"))
    assert record["operator"] == {"S": "anna"}


def test_ticket_is_one_of_its_subscription_alone(world: World) -> None:
    name, _ = used(world)
    world.cancel(name)
    other, _ = used(world)
    assert "replayed" not in world.correct(name, -5)
    assert "replayed" not in world.correct(other, -5)
    assert (counted(world, name), counted(world, other)) == ((1, 95), (1, 95))


def recorded_by_the_release_before(world: World, name: str, operator: str) -> None:
    """Put the one record where code that scoped an Idempotency-Key to its operator as well has put it."""
    (record,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("correction#"))
    world.dynamodb.delete_item(TableName=world.tables.history, Key=schema.key_of(record))
    pair = history.correction_key(name, idempotency.earlier_correction(operator, name, "ticket-1"))
    world.dynamodb.put_item(TableName=world.tables.history, Item=record | schema.primary_key(pair))


def test_ticket_that_the_release_before_has_booked_is_recognised_for_its_operator(world: World) -> None:
    name, _ = used(world)
    first = world.correct(name, -5, by="anna")
    recorded_by_the_release_before(world, name, "anna")
    assert world.correct(name, -5, by="anna") == {**first, "replayed": True}
    assert refusal(lambda: world.correct(name, -6, by="anna")) == ("idempotency_key_reused", "Idempotency-Key")
    assert counted(world, name) == (1, 95)
    assert_conserved(world)


@pytest.mark.parametrize("at", range(5))
def test_of_two_operators_with_one_ticket_at_once_one_books(world: World, at: int) -> None:
    name, _ = used(world)
    answers: list[Any] = []
    other = Interleave(world.deps.send, at, lambda: answers.append(world.correct(name, -5, by="ben")))
    answers.append(world.with_send(other).correct(name, -5, by="anna"))
    assert other.reached
    assert ["replayed" in answer for answer in answers] == [False, True]
    assert counted(world, name) == (1, 95)


def test_64_repeats_at_once_correct_once(world: World) -> None:
    name, _ = used(world)
    answers = at_once(64, lambda _: world.correct(name, -5))
    assert sum("replayed" not in a for a in answers) == 1
    assert {a["monthly"]["used"] for a in answers} == {95}


def test_many_corrections_and_requests_at_once_add_up(world: World) -> None:
    name, key = used(world)
    world.correct(name, -90, "room")

    def either(number: int) -> Any:
        if number % 2:
            return world.correct(name, -1, f"ticket-{number}")
        return world.authorize(key, f"r-{number}", 1)

    results = at_once(32, either)
    assert results.count("invalid_request") == 6  # of 16, for 10 were used
    counters = world.entitlement(name).counters
    assert (counters.month_used, counters.day_units, counters.day_calls) == (0, 0, 17)
    assert_conserved(world)


def test_no_more_is_taken_than_was_used(world: World) -> None:
    name, _ = used(world, 30)
    before = world.all_items(world.tables.entitlements)
    assert refusal(lambda: world.correct(name, -31)) == ("invalid_request", "units")
    assert world.all_items(world.tables.entitlements) == before
    assert world.correct(name, -30, "ticket-2")["monthly"]["used"] == 0
    assert refusal(lambda: world.correct(name, -1, "ticket-3")) == ("invalid_request", "units")


@pytest.mark.parametrize("rolled", [False, True])
def test_earlier_day_is_corrected_in_its_own_row(world: World, *, rolled: bool) -> None:
    name, key = used(world, 30)
    at = rfc3339(world.clock.now_ms)
    world.clock.advance(DAY_MS)
    if rolled:
        world.authorize(key, "r-2", 1)
    assert refusal(lambda: world.correct(name, -31, "too much", at=at)) == ("invalid_request", "units")
    assert world.correct(name, -20, at=at)["monthly"]["used"] == 10
    world.authorize(key, "r-3", 1)
    (row,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("day#"))
    assert row["units"] == {"N": "10"}
    assert_conserved(world)


def test_day_on_which_nothing_happened_can_be_given_usage(world: World) -> None:
    name, key = used(world, 30, months=2)
    world.clock.advance(3 * DAY_MS)
    world.correct(name, 7, at=rfc3339(world.clock.now_ms - DAY_MS))
    world.correct(name, 4, "ticket-2")
    world.authorize(key, "r-2", 1)
    rows = {r["sk"]["S"][:14]: r["units"]["N"] for r in world.all_items(world.tables.history) if "day#" in r["sk"]["S"]}
    assert rows == {"day#2026-11-23": "30", "day#2026-11-25": "7"}
    assert world.entitlement(name).counters.month_used == 41
    assert_conserved(world)


def test_month_that_is_closed_is_corrected_in_its_row_and_never_below_zero(world: World) -> None:
    name, key = used(world, 30, months=2)
    at = rfc3339(world.clock.now_ms)
    world.clock.advance(31 * DAY_MS)
    world.authorize(key, "r-2", 1)
    assert world.correct(name, -30, at=at)["monthly"]["used"] == 0
    assert refusal(lambda: world.correct(name, -1, "ticket-2", at=at)) == ("invalid_request", "units")
    (month,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#"))
    assert (month["used"], month["left"], month["cap"]) == ({"N": "0"}, {"N": "100"}, {"N": "100"})
    assert_conserved(world)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"modelId": "another-model"}, "modelId"),
        ({"at": "2026-11-22T23:59:59.999Z"}, "at"),
        ({"at": "2026-11-23T00:00:00.001Z"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"units": 0}, "units"),
        ({"units": 10**15 + 1}, "units"),
        ({"units": 1.5}, "units"),
        ({"reason": ""}, "reason"),
        ({"reason": "r" * 501}, "reason"),
        ({"why": "not"}, "why"),
    ],
)
def test_field_at_fault_is_named_and_nothing_is_written(world: World, body: dict[str, Any], param: str) -> None:
    name, _ = used(world, 30)
    before = world.all_items(world.tables.entitlements)
    assert refusal(lambda: world.correct(name, **{"units": 5} | body)) == ("invalid_request", param)
    assert world.all_items(world.tables.entitlements) == before


def test_ended_or_cancelled_subscription_can_be_corrected_in_its_last_windows(world: World) -> None:
    name, _ = used(world, 30)
    world.clock.advance(31 * DAY_MS)
    assert refusal(lambda: world.correct(name, -1)) == ("invalid_request", "units")  # of the last day, without usage
    assert world.correct(name, -10, at="2026-11-23T00:00:00Z")["monthly"]["used"] == 20
    other, _ = used(world, 30)
    world.cancel(other)
    assert world.correct(other, -10)["monthly"]["used"] == 20
    assert_conserved(world)


def test_unknown_subscription_is_not_found(world: World) -> None:
    assert refusal(lambda: world.correct("sub_" + "a" * 24, 1))[0] == "not_found"
    assert refusal(lambda: world.correct("x", 1))[0] == "not_found"


def test_correction_is_recorded_with_who_why_and_when(world: World) -> None:
    name, _ = used(world)
    world.correct(name, -5)
    (record,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("correction#"))
    shown = {n: record[n] for n in ("operator", "modelId", "term", "units", "at", "reason", "madeAt")}
    assert shown == {
        "operator": {"S": "operator"},
        "modelId": {"S": "claude-opus-4-6"},
        "term": {"N": "1"},
        "units": {"N": "-5"},
        "at": {"N": str(world.clock.now_ms)},
        "reason": {"S": "bytes for tokens"},
        "madeAt": {"N": str(world.clock.now_ms)},
    }


@pytest.mark.parametrize(
    ("days_later", "at"), [(days, at) for days, calls in ((0, 6), (1, 7), (31, 8)) for at in range(calls)]
)
def test_of_two_corrections_that_take_the_last_units_one_is_refused(world: World, at: int, days_later: int) -> None:
    """In the stored windows, in a closed day of the stored month, and in a closed month."""
    name, key = used(world, 30, months=2)
    instant = rfc3339(world.clock.now_ms)
    world.clock.advance(days_later * DAY_MS)
    world.authorize(key, "r-2", 1)
    results: list[Any] = []

    def take(by: World, ticket: str) -> None:
        try:
            results.append(by.correct(name, -20, ticket, at=instant)["units"])
        except Refused as refused:
            results.append(refused.refusal.code.code)

    take(world.with_send(Interleave(world.deps.send, at, lambda: take(world, "ticket-2"))), "ticket-1")
    assert sorted(map(str, results)) == ["-20", "invalid_request"]
    assert counted(world, name)[1] == 10
    assert_conserved(world)


@pytest.mark.parametrize("at", range(5))
def test_repeat_that_comes_between_any_two_calls_corrects_once(world: World, at: int) -> None:
    name, _ = used(world, 30)
    answers: list[Any] = []

    def a_moment_later() -> None:
        world.clock.advance(1)
        answers.append(world.correct(name, -5))

    repeat = Interleave(world.deps.send, at, a_moment_later)
    answers.append(world.with_send(repeat).correct(name, -5))
    assert repeat.reached
    assert ["replayed" in answer for answer in answers] == [False, True]
    assert counted(world, name)[1] == 25


@pytest.mark.parametrize("at", range(5))
def test_units_of_the_same_day_but_of_the_month_before_are_not_taken(world: World, at: int) -> None:
    """The month's second window begins at noon: the day has 40 units, the new month 10 of them."""
    world.clock.advance(DAY_MS // 2)
    made = world.buy(months=2)
    name, key = made["subscriptionId"], made["apiKey"]
    world.clock.advance(30 * DAY_MS - 1000)
    world.settle(world.authorize(key, "r-1", 30)["authorizationId"], 30)
    world.clock.advance(1000)
    world.settle(world.authorize(key, "r-2", 10)["authorizationId"], 10)
    assert refusal(lambda: world.correct(name, -11, "too much")) == ("invalid_request", "units")

    def take() -> None:
        assert world.correct(name, -8, "ticket-2")["monthly"]["used"] == 2

    other = world.with_send(Interleave(world.deps.send, at, take))
    assert refusal(lambda: other.correct(name, -8)) == ("invalid_request", "units")
    assert world.entitlement(name).counters.month_used == 2
    assert_conserved(world)
