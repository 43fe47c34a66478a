"""How often a command tries again. Rule: bounded in number and in time, then 503; every try reads the clock anew."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.errors import temporarily_unavailable

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

BUSY_TRIES: Final = 6
LOST_RACES: Final = 60
DEADLINE_SECONDS: Final = 6.0
_FIRST_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.4


class Pacing(NamedTuple):
    """The outside of a retry: a steady clock in seconds, a sleep, and a random number in [0, 1)."""

    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    random: Callable[[], float]


class RetryBudget:
    """Counts the tries of one command; raises `temporarily_unavailable` when they are used up."""

    def __init__(self, pacing: Pacing, stop_at: float) -> None:
        self._pacing = pacing
        self._ends = min(pacing.monotonic() + DEADLINE_SECONDS, stop_at)
        self._busy = 0
        self._lost = 0

    def for_another(self) -> RetryBudget:
        """The tries of one more item of the same command: counted anew, in the time that is left."""
        return RetryBudget(self._pacing, self._ends)

    def busy(self, failure: StoreBusyError) -> None:
        """The store was busy: pause with jitter, longer each time; not for a connection that was closed meanwhile."""
        self._busy += 1
        self._check(self._busy < BUSY_TRIES)
        if failure.at_once:
            return
        ceiling = min(_FIRST_PAUSE_SECONDS * 2**self._busy, _LONGEST_PAUSE_SECONDS)
        self._pacing.sleep(ceiling * (0.5 + self._pacing.random() / 2))

    def lost_race(self) -> None:
        """Another writer came first: look again at once, but not for ever."""
        self._lost += 1
        self._check(self._lost < LOST_RACES)

    def until_done(self, attempt: Callable[[], _T]) -> _T:
        """Carry out an attempt, a command from its first read to its write, anew until it is through.

        It is begun again at once when another writer came first, and after a pause while the store is busy.
        """
        while True:
            try:
                return attempt()
            except ConditionFailedError:
                self.lost_race()
            except StoreBusyError as failure:
                self.busy(failure)

    def persist(self, read: Callable[[], _T]) -> _T:
        """Carry out a read, again while the store is busy."""
        while True:
            try:
                return read()
            except StoreBusyError as failure:
                self.busy(failure)

    def _check(self, within: bool) -> None:  # noqa: FBT001
        if not within or self._pacing.monotonic() >= self._ends:
            raise temporarily_unavailable()
