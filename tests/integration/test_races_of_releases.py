"""Releases among everything that ends or renews a hold, many at once, on the real engine. Rule: only counts decide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.audit import assert_audited, assert_conserved
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.parts import CALLS, CAP, Held, continuing
from tests.support.world import STORE_CLIENTS, World, model

pytestmark = pytest.mark.parametrize("world", STORE_CLIENTS, indirect=True)
THREADS = 8


def released(world: World) -> int:
    return world.events().count("hold.released")


def test_of_8_releases_one_gives_back_and_all_are_done(world: World) -> None:
    held = Held(world)
    for turn in range(8):
        granted = world.authorize(held.key, f"r-{turn}", 50)["authorizationId"]
        answers = at_once(THREADS, lambda _: world.release(held.subscription_id, granted))  # noqa: B023
        assert answers == [None] * THREADS
        assert released(world) == turn + 1
        assert held.figures == (5 + turn, 0, 100)
        assert_conserved(world)
    assert_audited(world)


def test_of_releases_and_settles_of_one_hold_each_report_is_booked_once(world: World) -> None:
    held = Held(world)
    late = 0
    for turn in range(1, 9):
        granted = world.authorize(held.key, f"r-{turn}", 50)["authorizationId"]

        def ended(number: int) -> Any:
            if number % 2:
                world.release(held.subscription_id, granted)  # noqa: B023
                return None
            return world.settle(granted, 7)  # noqa: B023

        booked = [a for a in at_once(THREADS, ended) if a is not None and "replayed" not in a]
        assert len(booked) == 1
        late += booked[0]["late"]
        assert held.figures == (4 + turn, 7 * turn, 100)
        assert released(world) == late
    assert world.entitlement(held.subscription_id).tickets == 0
    assert_audited(world)


def test_beside_parts_every_report_is_booked_once_and_nothing_is_held_after_it(world: World) -> None:
    made = world.buy(models=[model(calls=10**6, cap=CAP)])
    key, name = made["apiKey"], made["subscriptionId"]
    first = [world.authorize(key, f"r-{n}", 40, holdSeconds=600)["authorizationId"] for n in range(4)]

    def either(number: int) -> int:
        authorization_id = first[number // 2]
        if number % 2:
            for _ in range(3):
                world.release(name, authorization_id)
            return 0
        used = 0
        for step in range(1, 10):
            answer = world.settle(authorization_id, step, calls=0, **continuing(key, 60, 1, 600))
            again = world.settle(authorization_id, step + 1, calls=1, **continuing(key, 60, 1, 600))
            assert again.get("replayed"), (answer, again)
            used, authorization_id = used + step, answer["authorizationId"]
        world.release(name, first[number // 2])
        return used

    used = sum(at_once(THREADS, either))
    stored = world.entitlement(name)
    assert (stored.holds, stored.counters.month_used) == ({}, used)
    assert stored.counters.month_left == CAP - used
    assert (released(world), stored.tickets) == (4, 4)
    assert_audited(world)


def test_beside_authorize_reset_new_keys_and_cancellation_nothing_is_lost_and_nothing_overshoots(world: World) -> None:
    made = world.buy(models=[model(calls=10**6, cap=CAP)])
    name, keys = made["subscriptionId"], [made["apiKey"]]

    def busy(number: int) -> int:
        if number == 0:
            for _ in range(5):
                keys.append(world.regenerate(name)["apiKey"])
                world.reset()
            world.cancel(name)
            return 0
        used = 0
        for turn in range(12):
            answer = world.authorize(keys[-1], f"r-{number}-{turn}", 300, holdSeconds=1 + turn % 3)
            if not answer["allowed"]:
                continue
            if turn % 2:
                world.release(name, answer["authorizationId"])
            if turn % 3:
                world.clock.advance(300)
            if turn % 4:
                assert "replayed" not in world.settle(answer["authorizationId"], 5)
                used += 5
            else:
                world.release(name, answer["authorizationId"])
        return used

    used = sum(at_once(THREADS, busy))
    world.clock.advance(60_000)
    world.make_all_due()
    world.reset()
    stored = world.entitlement(name)
    assert (stored.holds, stored.counters.month_used) == ({}, used)
    assert stored.counters.month_left == CAP - used
    assert_audited(world)


def test_beside_reclaim_each_hold_comes_back_once(world: World) -> None:
    held = Held(world, calls=1)
    ids = [world.authorize(held.key, f"r-{n}", 50)["authorizationId"] for n in range(10)]
    world.clock.advance(899_000)

    def either(number: int) -> Any:
        if number % 2:
            for one in ids:
                world.release(held.subscription_id, one)
            return None
        world.clock.advance(500)
        return world.authorize(held.key, f"all-{number}", CAP // 4)["allowed"]

    at_once(THREADS, either)
    for one in ids:
        world.release(held.subscription_id, one)
    stored = world.entitlement(held.subscription_id)
    assert stored.tickets >= len(ids)
    assert_audited(world)
    for n, one in enumerate(ids):
        assert world.settle(one, n)["late"] is True
    assert world.entitlement(held.subscription_id).counters.month_used == sum(range(len(ids)))
    assert stored.counters.day_calls <= CALLS
    assert_audited(world)
