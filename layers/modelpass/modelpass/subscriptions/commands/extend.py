"""Extend: add months to a running term. Rule: the key, the windows and the usage stay, and only the end moves.

No entitlement is written: whoever reaches the end that it knows reads the subscription's row, which has the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.subscriptions import idempotency
from modelpass.subscriptions.commands.sell import Asked, outcome_of, sell
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.sales.extension import Extension

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Outcome
    from modelpass.subscriptions.orders import ExtensionOrder


def extend(
    deps: Deps, account_id: str, subscription_id: str, order: ExtensionOrder, idempotency_key: str | None
) -> Outcome:
    """Add months to the term of an active or suspended subscription, once for each Idempotency-Key.

    Raises `Refused` and changes nothing: `not_found`, `idempotency_key_reused` for another body under the same key,
    `subscription_expired`, `subscription_cancelled`, `subscription_pending`, `term_too_long`, `unknown_model`,
    `tier_not_offered`, `price_changed`, `order_pending`, and `too_many_purchases`. After `temporarily_unavailable` the
    term may be longer all the same; a repeat under the same Idempotency-Key tells.
    """
    require_version_3(deps)
    digest = None
    if idempotency_key is not None:
        digest = idempotency.mark("extend", account_id, subscription_id, idempotency_key)
    asked = Asked(order.expected_total, digest, idempotency.body(order.raw))
    return outcome_of(sell(deps, account_id, subscription_id, Extension(order.months), asked))
