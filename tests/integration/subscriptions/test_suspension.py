"""A suspension binds once it is answered, and so does its end; whoever comes between, the row has the say."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from modelpass.errors import Refused
from tests.support.audit import assert_audited, assert_conserved
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.refused import refused_code
from tests.support.two_models import MODELS, codes, everything
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model


def told(world: World) -> list[tuple[str, Any]]:
    """The suspensions and resumptions that were told, in their order."""
    rows = sorted(world.all_items(world.tables.events), key=lambda e: e["sk"]["S"])
    ours = ("subscription.suspended", "subscription.resumed")
    return [(e["type"]["S"], json.loads(e["data"]["S"])) for e in rows if e["type"]["S"] in ours]


def test_suspension_binds_the_very_next_authorize_and_resumption_the_one_after(world: World) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    held = world.authorize(key, "r-1", 40)
    assert world.suspend(name)["status"] == "suspended"
    for process in (world, world.another_process()):
        assert codes(process, key) == ["subscription_suspended"] * 2
        assert codes(process, key) == ["subscription_suspended"] * 2
    refused = world.authorize(key, "r-2", 1)
    assert (refused["statusCode"], "retryAfter" in refused) == (403, False)
    assert world.resume(name)["status"] == "active"
    assert codes(world, key) == [None, None]
    assert world.settle(held["authorizationId"], 7)["monthly"]["used"] == 7
    assert_audited(world)


def test_settles_book_and_a_part_begins_no_new_work_while_it_is_suspended(world: World) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    first, second = (world.authorize(key, f"r-{n}", 40) for n in range(2))
    world.suspend(name)
    assert world.settle(first["authorizationId"], 7)["settled"]
    more = {"apiKey": key, "estimatedUsage": 10, "calls": 1, "holdSeconds": 60}
    part = world.settle(second["authorizationId"], 5, calls=0, **{"continue": more})
    assert (part["settled"], part["continued"]) == (True, False)
    assert part["error"]["code"] == "subscription_suspended"
    assert part["monthly"]["used"] == 12
    assert_conserved(world)


def test_who_and_why_is_shown_to_operators_and_told(world: World) -> None:
    name = world.buy()["subscriptionId"]
    shown = world.suspend(name, "card stolen", by="anna")
    suspension = {"at": "2026-11-23T00:00:00Z", "operatorId": "anna", "reason": "card stolen"}
    assert (shown["accountId"], shown["suspension"]) == ("acct", suspension)
    world.clock.advance(1000)
    assert world.resume(name, by="ben")["suspension"] is None
    assert told(world) == [
        ("subscription.suspended", {"term": 1, "operatorId": "anna", "reason": "card stolen"}),
        (
            "subscription.resumed",
            {"term": 1, "operatorId": "ben", "reason": "card stolen", "suspendedAt": "2026-11-23T00:00:00Z"},
        ),
    ]
    assert world.look(name)["status"] == "active"


def test_suspending_again_and_resuming_again_writes_nothing(world: World) -> None:
    name = world.buy()["subscriptionId"]
    before = everything(world)
    assert world.resume(name)["status"] == "active"
    assert everything(world) == before
    first = world.suspend(name)
    world.clock.advance(1000)
    before = everything(world)
    assert world.suspend(name, "another reason", by="ben") == first
    assert everything(world) == before
    world.resume(name)
    before = everything(world)
    assert world.resume(name)["status"] == "active"
    assert everything(world) == before


def test_many_suspensions_in_one_millisecond_are_told_in_their_order(world: World) -> None:
    made = world.buy(models=MODELS)
    for _ in range(3):
        world.suspend(made["subscriptionId"])
        world.resume(made["subscriptionId"])
    assert [kind for kind, _ in told(world)] in (
        ["subscription.suspended", "subscription.resumed"] * 3,
        ["subscription.suspended"] * 3 + ["subscription.resumed"] * 3,
    )
    assert codes(world, made["apiKey"]) == [None, None]


def test_time_goes_on_and_the_end_frees_the_place(world: World) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    assert refused_code(world.buy) == "active_subscription_exists"
    world.clock.advance(31 * DAY_MS)
    assert world.look(name)["status"] == "suspended"
    assert codes(world, key) == ["subscription_suspended"] * 2
    assert refused_code(lambda: world.renew(name)) == "subscription_suspended"
    other = world.buy()
    assert world.authorize(other["apiKey"], "r-1", 1)["allowed"]
    world.reset()
    assert world.resume(name)["status"] == "expired"
    assert codes(world, key) == ["subscription_expired"] * 2
    assert_audited(world)


def test_expired_subscription_can_be_suspended_and_is_not_renewed_until_it_is_resumed(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.clock.advance(31 * DAY_MS)
    assert world.suspend(name)["status"] == "suspended"
    assert refused_code(lambda: world.renew(name)) == "subscription_suspended"
    assert world.resume(name)["status"] == "expired"
    assert world.authorize(world.renew(name)["apiKey"], "r-1", 1)["allowed"]
    assert_audited(world)


def test_new_day_and_month_open_as_ever_after_a_suspension_over_their_start(world: World) -> None:
    made = world.buy(models=[model(calls=2, cap=100)], months=2)
    name, key = made["subscriptionId"], made["apiKey"]
    world.settle(world.authorize(key, "r-1", 90)["authorizationId"], 90)
    world.suspend(name)
    world.clock.advance(31 * DAY_MS)
    assert world.authorize(key, "r-2", 1)["error"]["code"] == "subscription_suspended"
    world.resume(name)
    granted = world.authorize(key, "r-2", 1)
    assert (granted["daily"]["used"], granted["monthly"]["used"]) == (1, 0)
    assert_audited(world)


def test_cancelling_a_suspended_one_ends_it_for_good(world: World) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    assert world.cancel(name)["status"] == "cancelled"
    assert codes(world, key) == ["subscription_cancelled"] * 2
    before = everything(world)
    assert world.resume(name)["status"] == "cancelled"
    assert world.suspend(name)["status"] == "cancelled"
    assert everything(world) == before
    assert world.buy()["apiKey"]
    assert_audited(world)


def test_suspended_one_gets_no_new_key_and_its_key_can_be_revoked(world: World) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    assert refused_code(lambda: world.regenerate(name)) == "subscription_suspended"
    world.revoke_key(name, operator="anna")
    assert codes(world, key) == ["invalid_api_key"] * 2
    world.resume(name)
    assert codes(world, key) == ["invalid_api_key"] * 2
    assert codes(world, world.regenerate(name)["apiKey"]) == [None, None]
    assert_audited(world)


def test_unknown_subscription_is_not_found(world: World) -> None:
    for name in ("sub_" + "a" * 24, "x"):
        assert refused_code(lambda name=name: world.suspend(name)) == "not_found"
        assert refused_code(lambda name=name: world.resume(name)) == "not_found"


def test_until_version_3_is_written_nothing_is_suspended(world: World) -> None:
    earlier = world.writing(2)
    name = earlier.buy()["subscriptionId"]
    before = everything(world)
    for command in (earlier.suspend, earlier.resume):
        assert refused_code(lambda command=command: command(name)) == "temporarily_unavailable"
    assert everything(world) == before


def test_row_of_the_version_before_is_suspended_and_resumed(world: World) -> None:
    made = world.writing(2).buy(models=MODELS)
    name = made["subscriptionId"]
    world.suspend(name)
    assert codes(world, made["apiKey"]) == ["subscription_suspended"] * 2
    world.resume(name)
    assert codes(world, made["apiKey"]) == [None, None]
    assert_audited(world)


@pytest.mark.parametrize("kind", ["before", "after", "lost"])
@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("resuming", [False, True])
def test_whatever_fails_a_repeat_or_the_reset_finishes_it(world: World, at: int, kind: str, *, resuming: bool) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    if resuming:
        world.suspend(name)
    faulty = world.with_send(FaultAt(world.deps.send, at, kind))
    command, again = (faulty.resume, world.resume) if resuming else (faulty.suspend, world.suspend)
    try:
        command(name)
    except Refused as refused:
        assert (refused.refusal.code.code, kind) == ("temporarily_unavailable", "lost")  # noqa: PT017
        if at:
            world.reset()
        else:
            again(name)
    assert codes(world, key) == ([None] * 2 if resuming else ["subscription_suspended"] * 2)
    assert not world.subscription(name).change_pending
    assert len(told(world)) == 1 + resuming
    assert_audited(world)


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("other", ["resume", "suspend", "cancel", "regenerate", "revoke_key", "settle", "authorize"])
def test_other_command_that_comes_between_any_two_calls_of_a_suspension(world: World, at: int, other: str) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    held = world.authorize(key, "r-0", 5)
    new: list[str] = []

    def meanwhile() -> None:
        match other:
            case "resume" | "suspend" | "cancel" | "revoke_key":
                getattr(world, other)(name)
            case "regenerate":
                with_key = world.subscription(name).suspension is None
                if with_key:
                    new.append(world.regenerate(name)["apiKey"])
            case "settle":
                world.settle(held["authorizationId"], 5)
            case _:
                world.authorize(key, f"r-{TEXT_MODEL}", 1)

    world.with_send(Interleave(world.deps.send, at, meanwhile)).suspend(name)
    row = world.subscription(name)
    assert not row.change_pending
    good = new[0] if new else key
    expected: str | None = "subscription_suspended" if row.suspension else None
    if row.cancelled_at_ms is not None:
        expected = "subscription_cancelled"
    if not row.key_tail:
        expected = "invalid_api_key"
    assert codes(world, good) == [expected] * 2
    world.reset()
    assert_audited(world)


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("other", ["suspend", "resume", "cancel", "revoke_key"])
def test_other_command_that_comes_between_any_two_calls_of_a_resumption(world: World, at: int, other: str) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    world.with_send(Interleave(world.deps.send, at, lambda: getattr(world, other)(name))).resume(name)
    row = world.subscription(name)
    assert not row.change_pending
    expected: str | None = "subscription_suspended" if row.suspension else None
    if row.cancelled_at_ms is not None:
        expected = "subscription_cancelled"
    if not row.key_tail:
        expected = "invalid_api_key"
    assert codes(world, key) == [expected] * 2
    world.reset()
    assert_audited(world)


@pytest.mark.parametrize("at", range(1, 6))
def test_suspension_that_comes_between_any_two_calls_of_a_cancellation_stops_nothing_of_it(
    world: World, at: int
) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    world.with_send(Interleave(world.deps.send, at, lambda: world.suspend(name))).cancel(name)
    assert codes(world, key) == ["subscription_cancelled"] * 2
    assert world.resume(name)["status"] == "cancelled"
    assert codes(world, key) == ["subscription_cancelled"] * 2
    world.reset()
    assert_audited(world)


@pytest.mark.parametrize("at", range(1, 5))
def test_straggling_write_of_an_older_suspension_stops_nothing_that_was_resumed(world: World, at: int) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    slow = Interleave(world.deps.send, at, lambda: (world.suspend(name), world.resume(name)))
    world.with_send(slow).suspend(name, "slow")
    assert slow.reached
    expected = "subscription_suspended" if world.subscription(name).suspension else None
    assert codes(world, key) == [expected] * 2
    assert_audited(world)


def test_traffic_meanwhile_is_granted_until_it_is_answered_and_never_after(world: World) -> None:
    made = world.buy(models=MODELS)
    answered = threading.Event()

    def traffic(number: int) -> list[tuple[bool, Any]]:
        if number == 0:
            world.suspend(made["subscriptionId"])
            answered.set()
            return []
        asked = [(answered.is_set(), f"r-{number}-{n}", (TEXT_MODEL, IMAGE_MODEL)[n % 2]) for n in range(20)]
        return [(after, world.authorize(made["apiKey"], name, 1, modelId=m)) for after, name, m in asked]

    for after, answer in [one for of_thread in at_once(16, traffic) for one in of_thread]:
        assert not (after and answer["allowed"])
        assert answer["allowed"] or answer["error"]["code"] == "subscription_suspended"
    assert_conserved(world)


def test_many_operators_at_once_leave_every_model_as_the_row_says(world: World) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    at_once(16, lambda n: world.suspend(name) if n % 2 else world.resume(name))
    world.reset()
    row = world.subscription(name)
    assert codes(world, key) == ["subscription_suspended" if row.suspension else None] * 2
    assert_audited(world)
