"""How fast a restore may go. Rule: paid after the answer, for only that tells what a request has consumed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

_BURST_SECONDS: Final = 1.0


class Pace:
    """At most so many units a second on average, over all threads that share it.

    What was left unused is kept for a second. A thread that spends goes on when its units are earned; so the bound is
    passed by what is under way at most, which is one request of each thread.
    """

    def __init__(
        self,
        units_per_second: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._seconds_each = 1 / units_per_second
        self._clock = clock
        self._sleep = sleep
        self._earned_at = clock() - _BURST_SECONDS
        self._lock = threading.Lock()
        self.spent = 0.0

    def spend(self, units: float) -> None:
        """Take so many units into account, and wait until they are earned."""
        with self._lock:
            now = self._clock()
            self.spent += units
            self._earned_at = max(self._earned_at, now - _BURST_SECONDS) + units * self._seconds_each
            wait = self._earned_at - now
        if wait > 0:
            self._sleep(wait)
