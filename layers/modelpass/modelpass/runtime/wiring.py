"""Builds the real `Deps` once, at cold start. Rule: only here do a clock, randomness or a client reach a command.

To load this module reads no setting and changes nothing of the process, which may belong to somebody else.

`clock` is a module attribute so that a stack which is not production can put another clock in its place. Two modules
read clocks of their own, which no decision depends on: `telemetry` to date and time its lines, and `lean_client` to
sign requests and to bound their time.
"""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Final

from modelpass.dynamodb.circuit_breaker import CircuitBreaker
from modelpass.dynamodb.endpoint import RotatingCredentials, region_of, store_endpoint
from modelpass.dynamodb.retries import Pacing
from modelpass.dynamodb.transport import metered
from modelpass.runtime import config, telemetry
from modelpass.runtime.deps import Deps
from modelpass.times import NS_PER_MS

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.api_keys import DeploymentKeys
    from modelpass.dynamodb.transport import Send
    from modelpass.schema import Tables

_CHANCE_BYTES: Final = 6


def _system_clock() -> int:
    return time.time_ns() // NS_PER_MS


clock: Callable[[], int] = _system_clock


def _now_ms() -> int:
    return clock()


def _chance() -> float:
    """A random number in [0, 1); the standard library's `random` takes long to load at a cold start."""
    return int.from_bytes(os.urandom(_CHANCE_BYTES), "big") / 256**_CHANCE_BYTES


def deps(*, signs: bool = False) -> Deps:
    """The real `Deps`, from the environment; raises `ConfigError` for a setting that is missing or wrong.

    `signs` is for a function that issues or reads API keys or authorization ids: without a deployment key it does not
    start.
    """
    keys = config.signing_keys(os.environ) if signs else config.deployment_keys(os.environ)
    around_the_store = deps_around(_send(), config.tables(os.environ), keys)
    return around_the_store._replace(
        max_open_holds=config.max_open_holds(os.environ),
        price_change_factor=config.price_change_factor(os.environ),
        sale_approval=config.sale_approval(os.environ),
        order_minutes=config.order_minutes(os.environ),
    )


def deps_around(send: Send, tables: Tables, deployment_keys: DeploymentKeys) -> Deps:
    """The real `Deps` of a process that asks the store by `send`, with the default bounds.

    The store's client never retries; the commands do, within what the breaker of the process lets them.
    """
    pacing = Pacing(time.monotonic, time.sleep, _chance)
    breaker = CircuitBreaker(pacing, telemetry.store_breaker)
    return Deps(
        now_ms=_now_ms,
        entropy=os.urandom,
        pacing=pacing,
        send=breaker.guarded(metered(send, telemetry.store_requested)),
        tables=tables,
        deployment_keys=deployment_keys,
        may_retry=breaker.may_retry,
    )


def _send() -> Send:
    """The seam to DynamoDB by the client that is chosen; only the modules of that client are loaded."""
    if not config.lean_client_chosen(os.environ):
        from modelpass.dynamodb.boto3_client import boto3_send, new_client  # noqa: PLC0415

        return boto3_send(new_client())
    from modelpass.dynamodb.lean_client import LeanClient  # noqa: PLC0415

    endpoint, region = store_endpoint(os.environ), region_of(os.environ)
    return LeanClient(endpoint, region, RotatingCredentials(os.environ)).send
