"""Bring the entitlements of a term to what the subscription's row says. Rule: each by itself, and the row's mark last.

A change begins in the row, which is marked until every entitlement has it. Each entitlement is written under the number
of the change, so that a write may come twice, late, or after that of a newer change.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.entitlements import updates
from modelpass.subscriptions import row_writes
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.revocations import PUT_OFF_MS

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request
    from modelpass.subscriptions.model import Subscription


def finish_change(deps: Deps, budget: RetryBudget, row: Subscription) -> Subscription:
    """Bring every entitlement to the row, then note that in the row, and give it back. Nothing is done without a mark.

    An entitlement that cannot be read grants nothing, and is passed over: then the row stays marked, and the reset
    comes back to it. Raises `ConditionFailedError` when another writer has changed the row meanwhile.
    """
    if not row.change_pending:
        return row
    done = repository.write_each(deps, budget, _stop_marks(deps, row))
    now_ms = deps.now_ms()
    finished = row._replace(change_pending=not done)
    due_at_ms = finished.next_due_ms(now_ms) if done else now_ms + PUT_OFF_MS
    finished = finished._replace(due_at_ms=due_at_ms)
    deps.send("UpdateItem", row_writes.change_row(deps.tables, row, finished))
    return finished


def _stop_marks(deps: Deps, row: Subscription) -> list[Request]:
    ids, number = row.entitlement_ids(), row.change_number
    if row.suspension is None:
        return [updates.resume(deps.tables, entitlement, number) for entitlement in ids]
    at_ms = row.suspension.at_ms
    return [updates.suspend(deps.tables, entitlement, at_ms, number) for entitlement in ids]
