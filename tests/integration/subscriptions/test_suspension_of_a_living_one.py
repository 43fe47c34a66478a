"""While a subscription is suspended its customer may extend, change, top up and cancel; none of it grants anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audit import assert_audited
from tests.support.changing import change, top_up
from tests.support.faults import Interleave
from tests.support.sales import extend
from tests.support.waiting import Till, approving, told
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

TEXT, IMAGE = model(calls=10, cap=1000), model(IMAGE_MODEL, calls=10, cap=1000)
SUSPENDED = "subscription_suspended"


def code(world: World, key: str, model_id: str = TEXT_MODEL) -> str | None:
    answer = world.authorize(key, f"r-{model_id}-{world.clock.now_ms}", 1, modelId=model_id)
    return answer["error"]["code"] if "error" in answer else None


def test_model_that_is_added_meanwhile_is_stopped_too_and_goes_on_with_the_rest(world: World) -> None:
    made = world.buy(models=[TEXT])
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    change(world, name, {**TEXT, "monthlyTokenCap": 5000}, IMAGE)
    assert [code(world, key), code(world, key, IMAGE_MODEL)] == [SUSPENDED] * 2
    world.resume(name)
    assert [code(world, key), code(world, key, IMAGE_MODEL)] == [None, None]
    assert world.entitlement(name).limits.monthly_cap == 5000
    assert_audited(world)


def test_top_up_and_extension_bind_once_it_is_resumed(world: World) -> None:
    made = world.buy(models=[TEXT])
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    top_up(world, name, 500)
    extend(world, name)
    assert code(world, key) == SUSPENDED
    world.clock.advance(31 * DAY_MS)
    assert code(world, key) == SUSPENDED
    assert world.resume(name)["status"] == "active"
    granted = world.authorize(key, "r-1", 1)
    assert (granted["allowed"], granted["monthly"]["limit"]) == (True, 1000)
    assert_audited(world)


def test_model_that_left_the_list_meanwhile_is_not_included_once_it_is_resumed(world: World) -> None:
    made = world.buy(models=[TEXT, IMAGE], months=3)
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    change(world, name, TEXT)
    world.clock.advance(31 * DAY_MS)
    assert [code(world, key), code(world, key, IMAGE_MODEL)] == [SUSPENDED] * 2
    world.resume(name)
    assert [code(world, key), code(world, key, IMAGE_MODEL)] == [None, "model_not_included"]
    assert_audited(world)


def test_term_that_would_renew_itself_ends_while_it_is_suspended(world: World) -> None:
    made = world.buy(models=[TEXT], autoRenew=True)
    name, key = made["subscriptionId"], made["apiKey"]
    world.suspend(name)
    world.clock.advance(31 * DAY_MS)
    assert code(world, key) == SUSPENDED
    other = world.buy(models=[TEXT])
    assert code(world, other["apiKey"]) is None
    assert world.resume(name)["status"] == "expired"
    assert code(world, key) == "subscription_expired"
    assert_audited(world)


def test_suspending_after_the_end_of_a_term_that_renews_itself_first_lets_it_go_on(world: World) -> None:
    made = world.buy(models=[TEXT], autoRenew=True)
    name, key = made["subscriptionId"], made["apiKey"]
    world.clock.advance(31 * DAY_MS)
    assert world.suspend(name)["expiresAt"] == "2027-01-23T00:00:00Z"
    assert code(world, key) == SUSPENDED
    assert world.resume(name)["status"] == "active"
    assert code(world, key) is None
    assert_audited(world)


def test_key_that_is_revoked_after_the_end_of_a_term_that_renews_itself_is_dead_in_the_months_that_follow(
    world: World,
) -> None:
    made = world.buy(models=[TEXT], autoRenew=True)
    name, key = made["subscriptionId"], made["apiKey"]
    world.clock.advance(31 * DAY_MS)
    world.revoke_key(name)
    assert code(world, key) == "invalid_api_key"
    assert world.look(name)["status"] == "active"
    assert code(world, world.regenerate(name)["apiKey"]) is None
    assert_audited(world)


def test_purchase_that_waits_is_neither_suspended_nor_corrected_and_its_key_can_be_revoked(world: World) -> None:
    till = Till(approving(world))
    bought = till.buy()
    name, key = bought["subscriptionId"], bought["apiKey"]
    assert code(till.world, key) == "subscription_pending"
    assert told(lambda: till.world.suspend(name)) == "subscription_pending"
    assert told(lambda: till.world.correct(name, 5)) == "subscription_pending"
    assert till.world.resume(name)["status"] == "pending"
    till.world.revoke_key(name, operator="anna")
    assert code(till.world.another_process(), key) == "invalid_api_key"
    till.confirm(bought["order"]["orderId"])
    assert world.look(name)["status"] == "active"
    assert code(till.world.another_process(), key) == "invalid_api_key"
    assert code(till.world, till.world.regenerate(name)["apiKey"]) is None
    assert_audited(world)


def test_renewal_that_waits_is_not_confirmed_while_it_is_suspended(world: World) -> None:
    name = world.buy(models=[TEXT])["subscriptionId"]
    till = Till(approving(world))
    world.clock.advance(31 * DAY_MS)
    waits = till.renew(name)["order"]["orderId"]
    assert till.world.suspend(name)["status"] == "suspended"
    assert till.confirm(waits) == SUSPENDED
    till.world.resume(name)
    till.confirm(waits)
    assert world.look(name)["status"] == "active"
    assert_audited(world)


def test_revoked_key_stays_dead_for_models_that_are_added_later(world: World) -> None:
    made = world.buy(models=[TEXT])
    name, key = made["subscriptionId"], made["apiKey"]
    world.revoke_key(name)
    change(world, name, TEXT, IMAGE)
    assert [code(world, key), code(world, key, IMAGE_MODEL)] == ["invalid_api_key"] * 2
    new = world.regenerate(name)["apiKey"]
    assert [code(world, new), code(world, new, IMAGE_MODEL)] == [None, None]
    assert_audited(world)


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("first", ["suspend", "resume", "revoke_key"])
def test_change_that_comes_between_any_two_calls_of_it_loses_nothing(world: World, at: int, first: str) -> None:
    made = world.buy(models=[TEXT])
    name, key = made["subscriptionId"], made["apiKey"]
    if first == "resume":
        world.suspend(name)
    between = Interleave(world.deps.send, at, lambda: change(world, name, {**TEXT, "dailyCallLimit": 20}, IMAGE))
    getattr(world.with_send(between), first)(name)
    if not between.reached:
        return
    assert_as_the_row_says(world, name, key)


@pytest.mark.parametrize("at", range(9))
@pytest.mark.parametrize("other", ["suspend", "revoke_key"])
def test_it_may_come_between_any_two_calls_of_a_change(world: World, at: int, other: str) -> None:
    made = world.buy(models=[TEXT])
    name, key = made["subscriptionId"], made["apiKey"]
    between = Interleave(world.deps.send, at, lambda: getattr(world, other)(name))
    change(world.with_send(between), name, {**TEXT, "dailyCallLimit": 20}, IMAGE)
    if not between.reached:
        return
    assert_as_the_row_says(world, name, key)


def assert_as_the_row_says(world: World, name: str, key: str) -> None:
    row = world.subscription(name)
    expected: Any = SUSPENDED if row.suspension else None
    if not row.key_tail:
        expected = "invalid_api_key"
    assert [code(world, key), code(world, key, IMAGE_MODEL)] == [expected] * 2
    assert world.entitlement(name).limits.daily_call_limit == 20
    assert not row.change_pending
    world.reset()
    assert_audited(world)
