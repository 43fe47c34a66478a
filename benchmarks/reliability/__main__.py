"""`make reliability`: the tables of `docs/reliability.md`. Rule: it tells and never fails for a figure.

Some sections alone: `make reliability ONLY=settles,revocation`. Each section writes its own table, with the commit
that was measured; those that were not asked for keep theirs.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final

from benchmarks import chosen, page
from benchmarks.reliability import isolation, listings, recovery, revocation, settles, without
from local.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = ROOT / "docs" / "reliability.md"
SECTIONS: Final[dict[str, Callable[[], dict[str, str]]]] = {
    "isolation": isolation.measure,
    "settles": settles.measure,
    "recovery": recovery.measure,
    "without": without.measure,
    "listings": listings.measure,
    "revocation": revocation.measure,
}
"""Each writes the block of its own name."""


def main() -> int:
    """Measure, print and write; 1 when something is missing or a section's name is wrong."""
    return chosen.run(SECTIONS, _run)


def _run(name: str) -> None:
    found = SECTIONS[name]()
    assert list(found) == [name], found.keys()
    print(f"### {name}\n\n{found[name]}", flush=True)
    page.write_into(PAGE, found)


if __name__ == "__main__":
    sys.exit(main())
