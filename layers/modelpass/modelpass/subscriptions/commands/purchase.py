"""Purchase: buy a subscription in one transaction. Rule: a repeat under the same Idempotency-Key changes nothing.

First it looks for a repeat, then asks the catalogue, then the account's place; the first that refuses is answered. What
is written is the very price that was compared with the total expected, whatever the catalogue says by then. When a
reply was lost, the invocation recognises its own subscription by the hash of the key that only it knows. Any other call
under the same Idempotency-Key gets the subscription without its key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import api_keys
from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.encoding import ID_BYTES
from modelpass.entitlements import windows
from modelpass.errors import ErrorCode, Refusal, Refused, raise_if_refused
from modelpass.ids import subscription_id_of
from modelpass.subscriptions import idempotency, pricing, rules, transactions
from modelpass.subscriptions.answers import Outcome
from modelpass.subscriptions.commands import repository
from modelpass.subscriptions.model import Subscription
from modelpass.times import whole_second

if TYPE_CHECKING:
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.orders import PurchaseOrder
    from modelpass.subscriptions.pricing import Bought


def purchase(deps: Deps, account_id: str, order: PurchaseOrder, idempotency_key: str | None) -> Outcome:
    """Buy a custom subscription.

    Raises `Refused` and changes nothing: `idempotency_key_reused` for another body under the same key, what
    `pricing.price_purchase` refuses, `price_changed` for another total than the order expects,
    `active_subscription_exists`, and `too_many_purchases`. After `temporarily_unavailable` it may have been bought all
    the same; a repeat under the same Idempotency-Key tells.
    """
    budget = deps.retry_budget()
    subscription_id = (
        subscription_id_of(deps.entropy(ID_BYTES))
        if idempotency_key is None
        else idempotency.subscription_id(account_id, idempotency_key)
    )
    api_key = api_keys.issue_api_key(subscription_id, 1, deps.new_secret(), deps.deployment_keys)
    command = _Purchase(deps, budget, account_id, subscription_id, order, idempotency.body(order.raw), api_key)
    return budget.until_done(command.attempt)


class _Purchase(NamedTuple):
    """One invocation: what is ordered, and the id and the key that the subscription will have."""

    deps: Deps
    budget: RetryBudget
    account_id: str
    subscription_id: str
    order: PurchaseOrder
    body_digest: bytes
    api_key: str

    def attempt(self) -> Outcome:
        deps = self.deps
        found, slot = repository.subscription_and_slot(deps, self.budget, self.subscription_id, self.account_id)
        if found is not None:
            return self._repeat(found)
        offered = catalogue_repository.offered(deps, self.budget, (line.model_id for line in self.order.lines))
        bought = pricing.price_purchase(offered, self.order)
        raise_if_refused(pricing.refuse_total(bought.sale, self.order.months, self.order.expected_total))
        now_ms = deps.now_ms()
        raise_if_refused(rules.refuse_purchase(slot, now_ms))
        new = self._new_subscription(bought, now_ms)
        deps.send("TransactWriteItems", transactions.purchase(deps.tables, new, slot, now_ms))
        return Outcome(new, new.status(now_ms), self.api_key)

    def _repeat(self, found: Subscription) -> Outcome:
        now_ms = self.deps.now_ms()
        if found.key_hash == api_keys.api_key_hash(self.api_key):
            # This invocation wrote it, and the reply was lost.
            return Outcome(found, found.status(now_ms), self.api_key)
        if found.body_digest != self.body_digest:
            raise Refused(Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"))
        return Outcome(found, found.status(now_ms), None, replayed=True)

    def _new_subscription(self, bought: Bought, now_ms: int) -> Subscription:
        term = windows.term_of(whole_second(now_ms), self.order.months, self.order.time_zone)
        return Subscription(
            id=self.subscription_id,
            account_id=self.account_id,
            term_number=1,
            term=term,
            created_at_ms=now_ms,
            cancelled_at_ms=None,
            cancelling_at_ms=None,
            key_hash=api_keys.api_key_hash(self.api_key),
            key_tail=api_keys.api_key_tail(self.api_key),
            key_generation=0,
            key_pending=False,
            models=bought.models,
            sale=bought.sale,
            body_digest=self.body_digest,
            renewal_digest=None,
            renewal_body=None,
            due_at_ms=term.ends_at_ms,
        )
