"""A place that a subscription holds because it renews itself is given back when it does not, with every job off."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from modelpass.errors import Refused
from tests.support.audit import assert_audited
from tests.support.faults import FaultAt, Interleave
from tests.support.sales import extend, look, update
from tests.support.world import DAY_MS, model

if TYPE_CHECKING:
    from tests.support.world import Json, World

MOST_CALLS = 12


def bought(world: World, account: str) -> Json:
    return world.buy(account, models=[model()], autoRenew=True)


def test_renewal_that_is_switched_off_while_the_term_ends_leaves_no_place_locked(world: World) -> None:
    for at in range(MOST_CALLS):
        account = f"acct-{at}"
        name = bought(world, account)["subscriptionId"]
        end_ms = world.subscription(name).expires_at_ms
        world.clock.now_ms = end_ms - 1
        send = Interleave(world.deps.send, at, lambda: world.clock.advance(1))
        shown = update(world.with_send(send), name, account=account, autoRenew=False)
        assert not shown["autoRenew"]
        if not send.reached:
            return
        while look(world, name, account=account)["status"] == "active":
            world.clock.advance(32 * DAY_MS)
        world.buy(account)
        assert_audited(world)
    raise AssertionError("a command made more calls than are tried")


@pytest.mark.parametrize("taker", ["purchase", "plan"])
def test_cancellation_that_broke_off_holds_no_place_after_the_end(world: World, taker: str) -> None:
    broken_off = 0
    for at in range(MOST_CALLS):
        account = f"acct-{at}"
        name = bought(world, account)["subscriptionId"]
        fault = FaultAt(world.deps.send, at, "lost")
        with contextlib.suppress(Refused):
            world.with_send(fault).cancel(name, account)
        if not fault.reached:
            assert broken_off
            return
        if world.subscription(name).cancelling_at_ms is None:
            continue  # it has not begun, or is complete
        broken_off += 1
        world.clock.now_ms = world.subscription(name).expires_at_ms
        assert look(world, name, account=account)["status"] == "cancelled"
        if taker == "plan":
            assert world.set_plan(account=account)["applied"]
        else:
            world.buy(account)
        world.reset()
        assert_audited(world)
        with pytest.raises(Refused):
            world.buy(account)
    raise AssertionError("a command made more calls than are tried")


def test_what_comes_while_the_term_ends_is_answered_by_the_term_that_went_on(world: World) -> None:
    for at in range(MOST_CALLS):
        account = f"acct-{at}"
        name = bought(world, account)["subscriptionId"]
        end_ms = world.subscription(name).expires_at_ms
        world.clock.now_ms = end_ms - 1
        send = Interleave(world.deps.send, at, lambda: world.clock.advance(1))
        told = extend(world.with_send(send), name, account=account)
        if not send.reached:
            return
        assert told["order"]["kind"] == "extension"
        assert look(world, name, account=account)["status"] == "active"
    raise AssertionError("a command made more calls than are tried")


def test_cancelling_while_the_term_ends_cancels_the_term_that_went_on(world: World) -> None:
    for at in range(MOST_CALLS):
        account = f"acct-{at}"
        name = bought(world, account)["subscriptionId"]
        world.clock.now_ms = world.subscription(name).expires_at_ms - 1
        send = Interleave(world.deps.send, at, lambda: world.clock.advance(1))
        assert world.with_send(send).cancel(name, account)["status"] == "cancelled"
        if not send.reached:
            return
        assert look(world, name, account=account)["status"] == "cancelled"
        world.buy(account)
    raise AssertionError("a command made more calls than are tried")
