"""What a refusal tells of the next request of the same key. Rule: only what can never reverse is kept as an answer.

Why a key that was replaced stays refused: a key is shown once its hash stands in every entitlement of its term. (A
purchase and a renewal write them in one transaction, a regeneration answers when all have it.) So whoever asks with a
key asks after that. From there on the hash is only ever changed to that of a later generation, and taken out for good
by a renewal. A hash that differs is therefore a later one, whatever clocks say. A regeneration that breaks off has
shown its key to nobody; whoever finishes it brings that key or a later one. Which deployment keys are accepted is asked
before. Tables restored to an earlier moment alone bring an old key back: what is kept is kept for minutes.

The row of a subscription knows a new key before the entitlements do, and what it says is about models that are not in
the term alone. Everything else reverses with time, a settle, an operator or a router, or shows windows, which do.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.entitlements.model import Entitlement
    from modelpass.errors import Refusal

NO_MODEL: frozenset[str] = frozenset()


class RememberedRefusal(NamedTuple):
    """What a refusal tells of the next request of its key.

    It is about the model that was asked for, or, where `held` names the models of the term, about every other one.
    `refusal` is the answer for good. Without one the next request looks before it writes: at the entitlement, or at
    the subscription's row for a model that the term has not.
    """

    account_id: str | None
    refusal: Refusal | None = None
    held: frozenset[str] | None = None


def remembered(refusal: Refusal, entitlement: Entitlement) -> RememberedRefusal:
    """What a refusal tells that an entitlement led to."""
    account_id = entitlement.account_id
    if refusal.code is not ErrorCode.INVALID_API_KEY:
        return RememberedRefusal(account_id)
    if entitlement.key_hash is None:  # renewed: the term has lost its key in all its models at once
        return RememberedRefusal(account_id, refusal, NO_MODEL)
    return RememberedRefusal(account_id, refusal)  # the other models may not know the later key yet


KEPT_SECONDS: Final = 300.0
MOST_KEPT: Final = 1024


class RefusalCache:
    """What the last refusals of a process have taught: the newest so many, each for so many seconds and no longer.

    `monotonic` is a steady clock in seconds. Threads may share it: each use of the dictionary is one call into C.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[bytes | tuple[bytes, str], tuple[float, RememberedRefusal]] = OrderedDict()

    def recall(self, key_hash: bytes, model_id: str) -> RememberedRefusal | None:
        """What is remembered of a key and a model; None lets the request be written at once."""
        of_key = self._fresh(key_hash)
        if of_key is not None and of_key.held is not None and model_id not in of_key.held:
            return of_key
        return self._fresh((key_hash, model_id))

    def remember(self, key_hash: bytes, model_id: str, remembered: RememberedRefusal) -> None:
        """Keep what the refusal of a key and a model tells from now on."""
        about = (key_hash, model_id) if remembered.held is None else key_hash
        self._kept.pop(about, None)  # the order is that of remembering, and so of the time to forget
        self._kept[about] = (self._monotonic() + KEPT_SECONDS, remembered)
        if len(self._kept) > MOST_KEPT:
            self._kept.popitem(last=False)

    def forget(self, key_hash: bytes, model_id: str) -> None:
        """Write the next request of a key and a model at once again."""
        self._kept.pop((key_hash, model_id), None)

    def _fresh(self, about: bytes | tuple[bytes, str]) -> RememberedRefusal | None:
        kept = self._kept.get(about)
        return None if kept is None or kept[0] <= self._monotonic() else kept[1]
