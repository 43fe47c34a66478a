"""`make bench-peers`: set up, measure, print, and put what was measured into `docs/peers.md`.

Rule: it ends with a status other than 0 where a row could not be measured, and the page is written by a whole run only.
Everything that is started here is ended here.
"""

from __future__ import annotations

import base64
import contextlib
import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks import page
from benchmarks.peers import cases, counting, environments, redis
from benchmarks.peers.cases import Figures
from benchmarks.peers.driver import Driver, DriverError, started
from benchmarks.peers.metering import metered
from benchmarks.peers.roster import ROWS, SHORT_WINDOW_SECONDS, WINDOW_SECONDS, Row, environment_of, missing
from benchmarks.peers.table import BLOCK, tables
from local.dynamodb import engine
from local.machine import ROOT
from modelpass.dynamodb.transport import StoreError
from ops.audit.targets import names_of
from tests.support.lines import recorded
from tests.support.world import DEPLOYMENT_KEY, World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable

PAGE: Final = ROOT / "docs" / "peers.md"
ROUNDS, TIMES = 8, 50


@dataclass(slots=True)
class Run:
    """One run: where the stores are, and the figures of each row so far."""

    own: dict[str, str]
    requests: str
    dynamodb: str
    redis: str
    found: dict[str, Figures] = field(default_factory=lambda: {row.name: Figures() for row in ROWS})

    def start(self, row: Row, stack: contextlib.ExitStack, window_seconds: int = WINDOW_SECONDS) -> Driver:
        """A driver of a row."""
        return stack.enter_context(
            started(row.command, environment_of(row, self.own, self.dynamodb, self.redis, window_seconds))
        )

    def name(self, row: Row, what: str) -> str:
        """What a driver prepares: a key of its own for each case, or the requests that a bare client sends."""
        return self.requests if not row.decides and row.store == "DynamoDB" else f"{what}-{ROWS.index(row)}"

    def of(self, row: Row) -> Figures:
        """The figures of a row so far."""
        return self.found[row.name]

    def rows(self) -> list[Row]:
        """Those that can be measured, as far as is known."""
        return [row for row in ROWS if not self.of(row).reason]

    def guarded(self, row: Row, task: Callable[..., None], *arguments: Any, **more: Any) -> None:
        """Carry out a case of a row; when it fails, keep the reason for the table."""
        try:
            task(*arguments, **more)
        except (DriverError, StoreError, OSError) as error:
            if task in (prepare, one_round):
                self.of(row).reason = str(error)  # without these there is no figure to show
            else:
                self.of(row).reasons[task.__name__] = str(error)


def main() -> int:
    """Set up, measure and print; 0 when every row was measured and the page was written, else 1."""
    failed = environments.set_up()
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(engine.running())
        address = "" if "redis" in failed else stack.enter_context(redis.running())
        world = new_world(url)
        run = Run(own_settings(world), recorded_requests(world), url, address)
        for row in ROWS:
            run.of(row).reason = missing(row, failed)
        measure(run)
    text = tables(run.found)
    sys.stdout.write(f"\n{text}\n")
    sys.stderr.write(f"Measured in {time.monotonic() - began:.0f} s.\n")
    reasons = [
        (name, why) for name, figures in run.found.items() for why in (figures.reason, *figures.reasons.values())
    ]
    if not any(why for _, why in reasons):
        page.write_into(PAGE, {BLOCK: text})
        return 0
    for name, why in reasons:
        if why:
            sys.stderr.write(f"Not measured: {name}: {why}\n")
    return 1


def own_settings(world: World) -> dict[str, str]:
    """The environment of functions, as the template gives it."""
    return {
        **{f"{name.upper()}_TABLE": table for name, table in names_of(world.tables).items()},
        "DEPLOYMENT_KEY": DEPLOYMENT_KEY.decode().replace(" ", "-"),
        "POWERTOOLS_SERVICE_NAME": "modelpass",
        "POWERTOOLS_METRICS_NAMESPACE": "Modelpass",
    }


def recorded_requests(world: World) -> str:
    """The requests that one authorize and its settle send, as JSON."""
    with recorded("INFO"):
        key = world.buy(models=[model(calls=10**9, cap=10**15)])["apiKey"]
        world.authorize(key, "first-of-a-day", cases.TOKENS)
        world.recorder.clear()
        granted = world.authorize(key, "any-other", cases.TOKENS)
        world.settle(granted["authorizationId"], cases.USED)
    requests = [{**request, "ReturnConsumedCapacity": "TOTAL"} for _, request in world.recorder.requests]
    return json.dumps(requests, default=lambda value: base64.b64encode(value).decode())


