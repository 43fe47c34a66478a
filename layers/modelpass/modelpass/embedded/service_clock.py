"""Whether this machine's clock is the service's, by the `Date` of the store's replies. Rule: refuse only what is sure.

A `Date` is a whole second, cut off, and the reply was on its way for a while. So one reply says that when the steady
clock showed something between sending and receiving, the service's clock showed something within that second. The
difference of the two is known within bounds, which further replies narrow. No step of this machine's clock moves them:
they are about its steady clock, and what the wall clock shows is compared at each look, not at each reply.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.times import MS_PER_SECOND, NS_PER_MS, to_ms

if TYPE_CHECKING:
    from collections.abc import Callable

TOLERATED_SECONDS: Final = 2.0
"""How far the clocks may differ; beyond, nothing is granted."""
KNOWN_SECONDS: Final = 60.0
"""For how long a reply says something of the service's clock."""
_DRIFT: Final = 0.001
"""How much a steady clock gains or loses at most: far more than any that works."""
_MONTHS: Final = {
    name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)
}


class _Bounds(NamedTuple):
    """Between what the service's clock is ahead of the steady clock, in seconds, and when that was last heard."""

    low: float
    high: float
    at: float


class ServiceClock:
    """What one process knows of the service's clock. Any number of threads may use it: at worst a reply is lost.

    `wall_ns` tells the machine's time in nanoseconds since the epoch, `monotonic` is its steady clock in seconds.
    """

    def __init__(self, wall_ns: Callable[[], int], monotonic: Callable[[], float]) -> None:
        self._wall_ns = wall_ns
        self._monotonic = monotonic
        self._bounds: _Bounds | None = None
        self._last: tuple[bytes | None, int] = (None, 0)

    def heard(self, date: bytes | None, sent_at: float) -> None:
        """Take in a reply: its `Date`, and what the steady clock showed before its request was sent.

        One without a date, or whose date cannot be read, says nothing.
        """
        received_at = self._monotonic()
        second = self._second_of(date)
        if second is None:
            return
        low, high = second - received_at, second + 1 - sent_at
        known = self._bounds
        if known is not None:
            drift = (received_at - known.at) * _DRIFT
            narrow = max(low, known.low - drift), min(high, known.high + drift)
            if narrow[0] <= narrow[1]:  # else a clock was set, and the newest reply is right
                low, high = narrow
        self._bounds = _Bounds(low, high, received_at)

    def difference_ms(self) -> int | None:
        """By how much this machine's clock is ahead of the service's for certain (below 0: behind it).

        0 while it may be within `TOLERATED_SECONDS`; None when it is not known.
        """
        now = self._monotonic()
        known = self._known(now)
        if known is None:
            return None
        wall = self._wall_ns() / (MS_PER_SECOND * NS_PER_MS)
        drift = (now - known.at) * _DRIFT
        ahead, behind = wall - now - known.high - drift, known.low - drift + now - wall
        if ahead > TOLERATED_SECONDS:
            return round(ahead * MS_PER_SECOND)
        return -round(behind * MS_PER_SECOND) if behind > TOLERATED_SECONDS else 0

    def wall_ms(self) -> int:
        """The time in milliseconds by this machine's clock."""
        return self._wall_ns() // NS_PER_MS

    def now_ms(self) -> int:
        """The same, or, where that is known to be wrong, about the service's time."""
        known = self._bounds
        if known is not None and self.difference_ms():
            return round(((known.low + known.high) / 2 + self._monotonic()) * MS_PER_SECOND)
        return self.wall_ms()

    def _known(self, now: float) -> _Bounds | None:
        known = self._bounds
        return known if known is not None and now - known.at < KNOWN_SECONDS else None

    def _second_of(self, date: bytes | None) -> int | None:
        """The second that a date names; the same is read once."""
        if date is None:
            return None
        text, second = self._last
        if date == text:
            return second
        read = second_of(date)
        if read is not None:
            self._last = (date, read)
        return read


def second_of(date: bytes) -> int | None:
    """The second since the epoch of a date such as `Fri, 27 Nov 2026 19:30:55 GMT`; None for any other text."""
    parts = date.replace(b":", b" ").split(b" ")
    try:
        _, day, month, year, hour, minute, second, zone = parts
        named = datetime(int(year), _MONTHS[month], int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except (ValueError, KeyError):
        return None
    return to_ms(named) // MS_PER_SECOND if zone == b"GMT" else None
