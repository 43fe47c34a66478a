"""What a process keeps from one request to the next. Rule: it may save requests to the store; it decides no grant.

Kept are the tiers that are down (`availability`), and what was learnt from refusals (`lasting`), by the hash of the
key: a key itself is never kept.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.entitlements.commands.tier_cache import TiersDown

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.entitlements.refusal_cache import Lesson
    from modelpass.runtime.deps import Deps

KEPT_SECONDS: Final = 300.0
MOST_KEPT: Final = 1024


class Refusals:
    """What the last refusals of a process have taught: the newest so many, each for so many seconds and no longer.

    `monotonic` is a steady clock in seconds. Threads may share it: each use of the dictionary is one call into C.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[bytes | tuple[bytes, str], tuple[float, Lesson]] = OrderedDict()

    def lesson(self, key_hash: bytes, model_id: str) -> Lesson | None:
        """What is known of a key and a model; None lets the request be written at once."""
        of_key = self._fresh(key_hash)
        if of_key is not None and of_key.held is not None and model_id not in of_key.held:
            return of_key
        return self._fresh((key_hash, model_id))

    def learn(self, key_hash: bytes, model_id: str, lesson: Lesson) -> None:
        """Keep what the refusal of a key and a model has taught just now."""
        about = (key_hash, model_id) if lesson.held is None else key_hash
        self._kept.pop(about, None)  # the order is that of learning, and so of the time to forget
        self._kept[about] = (self._monotonic() + KEPT_SECONDS, lesson)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def forget(self, key_hash: bytes, model_id: str) -> None:
        """Write the next request of a key and a model at once again."""
        self._kept.pop((key_hash, model_id), None)

    def _fresh(self, about: bytes | tuple[bytes, str]) -> Lesson | None:
        kept = self._kept.get(about)
        return None if kept is None or kept[0] <= self._monotonic() else kept[1]


class Known(NamedTuple):
    """All of it."""

    tiers_down: TiersDown
    refusals: Refusals

    @staticmethod
    def nothing(deps: Deps) -> Known:
        """What a process knows that has just started."""
        return Known(TiersDown(deps), Refusals(deps.pacing.monotonic))
