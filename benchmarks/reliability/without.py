"""How long authorize goes on granting while a table of the catalogue is away. Rule: the clock is moved, not waited for.

A table is away when every request that names it fails: because the store fails or throttles, or because the table is
gone. The table of the entitlements, which decides, stays.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from benchmarks import page
from benchmarks.callers import ask, report
from benchmarks.reliability import store as stores
from benchmarks.reliability.stage import Stage, measured, ready
from benchmarks.setting import AUTHORIZE, SETTLE

if TYPE_CHECKING:
    from benchmarks.reliability.functions import Steered

Json = dict[str, Any]

TABLES: Final = {"the catalogue": "CatalogueTable", "the tiers that are down": "TiersTable"}
"""By their names in the template; a template without one has nothing to measure there."""
WAYS: Final = {"throttled": stores.THROTTLED, "failing": stores.FAILING, "gone": stores.GONE}
LONGEST_MINUTES: Final = 12 * 60
STEP_SECONDS: Final = 1.0
FIRST_STEPS: Final = 30
"""So many steps of a second come first; each later one is longer by a tenth."""
GROWTH: Final = 1.1


def measure() -> dict[str, str]:
    """The table of this section."""
    rows: list[list[page.Cell]] = []
    with ready() as stage:
        for shown, logical in TABLES.items():
            name = next((table for table in stage.store.hash_keys if table.endswith(logical)), None)
            for way, code in WAYS.items():
                lived = "no such table" if name is None else _lived(stage, name, code)
                rows.append([f"{shown} ({way})", lived])
    said = f"Asked for at most {LONGEST_MINUTES // 60} simulated hours; the process had been asked before."
    return {"without": f"{measured()} {said}\n\n{page.table(['table that is away', 'authorize grants for'], rows)}"}


def _lived(stage: Stage, table: str, code: str) -> str:
    bought = stage.setting.buy()
    authorize, settle = stage.steered(AUTHORIZE), stage.steered(SETTLE)
    assert _granted(stage, authorize, settle, bought["apiKey"])
    began = stage.clock.seconds
    stage.store.away[table] = code
    step, steps, last = STEP_SECONDS, 0, 0.0
    try:
        while last < LONGEST_MINUTES * 60:
            stage.clock.seconds += step
            steps += 1
            step = step if steps < FIRST_STEPS else step * GROWTH
            at = stage.clock.seconds - began
            if not _granted(stage, authorize, settle, bought["apiKey"]):
                return f"{_span(last)} to {_span(at)}"
            last = at
        return f"more than {_span(last)}"
    finally:
        stage.store.away.clear()
        authorize.stop()
        settle.stop()


def _granted(stage: Stage, authorize: Steered, settle: Steered, api_key: str) -> bool:
    """Whether a request is granted now; what is granted is settled, so that no hold stays open."""
    answer = authorize.ask(ask(api_key, f"r-{stage.clock.seconds}")).answer
    if answer["allowed"]:
        assert settle.ask(report(answer)).answer["settled"]
    return bool(answer["allowed"])


def _span(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
