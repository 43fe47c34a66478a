"""The one line that each request leaves in the log, and its metrics. Rule: no key, hash, token or body is ever logged.

Account ids may be. Lines go to standard output, which is a function's log. Where decisions are made in a process that
belongs to somebody else, they go where that process says, for the requests it says so of (`written_to`), or nowhere.

The line has CloudWatch's embedded metric format, so that each count can be traced to the line that
it came from. Its fields and settings are those of Powertools for AWS Lambda, whose own logger and metrics took longer
for one line than the decision that the line reports (ADR 27). Clocks are read here to say when a line was written and
how long a request took; they decide nothing.
"""

from __future__ import annotations

import json
import os
import sys
import time
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.times import MS_PER_SECOND, NS_PER_MS, from_ms

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextvars import Token
    from types import TracebackType

    from modelpass.dynamodb.circuit_breaker import Change

Fact = str | int | None
"""The value of a field of the line; a field that is None is left out."""

INTERNAL_ERROR: Final = "internal_error"
_UNREADABLE_ITEM: Final = "unreadable_item"
_UNREADABLE: Final = "UnreadableItems"

LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR")
"""The levels that lines can be held to."""

steady_seconds = time.monotonic
# It writes ASCII alone, so that no text that a caller sent can break a line in two.
_encoder = json.JSONEncoder(check_circular=False, separators=(",", ":"))
_cold_starts = iter((True,))  # True for the first request of the process alone
_line: ContextVar[Line | None] = ContextVar("line", default=None)
_output: ContextVar[Output | None] = ContextVar("output", default=None)


class Output(NamedTuple):
    """Where lines go. `write` is called with each line, without its end; None: no line is made.

    `level` is the least of the `LEVELS` that are written. `service` is a field of each line. `namespace` is that of the
    metrics; where it is empty, lines tell of no metrics.
    """

    write: Callable[[str], object] | None
    level: str = "INFO"
    service: str = ""
    namespace: str = ""

    def shows(self, of_level: str) -> bool:
        """Whether lines of this level are written."""
        return LEVELS.index(self.level) <= LEVELS.index(of_level)


def _to_stdout(line: str) -> None:
    sys.stdout.write(f"{line}\n")  # Lambda's runtime passes it on at once


of_function = Output(
    _to_stdout,
    os.environ.get("POWERTOOLS_LOG_LEVEL", "INFO"),
    os.environ.get("POWERTOOLS_SERVICE_NAME", ""),
    os.environ.get("POWERTOOLS_METRICS_NAMESPACE", ""),
)
"""Where lines go unless something else is said."""


@contextmanager
def written_to(output: Output) -> Iterator[None]:
    """Let the lines of what is done within go there. Whatever other threads and tasks do is not affected."""
    before = _output.set(output)
    try:
        yield
    finally:
        _output.reset(before)


class Line:
    """The line of one request: begun when it comes in, filled as facts become known, written once when it ends.

    A request that ends by an exception, or without a decision, gets the decision `internal_error`. The functions below
    write to the line of the request that is being carried out; outside of one, all but `report_unexpected` do nothing.
    """

    def __init__(self, command: str, function_request_id: str, **facts: Fact) -> None:
        self.facts: dict[str, Fact] = {"command": command, **facts, "function_request_id": function_request_id}
        self.decision = INTERNAL_ERROR
        self.measured: dict[str, tuple[str, int]] = {}
        self.store_requests = 0
        self.read_units = 0.0
        self.write_units = 0.0

    def __enter__(self) -> None:
        self._cold_start = next(_cold_starts, False)
        self._began = steady_seconds()
        self._before: Token[Line | None] = _line.set(self)

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None) -> None:
        if error is not None:
            self.decision = INTERNAL_ERROR
            report_unexpected(error)
        _line.reset(self._before)
        self._write(round((steady_seconds() - self._began) * MS_PER_SECOND, 1))

    def _write(self, latency_ms: float) -> None:
        output = _output.get() or of_function
        if output.write is None:
            return
        now_ms = time.time_ns() // NS_PER_MS
        if not output.shows("INFO"):  # a deployment that wants no lines still gets metrics
            if not output.namespace:
                return
            shown: dict[str, Any] = {"command": self.facts["command"], "decision": self.decision}
        else:
            shown = {
                **_heading(output, "INFO", "decided", now_ms),
                "decision": self.decision,
                **_known(self.facts),
                "latencyMs": latency_ms,
                "storeRequests": self.store_requests,
                "readUnits": self.read_units,
                "writeUnits": self.write_units,
                "coldStart": self._cold_start,
            }
        output.write(f"{_encoder.encode(shown)[:-1]}{self._counted(output.namespace, now_ms)}}}")

    def _counted(self, namespace: str, now_ms: int) -> str:
        """The rest of the line, as JSON: the count of the decision by command and code, and the other metrics."""
        if not namespace:
            return "".join([f',"{name}":{value}' for name, (_, value) in self.measured.items()])
        metrics, values = [_metric(namespace, "Decisions", "Count", "command", "decision")], ['"Decisions":1']
        for name, (unit, value) in self.measured.items():
            metrics.append(_metric(namespace, name, unit))
            values.append(f'"{name}":{value}')
        return f',"_aws":{{"Timestamp":{now_ms},"CloudWatchMetrics":[{",".join(metrics)}]}},{",".join(values)}'


def note(**facts: Fact) -> None:
    """Add fields to the line; None takes one away."""
    line = _line.get()
    if line is not None:
        line.facts |= facts


