"""Parts of holds that go on, many at once, on the real engine. Rule: only counts decide; no test looks at time."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from tests.support.audit import assert_audited, assert_conserved
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.parts import CALLS, CAP, Held, continuing
from tests.support.world import STORE_CLIENTS, World, model

pytestmark = pytest.mark.parametrize("world", STORE_CLIENTS, indirect=True)
THREADS = 8


def test_of_8_reports_of_one_part_one_is_booked_and_all_get_the_same_id(world: World) -> None:
    held = Held(world)
    for step in range(1, 13):
        id_now = held.id
        answers = at_once(THREADS, lambda n: held.part(n + 1, 1, of=id_now, units=100 + n))  # noqa: B023
        first = [n for n, answer in enumerate(answers) if "replayed" not in answer]
        assert len(first) == 1
        assert len({a["authorizationId"] for a in answers}) == 1
        assert {a["heldUsage"] for a in answers} == {100 + first[0]}
        held.id = answers[0]["authorizationId"]
        assert held.figures[0] == 4 + step
    assert_audited(world)


def test_of_parts_and_last_settles_of_one_id_one_is_booked(world: World) -> None:
    held = Held(world)

    def report(number: int) -> Any:
        if number % 2:
            return world.settle(held.id, 50, calls=2)
        return held.part(7, 1, of=held.id)

    answers = at_once(THREADS, report)
    assert sum("replayed" not in a for a in answers) == 1
    assert held.figures in {(2, 50, 0), (5, 7, 100)}
    assert_audited(world)


def test_8_holds_that_go_on_never_overshoot_and_share_all_there_is(world: World) -> None:
    """Each asks for more and more, uses what it holds, and repeats reports as if their replies were lost."""
    made = world.buy(models=[model(calls=10**6, cap=3000)])

    def stream(number: int) -> int:
        chance, key, used = Random(number), made["apiKey"], 0
        granted = world.authorize(key, f"r-{number}", 40)
        assert granted["allowed"]
        id_now: str = granted["authorizationId"]
        holds: int = granted["heldUsage"]
        for _ in range(25):
            units = chance.randint(0, holds)
            more = continuing(key, chance.randint(0, 400), 1)
            answer = world.settle(id_now, units, calls=1, **more)
            for _ in range(chance.randint(0, 2)):
                again = world.settle(id_now, units, calls=1, **more)
                assert (again["replayed"], again["authorizationId"]) == (True, answer["authorizationId"])
            assert answer["continued"]
            assert answer["monthly"]["overrun"] == 0
            used += units
            id_now, holds = answer["authorizationId"], answer["heldUsage"]
        assert world.settle(id_now, holds, calls=1)["settled"]
        return used + holds

    used = sum(at_once(THREADS, stream))
    assert world.entitlement(made["subscriptionId"]).counters.month_used == used <= 3000
    assert_audited(world)


def test_beside_cancellation_new_keys_and_reclaim_every_part_is_booked_once(world: World) -> None:
    made = world.buy(models=[model(calls=10**6, cap=CAP)])
    keys = [made["apiKey"]]

    def stream(number: int) -> tuple[int, int]:
        if number == 0:
            for _ in range(6):
                keys.append(world.regenerate(made["subscriptionId"])["apiKey"])
                world.clock.advance(400)
            world.cancel(made["subscriptionId"])
            return 0, 0
        granted = world.authorize(keys[-1], f"r-{number}", 20, holdSeconds=1)
        if not granted["allowed"]:
            return 0, 0
        id_now, used, calls, kept = granted["authorizationId"], 0, 0, 1
        for step in range(12):
            made_now = min(kept, step % 2)
            answer = world.settle(id_now, step, calls=made_now, **continuing(keys[-1], 90, 1, 1))
            again = world.settle(id_now, step + 1, calls=0, **continuing(keys[-1], 50, 1, 1))
            assert again.get("replayed"), (answer, again)
            used, calls = used + step, calls + made_now
            id_now, kept = answer["authorizationId"], answer["heldCalls"]
        assert "replayed" not in world.settle(id_now, 3, calls=kept)
        return used + 3, calls + kept

    done = at_once(THREADS, stream)
    stored = world.entitlement(made["subscriptionId"])
    assert stored.counters.month_used == sum(used for used, _ in done)
    assert stored.counters.day_calls == sum(calls for _, calls in done)
    assert (stored.holds, stored.tickets) == ({}, 0)
    assert_audited(world)


def test_reports_of_one_part_of_a_reclaimed_hold_book_it_once(world: World) -> None:
    held = Held(world)
    world.clock.advance(60_000)
    assert world.authorize(held.key, "takes-the-units", CAP, calls=CALLS - 4)["allowed"]
    for step in range(1, 5):
        id_now = held.id
        answers = at_once(THREADS, lambda _: held.part(5, 0, of=id_now, keep=2))  # noqa: B023
        assert sum("replayed" not in a for a in answers) == 1
        held.id = next(a["authorizationId"] for a in answers if "replayed" not in a)
        assert held.figures[1] == 5 * step
        assert_conserved(world)
    assert sum("replayed" not in a for a in at_once(THREADS, lambda _: held.last(1))) == 1
    assert world.entitlement(held.subscription_id).tickets == 0
    assert_audited(world)
