"""Top up: more units of a model for the current month window. Rule: one transaction, and they are there at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.subscriptions import idempotency
from modelpass.subscriptions.commands.sell import Asked, outcome_of, sell
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.sales.top_up import ToppingUp

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Outcome
    from modelpass.subscriptions.orders import TopUpOrder


def top_up(
    deps: Deps, account_id: str, subscription_id: str, order: TopUpOrder, idempotency_key: str | None
) -> Outcome:
    """Add units to what a model of a running subscription has in the current month window.

    Raises `Refused` and changes nothing: `not_found`, `idempotency_key_reused` for another body under the same key,
    `subscription_expired`, `subscription_cancelled`, `subscription_pending`, `invalid_request` for a model that is not
    in force or for more units than may be bought, `unknown_model`, `tier_not_offered`, `price_changed`,
    `order_pending`, and `too_many_purchases`. After `temporarily_unavailable` they may have been sold all the same; a
    repeat under the same Idempotency-Key tells.
    """
    require_version_3(deps)
    mark = None
    if idempotency_key is not None:
        mark = idempotency.mark("top-up", account_id, subscription_id, idempotency_key)
    asked = Asked(order.expected_total, mark, idempotency.body(order.raw))
    return outcome_of(sell(deps, account_id, subscription_id, ToppingUp(order.model_id, order.units), asked))
