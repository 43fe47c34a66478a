"""`limits` with its fixed window, on Redis or in the memory of one process. Rule: its public API alone."""

from __future__ import annotations

import os

from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import FixedWindowRateLimiter

from benchmarks.peers.drivers.limits_redis import Limits
from benchmarks.router.drivers.loops import serve


class Chosen(Limits):
    """The same limits, on the storage that the environment names."""

    def __init__(self) -> None:
        url = os.environ.get("PEERS_REDIS_URL")
        self.limiter = FixedWindowRateLimiter(RedisStorage(url) if url else MemoryStorage())


if __name__ == "__main__":
    serve(Chosen())
