"""`make bench`: the figures of `docs/performance.md`, as ratios of one run. Rule: times are reported, never asserted.

Some sections alone: `make bench ONLY=hot,cold`. RUNS is how many rounds a comparison has, for a quick look. What is
counted (requests, units, answers) is asserted; the status is 0 whether or not a target is met.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Final, NamedTuple

from benchmarks import chosen, page, setting
from benchmarks.sections import cold, growth, hot, hotkey, throughput
from local.machine import ROOT

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
    return chosen.run(SECTIONS, _run)


def _run(name: str) -> None:
    section = SECTIONS[name]
    with setting.ready() as prepared:
        found = section.measure(prepared)
    assert tuple(sorted(found)) == tuple(sorted(section.blocks)), found.keys()
    for block in section.blocks:
        print(f"### {block}\n\n{found[block]}", flush=True)
    page.write_into(PAGE, found)


if __name__ == "__main__":
    sys.exit(main())
