"""Leases of up to eight simulated processes on one key, against the real service on the real engine.

Messages get lost on either way or come late, processes are killed, the store hangs, and the clocks of machines differ:
no limit is ever overshot, the audit is clean, and everything that finished is booked once. `make soak` goes further.
"""

from __future__ import annotations

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.client.leases.engine import Engine
from tests.client.leases.fleets import Fleet, Plan
from tests.support.audit import assert_audited, assert_conserved, counted
from tests.support.world import new_world

PLANS = st.builds(
    Plan,
    seed=st.integers(0, 10**6),
    routers=st.integers(1, 8),
    rates=st.sampled_from(((1, 10), (5, 40))),
    seconds=st.integers(3, 8),
    lost=st.sampled_from((0.0, 0.05)),
    kills=st.integers(0, 2),
    hang_ms=st.sampled_from((0, 0, 1500, 5000)),
    skew_ms=st.sampled_from((0, 1000)),
)
EIGHT = Plan(seed=3, routers=8, rates=(5, 40), seconds=6, lost=0.03, kills=2, hang_ms=2000, skew_ms=1000)


def run(engine: str, plan: Plan, cap: int, limit: int) -> None:
    world = new_world(engine)
    service = Engine(world, cap, limit)
    fleet = Fleet(service, plan, start_ms=1000, key=service.key)
    fleet.run()
    fleet.assert_no_overshoot()
    fleet.assert_all_is_booked(counted(world, service.subscription_id)[1])
    assert fleet.late == 0
    assert_conserved(world)
    assert_audited(world)
    begun = sum(router.tally.begun for router in fleet.routers)
    sys.stdout.write(f"{begun} requests begun by {service.requests} requests to the service\n")
    world.drop_tables()


@pytest.mark.usefixtures("few_shards")
def test_eight_processes_on_one_key_overshoot_nothing_through_kills_a_hung_store_and_moved_clocks(engine: str) -> None:
    run(engine, EIGHT, cap=60_000, limit=10**6)
    run(engine, EIGHT, cap=10**9, limit=500)


@pytest.mark.usefixtures("few_shards")
def test_any_fleet_overshoots_nothing_and_all_it_finished_is_booked(engine: str) -> None:
    def check(plan: Plan, requests_in_cap: int, limit: int) -> None:
        run(engine, plan, requests_in_cap * plan.estimate, limit)

    how = settings(
        deadline=None,  # examples are counted, not timed
        max_examples=max(3, settings().max_examples // 20),
        suppress_health_check=list(HealthCheck),
    )
    how(given(PLANS, st.integers(1, 1000), st.integers(1, 1500))(check))()