def decided(code: str, **facts: Fact) -> None:
    """Set the decision, which is an error's code or a word for success, and add fields to the line."""
    line = _line.get()
    if line is not None:
        line.decision = code
        line.facts |= facts


def store_requested(read_units: float, write_units: float) -> None:
    """Count one request to the store, and add the read and write units that its reply says it consumed."""
    line = _line.get()
    if line is not None:
        line.store_requests += 1
        line.read_units += read_units
        line.write_units += write_units


def count_tier_breach() -> None:
    """Count a request that was served in another tier than the one that was bought (metric `TierBreaches`)."""
    _measure("TierBreaches", "Count", 1)


def count_far_above_estimate() -> None:
    """Count a settle that reports many times its estimate (metric `UsageFarAboveEstimate`)."""
    _measure("UsageFarAboveEstimate", "Count", 1)


def count_overrun() -> None:
    """Count a settle after which its month's limit is exceeded (metric `Overruns`)."""
    _measure("Overruns", "Count", 1)


def count_synthetic_authorize() -> None:
    """Count an authorize that no router asked for (metric `SyntheticAuthorizes`)."""
    _measure("SyntheticAuthorizes", "Count", 1)


def reset_lag(seconds: int) -> None:
    """Record how many seconds the oldest item that a reset found had been due (metric `ResetLagSeconds`)."""
    _measure("ResetLagSeconds", "Seconds", seconds)


def tiers_unread(seconds: int) -> None:
    """Record for how long this process could not read which tiers are down (metric `TiersUnreadSeconds`)."""
    _measure("TiersUnreadSeconds", "Seconds", seconds)


def report_unreadable(table: str, key: str) -> None:
    """Write an ERROR line (`unreadable_item`) for a stored item that was passed over, and count it.

    The metric is `UnreadableItems`. `key` is the item's primary key, which names accounts and no secrets.
    """
    line = _line.get()
    found = line.measured.get(_UNREADABLE, ("", 0))[1] if line is not None else 0
    _measure(_UNREADABLE, "Count", found + 1)
    _report(_UNREADABLE_ITEM, table=table, item=key)


def store_breaker(change: Change) -> None:
    """Write a line when this process stops to ask a part of the store, and when it asks it again.

    That a whole table is not asked is an ERROR; of one partition, which is a customer's, it is INFO, and the facts of
    the request tell whose. Each opening is counted (metric `StoreBreakerOpened`), whatever the level of the log.
    """
    output, now_ms = _output.get() or of_function, time.time_ns() // NS_PER_MS
    scope = "table" if change.place.partition is None else "partition"
    line = _line.get()
    of_level, counted = "INFO", change.cause is not None and output.namespace != ""
    if change.cause is not None and scope == "table":
        of_level = "ERROR"
    shown: dict[str, Any] = {"table": change.place.table, "scope": scope}
    if output.shows(of_level):
        heading = _heading(output, of_level, f"store_breaker_{'closed' if change.cause is None else 'opened'}", now_ms)
        shown = {**heading, **_known(line.facts if line is not None else {}), **shown}
    elif not counted:
        return
    if change.cause is not None:
        shown["cause"] = change.cause.value
    _print(output, shown, _breaker_opened(output.namespace, now_ms) if counted else "")


def report_unexpected(error: BaseException) -> None:
    """Write an ERROR line for an unexpected failure: its type, the functions it passed, and the request's facts.

    Its message is left out, because messages may quote what was sent. Outside of a request it is written as well.
    """
    where = []
    frame = error.__traceback__
    while frame is not None:
        where.append(f"{frame.tb_frame.f_code.co_name}:{frame.tb_lineno}")
        frame = frame.tb_next
    failure = f"{type(error).__name__} in {' < '.join(reversed(where))}"
    _report(INTERNAL_ERROR, failure=failure)


def _report(message: str, **facts: Fact) -> None:
    """Write a line at ERROR, with the facts of the request that is being carried out."""
    line, output = _line.get(), _output.get() or of_function
    known = _known(line.facts if line is not None else {})
    heading = _heading(output, "ERROR", message, time.time_ns() // NS_PER_MS)
    _print(output, {**heading, **known, **facts})


def _known(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {name: value for name, value in facts.items() if value is not None}


def _measure(name: str, unit: str, value: int) -> None:
    line = _line.get()
    if line is not None:
        line.measured[name] = (unit, value)


@cache
def _metric(namespace: str, name: str, unit: str, *dimensions: str) -> str:
    """The directive by which CloudWatch makes a metric of a field.

    An alarm finds a metric only by all of its dimensions, so each metric has those given here and no others.
    """
    metrics = [{"Name": name, "Unit": unit}]
    return _encoder.encode({"Namespace": namespace, "Dimensions": [dimensions], "Metrics": metrics})


def _breaker_opened(namespace: str, now_ms: int) -> str:
    directive = _metric(namespace, "StoreBreakerOpened", "Count", "scope")
    return f',"_aws":{{"Timestamp":{now_ms},"CloudWatchMetrics":[{directive}]}},"StoreBreakerOpened":1'


def _heading(output: Output, of_level: str, message: str, now_ms: int) -> dict[str, Fact]:
    written_at = from_ms(now_ms).isoformat(timespec="milliseconds")
    return {"level": of_level, "message": message, "timestamp": written_at, "service": output.service}


def _print(output: Output, shown: dict[str, Any], counted: str = "") -> None:
    if output.write is not None:
        output.write(f"{_encoder.encode(shown)[:-1]}{counted}}}")
