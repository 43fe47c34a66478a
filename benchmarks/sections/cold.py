"""INIT of every function in Lambda's runtime, and the CPU until the first answer. Rule: all are started by turns.

INIT is what the runtime's emulator reports. It is taken with the Region's own address of DynamoDB, so that what TLS
needs is set up as when deployed. DynamoDB is never called, because the handler is replaced by something that cannot be
called. The CPU is that of a process, without Lambda's client, until it has answered one request against the engine:
what a function imports only when it is asked is in it.
"""

from __future__ import annotations

import re
import statistics
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks import callers, page, rounds
from benchmarks.probing import Probe
from benchmarks.setting import AUTHORIZE, SETTLE
from benchmarks.targets import Targets
from local.awslambda.emulator import EmulatedRuntime
from local.awslambda.pool import FunctionError
from local.run import surroundings
from tests.support.handlers import FUNCTION_OF_SAMPLE, http_sample, sample

if TYPE_CHECKING:
    from benchmarks.setting import Setting
    from local.cloudformation.template import Function

Json = dict[str, Any]

ROUNDS: Final = 15
CPU_EVERY: Final = 3
"""CPU hardly varies: it is taken in every third round."""
EMPTY: Final = "an empty handler"
_EMPTY_CODE: Final = "def lambda_handler(event, context):\n    return {}\n"
_NOT_CALLED: Final = "app.__spec__"
_REPORT: Final = re.compile(rb"INIT REPORT\(durationMs: ([\d.]+)\)")
_OF_EMPTY: Final = 2.0
_OF_BOTO3: Final = 0.4


@dataclass(slots=True)
class Start:
    """A function to start, what it is asked first, and what its starts took."""

    function: Function
    event: Json
    init_ms: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)

    @property
    def median_ms(self) -> float:
        """Its INIT."""
        return statistics.median(self.init_ms)

    def cells(self, empty: Start) -> list[float | str]:
        """As a table shows it: INIT and its spread, and CPU, each by that of an empty handler."""
        low, _, _ = statistics.quantiles(self.init_ms, n=4) if len(self.init_ms) > 1 else [self.median_ms] * 3
        init = [figure / empty.median_ms for figure in (self.median_ms, low, min(self.init_ms))]
        return [*init, statistics.median(self.cpu_ms) / statistics.median(empty.cpu_ms)]


def measure(setting: Setting) -> dict[str, str]:
    """The blocks of this section."""
    runs = rounds.count(ROUNDS)
    with tempfile.TemporaryDirectory(prefix="modelpass-empty-") as folder:
        starts = _starts(setting, Path(folder))
        for start in starts.values():  # brings the files into memory
            init_ms(setting, start)
        for number in range(runs):
            for start in starts.values():
                start.init_ms.append(init_ms(setting, start))
                if number % CPU_EVERY == 0:
                    start.cpu_ms.append(_cpu_ms(setting, start))
    empty = starts[EMPTY]
    columns = ["INIT, median", "lower quartile", "least", "CPU to the first answer"]
    rows = ([name, *start.cells(empty)] for name, start in starts.items())
    head = (
        f"Python {setting.python}, the built x86_64 artifacts, {runs} starts of each, by turns. An empty handler: INIT"
        f" {empty.median_ms:.0f} ms, CPU {statistics.median(empty.cpu_ms):.0f} ms on this machine, here 1.\n\n"
    )
    return {"cold": head + page.table(["function", *columns], rows), "cold-targets": _targets(setting, starts)}


def _starts(setting: Setting, folder: Path) -> dict[str, Start]:
    (folder / "app.py").write_text(_EMPTY_CODE, "utf-8")
    events = _first_events(setting)
    empty = replace(setting.function(AUTHORIZE), folder=folder, layers=(), environment={})
    starts = {EMPTY: Start(empty, {})}
    for name in (AUTHORIZE, SETTLE):
        for client in setting.clients:
            starts[_named(name, client)] = Start(setting.function(name, client), events[name])
    others = sorted(setting.template.functions.keys() - {AUTHORIZE, SETTLE})
    return starts | {f"`{name}`": Start(setting.function(name), events[name]) for name in others}


def _named(name: str, client: str) -> str:
    return f"`{name}`, {client}"


def _first_events(setting: Setting) -> dict[str, Json]:
    events: dict[str, Json] = {}
    for name, function in FUNCTION_OF_SAMPLE.items():
        event = sample(name)
        routed = "authorizer" in event.get("requestContext", {})
        events.setdefault(function, http_sample(name, "acct_cold") if routed else event)
    bought = setting.buy()
    setting.use(bought)
    granted = setting.world.authorize(bought["apiKey"], "to-settle", 10)
    asked = callers.ask(bought["apiKey"], "first-of-a-process")
    return events | {AUTHORIZE: asked, SETTLE: callers.report(granted)}


def init_ms(setting: Setting, start: Start) -> float:
    """What the runtime reports of one start."""
    environment = {**start.function.environment, "AWS_ENDPOINT_URL_DYNAMODB": ""}
    loaded = replace(start.function, handler=_NOT_CALLED, environment=environment)
    with tempfile.TemporaryFile(prefix="modelpass-bench-") as log:
        runtime = EmulatedRuntime(loaded, surroundings(), log, setting.tools)
        try:
            runtime.wait_ready()
            with suppress(FunctionError):
                runtime.invoke({"event": {}, "nowMs": None, "timeoutSeconds": loaded.timeout_seconds})
        finally:
            runtime.stop()
        log.seek(0)
        (reported,) = _REPORT.findall(log.read())
    return float(reported)


def _cpu_ms(setting: Setting, start: Start) -> float:
    """What a process takes until it has answered."""
    with Probe(start.function, setting.tools.python) as probe:
        (took,) = probe.run([start.event])
        assert "error" not in (took.answer or {}), took
        setting.python = probe.python
        spent: int = probe.ask("spent")["ns"]
    return spent / 1e6


def _targets(setting: Setting, starts: dict[str, Start]) -> str:
    targets = Targets()
    empty_ms = starts[EMPTY].median_ms
    client = setting.clients[0]
    for name in (AUTHORIZE, SETTLE):
        init_ms = starts[_named(name, client)].median_ms
        targets.at_most(f"INIT of `{name}` ({client}) by an empty handler's", init_ms / empty_ms, _OF_EMPTY)
        boto3_ms = starts[_named(name, "boto3")].median_ms
        targets.at_most(f"INIT of `{name}` ({client}) by its own on boto3", init_ms / boto3_ms, _OF_BOTO3)
    return targets.table()
