"""Conform: bring the entitlements to what their subscription's row says since its last change. Rule: no older one wins.

A change of the list, a suspension and its end begin in the row, which is marked until every line in force has them.
Each entitlement is written by itself, for routers write to it all the time; each write is guarded by the number of the
change, so that it may come twice, late, or after a newer one. The mark is taken away last. What a crash leaves undone
is finished by the next call that meets the mark, or by the reset.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements import accounting, thresholds
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.model import EntitlementId
from modelpass.runtime import unreadable
from modelpass.subscriptions import items
from modelpass.subscriptions.revocations import PUT_OFF_MS
from modelpass.subscriptions.row_writes import change_row

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, Limits
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Item
    from modelpass.subscriptions.model import Subscription


def finish_change(deps: Deps, budget: RetryBudget, row: Subscription) -> Subscription:
    """Bring every line in force to the row, then note that in the row; gives the row as it is stored then.

    Once this returns, what rises by the row's last change binds every request, and a suspension, or its end, as well.
    A row that was changed again meanwhile is followed. An entitlement that cannot be read grants nothing, and is passed
    over: then the row stays marked, and the reset comes back to it. Raises `temporarily_unavailable`.
    """
    while row.change_pending:
        done = _bring_lines(deps, budget, row)
        try:
            deps.send("UpdateItem", change_row(deps.tables, row, _after(row, deps.now_ms(), done=done)))
        except ConditionFailedError:
            budget.lost_race()
            row = _read_again(deps, budget, row)
        except StoreBusyError as failure:
            budget.busy(failure)
            row = _read_again(deps, budget, row)
        else:
            return _after(row, deps.now_ms(), done=done)
    return row


def _after(row: Subscription, now_ms: int, *, done: bool) -> Subscription:
    if not done:
        return row._replace(due_at_ms=now_ms + PUT_OFF_MS)
    row = row._replace(change_pending=False)
    return row._replace(due_at_ms=row.next_due_ms(now_ms))


def _bring_lines(deps: Deps, budget: RetryBudget, row: Subscription) -> bool:
    """Bring each line in force to the row; False when one cannot be read. What is cancelled is left to that."""
    if row.cancelled_at_ms is not None or row.cancelling_at_ms is not None:
        return True
    lines = {_pk(row, limits): limits for limits in row.at(deps.now_ms()).models}
    table, keys = deps.tables.entitlements, [{"pk": schema.text(pk)} for pk in lines]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, keys))
    brought = [_bring(deps, budget.for_another(), row, lines[item["pk"]["S"]], item) for item in stored]
    return all(brought)


def _bring(deps: Deps, budget: RetryBudget, row: Subscription, limits: Limits, stored: Item | None) -> bool:
    """Bring one entitlement to its line; False when it cannot be read, which is reported."""
    table = deps.tables.entitlements
    while stored is not None:
        try:
            step = unreadable.read_one(table, stored, partial(_step_of_item, row, limits, deps.now_ms()))
        except schema.FAILURES_OF_READING:
            return False
        if step is None:
            return True
        try:
            deps.send(*entitlement_transactions.request_of(deps.tables, step))
        except ConditionFailedError as failure:
            budget.lost_race()
            stored = failure.item
        except StoreBusyError as failure:
            budget.busy(failure)
            key = entitlement_items.entitlement_key(step.before.id)
            stored = budget.persist(partial(transport.get, deps.send, table, key))
        else:
            return True
    return True


def _step_of_item(row: Subscription, limits: Limits, now_ms: int, stored: Item) -> Change | None:
    """What `step_of` gives for a stored item, whose values may make so little sense that there is no step."""
    return step_of(entitlement_items.entitlement_of(stored), row, limits, now_ms)


def step_of(entitlement: Entitlement, row: Subscription, limits: Limits, now_ms: int) -> Change | None:
    """The step that brings an entitlement to its line; None when it has a later change, or is as it is to be.

    `limits` is the line of this moment. Where a machine whose clock is ahead has opened the next month, it is that of
    the month that was opened.
    """
    if entitlement.change_number > row.change_number:
        return None
    opened = row.at(max(now_ms, entitlement.month_start_ms)).models
    limits = next((line for line in opened if line.model_id == limits.model_id), limits)
    suspended_at_ms = None if row.suspension is None else row.suspension.at_ms
    step = accounting.change_limits(entitlement, limits, row.change_number, suspended_at_ms, now_ms)
    return None if step.after == step.before else thresholds.without_lapsed(step)


def _read_again(deps: Deps, budget: RetryBudget, row: Subscription) -> Subscription:
    table, key = deps.tables.subscriptions, schema.primary_key(items.subscription_key(row.id))
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    return (
        row._replace(change_pending=False)
        if stored is None
        else unreadable.read_one(table, stored, items.subscription_of)
    )


def _pk(row: Subscription, limits: Limits) -> str:
    return entitlement_items.entitlement_pk(EntitlementId(row.id, row.term_number, limits.model_id))
