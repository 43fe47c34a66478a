"""Expire: the reset's work on one row of the subscriptions table. Rule: it changes no decision that anyone would get.

It announces that a term or a plan has ended, that an order has lapsed, or that a term ends soon, and finishes a new
key, a cancellation or a change that was left undone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.dynamodb import transport
from modelpass.runtime import unreadable
from modelpass.subscriptions import continuation, items, order_items, slots, transactions
from modelpass.subscriptions.commands import begun, conform, lapse, upkeep
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
    return _conclude(deps, unreadable.read_one(table, stored, items.subscription_of))


def _conclude(deps: Deps, stored: Subscription) -> bool:
    now_ms, budget = deps.now_ms(), deps.retry_budget()
    if stored.due_at_ms is None or stored.due_at_ms > now_ms:
        return False
    if stored.cancelling_at_ms is not None:
        begun.finish_cancellation(deps, budget, stored)
        return False
    # After the end, what could not be read is waited for no longer: nothing of a term that has ended grants.
    if stored.change_pending:
        stored = conform.finish_change(deps, budget, stored)
        if not stored.change_pending or now_ms < stored.expires_at_ms:
            return False
    if stored.key_pending:
        done = begun.finish_new_key(deps, budget, stored)
        if done or now_ms < stored.expires_at_ms:
            return False
        stored = stored._replace(due_at_ms=stored.expires_at_ms)  # as the row was put off
    return _end_term(deps, budget, stored, now_ms)


def _end_term(deps: Deps, budget: RetryBudget, stored: Subscription, now_ms: int) -> bool:
    """Announce the end of a term, unless it goes on, or that it comes soon; True for the former."""
    if continuation.is_undecided(stored, now_ms):
        return upkeep.decided(deps, budget, stored).end_announced
    if stored.end_announced:
        return False
    if not stored.has_ended(now_ms):
        remind(deps, budget, stored)
        return False
    ended = stored.ended(now_ms)
    deps.send("TransactWriteItems", transactions.end_term(deps.tables, stored, ended, None, now_ms))
    return True


def _end_plan(deps: Deps, account_id: str, slot: Slot) -> None:
    now_ms = deps.now_ms()
    if slot.due_at_ms is not None and slot.due_at_ms <= now_ms:
        actions = slots.write(deps.tables, account_id, slot, slots.freed(slot), now_ms)
        deps.send("TransactWriteItems", {"TransactItems": actions})
