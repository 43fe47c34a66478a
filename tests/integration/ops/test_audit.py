"""The audit on the real engine reports no breach, whatever the service has done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.audit import assert_audited
from tests.support.scenes import GONE_ON, PLACES, SCENES, Scene, correct, cross, part, settle, tier_is_down

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

pytestmark = pytest.mark.usefixtures("few_shards")


@pytest.mark.parametrize(
    "scene", dict.fromkeys((*SCENES, *GONE_ON, *PLACES, tier_is_down)), ids=lambda scene: scene.__name__
)
def test_audit_is_silent_after_whatever_the_service_did(world: World, scene: Callable[[World], Scene]) -> None:
    made = scene(world)
    assert_audited(world)
    for command in (part, cross, settle, correct):
        command(made)
        assert_audited(world)
    world.reset()
    assert_audited(world)
