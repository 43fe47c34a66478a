"""Cancel: end a subscription now. Rule: once it has answered, the key grants nothing and the account's place is free.

First every entitlement is stopped, then the place is freed, so that an account never has two active subscriptions. What
a crash leaves undone is finished by a repeat of the call or by the reset (`begun`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.subscriptions import revocations
from modelpass.subscriptions.commands import begun, repository, upkeep, waiting_orders

if TYPE_CHECKING:
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
        return begun.with_cancellation_finished(deps, budget, found)

    return budget.until_done(attempt).at(deps.now_ms())


def _begin(deps: Deps, found: Subscription) -> Subscription:
    now_ms = deps.now_ms()
    deps.send("UpdateItem", revocations.begin_cancellation(deps.tables, found, now_ms))
    return found._replace(cancelling_at_ms=now_ms, due_at_ms=now_ms)
