"""Conservation, read from the stored items and not from answers: a wrong `left` is invisible outside."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import items
from modelpass.changes import of_stored_month

if TYPE_CHECKING:
    from modelpass.model import Entitlement
    from tests.support.world import World


def assert_conserved(world: World) -> None:
    """Check `cap = left + held + used` and `limit = left + calls` for every stored and every closed window."""
    entitlements = world.all_items(world.tables.entitlements)
    for stored in entitlements:
        assert_entitlement_conserved(items.entitlement_of(stored))
    tickets: dict[str, int] = {}
    for row in world.all_items(world.tables.history):
        kind = row["sk"]["S"].partition("#")[0]
        if kind == "month":
            figures = {name: int(row[name]["N"]) for name in ("cap", "left", "held", "used")}
            assert figures["cap"] == figures["left"] + figures["held"] + figures["used"], row
            assert figures["held"] >= 0, row
            assert figures["used"] >= 0, row
        elif kind == "day":
            assert int(row["calls"]["N"]) >= 0, row
            assert int(row["units"]["N"]) >= 0, row
        elif kind == "hold":
            tickets[row["pk"]["S"]] = tickets.get(row["pk"]["S"], 0) + 1
    for stored in entitlements:
        assert int(stored["rc"]["N"]) == tickets.get(stored["pk"]["S"], 0), stored


def assert_entitlement_conserved(entitlement: Entitlement) -> None:
    """Check the equations of the stored windows of one entitlement."""
    counters, limits = entitlement.counters, entitlement.limits
    held = sum(h.units for h in entitlement.holds.values() if of_stored_month(entitlement, h))
    assert counters.month_left + held + counters.month_used == limits.monthly_cap, entitlement
    assert counters.day_left + counters.day_calls == limits.daily_call_limit, entitlement
    assert counters.day_left >= 0, entitlement
    assert min(counters.day_units, counters.month_used, counters.day_calls) >= 0, entitlement


def counted(world: World, subscription_id: str) -> tuple[int, int]:
    """All calls and units of all days, closed ones and the open one."""
    days = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("day#")]
    counters = world.entitlement(subscription_id).counters
    calls = counters.day_calls + sum(int(d["calls"]["N"]) for d in days)
    return calls, counters.day_units + sum(int(d["units"]["N"]) for d in days)
