"""A month that one machine has opened keeps what was sold for it, whatever another machine's clock says."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.errors import Refused
from tests.support.audit import assert_audited
from tests.support.changing import change, top_up
from tests.support.world import DAY_MS, IMAGE_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

IMAGE = model(IMAGE_MODEL, calls=10, cap=100)


def behind(world: World, ms: int = 5000) -> World:
    """The same service on a machine whose clock is behind."""
    other = world.another_process()
    return replace(other, deps=other.deps._replace(now_ms=lambda: world.clock.now_ms - ms))


def with_next_month_opened(world: World) -> tuple[str, str]:
    """A subscription whose cap has just fallen to 500 with a month that was opened already; the other one has not."""
    made = world.buy(models=[model(cap=1000), IMAGE], months=2)
    name = made["subscriptionId"]
    change(world, name, model(cap=500), IMAGE)
    world.clock.advance(30 * DAY_MS + 1000)  # a month from 23 November, and a second
    assert world.authorize(made["apiKey"], "r-1", 10)["monthly"]["limit"] == 500
    return name, made["apiKey"]


@pytest.mark.parametrize(
    "command",
    [
        lambda world, name: (world.suspend(name), world.resume(name)),
        lambda world, name: change(world, name, model(cap=500), model(IMAGE_MODEL, calls=20, cap=200)),
    ],
    ids=["suspended and resumed", "changed"],
)
def test_month_that_was_opened_keeps_its_cap(world: World, command: Callable[[World, str], Any]) -> None:
    name, key = with_next_month_opened(world)
    command(behind(world), name)
    assert world.entitlement(name).limits.monthly_cap == 500
    assert world.authorize(key, "r-2", 490)["allowed"]
    assert world.authorize(key, "r-3", 1)["error"]["code"] == "monthly_cap_reached"
    assert_audited(world)


def test_units_for_a_month_are_not_sold_into_the_next_one_that_was_opened(world: World) -> None:
    name, _ = with_next_month_opened(world)
    with pytest.raises(Refused) as refused:
        top_up(behind(world), name, 40)
    assert refused.value.refusal.code.code == "temporarily_unavailable"
    assert (world.entitlement(name).top_up, world.subscription(name).orders) == (0, 2)
    assert top_up(world, name, 40)["order"]["kind"] == "top_up"
    assert_audited(world)
