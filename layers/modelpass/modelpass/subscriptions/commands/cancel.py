"""Cancel: end a subscription now. Rule: once it has answered, the key grants nothing and the account's place is free.

First every entitlement is stopped, then the place is freed, so that an account never has two active subscriptions. What
a crash leaves undone is finished by a repeat of the call or by the reset (`finish_cancellation`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.entitlements import updates
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions import revocations
from modelpass.subscriptions.commands import repository, upkeep, waiting_orders

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription


def cancel(deps: Deps, account_id: str, subscription_id: str) -> Subscription:
    """Cancel a subscription and give it back; one that has ended already is given back as it is.

    An order that waits with it is withdrawn; a purchase that waits has never been then. Open authorizations can still
    be settled. Raises `Refused`: `not_found` for another account's subscription, and
    `temporarily_unavailable` when the tries are used up; a repeat then finishes what was begun.
    """
    budget = deps.retry_budget()

    def attempt() -> Subscription:
        found = repository.stored_subscription(deps, budget, subscription_id)
        never_was = found.is_gone(deps.now_ms()) and found.cancelled_at_ms is None
        if found.account_id != account_id or never_was:
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        found = upkeep.decided(deps, budget, found)
        waits = found.at(deps.now_ms()).pending_order
        if waits is not None:
            found = waiting_orders.withdraw_to_cancel(deps, budget, found, waits.number)
        if found.cancelled_at_ms is not None:
            return found
        if found.cancelling_at_ms is None:
            now_ms = deps.now_ms()
            upkeep.require_decided(found, now_ms)
            if found.has_ended(now_ms):
                return found
            found = _begin(deps, found)
        return with_cancellation_finished(deps, budget, found)

    return budget.until_done(attempt).at(deps.now_ms())


def _begin(deps: Deps, found: Subscription) -> Subscription:
    now_ms = deps.now_ms()
    deps.send("UpdateItem", revocations.begin_cancellation(deps.tables, found, now_ms))
    return found._replace(cancelling_at_ms=now_ms, due_at_ms=now_ms)


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
