"""What is built once at cold start. Rule: the only place where clock, randomness and the store's client are real.

`clock` is a module attribute so that a stack which is not production can put another clock in its place. Only
`telemetry` has a clock of its own, a steady one that no decision reads.
"""

from __future__ import annotations

import os
import time
import zoneinfo
from typing import TYPE_CHECKING, Final

import tzdata  # type: ignore[import-untyped]

from modelpass.dynamodb.endpoint import RotatingCredentials, region_of, store_endpoint
from modelpass.dynamodb.retries import Pacing
from modelpass.dynamodb.transport import metered
from modelpass.runtime import config, telemetry
from modelpass.runtime.deps import Deps

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Send

_NS_PER_MS: Final = 1_000_000
_CHANCE_BYTES: Final = 6


def _system_clock() -> int:
    return time.time_ns() // _NS_PER_MS


clock: Callable[[], int] = _system_clock

# The same data by its path: Python's way to look into a package loads more than all of ours.
zoneinfo.reset_tzpath([f"{os.path.abspath(tzdata.__path__[0])}/zoneinfo"])  # noqa: PTH100 - pathlib is long to load, too


def _now_ms() -> int:
    return clock()


def _chance() -> float:
    """A random number in [0, 1); `random` takes longer to load than is left of a start."""
    return int.from_bytes(os.urandom(_CHANCE_BYTES), "big") / 256**_CHANCE_BYTES


def deps(*, signs: bool = False) -> Deps:
    """The real outside, from the environment. Retries of the SDK are off: the commands retry.

    A function that issues or reads keys and ids `signs`: it does not start without a deployment key.
    """
    return Deps(
        now_ms=_now_ms,
        entropy=os.urandom,
        pacing=Pacing(time.monotonic, time.sleep, _chance),
        send=metered(_send(), telemetry.asked),
        tables=config.tables(os.environ),
        deployment_keys=config.signing_keys(os.environ) if signs else config.deployment_keys(os.environ),
        max_open_holds=config.max_open_holds(os.environ),
    )


def _send() -> Send:
    """The store by the client that was chosen: only its modules are loaded."""
    if not config.lean_client_chosen(os.environ):
        from modelpass.dynamodb.boto3_client import boto3_send, new_client  # noqa: PLC0415

        return boto3_send(new_client())
    from modelpass.dynamodb.lean_client import LeanClient  # noqa: PLC0415

    endpoint, region = store_endpoint(os.environ), region_of(os.environ)
    return LeanClient(endpoint, region, RotatingCredentials(os.environ)).send
