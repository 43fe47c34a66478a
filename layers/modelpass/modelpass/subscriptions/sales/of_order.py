"""The kind of sale that a stored order is, to carry it out when it is confirmed. Rule: pure.

What was asked for is in the order, and the key of a renewal in the row; so no other detail of the call is needed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.sales.change import Change
from modelpass.subscriptions.sales.extension import Extension
from modelpass.subscriptions.sales.purchase import Purchase
from modelpass.subscriptions.sales.renewal import NewKey, Renewal
from modelpass.subscriptions.sales.top_up import ToppingUp

if TYPE_CHECKING:
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.sales.kinds import SaleKind


def kind_of(order: Order, found: Subscription) -> SaleKind:
    """What carries out an order of this subscription that waits."""
    match order.kind:
        case OrderKind.PURCHASE:
            return Purchase()
        case OrderKind.RENEWAL:
            return Renewal(lambda _: _kept_key(found))
        case OrderKind.EXTENSION:
            return Extension(order.months)
        case OrderKind.CHANGE:
            return Change()
        case OrderKind.TOP_UP:
            return ToppingUp()
        case _:
            assert_never(order.kind)


def _kept_key(found: Subscription) -> NewKey:
    """The key that the call has shown which ordered the renewal."""
    waits = found.pending_order
    if waits is None or waits.key_hash is None or waits.key_tail is None:
        raise ValueError("A renewal that waits has the key of its term")
    return NewKey(waits.key_hash, waits.key_tail)
