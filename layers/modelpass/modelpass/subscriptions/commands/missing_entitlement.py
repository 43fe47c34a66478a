"""Explains to authorize why there is no entitlement for a key and a model. Rule: one read of one row, and no write.

Authorize decides on the entitlement alone and reads no subscription. Only where it finds no entitlement is the
subscription's row read: it tells whether the key was replaced, the subscription has ended, or the model was not bought.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.entitlements.commands.authorize import MissingEntitlement
from modelpass.subscriptions import items, rules
from modelpass.subscriptions.commands import upkeep

if TYPE_CHECKING:
    from modelpass.api_keys import ApiKey
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import EntitlementId
    from modelpass.runtime.deps import Deps


def explain_missing(deps: Deps, budget: RetryBudget, api_key: ApiKey, entitlement: EntitlementId) -> MissingEntitlement:
    """The refusal and what to remember of it; raises `temporarily_unavailable` while the row cannot be read."""
    key = schema.primary_key(items.subscription_key(entitlement.subscription_id))
    stored = budget.persist(lambda: transport.get(deps.send, deps.tables.subscriptions, key))
    subscription = None if stored is None else upkeep.bring_up(deps, budget, items.subscription_of(stored))
    refusal = rules.refuse_unheld_model(subscription, api_key.term_number, api_key.key_hash, deps.now_ms())
    listed = rules.lists(subscription, entitlement, api_key.key_hash)
    return MissingEntitlement(refusal, rules.remembered(refusal, subscription, entitlement), listed)
