"""A correction knows what only the row knows: that the term goes on, and which list is in force by now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.times import rfc3339
from tests.support.audit import assert_audited
from tests.support.changing import change
from tests.support.sales import extend
from tests.support.world import DAY_MS, model

if TYPE_CHECKING:
    from tests.support.world import World


def test_month_that_a_correction_opens_has_the_list_that_is_in_force_by_then(world: World) -> None:
    name = world.buy(models=[model(cap=1000)], months=2)["subscriptionId"]
    change(world, name, model(calls=20, cap=500))
    world.clock.advance(30 * DAY_MS)  # a month from 23 November
    answer = world.correct(name, 10)
    assert (answer["daily"]["limit"], answer["monthly"]["limit"], answer["monthly"]["used"]) == (20, 500, 10)
    assert_audited(world)


def test_correction_after_the_end_that_an_extension_moved_counts_in_the_month_of_its_instant(world: World) -> None:
    made = world.buy(models=[model(cap=1000)])
    name = made["subscriptionId"]
    end_ms = world.subscription(name).expires_at_ms
    extend(world, name, 2)
    world.clock.now_ms = end_ms
    assert world.correct(name, 10)["monthly"]["resetsAt"] == rfc3339(end_ms + 31 * DAY_MS)
    assert world.authorize(made["apiKey"], "r-1", 1)["monthly"]["used"] == 10
    assert_audited(world)


def test_correction_of_a_month_in_which_nobody_asked_counts_there_and_not_in_the_one_in_force(world: World) -> None:
    made = world.buy(models=[model(cap=1000)])
    name = made["subscriptionId"]
    end_ms = world.subscription(name).expires_at_ms
    extend(world, name, 2)
    world.clock.now_ms = end_ms + 45 * DAY_MS
    answer = world.correct(name, 10, at=rfc3339(end_ms + 5 * DAY_MS))
    assert (answer["monthly"]["used"], world.entitlement(name).month) == (0, 2)
    assert world.correct(name, 10, at=rfc3339(end_ms + 5 * DAY_MS)) == {**answer, "replayed": True}
    assert_audited(world)
