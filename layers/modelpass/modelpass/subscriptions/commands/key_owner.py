"""Finds the subscription whose key somebody bears. Rule: one strongly consistent read, and no write.

Text that was never issued as a key is refused before the store is asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys, schema
from modelpass.dynamodb import transport
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import items, rules

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription


def subscription_of_key(deps: Deps, budget: RetryBudget, text: str) -> Subscription:
    """The subscription of which this text is the current key, whatever its status; the log's line names it.

    Raises `Refused`: `invalid_api_key` for text that is no key, and for a key that is not the current one;
    `temporarily_unavailable` while the store cannot be read.
    """
    api_key = api_keys.parse_api_key(text, deps.deployment_keys)
    if api_key is None:
        raise Refused(api_keys.never_issued(text))
    telemetry.note(subscriptionId=api_key.subscription_id)
    table = deps.tables.subscriptions
    key = schema.primary_key(items.subscription_key(api_key.subscription_id))
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    found = None if stored is None else unreadable.read_one(table, stored, items.subscription_of)
    if not rules.has_key(found, api_key.term_number, api_key.key_hash):
        raise Refused(Refusal(ErrorCode.INVALID_API_KEY, param="apiKey"))
    telemetry.note(accountId=found.account_id)
    return found
