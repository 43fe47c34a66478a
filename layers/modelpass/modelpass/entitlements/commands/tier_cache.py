"""Which tiers are down, kept in the process for 3 to 4 seconds. Rule: a grant depends on nothing else that is kept.

One item of a table of its own names them, which no request of a customer reads. A change binds everywhere within 5
seconds: at most 4 in the cache, and the time of a read; of a process with many threads one reads it again, and the
others go on until it is 4.5 seconds old. While the item cannot be read, what was read last stands: a
tier that was taken down stays down, and one that was up stays up, for ten minutes after the last read. Then, and in a
process that has not read it yet, requests are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.catalogue.tiers import tiers_down_key, tiers_down_of
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import StoreError
from modelpass.errors import temporarily_unavailable
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier, TiersDown
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps

_KEPT_SECONDS: Final = 3.0
_JITTER_SECONDS: Final = 1.0
_WHILE_ONE_READS_SECONDS: Final = 4.5
"""How old a value may get for the other threads of a process while one reads it again."""
STANDS_SECONDS: Final = 600.0
"""How long what was read last stands while it cannot be read again.

Long enough for an outage of one small table to be noticed and mended, or for its throttling to end, before customers
are refused; short enough that an operator who cannot have a switch obeyed knows when it is, at the latest.
"""
_NEVER: Final = float("-inf")
_NONE: Final[frozenset[Tier]] = frozenset()


class TierCache:
    """The tiers that are down, as this process last read them."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._fresh_until = self._read_at = _NEVER
        self._down: dict[str, frozenset[Tier]] = {}

    def down_of(self, model_id: str, budget: RetryBudget) -> frozenset[Tier]:
        """The tiers of a model that are down, read again when they were read more than 3 to 4 seconds ago.

        Raises `Refused` (`temporarily_unavailable`) when they cannot be read and were not for `STANDS_SECONDS`.
        """
        asked = self._deps.pacing.monotonic()
        if asked >= self._fresh_until:
            self._refresh(asked, budget)
        return self._down.get(model_id, _NONE)

    def _refresh(self, asked: float, budget: RetryBudget) -> None:
        stands = asked - self._read_at < STANDS_SECONDS
        self._fresh_until = max(self._fresh_until, self._read_at + _WHILE_ONE_READS_SECONDS)  # for other threads
        try:
            # While the last value stands, it is good enough for this request, which waits for no second try.
            found = self._read() if stands else budget.persist(self._read)
        except StoreError as failure:
            if self._read_at == _NEVER:
                raise  # what rejects a process from its start on is the deployment's fault, and told as such
            telemetry.report_unexpected(failure)
            if not stands:
                raise temporarily_unavailable() from None
            failed = self._deps.pacing.monotonic()
            telemetry.tiers_unread(round(failed - self._read_at))
            # A store that hangs costs one request its time and no other; but nothing stands for longer than it may.
            self._fresh_until = min(self._due_after(failed), self._read_at + STANDS_SECONDS)
            return
        self._fresh_until = self._due_after(asked)
        if stands and not found.legible and not found.pairs:
            return  # nothing of it can be read
        self._read_at = asked
        self._down = _by_model(found)

    def _due_after(self, moment: float) -> float:
        return moment + _KEPT_SECONDS + _JITTER_SECONDS * self._deps.pacing.random()

    def _read(self) -> TiersDown:
        send, table, key = self._deps.send, self._deps.tables.tiers, schema.primary_key(tiers_down_key())
        item = transport.get(send, table, key)
        if item is None:  # in the first minute of this table, until the reset has filled it from the copy
            table = self._deps.tables.catalogue
            item = transport.get(send, table, key)
        found = tiers_down_of(item)
        if item is not None and not found.complete:
            from modelpass.runtime import unreadable  # noqa: PLC0415 - rare, and long to load at a start

            unreadable.report(table, item)
        return found


def _by_model(found: TiersDown) -> dict[str, frozenset[Tier]]:
    by_model: dict[str, frozenset[Tier]] = {}
    for model_id, tier in found.pairs:
        by_model[model_id] = by_model.get(model_id, _NONE) | {tier}
    return by_model
