"""The refusals that a process remembers, and how it treats the next request with the same key.

Rule: pure; only a refusal that can never reverse is kept as an answer, and no figure is kept. After any other refusal,
the next request reads before it writes.

A key that was replaced stays refused, and this is why. A key is shown to its owner once its hash stands in every
entitlement of its term: a purchase and a renewal write all of them in one transaction, and a regeneration answers when
all have it. So every request with a key comes after that. From then on the hash in an entitlement only changes to that
of a later key, and a renewal takes it out for good. A hash that differs is therefore that of a later key, whatever
clocks say. A regeneration that breaks off has shown its key to nobody; whoever finishes it brings that key or a later
one. Keys under a deployment key that is no longer accepted are refused before memory is asked. Only tables that are
restored to an earlier moment bring an old key back, which is why a refusal is kept for minutes and no longer.

The row of a subscription has the hash of a new key before its entitlements have it. So what the row says of a key is
remembered only for models that are not in the term. Where a later term has begun, it is remembered for all models, for
then every entitlement has lost the key. A cancellation that the row notes as complete never reverses either. Every
other refusal may reverse with time or by a settle, an operator or a router, or it shows windows, which move on.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.errors import ErrorCode

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.entitlements.model import Entitlement
    from modelpass.errors import Refusal

NO_MODELS: Final[frozenset[str]] = frozenset()
TTL_SECONDS: Final = 300.0
MAX_ENTRIES: Final = 1024


class RememberedRefusal(NamedTuple):
    """What a refusal says of the next request of its key.

    It is about the model that was asked for. Where `held` is not None, it is about every model but these, the models of
    the term. `refusal` is the answer from now on; where it is None, the next request reads before it writes: the
    entitlement, or the subscription's row where `held` is not None.
    """

    account_id: str | None
    refusal: Refusal | None = None
    held: frozenset[str] | None = None


def remembered(refusal: Refusal, entitlement: Entitlement, *, lasts: bool = False) -> RememberedRefusal:
    """What to remember of a refusal that was decided from a stored entitlement.

    `lasts` says that the subscription's row shows that nothing can reverse it.
    """
    account_id = entitlement.account_id
    if lasts:
        return RememberedRefusal(account_id, refusal)
    if refusal.code is not ErrorCode.INVALID_API_KEY:
        return RememberedRefusal(account_id)
    if entitlement.key_hash is None:  # a renewal has taken the key out of all models of the term at once
        return RememberedRefusal(account_id, refusal, NO_MODELS)
    # A later key is here, which may not have reached the other models yet.
    return RememberedRefusal(account_id, refusal)


class RefusalCache:
    """The newest `MAX_ENTRIES` refusals of a process, each kept for `TTL_SECONDS` and no longer.

    `monotonic` is a steady clock in seconds. Threads may share a cache: each use of the dictionary is one call into C.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._kept: OrderedDict[bytes | tuple[bytes, str], tuple[float, RememberedRefusal]] = OrderedDict()

    def recall(self, key_hash: bytes, model_id: str) -> RememberedRefusal | None:
        """What is remembered of a key and a model; None when the request should write without reading first."""
        of_key = self._fresh(key_hash)
        if of_key is not None and of_key.held is not None and model_id not in of_key.held:
            return of_key
        return self._fresh((key_hash, model_id))

    def remember(self, key_hash: bytes, model_id: str, remembered: RememberedRefusal) -> None:
        """Keep what the refusal of a key and a model says, in place of what was kept before."""
        about = (key_hash, model_id) if remembered.held is None else key_hash
        self._kept.pop(about, None)  # so that the oldest always comes first
        self._kept[about] = (self._monotonic() + TTL_SECONDS, remembered)
        if len(self._kept) > MAX_ENTRIES:
            self._kept.popitem(last=False)

    def forget(self, key_hash: bytes, model_id: str) -> None:
        """Let the next request of a key and a model write without reading first again."""
        self._kept.pop((key_hash, model_id), None)

    def _fresh(self, about: bytes | tuple[bytes, str]) -> RememberedRefusal | None:
        kept = self._kept.get(about)
        return None if kept is None or kept[0] <= self._monotonic() else kept[1]