def measure(run: Run) -> None:
    """Every case, one after the other, so that nothing disturbs what is timed."""
    with contextlib.ExitStack() as stack:
        drivers = {row.name: run.start(row, stack) for row in run.rows()}
        say("CPU")
        cpu(run, drivers)
        say("store calls")
        count(run, drivers)
        for row in run.rows():
            if row.decides:
                say(f"races: {row.name}")
                run.guarded(row, calls_race, run, row, drivers[row.name])
                run.guarded(row, tokens_race, run, row, drivers[row.name])
    say("kills")
    kills(run)


def say(what: str) -> None:
    """Write to standard error what is measured now."""
    sys.stderr.write(f"Measuring {what} ...\n")


def cpu(run: Run, drivers: dict[str, Driver]) -> None:
    """Rounds in which every row has its turn; the first is to warm up."""
    keys: dict[str, Any] = {}
    for row in run.rows():
        run.guarded(row, prepare, run, row, drivers[row.name], keys)
    for number in range(ROUNDS + 1):
        for row in run.rows():
            turn = (run.of(row), drivers[row.name], keys[row.name])
            run.guarded(row, one_round, *turn, counts=number > 0)


def prepare(run: Run, row: Row, driver: Driver, keys: dict[str, Any]) -> None:
    """Let a driver prepare a key whose caps nobody reaches."""
    keys[row.name] = counting.prepared(driver, run.name(row, "endless"), WINDOW_SECONDS)
    run.of(row).reports = bool(driver.reports)


def one_round(figures: Figures, driver: Driver, key: Any, *, counts: bool) -> None:
    """One turn of one row."""
    check, report = cases.measure_once(driver, key, TIMES)
    if counts:
        figures.check_us.append(check)
        figures.report_us.append(report)


def count(run: Run, drivers: dict[str, Driver]) -> None:
    """What each row asks of its store: through a meter, or watched."""
    for row in run.rows():
        if row.store == "DynamoDB":
            run.guarded(row, count_requests, run, row)
        elif row.store == "Redis":
            run.guarded(row, count_commands, run, row, drivers[row.name])


def count_requests(run: Run, row: Row) -> None:
    """A driver of its own, behind a meter."""
    with (
        metered(run.dynamodb) as (url, meter),
        started(row.command, environment_of(row, run.own, url, run.redis)) as driver,
    ):
        key = counting.prepared(driver, run.name(row, "counted"), WINDOW_SECONDS)
        counting.dynamodb(driver, meter, key, run.of(row))


def count_commands(run: Run, row: Row, driver: Driver) -> None:
    """The running driver, watched."""
    key = counting.prepared(driver, run.name(row, "counted"), WINDOW_SECONDS)
    counting.redis(driver, run.redis, key, run.of(row))


def calls_race(run: Run, row: Row, driver: Driver) -> None:
    """A cap of calls within one instance."""
    run.of(row).calls_race = cases.calls_race(driver, run.name(row, "calls"), WINDOW_SECONDS)


def tokens_race(run: Run, row: Row, driver: Driver) -> None:
    """A cap of tokens across two instances."""
    with contextlib.ExitStack() as stack:
        pair = (driver, run.start(row, stack))
        run.of(row).tokens_race = cases.tokens_race(pair, run.name(row, "tokens"), WINDOW_SECONDS)


def kills(run: Run) -> None:
    """The crashes of all rows at once, for most of their time is waiting."""
    deciding = [row for row in run.rows() if row.decides]
    with ThreadPoolExecutor(len(deciding)) as pool:
        list(pool.map(lambda row: run.guarded(row, kill, run, row), deciding))


def kill(run: Run, row: Row) -> None:
    """Kill one instance of a row, and let another one look what became of its hold."""
    with contextlib.ExitStack() as stack:
        holder, witness = (run.start(row, stack, SHORT_WINDOW_SECONDS) for _ in range(2))
        name = run.name(row, "killed")
        arguments = {"calls": 10**6, "tokens": 10**6, "window_seconds": SHORT_WINDOW_SECONDS}
        witness.ask("prepare", name=f"{name}-ready", **arguments)
        run.of(row).crash = cases.crash(holder, witness, name, SHORT_WINDOW_SECONDS)


if __name__ == "__main__":
    sys.exit(main())
