"""`limits` with its fixed window on Redis, the least that a shared limit costs. Rule: its public API alone."""

from __future__ import annotations

import os
from typing import Any

from limits import RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from benchmarks.peers.drivers.protocol import serve


class Limits:
    """One limit, of tokens or else of calls; what was taken is not given back."""

    reports = False

    def __init__(self) -> None:
        self.limiter = FixedWindowRateLimiter(RedisStorage(os.environ["PEERS_REDIS_URL"]))

    def prepare(self, name: str, calls: int, tokens: int, window_seconds: int) -> Any:
        """The smaller of the two caps, and what it counts."""
        by_calls = calls < tokens
        return [name, by_calls, min(calls, tokens), window_seconds]

    def check(self, key: Any, tokens: int, _: str) -> Any:
        """Take the tokens, or one call, from the limit."""
        name, by_calls, cap, seconds = key
        hit = self.limiter.hit(RateLimitItemPerSecond(cap, seconds), name, cost=1 if by_calls else tokens)
        return name if hit else None

    def report(self, _: Any, __: Any, ___: int) -> Any:
        """Nothing is reported: what was taken stays taken."""

    def left(self, key: Any) -> Any:
        """What its statistics show."""
        name, _, cap, seconds = key
        return self.limiter.get_window_stats(RateLimitItemPerSecond(cap, seconds), name).remaining


if __name__ == "__main__":
    serve(Limits())
