"""One report, sent once, by the way that is better now. Rule: it tells what became of it, and never raises.

| answer | outcome |
|---|---|
| settled, or replayed | for good |
| the queue has taken it | for good: the service works the queue off |
| 400, 404 | refused for good; one that was not found goes to the queue as well, which parks it |
| an optional field is refused | sent again without it: some of the report is better than none |
| anything else, or nothing | failed: to be sent again |
"""

from __future__ import annotations

import contextlib
import logging
from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.backend import Backend, BackendError, Queue
from modelpass_client.dialect import Dialect, refused_field

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client")

_NOT_FOUND: Final = 404
_FINAL_STATUSES: Final = frozenset({400, _NOT_FOUND})
_OPTIONAL: Final = frozenset({"calls", "servedTier", "usageSource"})
_PROBE_SECONDS: Final = 5.0


class Item:
    """A report on its way: the id of its authorization, what is sent, how often that failed."""

    __slots__ = ("code", "failures", "id", "payload")

    def __init__(self, found: str, payload: Json) -> None:
        self.id = found
        self.payload = payload
        self.failures = 0
        self.code = ""  # of the refusal


class Outcome(Enum):
    """What became of a report; the values are those of the settler's `counts`."""

    SETTLED = "settled"
    REPLAYED = "replayed"
    QUEUED = "queued"
    REFUSED = "refused"
    FAILED = "failures"


class Delivery:
    """The two ways to the service, and which is better now; it may be shared by threads."""

    def __init__(
        self,
        backend: Backend,
        queue: Queue | None,
        dialect: Dialect,
        *,
        queue_after: int,
        clock: Callable[[], float],
    ) -> None:
        """Prefer the queue for a report after `queue_after` failures, and for all while the function fails so often."""
        self._backend, self._queue, self._dialect = backend, queue, dialect
        self._queue_after, self._clock = queue_after, clock
        self._failing = 0  # how often the function failed since it last answered
        self._probe_at = 0.0  # when it is asked again although it fails

    def attempt(self, item: Item) -> Outcome:
        """Send a report once, by both ways if the first fails."""
        if self._queue is not None and self._is_queue_better(item):
            with contextlib.suppress(Exception):
                self._queue.send(self._dialect.spoken(item.payload))
                return Outcome.QUEUED
        try:
            sent = self._dialect.spoken(item.payload)
            status = self._read(item, sent, self._backend.settle(sent))
        except Exception as error:  # whatever a way to the service does, the report stays
            if not isinstance(error, BackendError):
                LOG.exception("Sending a report failed in an unexpected way; it will be sent again.")
            status = Outcome.FAILED
        self._note(failed=status is Outcome.FAILED)
        return self.attempt(item) if status is None else status

    def _is_queue_better(self, item: Item) -> bool:
        down = self._failing >= self._queue_after and self._clock() < self._probe_at
        return down or item.failures >= self._queue_after

    def _read(self, item: Item, sent: Json, answer: Json) -> Outcome | None:
        """What an answer means; None: send it again at once, for it was refused for a field that it can do without."""
        if answer.get("settled") is True:
            return Outcome.REPLAYED if answer.get("replayed") else Outcome.SETTLED
        if answer.get("statusCode") not in _FINAL_STATUSES:
            return Outcome.FAILED
        if self._dialect.learns(sent, answer) or self._without_refused_field(item, answer):
            return None
        item.code = str((answer.get("error") or {}).get("code"))
        if answer["statusCode"] == _NOT_FOUND and self._queue is not None:
            with contextlib.suppress(BackendError):  # there it is parked, and booked should a lost key come back
                self._queue.send(item.payload)
        return Outcome.REFUSED

    def _without_refused_field(self, item: Item, answer: Json) -> bool:
        field = refused_field(answer)
        if field not in _OPTIONAL or field not in item.payload:
            return False
        LOG.warning("A report's %s was refused: it is booked without.", field)
        item.payload = {name: value for name, value in item.payload.items() if name != field}
        return True

    def _note(self, *, failed: bool) -> None:
        if not failed:
            self._failing = 0
            return
        self._failing += 1
        self._probe_at = self._clock() + _PROBE_SECONDS
        if self._failing == self._queue_after:
            LOG.warning("Reports cannot be delivered at the moment; they are kept and sent again.")
