"""Cancel: end a subscription now. Rule: once it has answered, its key grants nothing, and the place is free.

First every model is stopped, then the place is freed: an account never has two active subscriptions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import unfinished
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements.model import Status, Subscription
from modelpass.subscriptions import revocations
from modelpass.subscriptions.commands import repository

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps


def cancel(deps: Deps, account_id: str, subscription_id: str) -> Subscription:
    """The subscription, cancelled; one that has ended already is left as it is. Open authorizations still settle."""
    attempts = deps.attempts()
    while True:
        try:
            found = repository.own(deps, attempts, account_id, subscription_id)
            if found.cancelling_at_ms is None:
                if found.status(deps.now_ms()) is not Status.ACTIVE:
                    return found
                found = _begin(deps, found)
            return _finish(deps, attempts, found)
        except ConditionFailedError:
            attempts.lost_race()
        except StoreBusyError as failure:
            attempts.busy(failure)


def _begin(deps: Deps, found: Subscription) -> Subscription:
    now_ms = deps.now_ms()
    deps.send("UpdateItem", revocations.begin_cancellation(deps.tables, found, now_ms))
    return found._replace(cancelling_at_ms=now_ms, due_at_ms=now_ms)


def _finish(deps: Deps, attempts: RetryBudget, found: Subscription) -> Subscription:
    slot = repository.place_of(deps, attempts, found.account_id)
    unfinished.stop(deps, attempts, found, slot)
    return found._replace(cancelled_at_ms=found.cancelling_at_ms, cancelling_at_ms=None, due_at_ms=None)
