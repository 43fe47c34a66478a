"""A change of the list in the middle of a term. Rule: pure; what rises binds at once, what falls at the next window.

What binds at once, and what it costs, is said by `pricing_of_changes`. The row gets the new lists, and a mark: a new
line gets its entitlement in the transaction of the sale, every other one is brought to its line afterwards
(`commands.conform`), before the call answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelpass.entitlements.windows import segment_at
from modelpass.subscriptions import events, pricing_of_changes, sale_rules, slots, transactions
from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.sales.kinds import Effect, new_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.errors import Refusal
    from modelpass.schema import Tables
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.orders import OrderLine


@dataclass(frozen=True, slots=True)
class Change:
    """The whole list as it is wanted; an order that has waited has it itself."""

    lines: tuple[OrderLine, ...] = ()

    def model_ids(self, found: Subscription) -> Iterable[str]:
        """The models that are wanted, and those of the subscription: both prices of a line are those of now."""
        in_force = [limits.model_id for limits in found.models]
        return list(dict.fromkeys([*(line.model_id for line in self.lines), *in_force]))

    def refuse(self, found: Subscription, now_ms: int) -> Refusal | None:
        """Refuse what has ended or has not begun."""
        return sale_rules.refuse_unless_running(found, now_ms)

    def order(self, found: Subscription, offered: Mapping[str, CatalogueModel], now_ms: int) -> Order:
        """The order of the list, for the current month window and those after it.

        Raises what `pricing_of_changes.price_change` refuses.
        """
        models, price, waiting = pricing_of_changes.price_change(offered, found, self.lines, now_ms)
        span = (segment_at(found.term, now_ms).month_start_ms, found.expires_at_ms)
        number = found.term_number
        order = new_order(found, OrderKind.CHANGE, price, now_ms, term_number=number, span=span, models=models)
        return order._replace(waiting=tuple(sorted(waiting)))

    def refuse_place(self, found: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:
        """Refuse where something else holds the account's place, which a running subscription has."""
        return sale_rules.refuse_place_of_another(slot, found.id, now_ms)

    def effect(self, tables: Tables, found: Subscription, slot: Slot | None, order: Order, now_ms: int) -> Effect:
        """The lists of the order in the row, which is marked for what is still to do, and the lines that are new."""
        waiting = frozenset(order.waiting)
        lists = pricing_of_changes.carry_out(found, order.models, order.price, waiting, now_ms)
        row = found._replace(
            **lists._asdict(),
            change_number=found.change_number + 1,
            change_pending=True,
            pending_order=None,
        )
        actions = [
            *transactions.new_lines(tables, found, row, now_ms),
            {"Put": events.changed(tables, row, order, now_ms)},
        ]
        return Effect(row, slots.taken(slot, row), actions)
