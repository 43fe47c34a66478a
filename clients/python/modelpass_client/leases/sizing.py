"""How much a process wants to hold for requests to come. Rule: pure; by its own rate, and never more than its share.

    min(most, own rate * ahead, what is left / (2 * open holds))

By what is left alone a slow router would sit on what a fast one needs; by the rate alone the first would take all. What
is left counts with what this process holds free itself, for that is given back or kept in the same step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Json = dict[str, Any]

_BUCKET_MS: Final = 500
_BUCKETS: Final = 4
_SHORTEST_MS: Final = 50


class Rate:
    """How many units and calls a process asked for lately, and by how many requests; counted in buckets of time."""

    __slots__ = ("_bucket", "_first_ms", "_kept", "calls", "last_ms", "requests", "units")

    def __init__(self) -> None:
        """Begin without a request."""
        self.units = self.calls = self.requests = 0
        self.last_ms: int | None = None
        self._bucket = self._first_ms = 0
        self._kept: list[tuple[int, int, int]] = []

    def count(self, units: int, calls: int, now_ms: int) -> None:
        """Count a request that is wanted."""
        if now_ms // _BUCKET_MS != self._bucket:
            self._roll(now_ms)
        if not self.requests:
            self._first_ms = now_ms
        self.last_ms = now_ms
        self.units += units
        self.calls += calls
        self.requests += 1

    def per_second(self, now_ms: int) -> tuple[int, int]:
        """Units and calls a second, of the busiest of the last buckets.

        The bucket that goes on counts as a whole one and also by what came after its first request, so that a sudden
        rush is seen at once.
        """
        found = self._lately(now_ms)
        units, calls = (max(f[n] for f in found) * 1000 // _BUCKET_MS for n in (0, 1))
        if self.requests > 1:
            elapsed_ms = max(_SHORTEST_MS, now_ms - self._first_ms) * self.requests
            units = max(units, self.units * (self.requests - 1) * 1000 // elapsed_ms)
            calls = max(calls, self.calls * (self.requests - 1) * 1000 // elapsed_ms)
        return units, calls

    def typical(self, now_ms: int) -> tuple[int, int]:
        """Units and calls of one request, at the average, rounded up."""
        found = self._lately(now_ms)
        requests = max(1, sum(f[2] for f in found))
        return -(-sum(f[0] for f in found) // requests), -(-sum(f[1] for f in found) // requests)

    def _lately(self, now_ms: int) -> list[tuple[int, int, int]]:
        self._roll(now_ms)
        return [*self._kept, (self.units, self.calls, self.requests)]

    def _roll(self, now_ms: int) -> None:
        passed = now_ms // _BUCKET_MS - self._bucket
        if passed <= 0:
            return
        empty = [(0, 0, 0)] * min(passed - 1, _BUCKETS)
        self._kept = [*self._kept, (self.units, self.calls, self.requests), *empty][-(_BUCKETS - 1) :]
        self.units = self.calls = self.requests = 0
        self._bucket += passed


@dataclass
class Left:
    """What an answer showed to be left for everybody, and among how many it is shared; None: nobody has said so yet."""

    units: int | None = None
    calls: int | None = None
    open_holds: int = 1

    def see(self, answer: Json) -> None:
        """Take what an answer shows, a refusal's too."""
        if isinstance(answer.get("monthly"), dict):
            self.units = answer["monthly"].get("remaining", self.units)
        if isinstance(answer.get("daily"), dict):
            self.calls = answer["daily"].get("remaining", self.calls)
        self.open_holds = max(1, answer.get("openHolds", self.open_holds))

    def share(self, free_units: int, free_calls: int) -> tuple[int, int] | None:
        """The most that this process may hold free, by what is left with what it holds free now; None: not known."""
        if self.units is None or self.calls is None:
            return None
        parts = 2 * self.open_holds
        return (self.units + max(0, free_units)) // parts, (self.calls + max(0, free_calls)) // parts
