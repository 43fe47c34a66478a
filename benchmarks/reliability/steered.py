"""A probe whose time is the shared clock's: it sleeps until somebody moves the clock. Rule: it moves nothing itself.

Started by `functions.Steered` in the function's own Python, so it needs nothing but the standard library. Clocks are
replaced before the function is loaded, so that pauses, deadlines, caches and the time of day are all the clock's. What
is not: the processor's time, and how long the operating system waits for a socket.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any, Final

from benchmarks import probe
from benchmarks.reliability.clock import NOW, UNTIL, WALL, Moment

_LOOK_SECONDS: Final = 0.0005
_NS: Final = 1_000_000_000


def steer(now: Moment, until: Moment, wall: float) -> None:
    """Put the shared clock in the place of this process's own."""
    really_sleep = time.sleep

    def sleep(seconds: Any) -> None:
        ends = now.seconds + seconds
        until.seconds = ends
        while now.seconds < ends:
            really_sleep(_LOOK_SECONDS)
        until.seconds = 0.0

    time.sleep = sleep
    time.monotonic = lambda: now.seconds
    time.time = lambda: wall + now.seconds
    time.time_ns = lambda: int((wall + now.seconds) * _NS)


def main() -> None:
    """Steer this process, and be a probe."""
    now, until = (Moment(Path(os.environ[name])) for name in (NOW, UNTIL))
    steer(now, until, float(os.environ[WALL]))
    probe.main()


if __name__ == "__main__":
    main()
