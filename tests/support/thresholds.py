"""What tests of thresholds share: the shares there are, and which of them were told."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from tests.support.world import model

if TYPE_CHECKING:
    from tests.support.world import World

DAY_ENDS, NEXT_DAY_ENDS, MONTH_ENDS = "2026-11-24T00:00:00Z", "2026-11-25T00:00:00Z", "2026-12-23T00:00:00Z"
DAILY_80, DAILY_100 = ("daily", 80, DAY_ENDS), ("daily", 100, DAY_ENDS)
MONTHLY_80, MONTHLY_100 = ("monthly", 80, MONTH_ENDS), ("monthly", 100, MONTH_ENDS)


def told(world: World) -> Counter[tuple[str, int, str]]:
    rows = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == "limit.threshold_reached"]
    shown = [json.loads(row["data"]["S"]) for row in rows]
    assert all(set(d) == {"modelId", "term", "limit", "percent", "windowEndsAt"} for d in shown)
    return Counter((d["limit"], d["percent"], d["windowEndsAt"]) for d in shown)


def bought(world: World, calls: int = 5, cap: int = 100, **body: Any) -> str:
    return str(world.buy(models=[model(calls=calls, cap=cap)], **body)["apiKey"])


def use(world: World, api_key: str, request_id: str, units: int) -> None:
    """One request that is estimated exactly and settled."""
    world.settle(world.authorize(api_key, request_id, units)["authorizationId"], units)
