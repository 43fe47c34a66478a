"""Machines whose clocks are days apart: counting, exactly-once and conservation hold whatever clocks say."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.audit import assert_conserved, counted
from tests.support.world import DAY_MS, model, new_world

if TYPE_CHECKING:
    from tests.support.world import Json, World

HOUR_MS = 3_600_000
OFFSETS = st.sampled_from((0, 0, 0, 1, -1, HOUR_MS, -HOUR_MS, DAY_MS, -DAY_MS, 3 * DAY_MS, -3 * DAY_MS))
COMMANDS = st.lists(
    st.tuples(
        st.sampled_from(
            ("authorize", "authorize", "authorize", "repeat", "settle", "settle", "again", "reset", "wait")
        ),
        OFFSETS,
        st.integers(0, 10**6),
    ),
    min_size=5,
    max_size=30,
)


def machine(world: World, offset_ms: int) -> World:
    """The service on a machine whose clock is off by so much."""
    return replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms + offset_ms))


@pytest.mark.usefixtures("few_shards")
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
@given(COMMANDS)
def test_every_grant_and_every_settle_counts_once_in_some_window(
    engine: str, commands: list[tuple[str, int, int]]
) -> None:
    world = new_world(engine)
    world.clock.advance(20 * DAY_MS)
    made = world.buy(months=3, models=[model(calls=5, cap=100)])
    world.clock.advance(29 * DAY_MS + 20 * HOUR_MS)  # near the end of a day, and of a month
    open_ids: list[str] = []
    settled: dict[str, tuple[int, int]] = {}
    calls = 0
    for number, (command, offset_ms, figure) in enumerate(commands):
        at = machine(world, offset_ms)
        match command:
            case "authorize":
                answer = at.authorize(made["apiKey"], f"r-{number}", figure % 40, holdSeconds=(60, 86_400)[figure % 2])
                calls += note(answer, open_ids)
            case "repeat":
                answer = at.authorize(made["apiKey"], f"r-{max(0, number - 1 - figure % 3)}", figure % 40)
                calls += note(answer, open_ids)
            case "settle" if open_ids:
                granted = open_ids.pop(figure % len(open_ids))
                used, back = figure % 60, figure % 2
                assert at.settle(granted, used, calls=1 - back)["settled"]
                assert granted not in settled
                settled[granted] = used, back
            case "again" if settled:
                assert at.settle(list(settled)[figure % len(settled)], 59)["replayed"]
            case "reset":
                at.reset()
            case "wait":
                world.clock.advance(figure % (2 * DAY_MS))
        assert_conserved(world)
        expected = calls - sum(back for _, back in settled.values()), sum(used for used, _ in settled.values())
        assert counted(world, made["subscriptionId"]) == expected
    world.drop_tables()


def note(answer: Json, open_ids: list[str]) -> int:
    """Keep the id of a grant; how many calls it counted."""
    if not answer["allowed"] or "replayed" in answer:
        return 0
    assert answer["authorizationId"] not in open_ids
    open_ids.append(answer["authorizationId"])
    return 1
