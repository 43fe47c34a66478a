"""A key is told of as authorize decides, in whatever state its subscription is, and whoever asks first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support import living, scenes

if TYPE_CHECKING:
    from tests.support.scenes import MakeScene, Scene
    from tests.support.world import World

STATUSES: Final = {
    None: "active",
    "subscription_expired": "expired",
    "subscription_cancelled": "cancelled",
    "subscription_suspended": "suspended",
    "subscription_pending": "pending",
}
"""By what authorize refuses a key for, whichever model is asked for."""
REFUSED: Final = {*STATUSES, "invalid_api_key"}
STATES: Final[dict[MakeScene, str | None]] = {
    scenes.fresh: None,
    scenes.in_use: None,
    scenes.next_month: None,
    scenes.half_regenerated: "invalid_api_key",
    scenes.replaced: "invalid_api_key",
    scenes.renewed: "invalid_api_key",
    scenes.expired: "subscription_expired",
    scenes.cancelled: "subscription_cancelled",
    scenes.renews_itself: None,
    scenes.renews_no_more: "subscription_expired",
    living.suspended: "subscription_suspended",
    living.revoked: "invalid_api_key",
    living.half_changed: None,
    living.lowered: None,
    living.extension_waits: None,
    living.renewal_waits: "subscription_expired",
    living.purchase_waits: "subscription_pending",
    living.purchase_lapsed: "invalid_api_key",
}


def authorized(scene: Scene) -> str | None:
    """What authorize refuses the key for; None for what it refuses of a model alone."""
    answer = scene.world.authorize(scene.api_key, "asked-beside", 1)
    code = None if answer["allowed"] else answer["error"]["code"]
    return code if code in REFUSED else None


def borne(scene: Scene) -> str | None:
    """What the bearer of the key is refused for."""
    told: dict[str, Any] = scenes.view_key(scene)
    if "refused" in told:
        return str(told["refused"])
    assert told["status"] == "active"
    return None


def described(scene: Scene) -> str | None:
    """What the router is told of the key, in the words of authorize."""
    told = scene.world.describe_key(scene.api_key)
    if "error" in told:
        return str(told["error"]["code"])
    (code,) = (code for code, status in STATUSES.items() if status == told["status"])
    return code


@pytest.mark.parametrize("first", [authorized, borne, described])
@pytest.mark.parametrize("state", STATES, ids=lambda state: state.__name__)
def test_bearer_router_and_authorize_are_told_the_same(world: World, state: MakeScene, first: Any) -> None:
    scene = state(world)
    told = {ask.__name__: ask(scene) for ask in (first, authorized, borne, described)}
    assert told == dict.fromkeys(told, STATES[state])
