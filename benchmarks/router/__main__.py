"""`make bench-router`: set up, measure, print, and put what was measured into `docs/performance.md`.

Rule: it ends with a status other than 0 where a row could not be measured, and the page is written by a whole run only.
Everything that is started here is ended here. `ONLY=lease,direct` measures rows whose names have one of these words.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from benchmarks import page, rounds
from benchmarks.peers import environments, redis
from benchmarks.peers.__main__ import own_settings
from benchmarks.peers.driver import Driver, DriverError, started
from benchmarks.peers.metering import Meter, metered
from benchmarks.peers.roster import WINDOW_SECONDS, missing
from benchmarks.router import cases, table
from benchmarks.router.cases import Figures
from benchmarks.router.roster import WAYS, Places, Way, environment
from local.dynamodb import engine
from local.machine import ROOT, die_with_parent, stop
from modelpass.dynamodb.transport import StoreError
from tests.support.world import new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Json = dict[str, Any]

PAGE: Final = ROOT / "docs" / "performance.md"
ROUNDS: Final = 5
OF_THEM: Final = 3
"""Every so many rounds, how much one process makes is measured as well."""
NEEDED: Final = ("limits", "litellm", "redis")
RATES: Final[dict[bool, tuple[float | None, ...]]] = {True: (None, 1, 10, 100, 1000), False: (20,)}
"""Calls a second at which writes are counted, on a lease and else; None: as many as one worker makes."""
WRITES_SECONDS: Final = 5.0
WRITING: Final = ("UpdateItem", "PutItem", "DeleteItem", "TransactWriteItems", "BatchWriteItem")
_SAMPLE_SECONDS: Final = 0.1


@dataclass(slots=True)
class Run:
    """One run: where everything is, and the figures of each row so far."""

    places: Places
    ways: tuple[Way, ...]
    found: dict[str, Figures] = field(default_factory=dict)

    def start(self, way: Way, stack: contextlib.ExitStack) -> Driver:
        """A driver of a way."""
        return stack.enter_context(started(way.row.command, environment(way, self.places, WINDOW_SECONDS)))

    def able(self) -> list[Way]:
        """Those that can be measured, as far as is known."""
        return [way for way in self.ways if not self.found[way.name].reason]

    def guarded(self, way: Way, task: Callable[..., None], *arguments: Any, **more: Any) -> None:
        """Carry out a case of a way; when it fails, keep the reason for the table."""
        try:
            task(*arguments, **more)
        except (DriverError, StoreError, OSError) as error:
            self.found[way.name].reason = f"{task.__name__}: {error}"


def main() -> int:
    """Set up, measure and print; 0 when every row was measured and the page was written, else 1."""
    only = [word for word in os.environ.get("ONLY", "").split(",") if word]
    ways = tuple(way for way in WAYS if not only or any(word in way.name for word in only))
    failed = environments.set_up(NEEDED)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(engine.running())
        address = "" if "redis" in failed else stack.enter_context(redis.running())
        own = own_settings(new_world(url))
        service = stack.enter_context(serving(own, url))
        run = Run(Places(own, url, address, service), ways)
        run.found = {way.name: Figures(reason=missing(way.row, failed)) for way in ways}
        measure(run)
    sys.stderr.write(f"Measured in {time.monotonic() - began:.0f} s.\n")
    return written(run, whole=not only)


def written(run: Run, *, whole: bool) -> int:
    """Print the tables, and write the page where all of it was measured; the status."""
    reasons = {name: figures.reason for name, figures in run.found.items() if figures.reason}
    for name, why in reasons.items():
        sys.stderr.write(f"Not measured: {name}: {why}\n")
    if not whole or reasons:
        sys.stdout.write(f"{json.dumps({name: str(figures) for name, figures in run.found.items()}, indent=1)}\n")
        return int(bool(reasons))
    blocks = table.blocks(run.found)
    for name, text in blocks.items():
        sys.stdout.write(f"### {name}\n\n{text}\n")
    page.write_into(PAGE, blocks)
    return 0


@contextlib.contextmanager
def serving(own: dict[str, str], dynamodb: str) -> Iterator[str]:
    """The process that stands for Lambda, and where it answers."""
    given = environment(replace(WAYS[0]), Places(own, dynamodb), WINDOW_SECONDS)
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.router.service"],
        cwd=ROOT,
        env={**kept, **given, "PYTHONTZPATH": ""},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        preexec_fn=die_with_parent,  # noqa: PLW1509
    )
    try:
        assert process.stdout is not None
        port = process.stdout.readline().decode().strip()
        yield f"127.0.0.1:{port}"
    finally:
        stop(process)
        for pipe in (process.stdin, process.stdout):
            assert pipe is not None
            pipe.close()


def measure(run: Run) -> None:
    """Every case, one after the other, so that nothing disturbs what is timed."""
    with contextlib.ExitStack() as stack:
        drivers = {way.name: run.start(way, stack) for way in run.able()}
        say("CPU and latency")
        in_rounds(run, drivers)
    for way in run.able():
        if not way.shown:
            continue
        say(f"{way.name}: {way.processes} processes")
        run.guarded(way, together, run, way)
        if way.stores:
            run.guarded(way, count, run, way)


def say(what: str) -> None:
    """Write to standard error what is measured now."""
    sys.stderr.write(f"Measuring {what} ...\n")


def in_rounds(run: Run, drivers: dict[str, Driver]) -> None:
    """Rounds in which every way has its turn; the first is to warm up."""
    keys: dict[str, Any] = {}
    for way in run.able():
        run.guarded(way, prepare, run, way, drivers[way.name], keys)
    for number in range(rounds.count(ROUNDS) + 1):
        for way in run.able():
            figures = run.found[way.name] if number else Figures()
            turn = (figures, drivers[way.name], keys[way.name])
            run.guarded(way, cases.one_round, *turn, way.times, warm=way.leased)
            if way.shown and number % OF_THEM == 1:
                run.guarded(way, cases.one_process, *turn, way.workers, warm=way.leased)


def prepare(run: Run, way: Way, driver: Driver, keys: dict[str, Any]) -> None:
    """Let a driver prepare a key whose limits nobody reaches."""
    keys[way.name] = prepared(driver, way, f"endless-{WAYS.index(way)}")
    run.found[way.name].reports = bool(driver.reports)


def prepared(driver: Driver, way: Way, name: str, tokens: int = cases.HUGE_TOKENS) -> Any:
    """A key with a cap of tokens."""
    calls = cases.HUGE_CALLS if way.ours or tokens < cases.HUGE_CALLS else 10 * tokens
    arguments = {"name": name, "calls": calls, "tokens": tokens, "window_seconds": WINDOW_SECONDS}
    return driver.ask("prepare", **arguments)["key"]


def together(run: Run, way: Way) -> None:
    """Several processes on one key: how many pairs they make, and how exactly they use up a cap."""
    figures = run.found[way.name]
    with contextlib.ExitStack() as stack:
        drivers = [run.start(way, stack) for _ in range(way.processes)]
        figures.processes = way.processes
        key = prepared(drivers[0], way, f"together-{WAYS.index(way)}")
        ready(drivers, key)
        figures.many = cases.many_processes(drivers, key, 1 if way.workers == 1 else 2)
        raced = prepared(drivers[0], way, f"raced-{WAYS.index(way)}", cases.CAP)
        each = cases.USED if drivers[0].reports else cases.TOKENS
        figures.beyond, figures.unused, _ = cases.race(drivers, raced, each)
        if way.ours:
            stored = counters(run.places, raced)
            assert stored == {"calls": stored["calls"], "used": cases.CAP + figures.beyond - figures.unused, "held": 0}
        kill(run, way, drivers)


def ready(drivers: Sequence[Driver], key: Any) -> None:
    """Let every process make some decisions before any of them is measured."""
    for driver in drivers:
        driver.ask("flood", key=key, seconds=0.1, workers=1, tokens=cases.TOKENS, used=cases.USED)


def kill(run: Run, way: Way, drivers: Sequence[Driver]) -> None:
    """Kill a process under way, between a check and its report: what stays held, and for how long."""
    figures, (holder, witness) = run.found[way.name], drivers[:2]
    key = prepared(holder, way, f"killed-{WAYS.index(way)}", cases.CAP)
    holder.ask("pace", key=key, seconds=1.0, rate=100, tokens=cases.TOKENS, used=cases.USED)
    before = None if way.ours else holder.ask("left", key=key)["left"]
    if not holder.ask("hold", key=key, tokens=cases.TOKENS)["held"]:
        raise DriverError("refused where enough is left")
    holder.kill()
    if way.ours:
        figures.stranded = f"{counters(run.places, key)['held']:,} tokens until the hold ends"
        return
    stuck = before - witness.ask("left", key=key)["left"]
    figures.stranded = (
        f"{stuck:,} tokens until the window ends" if stuck > 0 else f"nothing; {-stuck:,} used ones are forgotten"
    )


def count(run: Run, way: Way) -> None:
    """What a way writes at each rate, and what leases write at the end of a cap."""
    figures = run.found[way.name]
    with contextlib.ExitStack() as stack:
        url, meter = stack.enter_context(metered(run.places.dynamodb))
        service = stack.enter_context(serving(run.places.own, url))
        behind = Run(replace(run.places, dynamodb=url, service=service), run.ways, run.found)
        for rate in RATES[way.leased]:
            with contextlib.ExitStack() as one:
                driver = behind.start(way, one)
                key = prepared(driver, way, f"counted-{rate}-{WAYS.index(way)}")
                seen = lambda: (writes_of(meter), meter.write_units)  # noqa: E731
                figures.writes.append(cases.writes_at(driver, key, rate, WRITES_SECONDS, seen))
        if way.leased:
            figures.end = the_end(behind, way, meter)


def the_end(run: Run, way: Way, meter: Meter) -> Json:
    """Let processes use up a cap, and look what is written meanwhile."""
    with contextlib.ExitStack() as stack:
        drivers = [run.start(way, stack) for _ in range(way.processes)]
        ready(drivers, prepared(drivers[0], way, "to-begin"))
        key = prepared(drivers[0], way, "ended", cases.CAP)
        meter.clear()
        samples: list[tuple[float, float]] = []
        ended = threading.Event()

        def sample() -> None:
            while not ended.wait(_SAMPLE_SECONDS):
                samples.append((time.monotonic(), writes_of(meter)))

        sampling = threading.Thread(target=sample)
        sampling.start()
        try:
            _, unused, seconds = cases.race(drivers, key, cases.USED)
        finally:
            ended.set()
            sampling.join()
        return {
            "processes": way.processes,
            "calls": (cases.CAP - unused) // cases.USED,
            "seconds": seconds,
            "writes": writes_of(meter),
            "busiest": cases.busiest_second(samples),
        }


def writes_of(meter: Meter) -> int:
    """How many requests wrote something."""
    return sum(meter.requests[operation] for operation in WRITING)


def counters(places: Places, key: Json) -> Json:
    """What is stored of a subscription."""
    url = f"http://{places.service}/2015-03-31/functions/Counters/invocations"
    with urllib.request.urlopen(url, json.dumps(key).encode()) as answer:
        stored: Json = json.loads(answer.read())
        return stored


if __name__ == "__main__":
    sys.exit(main())
