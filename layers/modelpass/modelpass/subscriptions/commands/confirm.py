"""Confirm: carry out an order that waits. Rule: once, at the price it was made at, and it binds before it is answered.

What was ordered is carried out by the very transaction that ends the order's waiting, which demands the subscription's
row and the account's place as they were read: so of a confirmation, any other end of the order and any other sale, one
comes first, and the others look again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass.errors import raise_if_refused
from modelpass.subscriptions import approval, order_events
from modelpass.subscriptions.approval import State
from modelpass.subscriptions.commands import conform, waiting_orders
from modelpass.subscriptions.commands.sell import write
from modelpass.subscriptions.commands.waiting_orders import Ended
from modelpass.subscriptions.order_records import OrderStatus
from modelpass.subscriptions.sales.of_order import kind_of

if TYPE_CHECKING:
    from modelpass.runtime.deps import Deps


def confirm(deps: Deps, order_id: str, reference: str) -> Ended:
    """Carry out an order that waits; `reference` is the billing system's name for what paid it.

    An order that was carried out already is given back as it is, with its first reference, once it binds everywhere.
    Raises `Refused` and changes nothing: `not_found`, `order_lapsed` for one that lapsed or was rejected or withdrawn,
    and `subscription_suspended` where its term cannot begin; such an order waits on. After `temporarily_unavailable` it
    may have been carried out all the same; a repeat tells.
    """
    budget = deps.retry_budget()

    def attempt() -> Ended:
        read = waiting_orders.read_waiting(deps, budget, None, order_id)
        now_ms = deps.now_ms()
        if read.order.status(now_ms) is OrderStatus.DONE:
            conform.finish_change(deps, budget, read.row)  # the call that carried it out may have broken off
            return Ended(read.order, now_ms)
        waiting_orders.require_waiting(read, now_ms)
        found = read.row.at(now_ms)
        raise_if_refused(approval.refuse_confirmation(found, read.order))
        effect = kind_of(read.order, found).effect(deps.tables, found, read.slot, read.order, now_ms)
        done = approval.confirmed(State(effect.row, effect.slot, read.order), reference, now_ms)
        told = {"Put": order_events.confirmed(deps.tables, done.order, now_ms)}
        effect = effect._replace(row=done.row, slot=done.slot, actions=[*effect.actions, told])
        write(deps, budget, waiting_orders.ending(read, effect, done.order, now_ms))
        conform.finish_change(deps, budget, done.row)
        return Ended(done.order, now_ms)

    return budget.until_done(attempt)
