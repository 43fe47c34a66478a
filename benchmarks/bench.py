"""`make bench`: the figures of `docs/performance.md`, as ratios of one run. Rule: times are reported, never asserted.

Some sections alone: `make bench ONLY=hot,cold`. RUNS is how many rounds a comparison has, for a quick look. What is
counted (requests, units, answers) is asserted; the status is 0 whether or not a target is met.
"""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks import page, setting
from benchmarks.sections import cold, growth, hot, hotkey, throughput
from local.machine import ROOT
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.setting import Setting

PAGE: Final = ROOT / "docs" / "performance.md"


class Section(NamedTuple):
    """What measures, and the blocks of the page that it writes."""

    measure: Callable[[Setting], dict[str, str]]
    blocks: tuple[str, ...]


SECTIONS: Final = {
    "hot": Section(hot.measure, ("hot-targets", "hot", "hot-profile")),
    "cold": Section(cold.measure, ("cold-targets", "cold")),
    "throughput": Section(throughput.measure, ("throughput",)),
    "growth": Section(growth.measure, ("growth",)),
    "hotkey": Section(hotkey.measure, ("hotkey", "blocks", "holds")),
}


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
    section, began = SECTIONS[name], time.monotonic()
    sys.stderr.write(f"{name} ...\n")
    with setting.ready() as prepared:
        found = section.measure(prepared)
    assert tuple(sorted(found)) == tuple(sorted(section.blocks)), found.keys()
    for block in section.blocks:
        print(f"### {block}\n\n{found[block]}", flush=True)
    page.write_into(PAGE, found)
    sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    sys.exit(main())
