"""Audits tables and tells what it found. Rule: reads only; whose tables they are, the caller says.

A line for each breach, then how much was read and asked. Exit status: 0 when every equation holds, 1 when one does
not, 2 when the tables could not be read.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from modelpass.dynamodb.endpoint import ConfigError
from modelpass.runtime import config
from ops.audit import targets
from ops.audit.audit import Audit
from ops.audit.reading import Reader, UnansweredError
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from ops.audit.audit import Report

_MOST_HOLDS: Final = 1000
"""The most that the parameter MaxOpenHolds allows."""


def main() -> int:
    """Audit the deployment that the environment names; the exit status."""
    return audit(lambda: contextlib.nullcontext(targets.deployment()))


def audit(chosen: Callable[[], AbstractContextManager[targets.Target]]) -> int:
    """Audit what is chosen for as long as its context lasts; the exit status."""
    try:
        most_holds = config.max_open_holds({"MAX_OPEN_HOLDS": str(_MOST_HOLDS), **os.environ})
        with chosen() as target:
            reader = Reader(target.dynamodb, target.tables)
            report = Audit(reader, target.now_ms, most_holds, targets.WORKERS, tell=print).run()
    except (CommandError, ConfigError, UnansweredError, BotoCoreError, ClientError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    print(summary(report))
    return 1 if report.breaches else 0


def summary(report: Report) -> str:
    """What was read and asked, and what came of it."""
    read = ", ".join(f"{count} {table}" for table, count in sorted(report.items.items()))
    lines = [f"Read: {read}. Equations: {report.equations}. Breaches: {len(report.breaches)}."]
    if report.busy:
        lines.append(
            f"Too busy to be read at one moment, so that only their items were checked: {', '.join(report.busy)}."
        )
    return "\n".join(lines)
