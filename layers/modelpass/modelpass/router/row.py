"""How the router's doors ask a subscription's row, which few requests need. Rule: loaded by the first that does.

So no cold start waits for these modules.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from modelpass.api_keys import ApiKey
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.commands.authorize import MissingEntitlement
    from modelpass.entitlements.model import Contract, EntitlementId
    from modelpass.runtime.deps import Deps


def explain_missing(deps: Deps, budget: RetryBudget, api_key: ApiKey, entitlement: EntitlementId) -> MissingEntitlement:
    """Why a key is refused whose term has no entitlement for the model."""
    from modelpass.subscriptions.commands import missing_entitlement  # noqa: PLC0415

    return missing_entitlement.explain_missing(deps, budget, api_key, entitlement)


def read_contract(deps: Deps, budget: RetryBudget, entitlement: EntitlementId) -> Contract:
    """What the row says of an entitlement at this moment, once the subscription is brought up to it."""
    from modelpass.subscriptions.commands.read_contract import read_contract as command  # noqa: PLC0415

    return command(deps, budget, entitlement)
