"""The hot writes: guarded, and doing to the item what the slow steps do."""

from __future__ import annotations

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import accounting, parts, updates
from modelpass.entitlements.authorization_ids import next_nonce
from modelpass.entitlements.change import Change
from tests.support.builders import KEY_HASH, NOON, TABLES, entitlement, hold
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
    ("used", "calls", "units", "keep"), [(25, 1, 90, 5), (0, 0, 40, 3), (300, 3, 0, 0), (1, 0, 1, 1)]
)
def test_part_that_goes_on_at_once_does_what_the_slow_step_does(used: int, calls: int, units: int, keep: int) -> None:
    held = hold("open", 40, 3)
    before = entitlement(holds=[held], calls=3, due_at_ms=NOON)
    wanted = hold("open", units, keep, at_ms=NOON + 9000, seconds=60)._replace(nonce=next_nonce(held.nonce))
    part = parts.Part(KEY_HASH, held, used, calls, wanted, None)
    at_once = updates.go_on(TABLES, before.id, KEY_HASH, held, wanted, used=used, calls=calls)
    assert_well_formed("UpdateItem", at_once)
    step = parts.next_step(before, part, NOON + 9000, reclaimed=False)
    assert (step.rest, step.refusal, step.change.item_only) == (wanted, None, True)
    assert apply_update(stored(before), at_once) == stored(step.change.after)


@pytest.mark.parametrize(("source", "attribute"), [("counted", "uc"), ("estimated", "ue")])
def test_settle_adds_up_the_units_whose_figure_is_the_routers_own(source: str, attribute: str) -> None:
    before = stored(entitlement(holds=[hold()], calls=1))
    settling = updates.settle(TABLES, entitlement().id, hold(), 25, 1, NOON, usage_source=source)
    assert_well_formed("UpdateItem", settling)
    once = apply_update(before, settling)
    assert once == {**apply_update(before, updates.settle(TABLES, entitlement().id, hold(), 25, 1, NOON)), **once}
    assert once[attribute] == {"N": "25"}
    assert apply_update({**before, attribute: {"N": "7"}}, settling)[attribute] == {"N": "32"}


@pytest.mark.parametrize("source", [None, "reported"])
def test_settle_of_what_the_upstream_reported_is_the_plain_write(source: str | None) -> None:
    plain = updates.settle(TABLES, entitlement().id, hold(), 25, 1, NOON)
    assert updates.settle(TABLES, entitlement().id, hold(), 25, 1, NOON, usage_source=source) == plain


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
