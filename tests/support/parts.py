"""A hold that goes on: a subscription, its grant, and the id for the next report. Rule: only the service's doors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.support.audit import assert_conserved
from tests.support.world import World, model

if TYPE_CHECKING:
    from tests.support.world import Json

CAP, CALLS = 1000, 50


def continuing(key: str, units: int = 100, keep: int = 4, seconds: int | None = 60) -> Json:
    """What a settle says of how its hold is to go on."""
    return {"continue": {"apiKey": key, "estimatedUsage": units, "calls": keep, "holdSeconds": seconds}}


class Held:
    """A subscription with one hold that goes on, and the id for its next report."""

    def __init__(self, world: World, months: int = 1, units: int = 100, calls: int = 4, **more: Any) -> None:
        made = world.buy(models=[model(calls=CALLS, cap=CAP)], months=months)
        self.world, self.key, self.subscription_id = world, made["apiKey"], made["subscriptionId"]
        granted = world.authorize(self.key, "stream", units, calls=calls, **{"holdSeconds": 60, **more})
        self.id: str = granted["authorizationId"]
        self.ids = [self.id]

    def part(self, used: int, calls: int, *, of: str | None = None, key: str | None = None, **asked: Any) -> Json:
        """Report a part on the newest id, or on another; `asked` is how the hold is to go on (`continuing`)."""
        more = continuing(self.key if key is None else key, **asked)
        answer = self.world.settle(self.id if of is None else of, used, calls=calls, **more)
        if answer["settled"] and of is None:
            self.id = answer["authorizationId"]
            self.ids.append(self.id)
        return answer

    def last(self, used: int, **more: Any) -> Json:
        """Report what is used since the last part, and end the hold."""
        return self.world.settle(self.id, used, **more)

    @property
    def figures(self) -> tuple[int, int, int]:
        """Calls of the stored day, units used of the stored month, and units of the holds in the item."""
        stored = self.world.entitlement(self.subscription_id)
        assert_conserved(self.world)
        return stored.counters.day_calls, stored.counters.month_used, sum(h.units for h in stored.holds.values())
