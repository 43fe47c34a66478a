"""One line and its counts for each request. Rule: account ids may be logged; no key, hash, token or body ever is.

The line is CloudWatch's embedded metric format as well, so that what is counted can be looked up where it was counted.
The steady clock is read here for one reason, to say how long a request took; it decides nothing.
"""

from __future__ import annotations

import json
import logging
import sys
import time
import traceback
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import Metrics, MetricUnit

if TYPE_CHECKING:
    from contextvars import Token
    from types import TracebackType

Fact = str | int | None

INTERNAL_ERROR: Final = "internal_error"
_MS_PER_SECOND: Final = 1000

logger = Logger(use_rfc3339=True, utc=True, location=None)  # the time as Lambda's own filter by level wants it
steady_seconds = time.monotonic
_metrics = Metrics()
_cold_starts = iter((True,))


class Line:
    """The line of one request: begun as it comes in, filled as facts become known, written once as it ends.

    What ends by an exception, or without a decision, is told as `internal_error`.
    """

    def __init__(self, command: str, function_request_id: str, **facts: Fact) -> None:
        self.facts: dict[str, Fact] = {"command": command, **facts, "function_request_id": function_request_id}
        self.decision = INTERNAL_ERROR
        self.measured: dict[str, Any] = {}
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
            surprised(error)
        _line.reset(self._before)
        self._write(round((steady_seconds() - self._began) * _MS_PER_SECOND, 1))

    def _write(self, latency_ms: float) -> None:
        counted = self._counted()
        if logger.log_level > logging.INFO:  # whoever wants no lines still counts
            sys.stdout.write(json.dumps(counted, separators=(",", ":")) + "\n")
            return
        figures = {
            "latencyMs": latency_ms,
            "storeRequests": self.store_requests,
            "readUnits": self.read_units,
            "writeUnits": self.write_units,
            "coldStart": self._cold_start,
        }
        logger.info("decided", extra={"decision": self.decision, **_known(self.facts), **figures, **counted})

    def _counted(self) -> dict[str, Any]:
        """The decision by command and code, and what was measured beside it, which has no dimensions."""
        dimensions = {"command": self.facts["command"], "decision": self.decision}
        counted = _embedded({"Decisions": _figure(MetricUnit.Count, 1)}, dimensions)
        if self.measured:
            more = _embedded(self.measured, {})
            counted["_aws"]["CloudWatchMetrics"] += more.pop("_aws")["CloudWatchMetrics"]
            counted |= more
        return counted


_line: ContextVar[Line | None] = ContextVar("line", default=None)


def note(**facts: Fact) -> None:
    """Add what has become known of the request; None takes a fact away."""
    line = _line.get()
    if line is not None:
        line.facts |= facts


def decided(code: str, **facts: Fact) -> None:
    """Say what was decided: an error code, or what stands for success."""
    line = _line.get()
    if line is not None:
        line.decision = code
        line.facts |= facts


def asked(read_units: float, write_units: float) -> None:
    """Add one request to the store, and what its reply says that it consumed."""
    line = _line.get()
    if line is not None:
        line.store_requests += 1
        line.read_units += read_units
        line.write_units += write_units


def breached() -> None:
    """Count a request that was served in another tier than the one bought."""
    _measure("TierBreaches", MetricUnit.Count, 1)


def reset_lag(seconds: int) -> None:
    """Measure how long the oldest of what a reset found had been due."""
    _measure("ResetLagSeconds", MetricUnit.Seconds, seconds)


def surprised(error: BaseException) -> None:
    """Something unknown failed: where, and in which request; no message, for messages may quote what was sent."""
    line = _line.get()
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.name}:{frame.lineno}" for frame in frames]
    failure = f"{type(error).__name__} in {' < '.join(reversed(where))}"
    logger.error(INTERNAL_ERROR, extra={**_known(line.facts if line is not None else {}), "failure": failure})


def _known(facts: dict[str, Fact]) -> dict[str, Fact]:
    return {name: value for name, value in facts.items() if value is not None}


def _measure(name: str, unit: MetricUnit, value: int) -> None:
    line = _line.get()
    if line is not None:
        line.measured[name] = _figure(unit, value)


def _figure(unit: MetricUnit, value: int) -> dict[str, Any]:
    return {"Unit": unit.value, "Value": value}


def _embedded(figures: dict[str, Any], dimensions: dict[str, Any]) -> dict[str, Any]:
    # Given its dimensions, Powertools adds no `service` to them: an alarm names every dimension or finds nothing.
    return dict(_metrics.serialize_metric_set(metrics=figures, dimensions=dimensions, metadata={}))
