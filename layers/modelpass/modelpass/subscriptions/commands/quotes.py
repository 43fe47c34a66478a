"""Quotes: what a sale to a subscription would cost now, and when it would bind. Rule: priced as the sale prices it.

A quote changes nothing. It is refused as the sale is, but for what may have changed by then: whether the account's
place is free, and how much the day has sold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.errors import raise_if_refused
from modelpass.subscriptions import pricing
from modelpass.subscriptions.commands import queries, repository, upkeep
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.orders import RenewalOrder
from modelpass.subscriptions.sales.extension import Extension
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.orders import ExtensionOrder


def quote_sale(deps: Deps, account_id: str, subscription_id: str, order: RenewalOrder | ExtensionOrder) -> Json:
    """The price of a sale to a subscription at this moment, and when it would bind (`bindsAt`).

    Raises `not_found`, and what the sale refuses.
    """
    if isinstance(order, RenewalOrder):
        return queries.quote_renewal(deps, account_id, subscription_id)
    require_version_3(deps)
    budget = deps.retry_budget()
    stored = repository.own_subscription(deps, budget, account_id, subscription_id)
    return _quote_extension(deps, budget, upkeep.bring_up(deps, budget, stored), order)


def _quote_extension(deps: Deps, budget: RetryBudget, found: Subscription, order: ExtensionOrder) -> Json:
    """Its months begin where the term ends now."""
    extension, now_ms = Extension(order.months), deps.now_ms()
    raise_if_refused(extension.refuse(found, now_ms))
    offered = catalogue_repository.offered(deps, budget, extension.model_ids(found))
    price = extension.order(found, offered, now_ms).price
    return {**pricing.price_answer(price), "bindsAt": rfc3339(found.expires_at_ms)}
