"""Runs the sections of a measurement that `ONLY` names, or all of them. Rule: what they measure is not known here."""

from __future__ import annotations

import os
import sys
import time
from typing import TYPE_CHECKING

from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection


def run(sections: Collection[str], carry_out: Callable[[str], None]) -> int:
    """Carry out each section and say how long it took; 1 when something is missing or a section's name is wrong."""
    chosen = [name for name in os.environ.get("ONLY", "").split(",") if name] or list(sections)
    try:
        unknown = [name for name in chosen if name not in sections]
        if unknown:
            raise CommandError(f"ONLY takes {', '.join(sections)}, not {', '.join(unknown)}.")  # noqa: TRY301
        for name in chosen:
            began = time.monotonic()
            sys.stderr.write(f"{name} ...\n")
            carry_out(name)
            sys.stderr.write(f"{name}: {time.monotonic() - began:.0f} s\n")
    except CommandError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0
