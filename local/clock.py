"""The stack's clock: real time until it is moved, then it stands still. Rule: functions go by it, tokens do not."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from modelpass.times import NS_PER_MS, to_ms

if TYPE_CHECKING:
    from datetime import datetime


class Clock:
    """Shared by all functions of the stack; JWTs are checked against real time."""

    def __init__(self) -> None:
        self._frozen_ms: int | None = None
        self._lock = threading.Lock()

    @property
    def frozen_ms(self) -> int | None:
        """The instant the clock stands at, None while it runs."""
        return self._frozen_ms

    def now_ms(self) -> int:
        """The time that the functions go by, in milliseconds."""
        return time.time_ns() // NS_PER_MS if self._frozen_ms is None else self._frozen_ms

    def set(self, instant: datetime) -> None:
        """Stand still at an instant."""
        with self._lock:
            self._frozen_ms = to_ms(instant)

    def advance(self, seconds: int) -> None:
        """Stand still so many seconds later than now."""
        with self._lock:
            self._frozen_ms = self.now_ms() + seconds * 1000
