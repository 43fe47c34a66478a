"""Sales of values that need no store: their orders, and what writes them. Rule: built as sales build them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.entitlements.windows import term_of
from modelpass.subscriptions import pricing, slots, transactions
from modelpass.subscriptions.model import OrderKind, Sale
from modelpass.subscriptions.sales.extension import Extension
from modelpass.subscriptions.sales.kinds import new_order
from modelpass.subscriptions.sales.purchase import Purchase
from modelpass.subscriptions.sales.renewal import NewKey, Renewal
from tests.support.builders import NOON, TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelpass.entitlements.model import EntitlementId
    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.sales.kinds import SaleKind

RENEWED_BY = NewKey(bytes(16), "tail")


def order_of(found: Subscription, kind: OrderKind = OrderKind.PURCHASE, months: int | None = None) -> Order:
    """An order of a subscription's list for so many months, those of its term if none are named."""
    names = [(limits.model_id, limits.tier) for limits in found.models]
    sale = found.sale or Sale("USD", ("12.00",) * len(names))
    price = pricing.price_at(names, sale, months or found.term.months)
    number = found.term_number + (kind is OrderKind.RENEWAL)
    term = term_of(NOON, price.months, found.term.time_zone)
    span = (term.starts_at_ms, term.ends_at_ms)
    return new_order(found, kind, price, NOON, term_number=number, span=span, models=found.models)


def sold(  # noqa: PLR0913 - a builder names what a sale depends on
    kind: SaleKind,
    found: Subscription,
    order: Order,
    *,
    stored: Subscription | None,
    slot: Slot | None = None,
    now_ms: int = NOON,
    mark: Request | None = None,
    tables: Tables = TABLES,
) -> transactions.SaleWritten:
    """What a sale writes."""
    effect = kind.effect(tables, found, slot, order, now_ms)
    row = effect.row.counted(order.number, tables.version, now_ms)
    effect = effect._replace(row=row, slot=slots.counted(slot, effect.slot, order.kind, now_ms))
    return transactions.SaleWritten(stored, slot, effect, order, mark, now_ms)


def bought(found: Subscription, slot: Slot | None = None, *, now_ms: int = NOON, tables: Tables = TABLES) -> Any:
    """The transaction of a purchase."""
    draft = found._replace(orders=0, version=tables.version)
    written = sold(Purchase(), draft, order_of(draft), stored=None, slot=slot, now_ms=now_ms, tables=tables)
    return transactions.sale(tables, written, ())


def renewed(
    found: Subscription,
    slot: Slot | None = None,
    *,
    retired: Sequence[EntitlementId] | None = None,
    digest: bytes | None = None,
    body: bytes | None = None,
    tables: Tables = TABLES,
) -> Any:
    """The transaction of a renewal, by default with every entitlement of the old term."""
    renewal = Renewal(lambda _: RENEWED_BY, digest, body)
    order = order_of(found, OrderKind.RENEWAL)
    written = sold(renewal, found, order, stored=found, slot=slot, now_ms=found.expires_at_ms + 1000, tables=tables)
    return transactions.sale(tables, written, written.effect.retired if retired is None else retired)


def extended(found: Subscription, months: int = 1, slot: Slot | None = None) -> Any:
    """The transaction of an extension."""
    order = order_of(found, OrderKind.EXTENSION, months)
    written = sold(Extension(months), found, order, stored=found, slot=slot)
    return transactions.sale(TABLES, written, ())
