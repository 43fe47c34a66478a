"""Requests a second through the built functions in Lambda's runtime. Rule: it asserts that every grant is counted.

At n runtimes there are n of authorize and n of settle, and n callers, each of which is granted, reports and goes on to
another entitlement. All of it shares this machine: callers, emulators, functions and the engine.
"""

from __future__ import annotations

import itertools
import os
import random
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import callers, page, rounds
from benchmarks.setting import AUTHORIZE, SETTLE
from local.awslambda.emulator import EmulatedRuntime
from local.run import surroundings
from tests.support.stack import descendants

if TYPE_CHECKING:
    from benchmarks.setting import Setting

Json = dict[str, Any]

ROUNDS: Final = 3
LEVELS: Final = (1, 2, 4, 8)
SECONDS: Final = 1.5
ENTITLEMENTS: Final = 64
_TIMEOUT_SECONDS: Final = 15
_numbers = itertools.count()
_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Load:
    """What one client did at one level, over all rounds."""

    pairs: int = 0
    seconds: float = 0.0
    functions_seconds: float = 0.0
    took_ms: dict[str, list[float]] = field(default_factory=lambda: {AUTHORIZE: [], SETTLE: []})

    @property
    def rate(self) -> float:
        """Requests a second, authorizes and settles together."""
        return 2 * self.pairs / self.seconds


class Runtimes:
    """Runtimes of both functions, warm, the n-th of each for the n-th caller."""

    def __init__(self, setting: Setting, client: str, cleanup: ExitStack) -> None:
        log = tempfile.TemporaryFile(prefix="modelpass-bench-")  # noqa: SIM115 - closed with the rest
        cleanup.callback(log.close)
        self._of: dict[str, list[EmulatedRuntime]] = {}
        for name in (AUTHORIZE, SETTLE):
            self._of[name] = []
            for _ in range(LEVELS[-1]):
                runtime = EmulatedRuntime(setting.function(name, client), surroundings(), log, setting.tools)
                cleanup.callback(runtime.stop)
                runtime.wait_ready()
                self._of[name].append(runtime)
        for number in range(LEVELS[-1]):
            for name in (AUTHORIZE, SETTLE):
                self.ask(name, number, {})

    def ask(self, name: str, number: int, event: Json) -> Any:
        """The answer of a runtime."""
        return self._of[name][number].invoke({"event": event, "nowMs": None, "timeoutSeconds": _TIMEOUT_SECONDS})

    def cpu_seconds(self) -> float:
        """What the functions' own processes took so far; the emulators are not among them."""
        runtimes = itertools.chain.from_iterable(self._of.values())
        return sum(_cpu_seconds(child) for runtime in runtimes for child in descendants(runtime.pid))


def measure(setting: Setting) -> dict[str, str]:
    """The block of this section."""
    bought = [setting.buy() for _ in range(ENTITLEMENTS)]
    for each in bought:
        setting.use(each)
    loads = {(client, level): Load() for client in setting.clients for level in LEVELS}
    runs = rounds.count(ROUNDS)
    with ExitStack() as cleanup:
        runtimes = {client: Runtimes(setting, client, cleanup) for client in setting.clients}
        for _ in range(runs):
            for (client, level), load in loads.items():
                _drive(runtimes[client], level, bought, load)
    granted = sum(load.pairs for load in loads.values())
    counted = sum(setting.world.entitlement(each["subscriptionId"]).counters.day_calls - 1 for each in bought)
    assert counted == granted, f"{granted} were granted, {counted} are counted"
    head = ["store client", "runtimes", "requests a second", "by 1 runtime"]
    head += [f"{name} {percent}, ms" for name in ("authorize", "settle") for percent in ("p50", "p95", "p99")]
    first = {client: loads[client, LEVELS[0]].rate for client in setting.clients}
    rows = [[*what, *_cells(load, first[what[0]])] for what, load in loads.items()]
    intro = (
        f"The built x86_64 artifacts in Lambda's runtime, {os.cpu_count()} cores;"
        f" {runs} times {SECONDS:g} s of each, by turns, {ENTITLEMENTS} entitlements, {granted:,} pairs, all"
        " counted.\n\n"
    )
    return {"throughput": intro + page.table([*head, "cores used by functions"], rows)}


def _drive(runtimes: Runtimes, level: int, bought: list[Json], load: Load) -> None:
    """Let so many callers work for a while."""
    start, ends = threading.Barrier(level + 1), [0.0]

    def call(number: int) -> dict[str, list[float]]:
        took: dict[str, list[float]] = {AUTHORIZE: [], SETTLE: []}
        start.wait()
        while time.monotonic() < ends[0]:
            asked = callers.ask(random.choice(bought)["apiKey"], f"load-{next(_numbers)}")
            granted = _timed(runtimes, AUTHORIZE, number, asked, took)
            assert granted["allowed"], granted
            settled = _timed(runtimes, SETTLE, number, callers.report(granted), took)
            assert settled["settled"], settled
        return took

    with ThreadPoolExecutor(level) as pool:
        calling = [pool.submit(call, number) for number in range(level)]
        before = runtimes.cpu_seconds()
        began = time.monotonic()
        ends[0] = began + SECONDS
        start.wait()
        for done in calling:
            for name, took_ms in done.result().items():
                load.took_ms[name] += took_ms
    load.seconds += time.monotonic() - began
    load.functions_seconds += runtimes.cpu_seconds() - before
    load.pairs = len(load.took_ms[SETTLE])


def _timed(runtimes: Runtimes, name: str, number: int, event: Json, took: dict[str, list[float]]) -> Any:
    began = time.monotonic()
    answer = runtimes.ask(name, number, event)
    took[name].append((time.monotonic() - began) * 1000)
    return answer


def _cells(load: Load, alone: float) -> list[str | float]:
    percentiles = []
    for name in (AUTHORIZE, SETTLE):
        cuts = statistics.quantiles(load.took_ms[name], n=100)
        percentiles += [f"{cuts[percent - 1]:.1f}" for percent in (50, 95, 99)]
    return [f"{load.rate:.0f}", load.rate / alone, *percentiles, load.functions_seconds / load.seconds]


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
