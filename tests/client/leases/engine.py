"""The real service on the real engine, for simulated routers. Rule: the functions' own code serves them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.entitlements.commands.authorize import Caches
from modelpass.entitlements.commands.tier_cache import TierCache
from modelpass.router import authorize as authorize_door
from modelpass.router import settle as settle_door
from tests.support.world import TEXT_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

Json = dict[str, Any]


class Engine:
    """One subscription, whose service's clock is what a simulation says it is."""

    def __init__(self, world: World, cap: int, limit: int) -> None:
        self.world = world
        made = world.buy(models=[model(calls=limit, cap=cap)])
        self.subscription_id, self.key = made["subscriptionId"], made["apiKey"]
        self._began_ms = world.clock.now_ms
        self._caches = Caches(TierCache(world.deps._replace(send=world.store)), world.refusals)
        self.requests = 0

    @property
    def now_ms(self) -> int:
        return self.world.clock.now_ms - self._began_ms

    @now_ms.setter
    def now_ms(self, now_ms: int) -> None:
        self.world.clock.now_ms = self._began_ms + now_ms

    def authorize(self, payload: Json) -> Json:
        self.requests += 1
        event = {**payload, "modelId": TEXT_MODEL}
        return authorize_door.handle_authorize(self.world.deps, self._caches, event, "req-test")

    def settle(self, payload: Json) -> Json:
        self.requests += 1
        return settle_door.handle_settle(self.world.deps, self._caches.tiers, payload, "req-test", float("inf"))
