"""What was begun in a subscription's row and is carried to its entitlements: cancellations and new keys, to their end.

Rule: idempotent, and finished by whoever meets it: the call that began it, a later one, or the reset. What cannot be
read is passed over, for it grants nothing; then the row stays marked.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from modelpass.entitlements import updates
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions import revocations
from modelpass.subscriptions.commands import repository

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription


def with_cancellation_finished(deps: Deps, budget: RetryBudget, found: Subscription) -> Subscription:
    """A subscription whose cancellation, if one was begun and broken off, is carried out to its end.

    For commands of which their caller expects that nothing is granted any more once they have answered.
    """
    if found.cancelling_at_ms is None or found.cancelled_at_ms is not None:
        return found
    finish_cancellation(deps, budget, found)
    return found._replace(cancelled_at_ms=found.cancelling_at_ms, cancelling_at_ms=None, due_at_ms=None)


def finish_cancellation(deps: Deps, budget: RetryBudget, subscription: Subscription) -> None:
    """Stop every entitlement, then cancel the row and free the place. It does nothing unless a cancellation was begun.

    What cannot be read is passed over: an entitlement grants nothing then, and the place is as it was. The row is
    cancelled all the same, and stays marked, so that the reset comes back while the term lasts.
    Raises `ConditionFailedError` when another caller has finished it, or the place is not what it was any more.
    """
    at_ms = subscription.cancelling_at_ms
    if at_ms is None:
        return
    requests = [updates.cancel(deps.tables, entitlement, at_ms) for entitlement in subscription.entitlement_ids()]
    done = repository.write_each(deps, budget, requests)
    slot = None
    try:
        slot = repository.slot_of_account(deps, budget, subscription.account_id)
    except UnreadableItemError:
        done = False
    request = revocations.end_cancellation(deps.tables, subscription, slot, deps.now_ms(), done=done)
    deps.send("TransactWriteItems", request)


def finish_new_key(deps: Deps, budget: RetryBudget, subscription: Subscription) -> bool:
    """Write the row's key to every entitlement, then note that in the row. Once this returns, no older key grants.

    An entitlement that cannot be read grants nothing, and is passed over: then the row stays marked, the reset comes
    back to it while the term lasts, and this gives False.
    """
    requests = [
        updates.set_key(deps.tables, entitlement, subscription.key_hash, subscription.key_generation)
        for entitlement in subscription.entitlement_ids()
    ]
    done = repository.write_each(deps, budget, requests)
    write = revocations.end_new_key if done else revocations.put_off_new_key
    request = write(deps.tables, subscription, deps.now_ms())
    budget.for_another().until_written(partial(deps.send, "UpdateItem", request))
    return done
