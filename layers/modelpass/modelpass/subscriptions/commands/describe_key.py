"""What a key is good for: its subscription, each of its models, and what is left. Rule: two reads, and no write.

The subscription's row says whether the key is the current one, the entitlements what is left. Both are read strongly
consistently, one after the other: a change that comes between the two is seen in the later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys, schema
from modelpass.dynamodb import transport
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import answers, items, rules
from modelpass.subscriptions.commands import repository, upkeep

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json


def describe_key(deps: Deps, text: str) -> Json:
    """The subscription of a key and the windows of its models, as they are at this moment.

    The current key of a subscription that has expired or was cancelled is described as well, and the status says so.
    A model whose entitlement cannot be read is left out, and reported.

    Raises `Refused`: `invalid_api_key` for text that is no key, and for a key that is not the current one;
    `temporarily_unavailable` while the store cannot be read.
    """
    api_key = api_keys.parse_api_key(text, deps.deployment_keys)
    if api_key is None:
        raise Refused(api_keys.never_issued(text))
    telemetry.note(subscriptionId=api_key.subscription_id)
    budget, table = deps.retry_budget(), deps.tables.subscriptions
    key = schema.primary_key(items.subscription_key(api_key.subscription_id))
    stored = budget.persist(lambda: transport.get(deps.send, table, key))
    found = None if stored is None else unreadable.read_one(table, stored, items.subscription_of)
    if not rules.has_key(found, api_key.term_number, api_key.key_hash):
        raise Refused(Refusal(ErrorCode.INVALID_API_KEY, param="apiKey"))
    telemetry.note(accountId=found.account_id)
    found = upkeep.bring_up(deps, budget, found).now
    models = repository.shown_models(deps, budget, found, answers.described_model)
    return answers.described_key(found, found.status(deps.now_ms()), models)
