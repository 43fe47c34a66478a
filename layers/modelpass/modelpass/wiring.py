"""What is built once at cold start. Rule: the only place where clock, randomness and the store's client are real.

`clock` is a module attribute so that a stack which is not production can put another clock in its place. Only
`telemetry` has a clock of its own, a steady one that no decision reads.
"""

from __future__ import annotations

import os
import random
import time
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config

from modelpass import config, telemetry
from modelpass.attempts import Pacing
from modelpass.deps import Deps
from modelpass.store import boto3_send, metered

if TYPE_CHECKING:
    from collections.abc import Callable

_CONNECT_SECONDS: Final = 1
_READ_SECONDS: Final = 2
_NS_PER_MS: Final = 1_000_000


def _system_clock() -> int:
    return time.time_ns() // _NS_PER_MS


clock: Callable[[], int] = _system_clock


def _now_ms() -> int:
    return clock()


def deps(*, signs: bool = False) -> Deps:
    """The real outside, from the environment. Retries of the SDK are off: the commands retry.

    A function that issues or reads keys and ids `signs`: it does not start without a deployment key.
    """
    client = boto3.client(
        "dynamodb",
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": 1},
        ),
    )
    return Deps(
        now_ms=_now_ms,
        entropy=os.urandom,
        pacing=Pacing(time.monotonic, time.sleep, random.random),
        send=metered(boto3_send(client), telemetry.asked),
        tables=config.tables(os.environ),
        deployment_keys=config.signing_keys(os.environ) if signs else config.deployment_keys(os.environ),
        max_open_holds=config.max_open_holds(os.environ),
    )
