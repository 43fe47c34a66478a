"""What the bearer of a key may know of it, who has nothing else. Rule: whatever authorize would refuse is refused.

So a tool is told the same by these calls as by a request: that its key was replaced, or that the subscription is over.
Nothing of the account is shown, for who bears a key need not be who bought it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.errors import raise_if_refused
from modelpass.subscriptions import answers, rules
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.commands.key_owner import subscription_of_key

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Subscription


def get_key(deps: Deps, text: str) -> Json:
    """The subscription of a key and the windows of its models, as they are at this moment.

    A model whose entitlement cannot be read is left out, and reported.

    Raises `Refused`: `invalid_api_key` for text that is no key, and for a key that is not the current one; that of a
    subscription which has ended or is stopped; `temporarily_unavailable` while the store cannot be read.
    """
    budget = deps.retry_budget()
    found = _usable(deps, budget, text)
    models = repository.shown_models(deps, budget, found, answers.described_model)
    return answers.key_of_bearer(found, found.status(deps.now_ms()), models)


def list_models_of_key(deps: Deps, text: str) -> Json:
    """The models that a key may ask for, in the form in which AI clients list models.

    Raises as `get_key` does.
    """
    return answers.models_of_key(_usable(deps, deps.retry_budget(), text))


def _usable(deps: Deps, budget: RetryBudget, text: str) -> Subscription:
    found = subscription_of_key(deps, budget, text)
    raise_if_refused(rules.refuse_bearer(found, deps.now_ms()))
    return found
