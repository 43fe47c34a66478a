"""Purchase: buy a subscription in one transaction. Rule: a repeat under the same Idempotency-Key changes nothing.

The id follows from the Idempotency-Key, so that a repeat finds what the first call has bought. When a reply was lost,
the invocation recognises its own subscription by the hash of the key that only it knows. Any other call under the same
Idempotency-Key gets the subscription without its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys
from modelpass.encoding import ID_BYTES
from modelpass.ids import subscription_id_of
from modelpass.subscriptions import idempotency
from modelpass.subscriptions.commands.sell import Asked, outcome_of, sell_first
from modelpass.subscriptions.commands.versions import require_version_3
from modelpass.subscriptions.sales.purchase import Identity, Purchase, draft

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Outcome
    from modelpass.subscriptions.orders import PurchaseOrder


def purchase(deps: Deps, account_id: str, order: PurchaseOrder, idempotency_key: str | None) -> Outcome:
    """Buy a custom subscription.

    Raises `Refused` and changes nothing: `idempotency_key_reused` for another body under the same key, what
    `pricing.price_purchase` refuses, `price_changed` for another total than the order expects, `order_pending`,
    `active_subscription_exists`, and `too_many_purchases`. After `temporarily_unavailable` it may have been bought all
    the same; a repeat under the same Idempotency-Key tells.
    """
    if order.auto_renew or order.auto_renew_months is not None or order.label:
        require_version_3(deps)
    subscription_id = (
        subscription_id_of(deps.entropy(ID_BYTES))
        if idempotency_key is None
        else idempotency.subscription_id(account_id, idempotency_key)
    )
    api_key = api_keys.issue_api_key(subscription_id, 1, deps.new_secret(), deps.deployment_keys)
    key_hash, body = api_keys.api_key_hash(api_key), idempotency.body(order.raw)
    identity = Identity(subscription_id, account_id, key_hash, api_keys.api_key_tail(api_key))
    new = draft(identity, order, body, deps.now_ms(), deps.tables.version)
    asked = Asked(order.expected_total, None, body)
    sold = sell_first(deps, new, Purchase(order.lines, order.months), asked)
    return outcome_of(sold, api_key if sold.subscription.key_hash == key_hash else None)
