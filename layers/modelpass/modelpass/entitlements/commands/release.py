"""Release: an operator ends an open hold before it expires. Rule: all is as if it had expired at this instant.

Its units come back to the month that it was granted in, its calls stay counted, and a ticket stands for it, so that a
report that comes later is still booked, once, in the windows of the request. That is one transaction, with the event
that tells of it, guarded by the very hold: whoever ends or renews the hold at the same moment comes before or after it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.entitlements import accounting, authorization_ids, events, parts, transactions
from modelpass.entitlements.commands import decision_loop
from modelpass.errors import authorization_not_found
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Entitlement, EntitlementId, Hold
    from modelpass.runtime.deps import Deps


def release(deps: Deps, operator: str, subscription_id: str, authorization_id: str) -> None:
    """See to it that nothing is held any more by an authorization of this subscription, whichever of its ids is given.

    Nothing is written where that is so already: it was settled, has expired, or was released before. The state of the
    subscription does not matter. Raises `Refused`, with nothing changed: `authorization_not_found` for an id that was
    never issued or is of another subscription; and `temporarily_unavailable` when the store cannot be reached: it may
    be released or not, and a repeat sees to it.
    """
    authorization = authorization_ids.parse_authorization_id(authorization_id, deps.deployment_keys)
    if authorization is None or authorization.entitlement.subscription_id != subscription_id:
        raise authorization_not_found()
    entitlement_id, granted = authorization.entitlement, authorization.hold
    telemetry.note(modelId=entitlement_id.model_id)
    budget = deps.retry_budget()

    def attempt() -> None:
        entitlement = _read(deps, budget, entitlement_id)
        telemetry.note(accountId=entitlement.account_id)
        hold, now_ms = parts.open_step(entitlement, granted), deps.now_ms()
        if hold is not None and now_ms < hold.expires_at_ms:
            _give_back(deps, entitlement, hold, operator, now_ms)
            entitlement = _read(deps, budget, entitlement.id)
        # The calls of a block were reserved, and count as made from now on: they may reach a threshold.
        decision_loop.announce_thresholds(deps, budget, entitlement)

    budget.until_done(attempt)


def _read(deps: Deps, budget: RetryBudget, entitlement_id: EntitlementId) -> Entitlement:
    try:
        return decision_loop.read(deps, budget, entitlement_id)
    except ConditionFailedError:  # there is none
        raise authorization_not_found() from None


def _give_back(deps: Deps, entitlement: Entitlement, hold: Hold, operator: str, now_ms: int) -> None:
    """Write it; raises `ConditionFailedError` when another writer came first, `StoreBusyError`."""
    operation, request = transactions.request_of(deps.tables, accounting.reclaim(entitlement, (hold,)))
    told = events.hold_released(deps.tables, entitlement, hold, operator, now_ms)
    request["TransactItems"].append({"Put": told})
    deps.send(operation, request)
