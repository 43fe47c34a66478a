"""Expire: the reset's work on one row of the subscriptions table. Rule: it changes no decision that anyone would get.

It announces that a term or a plan has ended, and finishes a new key or a cancellation that was left undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.dynamodb import transport
from modelpass.subscriptions import items, slots, transactions
from modelpass.subscriptions.commands import cancel, regenerate, repository

if TYPE_CHECKING:
    from modelpass import schema
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Slot


def expire(deps: Deps, key: schema.Item) -> bool:
    """Do what is due on the row with this primary key. True when it has announced the end of a term.

    Raises `ConditionFailedError` when another writer came first, `StoreBusyError`, and `temporarily_unavailable`.
    """
    stored = transport.get(deps.send, deps.tables.subscriptions, key)
    if stored is None:
        return False
    account_id = items.slot_account(stored)
    if account_id is not None:
        _end_plan(deps, account_id, items.slot_of(stored))
        return False
    subscription = items.subscription_of(stored)
    if subscription.due_at_ms is None or subscription.due_at_ms > deps.now_ms():
        return False
    budget = deps.retry_budget()
    if subscription.cancelling_at_ms is not None:
        slot = repository.slot_of_account(deps, budget, subscription.account_id)
        cancel.finish_cancellation(deps, budget, subscription, slot)
        return False
    if subscription.key_pending:
        regenerate.finish_new_key(deps, budget, subscription)
        return False
    deps.send("TransactWriteItems", transactions.expire(deps.tables, subscription))
    return True


def _end_plan(deps: Deps, account_id: str, slot: Slot) -> None:
    now_ms = deps.now_ms()
    if slot.due_at_ms is not None and slot.due_at_ms <= now_ms:
        actions = slots.write(deps.tables, account_id, slot, slots.freed(slot), now_ms)
        deps.send("TransactWriteItems", {"TransactItems": actions})
