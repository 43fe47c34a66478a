"""Which tiers are down, kept in the process for 3 to 4 seconds. Rule: a grant depends on nothing else that is kept.

One small item of the catalogue names them. A change binds everywhere within 5 seconds: at most 4 in the cache, and the
time of a read. While the item cannot be read, requests are refused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.catalogue.tiers import tiers_down_key, tiers_down_of
from modelpass.dynamodb import transport

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps

_KEPT_SECONDS: Final = 3.0
_JITTER_SECONDS: Final = 1.0
_NONE: Final[frozenset[Tier]] = frozenset()


class TierCache:
    """The tiers that are down, as this process last read them."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._fresh_until = float("-inf")
        self._down: frozenset[tuple[str, Tier]] = frozenset()

    def down_of(self, model_id: str, budget: RetryBudget) -> frozenset[Tier]:
        """The tiers of a model that are down, read again when they were read more than 3 to 4 seconds ago.

        Raises `Refused` (`temporarily_unavailable`) when they have to be read and cannot be.
        """
        pacing = self._deps.pacing
        asked = pacing.monotonic()
        if asked >= self._fresh_until:
            self._down = budget.persist(self._read)
            self._fresh_until = asked + _KEPT_SECONDS + _JITTER_SECONDS * pacing.random()
        if not self._down:
            return _NONE
        return frozenset(tier for model, tier in self._down if model == model_id)

    def _read(self) -> frozenset[tuple[str, Tier]]:
        key = schema.primary_key(tiers_down_key())
        return tiers_down_of(transport.get(self._deps.send, self._deps.tables.catalogue, key)).pairs
