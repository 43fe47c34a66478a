"""The whole service against a plain ledger: any order of commands, clock moves, resets and faults, on the real engine.

After every step all answers, all stored figures, every equation and every event are what the ledger says.
`make soak` goes on for longer.
"""

from __future__ import annotations

import sys
from functools import partial

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule, run_state_machine_as_test

from tests.support import agreement
from tests.support.audit import assert_audited, assert_conserved
from tests.support.ledger import DAY_MS, SECOND_MS
from tests.support.machine import ANY, FAULTS, MODELS, TIERS, Fault
from tests.support.machine_approval import ApprovalRules
from tests.support.machine_life import LifeRules
from tests.support.machine_operators import OperatorRules
from tests.support.machine_parts import PartRules
from tests.support.machine_releases import ReleaseRules
from tests.support.machine_sales import SaleRules

STEPS = 50
SHORT, LONG = [s * SECOND_MS for s in (1, 59, 60, 61, 900, 3600)], [d * DAY_MS for d in (1, 1, 2, 28, 95)]
WAITS = st.sampled_from(SHORT * 3 + LONG)


class ServiceMachine(LifeRules, PartRules, ReleaseRules, SaleRules, OperatorRules, ApprovalRules):
    """All rules, and time."""

    steps = 0

    renew_often = LifeRules.renew

    @rule()
    def reset(self) -> None:
        """Run the housekeeping; a second run right after it finds nothing."""
        self.world.reset()
        assert self.world.reset() == {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}

    @rule(model_id=st.sampled_from(MODELS), tier=st.sampled_from((None, None, *TIERS)), fault=FAULTS)
    def turn_tiers(self, model_id: str, tier: str | None, fault: Fault) -> None:
        """Take one tier of a model down, or bring back what is down."""
        wanted = set() if tier is None or model_id in self.catalogue.withdrawn else {(model_id, tier)}
        turned = [(pair, True) for pair in sorted(self.down - wanted)] + [(pair, False) for pair in wanted - self.down]
        for pair, available in turned:
            self.faulty(fault).turn_tier(*pair, available=available, reason="it is so")
            self.events["tier.up" if available else "tier.down"] += 1
        self.down = wanted

    @rule(ms=WAITS)
    def wait(self, ms: int) -> None:
        """Let some time pass."""
        self.world.clock.advance(ms)

    @precondition(lambda self: self.begun())
    @rule(
        which=ANY,
        edge=st.sampled_from(("day", "day", "month", "month", "term", "term", "hold", "hold", "order")),
        off_by=st.sampled_from((-1, 0, 1)),
    )
    def wait_until(self, which: int, edge: str, off_by: int) -> None:
        """Go to the edge of a window, a term or a hold, to the millisecond."""
        bought = self.begun()[which % len(self.begun())]
        ends, now_ms = bought.calendar, self.now_ms
        holds = [g.expires_at_ms for _, _, g in self.grants() if g.open_at(now_ms)]
        orders = [order.lapses_at_ms or now_ms for order in self.orders if order.waits(now_ms)]
        edges = {
            "day": ends.day_end(now_ms),
            "month": ends.month_end(now_ms),
            "term": ends.ends_at_ms,
            "hold": min(holds, default=now_ms),
            "order": min(orders, default=now_ms),
        }
        self.world.clock.now_ms = max(now_ms, edges[edge] + off_by)

    @invariant()
    def everything_agrees(self) -> None:
        """What callers see and what is stored is what the ledger says."""
        type(self).steps += 1
        self.bring_up()
        assert_conserved(self.world)
        agreement.assert_usage(self.world, self.bought)
        agreement.assert_keys(self.world, self.bought)
        agreement.assert_lists(self.world, self.bought)
        agreement.assert_orders(self.world, self.orders)
        agreement.assert_reminders(self.world)
        agreement.assert_windows(self.world, self.bought)
        agreement.assert_own_figures(self.world, self.bought)
        agreement.assert_history(self.world, self.bought)
        agreement.assert_one_active(self.world, self.bought, self.plans)
        agreement.assert_events(self.world, self.bought, self.plans, self.orders, self.events)
        agreement.assert_thresholds(self.world, self.bought)

    def teardown(self) -> None:
        """Ask every equation of what a run leaves, and leave nothing in the engine, which other tests share."""
        assert_audited(self.world)
        self.world.drop_tables()


@pytest.mark.usefixtures("few_shards")
def test_any_order_of_commands_clock_moves_and_faults_agrees_with_the_ledger(engine: str) -> None:
    how = settings(
        max_examples=settings().max_examples * 3 // 5,
        stateful_step_count=STEPS,
        deadline=None,  # steps are counted, not timed
        suppress_health_check=list(HealthCheck),
        print_blob=True,
    )
    ServiceMachine.steps = 0
    run_state_machine_as_test(partial(ServiceMachine, engine), settings=how)  # type: ignore[arg-type] # takes a factory
    sys.stdout.write(f"{ServiceMachine.steps} steps\n")
    assert ServiceMachine.steps > how.max_examples
