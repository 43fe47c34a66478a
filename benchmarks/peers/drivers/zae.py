"""zae-limiter by its synchronous API, on boto3. Rule: stored quotas, speculative writes and caches as by default."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from typing import Any, Final

from zae_limiter import Limit, RateLimitExceeded, SyncRateLimiter, SyncRepository

from benchmarks.peers.drivers.protocol import serve

STACK: Final = "bench-peers"
RESOURCE: Final = "claude"
EACH_MONTH: Final = "0 0 1 * *"
MINUTE_SECONDS: Final = 60


def ends_after(seconds: int) -> str:
    """An hourly window that ends with the first full minute after so many seconds: its calendar knows no seconds."""
    minute = (int(time.time()) + seconds) // MINUTE_SECONDS + 1
    return f"{minute % 60} * * * *"


def repository() -> Any:
    """Its table, made by its own definition: CloudFormation, by which it deploys itself, is not in the engine."""
    of_engine = {"region": os.environ["AWS_DEFAULT_REGION"], "endpoint_url": os.environ["AWS_ENDPOINT_URL_DYNAMODB"]}
    SyncRepository(name=STACK, **of_engine, _skip_deprecation_warning=True).create_table()
    return SyncRepository.open(stack=STACK, **of_engine, auto_update=False)


class Zae:
    """A grant is an open lease; closing it after `adjust` writes the adjustment."""

    reports = True

    def __init__(self) -> None:
        self.limiter = SyncRateLimiter(repository=repository())

    def prepare(self, name: str, calls: int, tokens: int, window_seconds: int) -> Any:
        """An entity with two quotas, which do not drip: the nearest to a cap and a limit of calls.

        They go by the calendar: those that begin with a first use need its own deployment.
        """
        cron = ends_after(window_seconds) if window_seconds < MINUTE_SECONDS else EACH_MONTH
        limits = [Limit.quota("calls", calls, cron=cron), Limit.quota("tokens", tokens, cron=cron)]
        self.limiter.create_entity(name)
        self.limiter.set_limits(name, limits)
        return name

    def check(self, key: Any, tokens: int, _: str) -> Any:
        """Acquire one call and the tokens; None where a quota refuses them."""
        stack = ExitStack()
        try:
            lease = stack.enter_context(self.limiter.acquire(key, RESOURCE, {"calls": 1, "tokens": tokens}))
        except RateLimitExceeded:
            return None
        return stack, lease, tokens

    def report(self, _: Any, grant: Any, used: int) -> Any:
        """Adjust the tokens to what was used, and close the lease."""
        stack, lease, tokens = grant
        with stack:
            lease.adjust(tokens=used - tokens)

    def left(self, key: Any) -> Any:
        """What it says is available."""
        return self.limiter.available(key, RESOURCE)["tokens"]


if __name__ == "__main__":
    serve(Zae())
