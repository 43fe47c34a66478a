"""What a process has refused after the end of a term is refused for the reason of now, whatever comes after the end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audit import assert_audited
from tests.support.changing import change
from tests.support.world import DAY_MS, IMAGE_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

MODELS = [model(), model(IMAGE_MODEL, "stable", 10, 100)]


def code(world: World, key: str, model_id: str = IMAGE_MODEL) -> str:
    answer = world.authorize(key, "r-1", 1, modelId=model_id)
    found: str = answer["error"]["code"]
    return found


def expired(world: World, *, announced: bool) -> tuple[str, str]:
    made = world.buy(models=MODELS)
    world.clock.advance(31 * DAY_MS)
    if announced:
        world.reset()
    assert code(world, made["apiKey"]) == "subscription_expired"
    return made["subscriptionId"], made["apiKey"]


@pytest.mark.parametrize("announced", [False, True])
def test_key_of_an_ended_term_is_told_that_it_was_replaced_once_that_is_renewed(world: World, announced: Any) -> None:
    name, key = expired(world, announced=announced)
    world.renew(name)
    assert code(world, key) == "invalid_api_key"


@pytest.mark.parametrize("announced", [False, True])
def test_key_of_an_ended_term_is_told_of_a_suspension_and_of_its_end(world: World, announced: Any) -> None:
    name, key = expired(world, announced=announced)
    world.suspend(name)
    assert code(world, key) == "subscription_suspended"
    world.resume(name)
    assert code(world, key) == "subscription_expired"


def test_key_of_an_ended_term_opens_no_model_that_left_its_list_and_the_audit_knows(world: World) -> None:
    made = world.buy(models=MODELS, months=2)
    name = made["subscriptionId"]
    change(world, name, MODELS[0])
    world.clock.advance(31 * DAY_MS)
    assert code(world, made["apiKey"]) == "model_not_included"
    world.clock.advance(31 * DAY_MS)
    world.renew(name)
    assert code(world, made["apiKey"]) == code(world.another_process(), made["apiKey"]) == "invalid_api_key"
    assert_audited(world)
