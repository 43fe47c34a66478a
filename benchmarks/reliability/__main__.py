"""`make reliability`: the tables of `docs/reliability.md`. Rule: it tells and never fails for a figure.

Some sections alone: `make reliability ONLY=settles,revocation`. Each section writes its own table, with the commit
that was measured; those that were not asked for keep theirs.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final

from benchmarks import page
from benchmarks.reliability import isolation, listings, recovery, revocation, settles, without
from local.machine import ROOT
from ops.errors import CommandError

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
    chosen = [name for name in os.environ.get("ONLY", "").split(",") if name] or list(SECTIONS)
    try:
        unknown = [name for name in chosen if name not in SECTIONS]
        if unknown:
            raise CommandError(f"ONLY takes {', '.join(SECTIONS)}, not {', '.join(unknown)}.")  # noqa: TRY301
        for name in chosen:
            _run(name)
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def _run(name: str) -> None:
    began = time.monotonic()
    sys.stderr.write(f"{name} ...\n")
    found = SECTIONS[name]()
    assert list(found) == [name], found.keys()
    print(f"### {name}\n\n{found[name]}", flush=True)
    page.write_into(PAGE, found)
    sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main())
