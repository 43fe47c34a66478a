"""Finds the subscription whose key somebody bears, as it is at this moment. Rule: one strongly consistent read.

Text that was never issued as a key is refused before the store is asked. Nothing is written but what brings the
subscription up to its moment (`upkeep`), once in the life of a term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import api_keys, schema
from modelpass.dynamodb import transport
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import items, rules
from modelpass.subscriptions.commands import upkeep

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.model import Subscription

_INVALID: Final = Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")


def subscription_of_key(deps: Deps, budget: RetryBudget, text: str) -> Subscription:
    """The subscription of which this text is the current key, or that of a renewal which waits, whatever its status.

    The log's line names it. Raises `Refused`: `invalid_api_key` for text that is no key, for a key that is not the
    current one, and for that of a purchase which was never confirmed; `temporarily_unavailable` while the store cannot
    be read, and while a renewal by itself cannot be decided.
    """
    api_key = api_keys.parse_api_key(text, deps.deployment_keys)
    if api_key is None:
        raise Refused(api_keys.never_issued(text))
    telemetry.note(subscriptionId=api_key.subscription_id)
    table = deps.tables.subscriptions
    key = schema.primary_key(items.subscription_key(api_key.subscription_id))
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    found = None if stored is None else unreadable.read_one(table, stored, items.subscription_of)
    if found is None:
        raise Refused(_INVALID)
    found = upkeep.bring_up(deps, budget, found)
    of_key, now_ms = (api_key.term_number, api_key.key_hash), deps.now_ms()
    known = rules.has_key(found, *of_key) or rules.is_key_to_come(found, *of_key, now_ms)
    if not known or found.is_gone(now_ms):
        raise Refused(_INVALID)
    telemetry.note(accountId=found.account_id)
    return found
