"""A purchase: a new subscription with its first term. Rule: pure; the term begins when the order is carried out.

Until then the subscription is a draft: it has its id, its key and its settings, and a term of which only the time zone
counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from modelpass.entitlements import windows
from modelpass.subscriptions import events, pricing, rules, slots, transactions
from modelpass.subscriptions.model import OrderKind, Subscription
from modelpass.subscriptions.sales.kinds import Effect, new_order
from modelpass.times import whole_second

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.errors import Refusal
    from modelpass.schema import Tables
    from modelpass.subscriptions.model import Slot
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.orders import OrderLine, PurchaseOrder


class Identity(NamedTuple):
    """What a subscription is given when it is bought: its id, its account, and the hash and the tail of its key."""

    id: str
    account_id: str
    key_hash: bytes
    key_tail: str


@dataclass(frozen=True, slots=True)
class Purchase:
    """The models that are asked for; an order that has waited has them itself."""

    lines: tuple[OrderLine, ...] = ()
    months: int = 1

    def model_ids(self, found: Subscription) -> Iterable[str]:  # noqa: ARG002 - of a protocol
        """The models that are asked for."""
        return [line.model_id for line in self.lines]

    def refuse(self, found: Subscription, now_ms: int) -> Refusal | None:  # noqa: ARG002 - of a protocol
        """Nothing is refused before the price."""
        return None

    def order(self, found: Subscription, offered: Mapping[str, CatalogueModel], now_ms: int) -> Order:
        """The order of the first term, which begins now; raises what `pricing.price_purchase` refuses."""
        models, sale = pricing.price_purchase(offered, self.lines)
        price = pricing.price_at([(m.model_id, m.tier) for m in models], sale, self.months)
        term = windows.term_of(whole_second(now_ms), self.months, found.term.time_zone)
        span = (term.starts_at_ms, term.ends_at_ms)
        return new_order(found, OrderKind.PURCHASE, price, now_ms, term_number=1, span=span, models=models)

    def refuse_place(self, found: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:  # noqa: ARG002 - of a protocol
        """Refuse while something holds the account's place."""
        return rules.refuse_place(slot, now_ms)

    def effect(self, tables: Tables, found: Subscription, slot: Slot | None, order: Order, now_ms: int) -> Effect:
        """The first term, with the list and at the price of the order."""
        term = windows.term_of(whole_second(now_ms), order.months, found.term.time_zone)
        row = found._replace(
            term=term,
            models=order.models,
            sale=pricing.sale_at(order.price),
            sold_months=order.months,
            pending_order=None,
            due_at_ms=term.ends_at_ms,
        )
        actions = transactions.begun_term(tables, row)
        actions.append({"Put": events.purchased(tables, row, order, now_ms)})
        return Effect(row, slots.taken(slot, row), actions)


def draft(identity: Identity, asked: PurchaseOrder, body_digest: bytes, now_ms: int, version: int) -> Subscription:
    """A subscription that is about to be bought; its list is empty until the catalogue has been asked.

    `version` is the schema version that new items get.
    """
    return Subscription(
        id=identity.id,
        account_id=identity.account_id,
        term_number=1,
        term=windows.term_of(whole_second(now_ms), asked.months, asked.time_zone),
        created_at_ms=now_ms,
        cancelled_at_ms=None,
        cancelling_at_ms=None,
        key_hash=identity.key_hash,
        key_tail=identity.key_tail,
        key_generation=0,
        key_pending=False,
        models=(),
        sale=None,
        body_digest=body_digest,
        renewal_digest=None,
        renewal_body=None,
        due_at_ms=None,
        auto_renew=asked.auto_renew,
        auto_renew_months=asked.auto_renew_months,
        label=asked.label,
        version=version,
    )
