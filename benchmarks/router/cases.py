"""The measurements, one function each, and what is kept of them. Rule: every figure of a row comes from one run."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.peers.driver import Driver

Json = dict[str, Any]

HUGE_CALLS, HUGE_TOKENS = 10**9, 10**15
TOKENS, USED = 100, 60
CAP: Final = 120_000
"""Tokens that the processes of a race can use up, 2,000 requests as they report them."""
WARM_SECONDS: Final = 0.7
FLOOD_SECONDS: Final = 1.5
PATIENCE_SECONDS: Final = 3.0
PAUSE_SECONDS: Final = 0.005
_SETTLE_SECONDS: Final = 2.0


@dataclass(slots=True)
class Writes:
    """What a way asks of the store at one rate, away from the end of a limit."""

    rate: float
    """Calls a second that were made."""
    writes: float
    """Writing requests a second."""
    units: float
    """Write units a second."""

    def per_thousand(self, figure: float) -> float:
        """A figure of a second, for a thousand calls."""
        return 1000 * figure / self.rate if self.rate else 0.0


@dataclass(slots=True)
class Figures:
    """What is known of a row; a reason where it could not be measured."""

    reason: str = ""
    reports: bool = True
    check_us: list[float] = field(default_factory=list)
    report_us: list[float] = field(default_factory=list)
    check_ms: list[float] = field(default_factory=list)
    away: int = 0
    """Of the decisions that a lease should have made, how many the service made, in all rounds."""
    one: list[float] = field(default_factory=list)
    """Pairs a second of one process."""
    flood_us: list[float] = field(default_factory=list)
    """CPU of a pair in that flood, everything in the background included."""
    many: float | None = None
    processes: int = 0
    beyond: int | None = None
    unused: int | None = None
    stranded: str = ""
    writes: list[Writes] = field(default_factory=list)
    end: Json | None = None

    def both_us(self) -> list[float]:
        """A check and its report, by rounds."""
        return [check + report for check, report in zip(self.check_us, self.report_us, strict=True)]


def one_round(figures: Figures, driver: Driver, key: Any, times: int, *, warm: bool) -> None:
    """CPU and latency of so many decisions and their reports, of which the first of a turn are to warm up.

    A lease goes by its rate, and so is warmed up by many.
    """
    if warm:
        driver.ask("flood", key=key, seconds=WARM_SECONDS, workers=1, tokens=TOKENS, used=USED)
    else:
        driver.ask("phases", key=key, times=times, tokens=TOKENS, used=USED)
    took = driver.ask("phases", key=key, times=times, tokens=TOKENS, used=USED)
    figures.check_us.append(took["check_cpu"] / times * 1e6)
    figures.report_us.append(took["report_cpu"] / times * 1e6)
    figures.check_ms.append(took["check_clock"] / times * 1e3)
    figures.away += took["away"] if warm else 0


def one_process(figures: Figures, driver: Driver, key: Any, workers: int, *, warm: bool) -> None:
    """How many pairs a second one process makes, and what each takes of it."""
    if warm:
        driver.ask("flood", key=key, seconds=WARM_SECONDS, workers=workers, tokens=TOKENS, used=USED)
    made = driver.ask("flood", key=key, seconds=FLOOD_SECONDS, workers=workers, tokens=TOKENS, used=USED)
    figures.one.append(made["granted"] / made["seconds"])
    figures.flood_us.append(made["cpu"] / max(1, made["granted"]) * 1e6)


def many_processes(drivers: Sequence[Driver], key: Any, workers: int) -> float:
    """How many pairs a second so many processes make on one key, after all have begun."""
    for _ in range(2):  # the first time is to begin
        for driver in drivers:
            driver.tell("flood", key=key, seconds=FLOOD_SECONDS, workers=workers, tokens=TOKENS, used=USED)
        made = [driver.answer() for driver in drivers]
    return float(sum(each["granted"] / each["seconds"] for each in made))


def race(drivers: Sequence[Driver], key: Any, each: int) -> tuple[int, int, float]:
    """Let processes use up one cap: what was used beyond it, what nobody used when all were refused, and seconds."""
    began = time.monotonic()
    for driver in drivers:
        driver.tell("drain", key=key, patience=PATIENCE_SECONDS, pause=PAUSE_SECONDS, tokens=TOKENS, used=USED)
    used = sum(driver.answer()["granted"] for driver in drivers) * each
    return *beyond_and_unused(used, CAP), time.monotonic() - began - PATIENCE_SECONDS


def beyond_and_unused(used: int, cap: int) -> tuple[int, int]:
    """By how much a cap was passed, and how much of it nobody used."""
    return max(0, used - cap), max(0, cap - used)


def writes_at(
    driver: Driver, key: Any, rate: float | None, seconds: float, seen: Callable[[], tuple[float, float]]
) -> Writes:
    """What is written in some seconds of a rate, or of as much as one worker makes, after it has begun."""
    common = {"key": key, "tokens": TOKENS, "used": USED}
    lasts = _SETTLE_SECONDS + seconds + 1
    if rate is None:
        driver.tell("flood", seconds=lasts, workers=1, **common)
    else:
        driver.tell("pace", seconds=lasts, rate=rate, **common)
    time.sleep(_SETTLE_SECONDS)
    before, began = seen(), time.monotonic()
    time.sleep(seconds)
    after, took = seen(), time.monotonic() - began
    made = driver.answer()
    return Writes(made["granted"] / made["seconds"], (after[0] - before[0]) / took, (after[1] - before[1]) / took)


def busiest_second(samples: Sequence[tuple[float, float]]) -> float:
    """The most that was counted within any second, from samples of a time and the count by then."""
    most = 0.0
    first = 0
    for at, count in samples:
        while at - samples[first][0] > 1.0:
            first += 1
        most = max(most, count - samples[first][1])
    return most


def ratio(one: Sequence[float], other: Sequence[float]) -> float:
    """The median of the ratios of rounds that ran one after the other."""
    return statistics.median(mine / theirs for mine, theirs in zip(one, other, strict=True))
