"""Suspend and resume: an operator stops a subscription, and lets it go on. Rule: each binds once it has answered.

Either begins in the row, with who and why and its event, and then reaches each entitlement by a write of its own, under
the number of the change: so a write that comes late undoes nothing newer. What a crash leaves undone is finished by a
repeat of the call or by the reset. Settles are booked meanwhile, and time goes on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.subscriptions import answers, revocations
from modelpass.subscriptions.commands import begun, conform, upkeep
from modelpass.subscriptions.commands.shown import shown
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.model import Status, Suspension

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Subscription


def suspend(deps: Deps, operator: str, subscription_id: str, reason: str) -> Json:
    """Suspend a subscription of any account and show it; one that is suspended already stays as it is.

    So does one that was cancelled; one that has expired can be suspended, and is not renewed then. Raises `Refused`:
    `not_found`; `subscription_pending` for a purchase that waits, which can be rejected; `temporarily_unavailable`,
    after which it may be suspended: a repeat tells, and finishes it.
    """
    require_version_3(deps)
    budget = deps.retry_budget()

    def attempt() -> Subscription:
        found, now_ms = _read(deps, budget, subscription_id), deps.now_ms()
        if found.status(now_ms) is Status.CANCELLED:
            return found
        if found.is_pending:
            raise Refused(Refusal(ErrorCode.SUBSCRIPTION_PENDING))
        if found.suspension is None:
            changed = _changed(found, now_ms, Suspension(now_ms, operator, reason))
            deps.send("TransactWriteItems", revocations.suspend(deps.tables, found, changed, now_ms))
            found = changed
        return conform.finish_change(deps, budget, found)

    return _shown(deps, budget, budget.until_done(attempt))


def resume(deps: Deps, operator: str, subscription_id: str) -> Json:
    """Let a suspended subscription go on and show it; one that is not suspended stays as it is.

    So does one that was cancelled. One whose term has ended meanwhile has expired. Raises `Refused`: `not_found`, and
    `temporarily_unavailable`, after which it may be resumed: a repeat tells, and finishes it.
    """
    require_version_3(deps)
    budget = deps.retry_budget()

    def attempt() -> Subscription:
        found, now_ms = _read(deps, budget, subscription_id), deps.now_ms()
        if found.status(now_ms) is Status.CANCELLED:
            return found
        if found.suspension is not None:
            changed = _changed(found, now_ms, None)
            deps.send("TransactWriteItems", revocations.resume(deps.tables, found, changed, now_ms, operator))
            found = changed
        return conform.finish_change(deps, budget, found)

    return _shown(deps, budget, budget.until_done(attempt))


def _shown(deps: Deps, budget: RetryBudget, found: Subscription) -> Json:
    found = found.at(deps.now_ms())
    return answers.for_operators(found, shown(deps, budget, found))


def _read(deps: Deps, budget: RetryBudget, subscription_id: str) -> Subscription:
    found = upkeep.own_subscription(deps, budget, None, subscription_id).stored
    return begun.with_cancellation_finished(deps, budget, found)


def _changed(found: Subscription, now_ms: int, suspension: Suspension | None) -> Subscription:
    """The row with another stop mark, which has still to reach the entitlements."""
    number = found.change_number + 1
    changed = found.at(now_ms)._replace(suspension=suspension, change_number=number, change_pending=True)
    return changed._replace(due_at_ms=changed.next_due_ms(now_ms))
