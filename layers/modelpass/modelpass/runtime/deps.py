"""What a command is given from outside, as one value: clock, randomness, store, settings. Rule: the type alone.

`wiring` builds the real one at cold start, and tests build others. No command reads a clock, random bytes or the
environment by itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.api_keys import SECRET_BYTES, DeploymentKeys
from modelpass.dynamodb.retries import MayRetry, Pacing, RetryBudget, always
from modelpass.times import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Send
    from modelpass.schema import Tables

DEFAULT_MAX_OPEN_HOLDS: Final = 100
DEFAULT_PRICE_CHANGE_FACTOR: Final = 10
DEFAULT_ORDER_MINUTES: Final = 60
MOST_ORDER_MINUTES: Final = 7 * 24 * 60
"""For how long an order may wait in any deployment."""
_SHARE_OF_TIME: Final = 2 / 3
"""Which part of the time that an invocation has left it may use before it stops by itself."""


class Deps(NamedTuple):
    """What every command is given. `now_ms` tells the wall time in milliseconds; `entropy` gives so many random bytes.

    `stop_at` is when the steady clock (seconds) ends all trying. It is set for an invocation that carries out more than
    one command; else each command has only its own deadline. `may_retry` is the process's share of retries, which goes
    with the breaker around `send`. With `sale_approval`, sales wait as orders until they are confirmed, for at most
    `order_minutes`.
    """

    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]
    pacing: Pacing
    send: Send
    tables: Tables
    deployment_keys: DeploymentKeys
    max_open_holds: int = DEFAULT_MAX_OPEN_HOLDS
    stop_at: float = float("inf")
    may_retry: MayRetry = always
    price_change_factor: int = DEFAULT_PRICE_CHANGE_FACTOR
    sale_approval: bool = False
    order_minutes: int = DEFAULT_ORDER_MINUTES

    def retry_budget(self) -> RetryBudget:
        """A new budget of tries and time, for one command."""
        return RetryBudget(self.pacing, self.stop_at, self.may_retry)

    def time_to_stop(self, milliseconds_left: int) -> float:
        """What the steady clock (seconds) shows once two thirds of the time that an invocation has left are used."""
        return self.pacing.monotonic() + milliseconds_left / MS_PER_SECOND * _SHARE_OF_TIME

    def new_secret(self) -> bytes:
        """The random part of an API key."""
        return self.entropy(SECRET_BYTES)
