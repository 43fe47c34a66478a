"""Regenerate: another key within the term. Rule: once it has answered, the key before is refused; usage stays.

The row of the subscription knows the new key first, then each entitlement by a write of its own. What a crash leaves
undone is finished by whoever comes next: a repeat, or the reset (`bring_key`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys
from modelpass.entitlements import updates
from modelpass.errors import raise_any
from modelpass.subscriptions import revocations, rules
from modelpass.subscriptions.answers import Outcome
from modelpass.subscriptions.commands import repository

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription


def regenerate(deps: Deps, account_id: str, subscription_id: str) -> Outcome:
    """Make a new key; raises `Refused`, and changes nothing, unless the subscription is active.

    Each call makes a key: there is nothing to repeat safely, for a key is shown once.
    """
    budget, secret = deps.retry_budget(), deps.new_secret()

    def attempt() -> Outcome:
        found = repository.own(deps, budget, account_id, subscription_id)
        now_ms = deps.now_ms()
        api_key = api_keys.issue_api_key(subscription_id, found.term_number, secret, deps.deployment_keys)
        if found.key_hash != api_keys.api_key_hash(api_key):  # else begun by an earlier try, whose reply was lost
            raise_any(rules.refuse_new_key(found, now_ms))
            found = found._replace(
                key_hash=api_keys.api_key_hash(api_key),
                key_tail=api_keys.api_key_tail(api_key),
                key_generation=found.key_generation + 1,
                key_pending=True,
                due_at_ms=now_ms,
            )
            deps.send("TransactWriteItems", revocations.begin_new_key(deps.tables, found, now_ms))
        bring_key(deps, budget, found)
        return Outcome(found, found.status(deps.now_ms()), api_key)

    return budget.until_done(attempt)


def bring_key(deps: Deps, budget: RetryBudget, subscription: Subscription) -> None:
    """Let every entitlement know the key of the row. Once this returns, no older key is good for anything."""
    for entitlement in subscription.entitlement_ids():
        request = updates.bring_key(deps.tables, entitlement, subscription.key_hash, subscription.key_generation)
        repository.write_once(deps, budget, request)
    repository.write_once(deps, budget, revocations.end_new_key(deps.tables, subscription))
