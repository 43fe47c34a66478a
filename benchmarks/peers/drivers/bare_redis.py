"""The floor on Redis: redis-py's `INCRBY`. Rule: nothing is around it."""

from __future__ import annotations

import os
from typing import Any

import redis

from benchmarks.peers.drivers.protocol import serve


class Bare:
    """It counts, and decides nothing."""

    reports = False

    def __init__(self) -> None:
        self.client = redis.Redis.from_url(os.environ["PEERS_REDIS_URL"])

    def prepare(self, name: str, _: int, __: int, ___: int) -> Any:
        """The name is the counter; caps and window do not matter."""
        return name

    def check(self, key: Any, tokens: int, _: str) -> Any:
        """Add the tokens to the counter."""
        return self.client.incrby(key, tokens)

    def report(self, _: Any, __: Any, ___: int) -> Any:
        """Nothing is reported."""

    def left(self, _: Any) -> Any:
        """It decides nothing."""
        raise NotImplementedError


if __name__ == "__main__":
    serve(Bare())
