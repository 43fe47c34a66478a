"""A reply that comes late, or never, while time goes on: what was counted is answered as a grant, or as unknown."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.audit import assert_conserved
from tests.support.faults import SlowReply
from tests.support.parts import continuing
from tests.support.world import DAY_MS, STORE_CLIENTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

pytestmark = pytest.mark.parametrize("world", STORE_CLIENTS, indirect=True)


@pytest.fixture
def bought(world: World) -> tuple[World, str, str]:
    made = world.buy()
    world.authorize(made["apiKey"], "first", holdSeconds=1)
    world.clock.advance(1000)
    return world, made["apiKey"], made["subscriptionId"]


def slowly(world: World, meanwhile: Callable[[], None], *, lost: bool) -> World:
    """The world on which the reply to the first call of a command comes late, or never."""
    return world.with_send(SlowReply(world.deps.send, 0, meanwhile, lost))


def test_grant_whose_reply_is_lost_while_the_term_ends_is_told_as_granted(bought: tuple[World, str, str]) -> None:
    world, key, subscription_id = bought
    ends_at_ms = world.entitlement(subscription_id).expires_at_ms
    world.clock.now_ms = ends_at_ms - 1000
    world.authorize(key, "of-the-last-window")
    slow = slowly(world, lambda: world.clock.advance(1000), lost=True)
    answer = slow.authorize(key, "r-1")
    assert (answer["allowed"], "replayed" in answer) == (True, False)
    assert world.entitlement(subscription_id).counters.day_calls == 2
    assert world.authorize(key, "r-2")["error"]["code"] == "subscription_expired"


def test_grant_whose_reply_is_lost_while_it_is_renewed_is_told_as_granted(bought: tuple[World, str, str]) -> None:
    world, key, subscription_id = bought
    world.clock.now_ms = world.entitlement(subscription_id).expires_at_ms - 1000
    world.authorize(key, "of-the-last-window")

    def renew() -> None:
        world.clock.advance(1000)
        world.renew(subscription_id)

    assert slowly(world, renew, lost=True).authorize(key, "r-1")["allowed"]
    assert world.authorize(key, "r-2")["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("lost", [True, False])
def test_grant_told_only_after_its_hold_expired_is_not_granted(bought: tuple[World, str, str], lost: bool) -> None:  # noqa: FBT001
    world, key, subscription_id = bought
    slow = slowly(world, lambda: world.clock.advance(2000), lost=lost)
    answer = slow.authorize(key, "r-1", holdSeconds=2)
    assert (answer["error"]["code"], answer["retryAfter"]) == ("temporarily_unavailable", 1)
    assert world.entitlement(subscription_id).counters.day_calls == 2
    again = world.authorize(key, "r-1", holdSeconds=2)
    assert (again["allowed"], "replayed" in again) == (True, False)
    assert again["monthly"]["held"] == 10
    assert_conserved(world)


@pytest.mark.parametrize("lost", [True, False])
@pytest.mark.parametrize("at", range(3))
def test_far_report_whose_reply_is_slow_while_its_day_ends_is_booked_and_told_once(
    bought: tuple[World, str, str],
    at: int,
    lost: bool,  # noqa: FBT001
) -> None:
    world, key, subscription_id = bought
    granted = world.authorize(key, "r-1", 10)
    slow = world.with_send(SlowReply(world.deps.send, at, lambda: world.clock.advance(DAY_MS), lost))
    slow.settle(granted["authorizationId"], 100, servedTier="basic")
    world.settle(granted["authorizationId"], 100, servedTier="basic")
    events = world.events()
    assert (events.count("usage.far_above_estimate"), events.count("tier.breached")) == (1, 1)
    assert world.entitlement(subscription_id).counters.month_used == 100
    assert_conserved(world)


@pytest.mark.parametrize("lost", [True, False])
def test_part_whose_reply_comes_after_its_day_ended_is_booked_once_and_begins_no_work(
    bought: tuple[World, str, str],
    lost: bool,  # noqa: FBT001
) -> None:
    world, key, subscription_id = bought
    granted = world.authorize(key, "r-1", 10)["authorizationId"]
    more = continuing(key, 50, 2, 900)
    slow = slowly(world, lambda: world.clock.advance(DAY_MS), lost=lost)
    answer = slow.settle(granted, 4, calls=1, **more)
    assert (answer["settled"], answer["startWithinMs"], answer["heldUsage"]) == (True, 0, 0)
    assert world.settle(granted, 4, calls=1, **more)["authorizationId"] == answer["authorizationId"]
    assert world.settle(answer["authorizationId"], 3)["late"]
    assert world.entitlement(subscription_id).counters.month_used == 7
    assert_conserved(world)


@pytest.mark.parametrize("lost", [True, False])
def test_reply_just_before_the_hold_expires_is_a_grant(bought: tuple[World, str, str], lost: bool) -> None:  # noqa: FBT001
    world, key, _ = bought
    slow = slowly(world, lambda: world.clock.advance(1999), lost=lost)
    assert slow.authorize(key, "r-1", holdSeconds=2)["allowed"]
