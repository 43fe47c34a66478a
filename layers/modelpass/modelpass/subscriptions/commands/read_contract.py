"""What a subscription's row says of one of its entitlements, for whoever opens a month. Rule: one consistent read.

The subscription is brought up to its moment first, so that a term that renews itself goes on. Of a term before the
current one, only its end is told, which stands in the history: it ended, and nothing is granted in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.entitlements.commands import decision_loop
from modelpass.entitlements.model import Contract
from modelpass.errors import ErrorCode, Refusal
from modelpass.runtime import unreadable
from modelpass.subscriptions import items, rules
from modelpass.subscriptions.commands import repository, upkeep

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import EntitlementId, Term
    from modelpass.runtime.deps import Deps


def read_contract(deps: Deps, budget: RetryBudget, entitlement: EntitlementId) -> Contract:
    """The contract of an entitlement at this moment.

    Raises `Refused`: `temporarily_unavailable` while the store cannot be read, and while a renewal by itself cannot be
    decided; `not_found` for an entitlement without a subscription. Raises `UnreadableItemError` for a row that cannot
    be read, which is reported.
    """
    stored = repository.any_subscription(deps, budget, entitlement.subscription_id)
    if stored.term_number > entitlement.term_number:
        refusal = Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
        term = _earlier_term(deps, budget, entitlement)
        return Contract(term, None, stored.change_number, stored.key_hash, refusal, lasts=True)
    found = upkeep.bring_up(deps, budget, stored)
    return rules.contract(found, entitlement, deps.now_ms())


def _earlier_term(deps: Deps, budget: RetryBudget, entitlement: EntitlementId) -> Term:
    """A term before the current one, as the history has it; one without a row was never extended."""
    table = deps.tables.history
    key = schema.primary_key(items.term_key(entitlement.subscription_id, entitlement.term_number))
    row = budget.persist(lambda: transport.get(deps.send, table, key))
    if row is None:
        return decision_loop.read(deps, budget, entitlement).term
    return unreadable.read_one(table, row, items.term_row_of).term
