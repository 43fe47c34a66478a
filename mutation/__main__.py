"""`make mutants`: which modules, for how long, and with what status it ends. Rule: never longer than it was given."""

from __future__ import annotations

import math
import os
import sys
import time
from typing import TYPE_CHECKING

from mutation import modules, report, workplace

if TYPE_CHECKING:
    from pathlib import Path

TESTS = (("tests/unit",), ("tests/integration", "tests/property"))
"""What a mutant is tried by: the second only if the first, which are faster, did not see it."""


def main() -> int:
    """Status 1 when a mutant survived that is not excused, or an excuse is of no use any more."""
    only, minutes = os.environ.get("ONLY", ""), _minutes()
    chosen = modules.named(only) if only else modules.changed()
    if not chosen:
        print("No module of the pure core has changed; name some: make mutants ONLY=rules,windows")
        return 0
    print("Mutants of", *(str(path.relative_to(modules.PACKAGE)) for path in chosen))
    print(f"{minutes:g} minutes at most; the log is {workplace.LOG.relative_to(modules.ROOT)}", flush=True)
    excused = report.excuses()
    begun = time.monotonic()
    with workplace.alone():
        found, finished = _try(chosen, begun + minutes * 60)
        fine = report.show(found, excused)
    print(f"\n{len(found)} mutants, {(time.monotonic() - begun) / 60:.1f} minutes")
    if not finished:
        print(f"{minutes:g} minutes were over before every mutant was reached; MINUTES= gives more.")
    return 0 if fine else 1


def _minutes() -> float:
    text = os.environ.get("MINUTES") or "10"
    try:
        minutes = float(text)
    except ValueError:
        minutes = 0.0
    if not 0 < minutes < math.inf:
        raise SystemExit(f"MINUTES must be a number above 0: {text!r}")
    return minutes


def _try(chosen: list[Path], end: float) -> tuple[dict[str, str], bool]:
    """What became of each mutant, and whether all were reached before the end."""
    workplace.make(chosen)
    mutants = [f"{modules.dotted(path)}.*" for path in chosen]
    found: dict[str, str] = {}
    for tests in TESTS:
        finished = workplace.run(chosen, mutants, tests, end - time.monotonic())
        outcomes = report.outcomes()
        found |= {name: outcomes[name] for name in (mutants if found else outcomes)}
        mutants = [name for name, outcome in found.items() if outcome in report.UNSEEN]
        if not (mutants and finished):
            break
    if not finished and tests != TESTS[-1]:
        found |= dict.fromkeys(mutants, "not reached")  # by the tests that might see them
    return found, finished


if __name__ == "__main__":
    sys.exit(main())
