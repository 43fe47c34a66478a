"""Remind: tell a customer that a term ends soon, and whether it goes on by itself. Rule: told once for each end.

The row notes what was told in the transaction that tells it, so that a reset which runs late, twice or beside another
tells nothing twice. No decision depends on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.subscriptions import events, reminders, row_writes
from modelpass.subscriptions.commands.shown import renewal_blocked_by

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription


def remind(deps: Deps, budget: RetryBudget, stored: Subscription) -> None:
    """Tell what is due of a term that has not ended, and note when the row is due next.

    Raises `ConditionFailedError` when another writer came first, and `temporarily_unavailable`.
    """
    now_ms = deps.now_ms()
    found = stored.at(now_ms)
    reminder = reminders.reminder_at(found, now_ms)
    new = found if reminder is None else found._replace(reminded=reminder.marks)
    new = new._replace(due_at_ms=new.next_due_ms(now_ms))
    update = row_writes.change_row(deps.tables, stored, new)
    if reminder is None:
        deps.send("UpdateItem", update)
        return
    blocked_by = renewal_blocked_by(deps, budget, found)
    event = events.expiring(deps.tables, new, reminder, blocked_by, now_ms)
    deps.send("TransactWriteItems", {"TransactItems": [{"Update": update}, {"Put": event}]})
