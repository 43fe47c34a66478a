"""Reject and withdraw: let an order end that waits, without carrying it out. Rule: a repeat changes nothing.

The billing system rejects an order, its customer withdraws it. Whoever comes second is told how it ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.subscriptions import approval
from modelpass.subscriptions.commands import waiting_orders
from modelpass.subscriptions.commands.waiting_orders import Ended
from modelpass.subscriptions.order_records import OrderStatus

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.approval import State


def reject(deps: Deps, order_id: str, reason: str) -> Ended:
    """Let an order end that waits, for a reason; one that was rejected already is given back as it is.

    Raises `Refused` and changes nothing: `not_found`, `order_confirmed`, and `order_lapsed` for one that lapsed or was
    withdrawn.
    """
    budget = deps.retry_budget()

    def attempt() -> Ended:
        return _end(deps, waiting_orders.read_waiting(deps, budget, None, order_id), OrderStatus.REJECTED, reason)

    return budget.until_done(attempt)


def withdraw(deps: Deps, account_id: str, order_id: str) -> Ended:
    """Let an order of this account end that waits; one that was withdrawn already is given back as it is.

    Raises `Refused` and changes nothing: `not_found`, also for another account's, `order_confirmed`, and `order_lapsed`
    for one that lapsed or was rejected.
    """
    budget = deps.retry_budget()

    def attempt() -> Ended:
        return _end(deps, waiting_orders.read_waiting(deps, budget, account_id, order_id), OrderStatus.WITHDRAWN, None)

    return budget.until_done(attempt)


def _end(deps: Deps, read: State, status: OrderStatus, reason: str | None) -> Ended:
    now_ms = deps.now_ms()
    if read.order.stored is status:
        return Ended(read.order, now_ms)
    waiting_orders.require_waiting(read, now_ms)
    ended = approval.ended(read, status, now_ms, reason)
    waiting_orders.write_end(deps, read, ended, now_ms)
    return Ended(ended.order, now_ms)
