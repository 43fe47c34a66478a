"""Logger and metrics, built once. Rule: account ids may be logged; no key, hash, token or body ever is."""

from __future__ import annotations

import traceback
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

logger = Logger()


def decided(function: str, code: str, **facts: str | int | None) -> None:
    """One structured line and one count for what a function decided; `code` is `ok` or an error code."""
    shown: dict[str, Any] = {name: value for name, value in facts.items() if value is not None}
    logger.info("decided", extra={"decision": code, "command": function, **shown})
    _count("Decisions", command=function, decision=code)


def breached() -> None:
    """One count for a request that was served in another tier than the one bought."""
    _count("TierBreaches")


def _count(name: str, **dimensions: str) -> None:
    with single_metric(name=name, unit=MetricUnit.Count, value=1) as metric:
        for dimension, value in dimensions.items():
            metric.add_dimension(name=dimension, value=value)


def surprised(function: str, request_id: str, error: Exception) -> None:
    """Something unknown failed: where, and the request id; no message, for messages may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    where = [f"{frame.name}:{frame.lineno}" for frame in frames]
    failure = f"{type(error).__name__} in {' < '.join(reversed(where))}"
    logger.error("internal_error", extra={"command": function, "requestId": request_id, "failure": failure})
