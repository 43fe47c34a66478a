"""How several commands show a subscription: with what would keep it from renewing itself. Rule: it reads, at most once.

The catalogue is read only for a subscription that is to renew itself and has not ended.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.errors import Refused
from modelpass.subscriptions import answers, continuation

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Subscription


def shown(deps: Deps, budget: RetryBudget, found: Subscription) -> Json:
    """A subscription as it is at this moment; `found` is as the clock has it.

    While the catalogue cannot be read, that is what stands in the way of a renewal: no look fails for it.
    """
    try:
        blocked_by = renewal_blocked_by(deps, budget, found)
    except Refused as refused:
        blocked_by = refused.refusal.code.code
    return answers.with_obstacle(answers.subscription(found, found.status(deps.now_ms())), blocked_by)


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
