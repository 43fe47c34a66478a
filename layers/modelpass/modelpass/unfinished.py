"""What a new key or a cancellation still has to do. Rule: begun by a command, finished by whoever comes next.

The command itself, a repeat of it, or the reset: all take the same guarded steps, and a step that is done already is
passed over. Each entitlement is written by itself, so that busy ones cannot starve the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.subscriptions import revocations

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Slot, Subscription
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request


def bring_key(deps: Deps, attempts: RetryBudget, subscription: Subscription) -> None:
    """Let every entitlement know the key of the row. Once this returns, no older key is good for anything."""
    for entitlement in subscription.entitlement_ids():
        _write(deps, attempts, revocations.bring_key(deps.tables, subscription, entitlement))
    _write(deps, attempts, revocations.end_new_key(deps.tables, subscription))


def stop(deps: Deps, attempts: RetryBudget, subscription: Subscription, slot: Slot | None) -> None:
    """Stop every entitlement, then free the place. Raises `ConditionFailedError` when someone else did, or took it."""
    at_ms = subscription.cancelling_at_ms
    if at_ms is None:
        return
    for entitlement in subscription.entitlement_ids():
        _write(deps, attempts, revocations.stop(deps.tables, entitlement, at_ms))
    request = revocations.end_cancellation(deps.tables, subscription, slot, deps.now_ms())
    deps.send("TransactWriteItems", request)


def _write(deps: Deps, attempts: RetryBudget, request: Request) -> None:
    """Carry out a step, or find it done: by an earlier try, by someone else, or by what came after."""
    try:
        attempts.for_another().persist(lambda: deps.send("UpdateItem", request))
    except ConditionFailedError as failure:
        if failure.item is not None:
            schema.require_understood(failure.item)  # what cannot be read is not done
