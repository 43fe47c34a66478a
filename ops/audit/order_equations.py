"""The equations of a subscription's orders: what was sold is listed, told, and what the subscription has. Rule: pure.

They compare several items, so they hold at any one moment: a caller who has read the items one after the other reads
them again before it reports a breach. A term that was sold before there were orders has one only after `make upgrade`:
the event of its sale names none.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from modelpass.entitlements.windows import segment_at
from modelpass.outbox import EventType
from modelpass.subscriptions import order_items
from modelpass.subscriptions.model import OrderKind, Status
from modelpass.subscriptions.order_records import BY_SERVICE, OrderStatus
from ops.audit.breaches import Breach, Equation, compared, named, unless

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.entitlements.model import Entitlement
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.order_records import Order
    from ops.audit.breaches import Facts
    from ops.audit.rows import Readings

_TOLD_AS: Final = {
    OrderKind.PURCHASE: EventType.PURCHASED,
    OrderKind.RENEWAL: EventType.RENEWED,
    OrderKind.EXTENSION: EventType.EXTENDED,
    OrderKind.CHANGE: EventType.CHANGED,
    OrderKind.TOP_UP: EventType.TOPPED_UP,
}
_OF_TERMS: Final = (EventType.PURCHASED, EventType.RENEWED)
"""The events of sales that begin a term; those of before there were orders name none."""
_SELL_MONTHS: Final = (OrderKind.PURCHASE, OrderKind.RENEWAL, OrderKind.EXTENSION)
_ENDS: Final = {
    OrderStatus.DONE: EventType.ORDER_CONFIRMED,
    OrderStatus.REJECTED: EventType.ORDER_REJECTED,
    OrderStatus.WITHDRAWN: EventType.ORDER_WITHDRAWN,
    OrderStatus.LAPSED: EventType.ORDER_LAPSED,
}
_OF_ORDERS: Final = {EventType.ORDER_PENDING, *_ENDS.values(), *_TOLD_AS.values()} - {*_OF_TERMS}


def numbers(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """Each order up to the newest is there, but for those of terms that were sold before there were orders."""
    who, newest = subscription.id, max([0, *found.orders])
    yield from unless(newest <= subscription.orders, Equation.ORDERS, who, f"orders to {subscription.orders}", newest)
    wanted = set(range(1, subscription.orders + 1)) - _terms_without_orders(found)
    lacking = sorted(wanted - set(found.orders))
    yield from unless(not lacking, Equation.ORDERS, who, f"orders to {subscription.orders}", f"none of {lacking}")
    for number in sorted({*found.marked} - set(found.orders)):
        yield Breach(Equation.ORDERS, who, f"order {number}, which a mark names", "none")


def listed(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """The account's list of orders has each order once."""
    expected: Facts = Counter(order_items.listed_key(order) for order in found.orders.values())
    yield from compared(Equation.ORDERS, f"list of {subscription.id}", expected, Counter(found.entries))


def told(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """Each order that was carried out is told by one event of its kind, and each event of a sale names such an order.

    Whether a term that began is told once is asked of the subscription's events. Of an order that has waited, that is
    told as well, and how it ended.
    """
    expected: Facts = Counter()
    for order in found.orders.values():
        if order.stored is OrderStatus.DONE and not _begins(order):
            expected[_event_of(order), order.id] += 1
        if order.lapses_at_ms is not None:
            expected[EventType.ORDER_PENDING, order.id] += 1
            expected.update((event, order.id) for status, event in _ENDS.items() if status is order.stored)
    stored: Facts = Counter((e.type, e.data["orderId"]) for e in found.events if e.type in _OF_ORDERS)
    yield from compared(Equation.ORDERS, subscription.id, expected, stored)
    began = {order.id for order in found.orders.values() if order.stored is OrderStatus.DONE and _begins(order)}
    for order_id in (e.data.get("orderId") for e in found.events if e.type in _OF_TERMS):
        fits = order_id is None or order_id in began
        yield from unless(fits, Equation.ORDERS, subscription.id, f"order {order_id}, which an event names", "none")


def months(found: Readings, subscription: Subscription) -> Iterator[Breach]:
    """The months of the current term are those that its orders have sold."""
    number = subscription.term_number
    own = [o for o in found.orders.values() if (o.term_number, o.stored) == (number, OrderStatus.DONE)]
    if not any(_begins(order) for order in own):
        return
    sold, has = sum(o.months for o in own if o.kind in _SELL_MONTHS), subscription.term.months
    yield from unless(sold == has, Equation.ORDERS, f"{subscription.id} term {number}", f"{has} months", f"{sold} sold")


def pending(found: Readings, subscription: Subscription, now_ms: int) -> Iterator[Breach]:
    """What waits is said alike by the order, the subscription and, until it lapses, by the account's place."""
    who, waiting = subscription.id, subscription.pending_order
    for order in found.orders.values():
        if order.status(now_ms) is not OrderStatus.PENDING:
            continue
        same = waiting is not None and (waiting.number, waiting.kind, waiting.lapses_at_ms) == (
            order.number,
            order.kind,
            order.lapses_at_ms,
        )
        yield from unless(same, Equation.ORDERS, who, f"order {order.number} to wait", waiting and waiting.number)
        in_slot = found.slot is not None and found.slot.pending_order == (order.id, order.lapses_at_ms)
        yield from unless(in_slot, Equation.ORDERS, f"place of {who}", f"order {order.number} to wait", "not so")
    if waiting is None or waiting.lapses_at_ms <= now_ms or subscription.status(now_ms) is Status.CANCELLED:
        return
    there = found.orders.get(waiting.number)
    fits = there is not None and there.stored is OrderStatus.PENDING
    yield from unless(fits, Equation.ORDERS, who, f"order {waiting.number} to wait", "not so")


def top_ups(found: Readings, entitlement: Entitlement) -> Iterator[Breach]:
    """The units beside the cap of each month are those that its top-ups have sold."""
    of, sold = entitlement.id, Counter[int]()
    for order in found.orders.values():
        bought = order.top_up
        if bought is None or order.stored is not OrderStatus.DONE or order.from_ms is None:
            continue
        if (order.term_number, bought.model_id) == (of.term_number, of.model_id):
            sold[segment_at(entitlement.term, order.from_ms).month] += bought.units
    stored = {number: row.top_up for number, row in found.of(of).months.items()}
    stored[entitlement.month] = stored.get(entitlement.month, 0) + entitlement.top_up
    for number in sorted({*sold, *stored}):
        who = f"{named(of)} month {number}"
        yield from unless(
            sold[number] == stored.get(number, 0), Equation.TOP_UPS, who, sold[number], stored.get(number, 0)
        )


def _terms_without_orders(found: Readings) -> set[int]:
    """The terms that were sold before there were orders, as their events say; an order that is there counts as any."""
    return {e.data["term"] for e in found.events if e.type in _OF_TERMS and "orderId" not in e.data}


def _begins(order: Order) -> bool:
    """Whether an order began its term."""
    return order.kind in (OrderKind.PURCHASE, OrderKind.RENEWAL) and order.by != BY_SERVICE


def _event_of(order: Order) -> EventType:
    return EventType.EXTENDED if order.by == BY_SERVICE else _TOLD_AS[order.kind]


OF_ORDERS: Final[tuple[Callable[[Readings, Subscription], Iterator[Breach]], ...]] = (numbers, listed, told, months)
"""The equations of the orders that need no time."""
