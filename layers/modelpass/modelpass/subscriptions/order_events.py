"""The events of orders that wait for their confirmation, as rows of the outbox. Rule: pure; one for each fact.

What an order buys is told by an event of its own, once it is carried out (`events`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.outbox import EventType, Moment, Subject, put
from modelpass.subscriptions import pricing
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.order_records import Order


def pending(tables: Tables, order: Order) -> Request:
    """An order was made that waits."""
    return _of_order(tables, EventType.ORDER_PENDING, order, order.at_ms)


def confirmed(tables: Tables, order: Order, at_ms: int) -> Request:
    """An order that waited was carried out."""
    return _of_order(tables, EventType.ORDER_CONFIRMED, order, at_ms, reference=order.reference)


def rejected(tables: Tables, order: Order, at_ms: int) -> Request:
    """The billing system will not have an order."""
    return _of_order(tables, EventType.ORDER_REJECTED, order, at_ms, reason=order.reason)


def withdrawn(tables: Tables, order: Order, at_ms: int) -> Request:
    """A customer took an order back, or cancelled its subscription."""
    return _of_order(tables, EventType.ORDER_WITHDRAWN, order, at_ms)


def lapsed(tables: Tables, order: Order) -> Request:
    """Nobody confirmed an order in time; the event's time is that instant, however late it is noticed."""
    return _of_order(tables, EventType.ORDER_LAPSED, order, order.lapses_at_ms or order.at_ms)


def _of_order(tables: Tables, kind: EventType, order: Order, at_ms: int, **more: str | None) -> Request:
    data: dict[str, Any] = {
        "orderId": order.id,
        "kind": order.kind.value,
        "label": order.label or None,
        "price": pricing.price_answer(order.price),
        "lapsesAt": None if order.lapses_at_ms is None else rfc3339(order.lapses_at_ms),
        **more,
    }
    subject = Subject(order.subscription_id, order.account_id)
    at = Moment(at_ms, order.term_number, order.number)
    return put(tables, kind, subject, at, data, (str(order.number),))
