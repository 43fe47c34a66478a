"""Orders that wait, as whatever ends them reads and writes them. Rule: an order ends exactly once.

The order, its subscription's row and its account's place are read as of one moment, and the one transaction that ends
the order demands the row and the place as they were read. Whoever comes second finds how it ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import approval, items, order_events, order_items, transactions
from modelpass.subscriptions.approval import State
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.order_records import OrderStatus
from modelpass.subscriptions.sales.kinds import Effect

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.transactions import SaleWritten


class Ended(NamedTuple):
    """An order as it is after a call, and the moment (milliseconds) when it was so."""

    order: Order
    now_ms: int


def withdraw_to_cancel(deps: Deps, budget: RetryBudget, found: Subscription, number: int) -> Subscription:
    """Withdraw the order with this number that waits with a subscription, and begin to cancel that; gives its row.

    A purchase that waits is cancelled by that and has never been. A term that has ended stays as it is. Raises
    `ConditionFailedError` when the order has ended meanwhile.
    """
    read = _state_of(deps, budget, found.id, found.account_id, number)
    now_ms = deps.now_ms()
    if not approval.still_waits(read, now_ms):
        raise ConditionFailedError(None)
    ended = approval.ended(read, OrderStatus.WITHDRAWN, now_ms)
    ended = ended._replace(row=approval.cancelled(ended.row, now_ms))
    write_end(deps, read, ended, now_ms)
    return ended.row


def read_waiting(deps: Deps, budget: RetryBudget, account_id: str | None, order_id: str) -> State:
    """The order of this account with this id, with its row and its place; raises `not_found`, also for another's.

    None stands for an operator, who may name that of any account. The log's line names whose it is.
    """
    require_version_3(deps)
    pair = order_items.key_of_id(order_id)
    if pair is None:  # other text can be no id, and is not looked up
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    table, key = deps.tables.subscriptions, schema.primary_key(pair)
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    if stored is None:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    order = unreadable.read_one(table, stored, order_items.order_of)
    if account_id not in (None, order.account_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    telemetry.note(accountId=order.account_id, subscriptionId=order.subscription_id)
    return _state_of(deps, budget, order.subscription_id, order.account_id, order.number)


def require_waiting(read: State, now_ms: int) -> None:
    """Raise `order_confirmed` or `order_lapsed` unless an order waits."""
    if not approval.still_waits(read, now_ms):
        raise Refused(approval.refuse_ended(read.order.status(now_ms)))


def ending(read: State, effect: Effect, order: Order, now_ms: int) -> SaleWritten:
    """What ends an order writes."""
    return transactions.SaleWritten(read.row, read.slot, effect, order, None, now_ms, waited=read.order)


def _state_of(deps: Deps, budget: RetryBudget, subscription_id: str, account_id: str, number: int) -> State:
    """An order, its subscription's row and its account's place, as they are at one moment."""
    table = deps.tables.subscriptions
    pairs = (
        items.subscription_key(subscription_id),
        items.slot_key(account_id),
        order_items.order_key(subscription_id, number),
    )
    keys = [schema.primary_key(pair) for pair in pairs]
    found = budget.persist(lambda: transport.get_together(deps.send, table, keys))
    row, slot, stored = ({} if item is None else item for item in found)
    return State(
        unreadable.read_one(table, row, items.subscription_of),
        unreadable.read_one(table, slot, items.slot_of),
        unreadable.read_one(table, stored, order_items.order_of),
    )


def write_end(deps: Deps, read: State, ended: State, now_ms: int) -> None:
    """Write a rejection or a withdrawal, with its event."""
    tell = order_events.rejected if ended.order.stored is OrderStatus.REJECTED else order_events.withdrawn
    told = {"Put": tell(deps.tables, ended.order, now_ms)}
    effect = Effect(ended.row, ended.slot, [told])
    deps.send("TransactWriteItems", transactions.sale(deps.tables, ending(read, effect, ended.order, now_ms), ()))
