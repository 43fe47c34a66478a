"""The part of a top-up that depends on what is stored: the write of its entitlement. Rule: one write with the sale.

The entitlement is read just before the sale is written. Where its stored month is over, the current one is opened
first, by what the row says, as a request would do it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.entitlements import accounting, contract, thresholds
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.commands import decision_loop
from modelpass.entitlements.model import EntitlementId
from modelpass.subscriptions import rules

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Entitlement
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.order_records import TopUp


def topped_up(deps: Deps, budget: RetryBudget, row: Subscription, bought: TopUp) -> Request:
    """The action of the transaction that sells units to a subscription, whose row is as it will be written.

    What the units lift above what was used is told again. The action fails once another window was opened, or the
    subscription was changed or topped up since. Raises `ConditionFailedError` when the window they were bought for has
    ended, and what reading the entitlement raises.
    """
    entitlement = _in_its_month(deps, budget, row, bought)
    if row.top_ups is None or row.top_ups.until_ms <= max(deps.now_ms(), entitlement.month_start_ms):
        raise ConditionFailedError(None)
    step = thresholds.without_lapsed(accounting.top_up(entitlement, bought.units))
    return {"Update": entitlement_transactions.update_of(deps.tables, step)}


def _in_its_month(deps: Deps, budget: RetryBudget, row: Subscription, bought: TopUp) -> Entitlement:
    """The entitlement with the current month window opened."""
    entitlement_id = EntitlementId(row.id, row.term_number, bought.model_id)
    entitlement = decision_loop.read(deps, budget, entitlement_id)
    now_ms = max(deps.now_ms(), entitlement.segment_start_ms)
    if not contract.month_is_over(entitlement, now_ms):
        return entitlement
    told = rules.contract(row.at(now_ms), entitlement_id, now_ms)
    opened = entitlement_rules.open_windows(entitlement, now_ms, now_ms, told)
    return decision_loop.write(deps, budget, opened)
