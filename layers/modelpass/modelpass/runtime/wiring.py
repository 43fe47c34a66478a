"""Builds the real `Deps` once, at cold start. Rule: only here do a clock, randomness or a client reach a command.

`clock` is a module attribute so that a stack which is not production can put another clock in its place. Two modules
read clocks of their own, which no decision depends on: `telemetry` to date and time its lines, and `lean_client` to
sign requests and to bound their time.
"""

from __future__ import annotations

import os
import time
import zoneinfo
from typing import TYPE_CHECKING, Final

import tzdata  # type: ignore[import-untyped]

from modelpass.dynamodb.circuit_breaker import CircuitBreaker
from modelpass.dynamodb.endpoint import RotatingCredentials, region_of, store_endpoint
from modelpass.dynamodb.retries import Pacing
from modelpass.dynamodb.transport import metered
from modelpass.runtime import config, telemetry
from modelpass.runtime.deps import Deps
from modelpass.times import NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Send

_CHANCE_BYTES: Final = 6


def _system_clock() -> int:
    return time.time_ns() // NS_PER_MS


clock: Callable[[], int] = _system_clock

# zoneinfo reads the tzdata package by its path. By its name it would do so with importlib.resources, which loads more
# modules than this package has.
zoneinfo.reset_tzpath([f"{os.path.abspath(tzdata.__path__[0])}/zoneinfo"])  # noqa: PTH100 - pathlib is long to load, too


def _now_ms() -> int:
    return clock()


def _chance() -> float:
    """A random number in [0, 1); the standard library's `random` takes long to load at a cold start."""
    return int.from_bytes(os.urandom(_CHANCE_BYTES), "big") / 256**_CHANCE_BYTES


def deps(*, signs: bool = False) -> Deps:
    """The real `Deps`, from the environment; raises `ConfigError` for a setting that is missing or wrong.

    `signs` is for a function that issues or reads API keys or authorization ids: without a deployment key it does not
    start. The store's client never retries; the commands do, within what the breaker of the process lets them.
    """
    pacing = Pacing(time.monotonic, time.sleep, _chance)
    breaker = CircuitBreaker(pacing, telemetry.store_breaker)
    return Deps(
        now_ms=_now_ms,
        entropy=os.urandom,
        pacing=pacing,
        send=breaker.guarded(metered(_send(), telemetry.store_requested)),
        tables=config.tables(os.environ),
        deployment_keys=config.signing_keys(os.environ) if signs else config.deployment_keys(os.environ),
        max_open_holds=config.max_open_holds(os.environ),
        may_retry=breaker.may_retry,
        price_change_factor=config.price_change_factor(os.environ),
    )


def _send() -> Send:
    """The seam to DynamoDB by the client that is chosen; only the modules of that client are loaded."""
    if not config.lean_client_chosen(os.environ):
        from modelpass.dynamodb.boto3_client import boto3_send, new_client  # noqa: PLC0415

        return boto3_send(new_client())
    from modelpass.dynamodb.lean_client import LeanClient  # noqa: PLC0415

    endpoint, region = store_endpoint(os.environ), region_of(os.environ)
    return LeanClient(endpoint, region, RotatingCredentials(os.environ)).send
