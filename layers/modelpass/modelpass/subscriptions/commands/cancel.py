"""Cancel: end a subscription now. Rule: once it has answered, the key grants nothing and the account's place is free.

First every entitlement is stopped, then the place is freed, so that an account never has two active subscriptions. What
a crash leaves undone is finished by a repeat of the call or by the reset (`finish_cancellation`).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from modelpass.entitlements import updates
from modelpass.subscriptions import revocations
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.model import Status, Subscription

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Slot


def cancel(deps: Deps, account_id: str, subscription_id: str) -> Subscription:
    """Cancel a subscription and give it back; one that has ended already is given back as it is.

    Open authorizations can still be settled. Raises `Refused`: `not_found` for another account's subscription, and
    `temporarily_unavailable` when the tries are used up; a repeat then finishes what was begun.
    """
    budget = deps.retry_budget()

    def attempt() -> Subscription:
        found = repository.own_subscription(deps, budget, account_id, subscription_id)
        if found.cancelling_at_ms is None:
            if found.status(deps.now_ms()) is not Status.ACTIVE:
                return found
            found = _begin(deps, found)
        return _finish(deps, budget, found)

    return budget.until_done(attempt)


def _begin(deps: Deps, found: Subscription) -> Subscription:
    now_ms = deps.now_ms()
    deps.send("UpdateItem", revocations.begin_cancellation(deps.tables, found, now_ms))
    return found._replace(cancelling_at_ms=now_ms, due_at_ms=now_ms)


def _finish(deps: Deps, budget: RetryBudget, found: Subscription) -> Subscription:
    slot = repository.slot_of_account(deps, budget, found.account_id)
    finish_cancellation(deps, budget, found, slot)
    return found._replace(cancelled_at_ms=found.cancelling_at_ms, cancelling_at_ms=None, due_at_ms=None)


def finish_cancellation(deps: Deps, budget: RetryBudget, subscription: Subscription, slot: Slot | None) -> None:
    """Stop every entitlement, then cancel the row and free the place. It does nothing unless a cancellation was begun.

    Raises `ConditionFailedError` when another caller has finished it, or the place is not `slot` any more.
    """
    at_ms = subscription.cancelling_at_ms
    if at_ms is None:
        return
    for entitlement in subscription.entitlement_ids():
        request = updates.cancel(deps.tables, entitlement, at_ms)
        budget.for_another().until_written(partial(deps.send, "UpdateItem", request))
    request = revocations.end_cancellation(deps.tables, subscription, slot, deps.now_ms())
    deps.send("TransactWriteItems", request)
