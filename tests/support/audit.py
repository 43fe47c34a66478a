"""The equations of `make audit`, asked of what a test has stored. Rule: they are asked of items, never of answers.

An answer cannot show a wrong `left`. The equations themselves stand in `ops/audit`, for this and for `make audit`.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from modelpass.entitlements import history
from modelpass.entitlements import items as entitlement_items
from ops.audit import checks, rows
from ops.audit.audit import Audit
from ops.audit.reading import Reader

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement
    from ops.audit.audit import Report
    from tests.support.stored_items import Items
    from tests.support.world import World

MOST_HOLDS = 1000


def audited(world: World, dynamodb: Any = None, most_holds: int = MOST_HOLDS) -> Report:
    """What `make audit` finds in the tables of a world, read by a client of the test's own or the world's."""
    return Audit(Reader(dynamodb or world.dynamodb, world.tables), world.deps.now_ms, most_holds).run()


def assert_audited(world: World) -> None:
    """Ask every equation there is."""
    report = audited(world)
    assert not report.breaches, "\n".join(map(str, report.breaches))
    assert not report.busy


def assert_conserved(world: World, stored: Items | None = None) -> None:
    """Ask the equations of every stored and every closed window; of what was read, or by two scans.

    So little work that it can be asked at every step.
    """
    tickets: Counter[str] = Counter()
    found = rows.Readings("")
    history_table, entitlements = world.tables.history, world.tables.entitlements
    if stored is None:
        stored = {table: world.all_items(table) for table in (history_table, entitlements)}
    for row in stored[history_table]:
        if row["sk"]["S"].startswith(history.TICKET_PREFIX):
            tickets[row["pk"]["S"]] += 1
        else:
            rows.take_history(found, row)
    for item in stored[entitlements]:
        entitlement = entitlement_items.entitlement_of(item)
        verdict = checks.item(item, entitlement, MOST_HOLDS)
        beside, counted = found.of(entitlement.id), tickets[item["pk"]["S"]]
        verdict.add(checks.windows(entitlement, beside, counted, world.clock.now_ms))
        assert not verdict.breaches, "\n".join(map(str, verdict.breaches))


def assert_entitlement_conserved(entitlement: Entitlement) -> None:
    """Ask the equations that every step keeps of the stored windows of one entitlement."""
    verdict = checks.counters(entitlement)
    assert not verdict.breaches, "\n".join(map(str, verdict.breaches))


def counted(world: World, subscription_id: str) -> tuple[int, int]:
    """All calls and units of all days, closed ones and the open one."""
    days = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("day#")]
    counters = world.entitlement(subscription_id).counters
    calls = counters.day_calls + sum(int(d["calls"]["N"]) for d in days)
    return calls, counters.day_units + sum(int(d["units"]["N"]) for d in days)
