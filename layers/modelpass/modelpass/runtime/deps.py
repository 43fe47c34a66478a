"""What a command gets from outside: clock, randomness, store, settings. Rule: no other module reads any of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.api_keys import SECRET_BYTES, DeploymentKeys
from modelpass.dynamodb.retries import Pacing, RetryBudget
from modelpass.times import MS_PER_SECOND

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Send
    from modelpass.schema import Tables

DEFAULT_MAX_OPEN_HOLDS: Final = 100
_SHARE_OF_TIME: Final = 2 / 3


class Deps(NamedTuple):
    """The outside of every command. `now_ms` is wall time in milliseconds, `entropy` gives random bytes.

    `stop_at` is when the steady clock ends all trying, for invocations with more than one command to carry out.
    """

    now_ms: Callable[[], int]
    entropy: Callable[[int], bytes]
    pacing: Pacing
    send: Send
    tables: Tables
    deployment_keys: DeploymentKeys
    max_open_holds: int = DEFAULT_MAX_OPEN_HOLDS
    stop_at: float = float("inf")

    def retry_budget(self) -> RetryBudget:
        """A new budget of tries, for one command."""
        return RetryBudget(self.pacing, self.stop_at)

    def time_to_stop(self, milliseconds_left: int) -> float:
        """When the steady clock has used up two thirds of what an invocation has left."""
        return self.pacing.monotonic() + milliseconds_left / MS_PER_SECOND * _SHARE_OF_TIME

    def new_secret(self) -> bytes:
        """The random part of an API key."""
        return self.entropy(SECRET_BYTES)
