"""Rounds of a comparison. Rule: what is compared is measured one after the other in one round.

A machine that slows down for a while slows all of a round down. Of each round the ratio to its own yardstick is taken,
and of the ratios the median.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import given

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.probing import Took


def count(default: int) -> int:
    """How many rounds: RUNS, or the section's own number."""
    return given.positive_whole("RUNS", default)


@dataclass(slots=True)
class Ratios:
    """CPU by case, as a multiple of the yardstick in the same round."""

    of: dict[str, list[float]] = field(default_factory=dict)
    yardsticks_ns: list[float] = field(default_factory=list)
    _yardstick_ns: float = 0.0

    def yardstick(self, cpu_ns: Iterable[int]) -> None:
        """Begin a round: what one of the yardstick takes in it."""
        self._yardstick_ns = statistics.fmean(cpu_ns)
        self.yardsticks_ns.append(self._yardstick_ns)

    def add(self, case: str, took: Iterable[Took]) -> None:
        """What a case took in this round."""
        self.add_ns(case, (each.cpu_ns for each in took))

    def add_ns(self, case: str, cpu_ns: Iterable[int]) -> None:
        """The same, from bare nanoseconds."""
        self.of.setdefault(case, []).append(statistics.fmean(cpu_ns) / self._yardstick_ns)

    def median(self, case: str) -> float:
        """The ratio of a case."""
        return statistics.median(self.of[case])

    def yardstick_us(self) -> float:
        """What the ratios are of, on this machine, in microseconds."""
        return statistics.median(self.yardsticks_ns) / 1000
