"""Renew: begin a new term of an expired subscription. Rule: a repeat under the same Idempotency-Key changes nothing.

The new term has the models, limits, months and time zone of the one before, a key of its own, and usage from zero; it
is sold at the prices of the moment, at the total expected or not at all. First it looks for a repeat, then asks the
catalogue, then the subscription's status and the account's place. When a reply was lost, the invocation recognises its
own term by the hash of the key that only it knows.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from modelpass import api_keys
from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements import windows
from modelpass.errors import ErrorCode, Refusal, Refused, raise_if_refused
from modelpass.ids import is_subscription_id
from modelpass.runtime import unreadable
from modelpass.subscriptions import idempotency, pricing, rules, transactions
from modelpass.subscriptions.answers import Outcome
from modelpass.subscriptions.commands import repository
from modelpass.times import whole_second

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import EntitlementId
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request
    from modelpass.subscriptions.model import Sale, Subscription
    from modelpass.subscriptions.orders import RenewalOrder


def renew(
    deps: Deps, account_id: str, subscription_id: str, order: RenewalOrder, idempotency_key: str | None
) -> Outcome:
    """Begin a new term of an expired subscription.

    Raises `Refused` and changes nothing: `not_found`, `idempotency_key_reused` for another body under the same key,
    what `pricing.price_renewal` refuses, `price_changed` for another total than the order expects,
    `subscription_not_expired`, and `active_subscription_exists`. After `temporarily_unavailable` the term may have
    begun all the same; a repeat under the same Idempotency-Key tells.
    """
    if not is_subscription_id(subscription_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    budget = deps.retry_budget()
    digest = None if idempotency_key is None else idempotency.renewal(account_id, subscription_id, idempotency_key)
    command = _Renewal(deps, budget, account_id, subscription_id, order, digest, deps.new_secret())
    return budget.until_done(command.attempt)


class _Renewal(NamedTuple):
    """One invocation: what is ordered, the digest of its Idempotency-Key, and the secret of the new key."""

    deps: Deps
    budget: RetryBudget
    account_id: str
    subscription_id: str
    order: RenewalOrder
    digest: bytes | None
    secret: bytes

    def attempt(self) -> Outcome:
        deps = self.deps
        found, slot = repository.subscription_and_slot(deps, self.budget, self.subscription_id, self.account_id)
        if found is None or found.account_id != self.account_id:
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        now_ms = deps.now_ms()
        made = self._key_of_term(found.term_number)
        if found.key_hash == api_keys.api_key_hash(made):
            # This invocation wrote it, and the reply was lost.
            return Outcome(found, found.status(now_ms), made)
        if self.digest is not None and found.renewal_digest == self.digest:
            return self._repeat(found, now_ms)
        offered = catalogue_repository.offered(deps, self.budget, (limits.model_id for limits in found.models))
        sale = pricing.price_renewal(offered, found.models)
        raise_if_refused(pricing.refuse_total(sale, found.term.months, self.order.expected_total))
        now_ms = deps.now_ms()
        raise_if_refused(rules.refuse_renewal(found, slot, now_ms))
        api_key = self._key_of_term(found.term_number + 1)
        new = self._next_term(found, sale, api_key, now_ms)
        self._write(partial(transactions.renew, deps.tables, found, new, slot, now_ms), found.entitlement_ids())
        return Outcome(new, new.status(now_ms), api_key)

    def _write(self, request_of: Callable[[Sequence[EntitlementId]], Request], keyed: Sequence[EntitlementId]) -> None:
        """Write the new term, and take the key out of those entitlements of the old one that can be read."""
        try:
            self.deps.send("TransactWriteItems", request_of(keyed))
        except ConditionFailedError:
            readable = self._readable(keyed)
            if len(readable) == len(keyed):
                raise  # another writer came first
            self.deps.send("TransactWriteItems", request_of(readable))

    def _readable(self, keyed: Sequence[EntitlementId]) -> list[EntitlementId]:
        table, keys = self.deps.tables.entitlements, [entitlement_items.entitlement_key(one) for one in keyed]
        stored = self.budget.persist(lambda: transport.get_many(self.deps.send, table, keys))
        return unreadable.read_each(table, stored, entitlement_items.understood_id)

    def _repeat(self, found: Subscription, now_ms: int) -> Outcome:
        if found.renewal_body != self._body_digest():
            raise Refused(Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"))
        return Outcome(found, found.status(now_ms), None, replayed=True)

    def _body_digest(self) -> bytes | None:
        return idempotency.body(self.order.raw) if self.order.raw else None

    def _key_of_term(self, number: int) -> str:
        return api_keys.issue_api_key(self.subscription_id, number, self.secret, self.deps.deployment_keys)

    def _next_term(self, old: Subscription, sale: Sale, api_key: str, now_ms: int) -> Subscription:
        term = windows.term_of(whole_second(now_ms), old.term.months, old.term.time_zone)
        return old._replace(
            term_number=old.term_number + 1,
            term=term,
            key_hash=api_keys.api_key_hash(api_key),
            key_tail=api_keys.api_key_tail(api_key),
            key_pending=False,
            sale=sale,
            renewal_digest=self.digest,
            renewal_body=None if self.digest is None else self._body_digest(),
            due_at_ms=term.ends_at_ms,
        )
