"""The hot writes: guarded, and doing to the item what the slow steps do."""

from __future__ import annotations

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import accounting, updates
from modelpass.entitlements.change import Change
from tests.support.builders import NOON, TABLES, entitlement, hold
from tests.support.expressions import apply_update, assert_well_formed
from tests.support.steps import MAX_HOLDS, stored


def test_hot_writes_are_guarded_and_do_what_the_slow_steps_do() -> None:
    before = entitlement(holds=[hold("open", 40, 3)], calls=3, due_at_ms=NOON)
    new = hold("new", 20, 2)
    granting = updates.authorize(TABLES, before.id, b"hash", new, tuple(Tier), MAX_HOLDS)
    assert_well_formed("UpdateItem", granting)
    slow = accounting.with_grant(Change(before, before), new, new.units).after
    assert apply_update(stored(before), granting) == stored(slow)
    settling = updates.settle(TABLES, before.id, hold("open", 40, 3), 25, 1, NOON)
    assert_well_formed("UpdateItem", settling)
    booked = accounting.book(before, hold("open", 40, 3), 25, 1, reclaimed=False).after
    assert apply_update(stored(before), settling) == stored(booked)


@pytest.mark.parametrize(
    ("units", "unit_free", "more_than_nothing"), [(0, False, True), (0, True, False), (1, False, False)]
)
def test_only_an_estimate_of_nothing_demands_that_something_is_left(
    units: int,
    unit_free: bool,  # noqa: FBT001
    more_than_nothing: bool,  # noqa: FBT001
) -> None:
    asked = updates.authorize(
        TABLES, entitlement().id, b"hash", hold(units=units), (Tier.STABLE,), MAX_HOLDS, unit_free=unit_free
    )
    assert_well_formed("UpdateItem", asked)
    clauses = asked["ConditionExpression"].split(" AND ")
    assert "#ml >= :units" in clauses
    assert ("#ml > :units" in clauses) is more_than_nothing
