"""How often and for how long a command tries again. Rule: both are bounded; then it raises `temporarily_unavailable`.

Nothing is sent from here. What is tried again is a function of the command, which reads the clock and the store anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple, TypeVar

from modelpass.dynamodb.transport import Cause, ConditionFailedError, StoreBusyError
from modelpass.errors import temporarily_unavailable
from modelpass.schema import require_understood

_T = TypeVar("_T")
MayRetry = Callable[[Cause], bool]
"""Whether a command may try again after such a failure; of what it grants, something is used up."""

BUSY_TRIES: Final = 6
"""A budget gives up when the store is busy for the time that this counts."""
LOST_RACES: Final = 60
"""A budget gives up when another writer comes first for the time that this counts."""
DEADLINE_SECONDS: Final = 6.0
"""How long a command may go on trying, counted from the start of its budget."""
_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.4


class Pacing(NamedTuple):
    """What a retry needs from outside: a steady clock in seconds, a sleep in seconds, a random number in [0, 1)."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]


def always(_: Cause) -> bool:
    """A `MayRetry` for a command that shares its store with no other: its own budget is the only bound."""
    return True


class RetryBudget:
    """Counts the tries of one command; raises `temporarily_unavailable` when they, or its time, are used up.

    `stop_at` is when the steady clock (seconds) ends all trying, if that comes before the command's own deadline.
    `may_retry` is asked before each try that a busy store makes necessary: it holds all commands of a process to what
    the store can bear (`circuit_breaker`).
    """

    def __init__(self, pacing: Pacing, stop_at: float, may_retry: MayRetry) -> None:
        self._pacing = pacing
        self._may_retry = may_retry
        self._ends = min(pacing.monotonic() + DEADLINE_SECONDS, stop_at)
        self._busy = 0
        self._lost = 0

    def for_another(self) -> RetryBudget:
        """A budget for one more item of the same command: it counts its tries from zero and ends at the same time."""
        return RetryBudget(self._pacing, self._ends, self._may_retry)

    def busy(self, failure: StoreBusyError) -> None:
        """Count that the store was busy, and pause with jitter, longer each time.

        There is no pause after a kept connection was found closed. While the breaker is open there is neither a pause
        nor another try.
        """
        self._busy += 1
        self._check(self._busy < BUSY_TRIES and failure.cause is not Cause.OPEN)
        if failure.cause is Cause.STALE:
            return
        self._check(self._may_retry(failure.cause))
        ceiling = min(_FIRST_PAUSE_SECONDS * 2**self._busy, _LONGEST_PAUSE_SECONDS)
        self._pacing.sleep(ceiling * (0.5 + self._pacing.random() / 2))

    def lost_race(self) -> None:
        """Count that another writer came first; the command looks again at once, but not for ever."""
        self._lost += 1
        self._check(self._lost < LOST_RACES)

    def until_done(self, attempt: Callable[[], _T]) -> _T:
        """Repeat an attempt until it returns. An attempt is the whole command, from its first read to its write.

        It begins again at once after `ConditionFailedError`, and after a pause on `StoreBusyError`.
        """
        while True:
            try:
                return attempt()
            except ConditionFailedError:
                self.lost_race()
            except StoreBusyError as failure:
                self.busy(failure)

    def until_written(self, write: Callable[[], object]) -> None:
        """Carry out a guarded write; where its guard fails, the write was done before, or something newer has come.

        Raises `UnreadableItemError` when the guard failed because the item is of a version that is not understood.
        """
        try:
            self.persist(write)
        except ConditionFailedError as failure:
            if failure.item is not None:
                require_understood(failure.item)  # else a write that was never done would pass as done

    def persist(self, read: Callable[[], _T]) -> _T:
        """Repeat a read until it returns; after a pause on `StoreBusyError`. Every other failure is raised."""
        while True:
            try:
                return read()
            except StoreBusyError as failure:
                self.busy(failure)

    def _check(self, within: bool) -> None:  # noqa: FBT001
        if not within or self._pacing.monotonic() >= self._ends:
            raise temporarily_unavailable()
