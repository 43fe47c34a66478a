"""Carries an audit out and prints what it found. Rule: writes to no table; the caller says which tables are audited.

It prints a line for each breach, then how much was read and how many equations were checked. Exit status: 0 when every
equation holds, 1 when one does not, 2 when the tables could not be read.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, Final

from modelpass.dynamodb.endpoint import ConfigError
from modelpass.runtime import config
from ops.audit import targets
from ops.audit.audit import Audit
from ops.audit.reading import Reader
from ops.aws import WORKERS, status_of
from ops.batches import UnansweredError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ops.audit.audit import Report

_MOST_HOLDS: Final = 1000
"""The most that the parameter MaxOpenHolds allows."""


def main() -> int:
    """Audit the deployment that the environment names, and give the exit status."""
    return audit(lambda: contextlib.nullcontext(targets.deployment()))


def audit(chosen: Callable[[], AbstractContextManager[targets.Target]]) -> int:
    """Audit the tables that `chosen` opens, for as long as its context lasts, and give the exit status."""
    return status_of(lambda: _audit(chosen), ConfigError, UnansweredError)


def _audit(chosen: Callable[[], AbstractContextManager[targets.Target]]) -> int:
    most_holds = config.max_open_holds({"MAX_OPEN_HOLDS": str(_MOST_HOLDS), **os.environ})
    with chosen() as target:
        reader = Reader(target.dynamodb, target.tables)
        report = Audit(reader, target.now_ms, most_holds, WORKERS, tell=print).run()
    print(summary(report))
    return 1 if report.breaches else 0


def summary(report: Report) -> str:
    """The last lines of an audit: how much was read and checked, how many breaches, which subscriptions were busy."""
    read = ", ".join(f"{count} {table}" for table, count in sorted(report.items.items()))
    lines = [f"Read: {read}. Equations: {report.equations}. Breaches: {len(report.breaches)}."]
    if report.busy:
        lines.append(
            f"Too busy to be read at one moment, so that only their items were checked: {', '.join(report.busy)}."
        )
    return "\n".join(lines)
