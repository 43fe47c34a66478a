"""What a key is good for: its subscription, each of its models, and what is left. Rule: two reads, and no write.

The subscription's row says whether the key is the current one, the entitlements what is left. Both are read strongly
consistently, one after the other: a change that comes between the two is seen in the later one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.subscriptions import answers
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.commands.key_owner import subscription_of_key

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json


def describe_key(deps: Deps, text: str) -> Json:
    """The subscription of a key and the windows of its models, as they are at this moment.

    The current key of a subscription that has ended or is stopped is described as well, and the status says so. A model
    whose entitlement cannot be read is left out, and reported.

    Raises `Refused`: `invalid_api_key` for text that is no key, and for a key that is not the current one;
    `temporarily_unavailable` while the store cannot be read.
    """
    budget = deps.retry_budget()
    found = subscription_of_key(deps, budget, text)
    models = repository.shown_models(deps, budget, found, answers.described_model)
    return answers.described_key(found, found.status(deps.now_ms()), models)
