"""Remind: tell a customer that a term ends soon, and whether it goes on by itself. Rule: told once for each end.

The row notes what was told in the transaction that tells it, so that a reset which runs late, twice or beside another
tells nothing twice. No decision depends on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.subscriptions import continuation, events, reminders, row_writes

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


def renewal_blocked_by(deps: Deps, budget: RetryBudget, found: Subscription) -> str | None:
    """What would keep a subscription from renewing itself now; None where it is not to, or nothing would.

    `found` is as the clock has it. Raises `temporarily_unavailable` while the catalogue cannot be read.
    """
    over = found.has_ended(deps.now_ms()) or found.cancelled_at_ms is not None or found.cancelling_at_ms is not None
    if over or not found.auto_renew:
        return None
    in_row = continuation.blocked_by(found, sale_approval=deps.sale_approval)
    if in_row is not None or found.is_pending:
        return in_row
    offered = catalogue_repository.offered(deps, budget, (line.model_id for line in found.models_to_come))
    return continuation.not_offered(found, offered)
