"""Rotation of the deployment key: nobody notices while the older one is still accepted."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import TYPE_CHECKING

from modelpass.api_keys import DeploymentKeys

if TYPE_CHECKING:
    from tests.support.world import World

NEWER = b"the deployment key that comes after it"


def with_keys(world: World, *secrets: bytes) -> World:
    return replace(world, deps=world.deps._replace(deployment_keys=DeploymentKeys(secrets)))


def test_what_was_issued_before_a_rotation_works_on_and_keeps_its_ids(world: World) -> None:
    (older,) = world.deps.deployment_keys.secrets
    bought = world.buy()
    first, second = (world.authorize(bought["apiKey"], name, 30) for name in ("a", "b"))

    rotated = with_keys(world, NEWER, older)
    assert rotated.authorize(bought["apiKey"], "a", 30) == {**first, "replayed": True, "daily": second["daily"]} | {
        "monthly": second["monthly"]
    }
    assert rotated.settle(first["authorizationId"], 10)["monthly"]["used"] == 10
    granted = rotated.authorize(bought["apiKey"], "c", 30)
    assert rotated.settle(granted["authorizationId"], 20)["monthly"]["used"] == 30
    assert rotated.settle(granted["authorizationId"], 20)["replayed"]


def test_while_a_rotation_is_deployed_functions_of_both_sides_agree(world: World) -> None:
    """First every function accepts the new key, then every function signs with it: at no moment is one refused."""
    (older,) = world.deps.deployment_keys.secrets
    accepting, signing = with_keys(world, older, NEWER), with_keys(world, NEWER, older)
    bought = world.buy()
    for number, (one, other) in enumerate(permutations((world, accepting), 2)):
        granted = one.authorize(bought["apiKey"], f"first-{number}", 30)
        assert other.settle(granted["authorizationId"], 10)["settled"]
    for number, (one, other) in enumerate(permutations((accepting, signing), 2)):
        key = one.buy(f"acct-{number}")["apiKey"]
        granted = other.authorize(key, "second", 30)
        assert one.authorize(key, "second", 30)["authorizationId"] == granted["authorizationId"]
        assert one.settle(granted["authorizationId"], 10)["settled"]


def test_retired_deployment_key_no_longer_opens_anything(world: World) -> None:
    bought = world.buy()
    granted = world.authorize(bought["apiKey"], "a", 30)
    retired = with_keys(world, NEWER)
    assert retired.authorize(bought["apiKey"], "b", 30)["error"]["code"] == "invalid_api_key"
    assert retired.settle(granted["authorizationId"], 10)["error"]["code"] == "authorization_not_found"
    assert world.settle(granted["authorizationId"], 10)["settled"]
