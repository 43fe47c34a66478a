"""Expire: the reset's work on one row of the subscriptions table. Rule: it changes no decision that anyone would get.

It announces that a term or a plan has ended, that an order has lapsed, or that a term ends soon, and finishes a new
key or a cancellation that was left undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.dynamodb import transport
from modelpass.runtime import unreadable
from modelpass.subscriptions import items, order_items, slots, transactions
from modelpass.subscriptions.commands import cancel, lapse, regenerate
from modelpass.subscriptions.commands.remind import remind

if TYPE_CHECKING:
    from modelpass import schema
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Slot, Subscription


def expire(deps: Deps, key: schema.Item) -> bool:
    """Do what is due on the row with this primary key. True when it has announced the end of a term.

    Raises `ConditionFailedError` when another writer came first, `StoreBusyError`, `temporarily_unavailable`, and
    `UnreadableItemError` for a row that cannot be read, which is reported.
    """
    table = deps.tables.subscriptions
    stored = transport.get(deps.send, table, key)
    if stored is None:
        return False
    account_id = items.slot_account(stored)
    if account_id is not None:
        _end_plan(deps, account_id, unreadable.read_one(table, stored, items.slot_of))
        return False
    if order_items.is_order(stored):
        lapse.lapse(deps, unreadable.read_one(table, stored, order_items.order_of))
        return False
    return _expire_term(deps, unreadable.read_one(table, stored, items.subscription_of))


def _expire_term(deps: Deps, subscription: Subscription) -> bool:
    now_ms, budget = deps.now_ms(), deps.retry_budget()
    if subscription.due_at_ms is None or subscription.due_at_ms > now_ms:
        return False
    if subscription.cancelling_at_ms is not None:
        cancel.finish_cancellation(deps, budget, subscription)
        return False
    if subscription.key_pending:
        if regenerate.finish_new_key(deps, budget, subscription) or now_ms < subscription.expires_at_ms:
            return False
        # What could not be read is waited for no longer: no key of a term that has ended is good.
        subscription = subscription._replace(due_at_ms=subscription.expires_at_ms)
    return _announce(deps, budget, subscription, now_ms)


def _announce(deps: Deps, budget: RetryBudget, subscription: Subscription, now_ms: int) -> bool:
    """Announce the end of a term, or that it comes soon; True for the former."""
    ended = now_ms >= subscription.expires_at_ms
    if ended:
        deps.send("TransactWriteItems", transactions.expire(deps.tables, subscription))
    else:
        remind(deps, budget, subscription)
    return ended


def _end_plan(deps: Deps, account_id: str, slot: Slot) -> None:
    now_ms = deps.now_ms()
    if slot.due_at_ms is not None and slot.due_at_ms <= now_ms:
        actions = slots.write(deps.tables, account_id, slot, slots.freed(slot), now_ms)
        deps.send("TransactWriteItems", {"TransactItems": actions})
