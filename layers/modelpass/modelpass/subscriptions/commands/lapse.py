"""Lapse: the reset tells of an order that nobody confirmed in time. Rule: it changes no answer that anyone would get.

The order has lapsed by the clock alone, and so have what its subscription's row and its account's place say of it. This
only notes it in the order, with the event, once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.subscriptions import order_events, order_items
from modelpass.subscriptions.order_records import OrderStatus

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.order_records import Order


def lapse(deps: Deps, order: Order) -> None:
    """Tell that an order has lapsed; it does nothing for one that waits still, or that has ended.

    Raises `ConditionFailedError` when another writer came first.
    """
    if order.stored is OrderStatus.PENDING and order.status(deps.now_ms()) is OrderStatus.LAPSED:
        ended = order._replace(stored=OrderStatus.LAPSED)
        actions = [order_items.end_order(deps.tables, ended), {"Put": order_events.lapsed(deps.tables, ended)}]
        deps.send("TransactWriteItems", {"TransactItems": actions})
