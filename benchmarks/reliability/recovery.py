"""How soon authorize is itself again after a store that hung or throttled, and what it asked of the store meanwhile.

Rule: it measures nothing by itself. `benchmarks.recovery` does, through the built functions under load; this writes its
table, and says so where that is not there.
"""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any, Final

from benchmarks import page
from benchmarks.reliability.stage import measured

MODULE: Final = "benchmarks.recovery"
OUTAGE_SECONDS: Final = 60
KINDS: Final = {"hangs": "hang", "throttles": "throttle"}


def measure() -> dict[str, str]:
    """The table of this section."""
    if importlib.util.find_spec(MODULE) is None:
        return {"recovery": "Not measured yet.\n"}
    recovery: Any = importlib.import_module(MODULE).recovery
    rows: list[list[page.Cell]] = []
    for shown, kind in KINDS.items():
        found = recovery(kind, OUTAGE_SECONDS)
        cells = (found.recovered_seconds, found.requests_per_authorize)
        rows.append([f"{shown} for {OUTAGE_SECONDS} s", *(float(cell) for cell in cells)])
    head = ["a store that", "seconds until 99 % are granted", "store requests per authorize meanwhile"]
    return {"recovery": f"{measured()}\n\n{page.table(head, rows)}"}
