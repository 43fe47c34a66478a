"""The reset costs what is due, not what is stored; it stops in time, the next run goes on, and runs may be parallel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.support.audit import assert_audited
from tests.support.concurrency import at_once
from tests.support.crowd import HELD_EVERY, Crowd, Work, gather
from tests.support.world import new_world

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request

DUE = 40
NOTHING = {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}


def rested(due: int = DUE) -> dict[str, object]:
    return {**NOTHING, "windowsRolled": due, "holdsReleased": due // HELD_EVERY}


def crowd(engine: str, size: int, due: int) -> Crowd:
    made = gather(new_world(engine), size)
    made.use(due)
    return made


def work_of(engine: str, size: int, due: int) -> Work:
    of = crowd(engine, size, due)
    work, result = of.reset()
    assert result == rested(due)
    of.world.drop_tables()
    return work


def test_ten_times_as_many_entitlements_with_as_many_due_are_just_as_much_work(engine: str) -> None:
    few, many, twice = work_of(engine, 200, DUE), work_of(engine, 2000, DUE), work_of(engine, 200, 2 * DUE)
    assert few == many
    assert (few.requests["GetItem"], few.requests["TransactWriteItems"]) == (
        # each is read, its day closed, read again; of what was left open, the hold is given back, and it is read again
        2 * DUE + DUE // HELD_EVERY,
        DUE + DUE // HELD_EVERY,
    )
    for name in ("GetItem", "TransactWriteItems"):
        assert twice.requests[name] == 2 * few.requests[name]
    assert (twice.items_read, twice.items_written) == (2 * few.items_read, 2 * few.items_written)
    assert twice.write_units == 2 * few.write_units


def slowed(of: Crowd, seconds: float) -> tuple[Crowd, list[float]]:
    """A crowd whose store takes so many seconds for each answer, and the steady clock, which tells them."""
    clock = [0.0]

    def send(operation: str, request: Request) -> Response:
        clock[0] += seconds
        return of.world.deps.send(operation, request)

    pacing = of.world.deps.pacing._replace(monotonic=lambda: clock[0])
    world = replace(of.world, deps=of.world.deps._replace(send=send, pacing=pacing))
    return replace(of, world=world), clock


def test_run_stops_at_two_thirds_of_its_time_says_more_and_the_next_goes_on(engine: str) -> None:
    of, clock = slowed(crowd(engine, 120, DUE), 0.2)  # 90 seconds are 450 answers, of which 256 find nothing in a shard
    results: list[dict[str, int]] = []
    while not results or results[-1]["more"]:
        began = clock[0]
        results.append(of.world.reset(90 * 2 / 3))
        assert clock[0] - began <= 60 + 5 * 0.2  # the item it had begun
        assert not results[-1]["more"] or clock[0] - began >= 60
    assert len(results) > 1
    totals = {name: sum(r[name] for r in results) for name in NOTHING}
    assert {**totals, "more": False} == rested()
    assert_audited(of.world)
    of.world.drop_tables()


def test_run_whose_store_is_too_slow_to_look_at_every_shard_stops_in_time_as_well(engine: str) -> None:
    of, clock = slowed(crowd(engine, 40, 0), 1.0)
    assert of.world.reset(60) == {**NOTHING, "more": True}
    assert clock[0] == 60
    of.world.drop_tables()


def test_runs_at_once_lose_nothing_and_double_nothing(engine: str) -> None:
    of = crowd(engine, 120, DUE)
    deps = of.world.deps._replace(entropy=bytes)  # all begin at the same shard, and meet at every item
    results = at_once(4, lambda _: replace(of.world, deps=deps).reset())
    totals = {name: sum(r[name] for r in results) for name in NOTHING}
    assert totals == rested()
    assert of.reset()[1] == NOTHING
    assert_audited(of.world)
    of.world.drop_tables()
