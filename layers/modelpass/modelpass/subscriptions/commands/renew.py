"""Renew: begin a new term of an expired subscription. Rule: a repeat under the same Idempotency-Key changes nothing.

The new term has the list in force at the end of the one before, and the months of the last purchase or renewal by hand;
it has a key of its own, and usage from zero. It is sold at the prices of the moment, at the total expected or not at
all. When a reply was lost, the invocation shows the key that only it knows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import api_keys
from modelpass.subscriptions import idempotency
from modelpass.subscriptions.commands.sell import Asked, outcome_of, sell
from modelpass.subscriptions.sales.renewal import NewKey, Renewal

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Outcome
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.orders import RenewalOrder


def renew(
    deps: Deps, account_id: str, subscription_id: str, order: RenewalOrder, idempotency_key: str | None
) -> Outcome:
    """Begin a new term of an expired subscription.

    Raises `Refused` and changes nothing: `not_found`, `idempotency_key_reused` for another body under the same key,
    what `pricing.price_renewal` refuses, `price_changed` for another total than the order expects, `order_pending`,
    `subscription_suspended`, `subscription_not_expired`, `active_subscription_exists`, and `too_many_purchases`. After
    `temporarily_unavailable` the term may have begun all the same; a repeat under the same Idempotency-Key tells.
    """
    secret, raw = deps.new_secret(), idempotency.body(order.raw)

    def key_of(term_number: int) -> str:
        return api_keys.issue_api_key(subscription_id, term_number, secret, deps.deployment_keys)

    def new_key(term_number: int) -> NewKey:
        api_key = key_of(term_number)
        return NewKey(api_keys.api_key_hash(api_key), api_keys.api_key_tail(api_key))

    def own_key(row: Subscription) -> str | None:
        """The key that this call has made, if the row has it, now or for the term that waits to begin."""
        waiting = None if row.pending_order is None else row.pending_order.key_hash
        candidates = ((row.term_number, row.key_hash), (row.term_number + 1, waiting))
        return next((key_of(term) for term, key_hash in candidates if new_key(term).key_hash == key_hash), None)

    digest = mark = in_row = None
    if idempotency_key is not None:
        digest = idempotency.renewal(account_id, subscription_id, idempotency_key)
        mark = idempotency.mark("renew", account_id, subscription_id, idempotency_key)
        in_row = digest, (raw if order.raw else None)
    sold = sell(
        deps,
        account_id,
        subscription_id,
        Renewal(new_key, digest, in_row[1] if in_row else None),
        Asked(order.expected_total, mark, raw, in_row),
    )
    return outcome_of(sold, own_key(sold.subscription))
