"""Orders for what was sold before there were orders. Rule: pure; each term gets the order that began it, once.

Such an order says what the row of the term says: the models, their prices, the months; it was ordered by the account
when the term began, and is done. It has the number of its term, which no other order has: those of later sales go on
after it. A term that was sold before prices were kept gets none, for what it cost is not known. No event is told of an
order that is made here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.entitlements.windows import month_window_start_ms
from modelpass.subscriptions import order_items, pricing, row_writes
from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.order_records import BY_SERVICE, Order, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelpass.entitlements.model import Limits
    from modelpass.schema import Item, Request, Tables
    from modelpass.subscriptions.model import SoldTerm, Subscription
    from modelpass.subscriptions.order_records import Price

_AT_A_TIME: Final = 45
"""Orders of one transaction, which may have 100 actions: two of each order, and one of the row."""


class Known(NamedTuple):
    """The orders that a subscription has: their numbers, and the terms that one of them began."""

    numbers: frozenset[int]
    terms: frozenset[int]


class Write(NamedTuple):
    """One transaction, or the update of the row alone: its actions, the first that of the row, and how many orders."""

    actions: list[Request]
    orders: int


def known(stored: Iterable[Item]) -> Known:
    """What there is, from a subscription's orders; raises `UnreadableItemError` and errors of parsing."""
    orders = [order_items.order_of(item) for item in stored]
    began = (o for o in orders if o.kind in (OrderKind.PURCHASE, OrderKind.RENEWAL) and o.by != BY_SERVICE)
    done = (o.term_number for o in began if o.stored is OrderStatus.DONE)
    return Known(frozenset(o.number for o in orders), frozenset(done))


def writes(tables: Tables, row: Subscription, there: Known, sold: Iterable[SoldTerm]) -> Iterator[Write]:
    """The writes that bring a row to the newest version and make the orders it lacks, to be sent one after the other.

    Each fails with a refused condition when somebody has changed the row since; then the next ones must not be sent.
    There is none where the row is of the newest version and lacks nothing.
    """
    orders = _lacking(row, there, sold)
    for start in range(0, len(orders), _AT_A_TIME):
        made = orders[start : start + _AT_A_TIME]
        new = _newest(row, max(row.orders, *(order.number for order in made)))
        puts = [action for order in made for action in order_items.put_order(tables, order)]
        yield Write([{"Update": row_writes.change_row(tables, row, new)}, *puts], len(made))
        row = new
    if row.version < schema.NEWEST:
        yield Write([{"Update": row_writes.change_row(tables, row, _newest(row, row.orders))}], 0)


def _newest(row: Subscription, orders: int) -> Subscription:
    """The row in its newest version, which has its due mark at the reminders before its end as well."""
    new = row._replace(version=schema.NEWEST, orders=orders)
    return new._replace(due_at_ms=new.next_due_ms(row.due_at_ms or 0))


def _lacking(row: Subscription, there: Known, sold: Iterable[SoldTerm]) -> list[Order]:
    """The orders to make; one whose number another order has comes after all others."""
    highest, orders = max(row.orders, row.term_number, *there.numbers), []
    for term in sold:
        price = pricing.price_of_term(term)
        if term.number in there.terms or price is None:
            continue
        taken = term.number in there.numbers
        highest += taken
        orders.append(_order(row, term, price, highest if taken else term.number))
    return orders


def _order(row: Subscription, sold: SoldTerm, price: Price, order_number: int) -> Order:
    term, first = sold.term, sold.number == 1
    return Order(
        subscription_id=row.id,
        number=order_number,
        account_id=row.account_id,
        kind=OrderKind.PURCHASE if first else OrderKind.RENEWAL,
        stored=OrderStatus.DONE,
        label="",
        price=price,
        at_ms=row.created_at_ms if first else term.starts_at_ms,
        by=row.account_id,
        term_number=sold.number,
        months=price.months,
        from_ms=term.starts_at_ms,
        until_ms=month_window_start_ms(term, price.months),
        models=_models(row, sold),
    )


def _models(row: Subscription, sold: SoldTerm) -> tuple[Limits, ...]:
    """The list that the term was sold with, where the row has never changed it since; else none is given."""
    unchanged = not row.change_number and tuple((m.model_id, m.tier) for m in row.models) == sold.models
    return row.models if unchanged else ()
