"""`make audit`: checks every equation over a deployment's tables, and changes nothing.

A line for each breach, then how much was read and asked. Exit status: 0 when every equation holds, 1 when one does
not, 2 when the tables could not be read.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.audit import targets
from local.audit.audit import Audit
from local.audit.reading import Reader, UnansweredError
from local.problems import StartError
from modelpass import config

if TYPE_CHECKING:
    from local.audit.audit import Report

_MOST_HOLDS: Final = 1000
"""The most that the parameter MaxOpenHolds allows."""


def main() -> int:
    """Audit what the environment names."""
    try:
        most_holds = config.max_open_holds({"MAX_OPEN_HOLDS": str(_MOST_HOLDS), **os.environ})
        with targets.chosen() as target:
            reader = Reader(target.dynamodb, target.tables)
            report = Audit(reader, target.now_ms, most_holds, targets.WORKERS, tell=print).run()
    except (StartError, config.ConfigError, UnansweredError, BotoCoreError, ClientError) as error:
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
