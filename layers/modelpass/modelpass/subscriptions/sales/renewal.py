"""A renewal by hand: a new term of an expired subscription. Rule: pure; the same list and months, a key of its own.

It sells the months of the last purchase or renewal by hand, and the list that is in force once all changes are. The
term begins when the order is carried out, with usage from zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from modelpass.entitlements import windows
from modelpass.subscriptions import events, pricing, rules, slots, transactions
from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.sales.kinds import Effect, new_order
from modelpass.times import whole_second

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.errors import Refusal
    from modelpass.schema import Tables
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Order


class NewKey(NamedTuple):
    """The hash and the tail of the key of a term that begins."""

    key_hash: bytes
    key_tail: str


@dataclass(frozen=True, slots=True)
class Renewal:
    """A renewal; `new_key` gives the key of the term with a number.

    `digest` and `body` are those of its Idempotency-Key and its body, which the row notes for code without marks.
    """

    new_key: Callable[[int], NewKey]
    digest: bytes | None = None
    body: bytes | None = None

    def model_ids(self, found: Subscription) -> Iterable[str]:
        """The models of the list that is sold."""
        return [limits.model_id for limits in found.models_to_come]

    def refuse(self, found: Subscription, now_ms: int) -> Refusal | None:  # noqa: ARG002 - of a protocol
        """Nothing is refused before the price: callers know the order of today."""
        return None

    def order(self, found: Subscription, offered: Mapping[str, CatalogueModel], now_ms: int) -> Order:
        """The order of the next term, which begins now; raises `unknown_model` or `tier_not_offered`."""
        price = pricing.price_months(offered, found.models_to_come, found.months_to_renew)
        term = windows.term_of(whole_second(now_ms), price.months, found.term.time_zone)
        span, number = (term.starts_at_ms, term.ends_at_ms), found.term_number + 1
        models = found.models_to_come
        return new_order(found, OrderKind.RENEWAL, price, now_ms, term_number=number, span=span, models=models)

    def refuse_place(self, found: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:
        """Refuse unless the subscription has expired and the account's place is free."""
        return rules.refuse_renewal(found, slot, now_ms)

    def effect(self, tables: Tables, found: Subscription, slot: Slot | None, order: Order, now_ms: int) -> Effect:
        """The new term with the list and at the price of the order; the key of the old term goes."""
        term = windows.term_of(whole_second(now_ms), order.months, found.term.time_zone)
        key_hash, key_tail = self.new_key(order.term_number)
        row = found._replace(
            term_number=order.term_number,
            term=term,
            key_hash=key_hash,
            key_tail=key_tail,
            key_pending=False,
            models=order.models,
            sale=pricing.sale_at(order.price),
            sold_months=order.months,
            pending_change=None,
            pending_order=None,
            reminded=0,
            announced=False,
            change_pending=False,
            renewal_digest=self.digest,
            renewal_body=self.body,
            due_at_ms=term.ends_at_ms,
        )
        actions = transactions.begun_term(tables, row)
        actions.append({"Put": events.renewed(tables, row, order, now_ms)})
        if not found.end_announced:
            actions.append({"Put": events.expired(tables, found)})
        return Effect(row, slots.taken(slot, row), actions, found.entitlement_ids())
