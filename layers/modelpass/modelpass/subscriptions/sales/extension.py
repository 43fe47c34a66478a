"""An extension: more months for the term that runs. Rule: pure; same term, key, windows and usage, and a later end.

Months are counted from the first day of the term, as they were when it was sold. They are sold at the prices of now,
for the list that will be in force in them. What a subscription that renews itself buys at its end is an extension, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelpass.entitlements import windows
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions import events, pricing, sale_rules, slots, transactions
from modelpass.subscriptions.model import MAX_MONTHS, OrderKind
from modelpass.subscriptions.sales.kinds import Effect, new_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.entitlements.model import Term
    from modelpass.schema import Tables
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Order, Price


@dataclass(frozen=True, slots=True)
class Extension:
    """So many months more; `by` is who orders them, if not the account, and `kind` what the order is called."""

    months: int
    kind: OrderKind = OrderKind.EXTENSION
    by: str | None = None

    def model_ids(self, found: Subscription) -> Iterable[str]:
        """The models of the list that is sold."""
        return [limits.model_id for limits in found.models_to_come]

    def refuse(self, found: Subscription, now_ms: int) -> Refusal | None:
        """Refuse what has ended or has not begun, and more than `MAX_MONTHS` from the current window on."""
        refusal = sale_rules.refuse_unless_running(found, now_ms)
        if refusal is None and months_left(found.term, now_ms) + self.months > MAX_MONTHS:
            return Refusal(ErrorCode.TERM_TOO_LONG, param="months")
        return refusal

    def order(self, found: Subscription, offered: Mapping[str, CatalogueModel], now_ms: int) -> Order:
        """The order of the months after the current end; raises `unknown_model` or `tier_not_offered`."""
        price = pricing.price_months(offered, found.models_to_come, self.months)
        span = (found.expires_at_ms, extended(found.term, self.months).ends_at_ms)
        models, number = found.models_to_come, found.term_number
        return new_order(found, self.kind, price, now_ms, term_number=number, span=span, models=models, by=self.by)

    def refuse_place(self, found: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:
        """Refuse where something else holds the account's place, which a running subscription has."""
        return sale_rules.refuse_place_of_another(slot, found.id, now_ms)

    def effect(self, tables: Tables, found: Subscription, slot: Slot | None, order: Order, now_ms: int) -> Effect:
        """The later end of the term, in the row, the place and the history; what is charged is added to its lines."""
        row = found._replace(term=extended(found.term, order.months), sold_months=found.months_to_renew, reminded=0)
        row = _charged(found, row, order.price)
        actions = [
            {"Update": transactions.lengthen_sold_term(tables, found, row)},
            {"Put": events.extended(tables, row, order, now_ms)},
        ]
        return Effect(row, slots.taken(slot, row), actions)


def extended(term: Term, months: int) -> Term:
    """A term that goes on for so many months more."""
    return windows.term_of(term.starts_at_ms, term.months + months, term.time_zone)


def months_left(term: Term, now_ms: int) -> int:
    """How many month windows are left of a term, the current one included."""
    return term.months - windows.segment_at(term, now_ms).month


def _charged(found: Subscription, row: Subscription, price: Price) -> Subscription:
    """The row once a price is charged for the lines that the months are sold with: those to come, if a change waits."""
    change, months = found.pending_change, found.term.months
    if change is not None:
        waiting = change._replace(sale=pricing.charged(change.sale, months, price))
        row = row._replace(pending_change=waiting)
    if found.sale is None:  # what was charged before is not known
        return row
    sale = pricing.with_totals(found.sale, months) if change else pricing.charged(found.sale, months, price)
    return row._replace(sale=sale)
