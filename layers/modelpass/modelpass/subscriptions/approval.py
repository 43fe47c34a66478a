"""Orders that wait for their confirmation: until when, what they keep meanwhile, and how they end. Rule: pure.

An order waits in three places at once, which are written together and never apart: itself (`stored`), its
subscription's row and its account's place (`pending_order`). Whoever ends it demands all three as they were read, so of
a confirmation, a rejection, a withdrawal and another sale one comes first, and the others look again. The clock needs
no write: from `lapses_at_ms` on, each of the three says by itself that nothing waits any more.

Nothing else of a subscription is changed by an order that waits, but of a purchase: its row is there, without a term.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.entitlements.windows import segment_at
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions import pricing, slots
from modelpass.subscriptions.model import OrderKind, PendingOrder, SlotKind
from modelpass.subscriptions.order_records import OrderStatus
from modelpass.times import MS_PER_SECOND

if TYPE_CHECKING:
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.sales.renewal import NewKey

BEGIN_A_TERM: Final = frozenset({OrderKind.PURCHASE, OrderKind.RENEWAL})
"""The kinds whose term begins when the order is carried out, and which keep the account's place until then."""
_MINUTE_MS: Final = 60 * MS_PER_SECOND


class State(NamedTuple):
    """An order with the row and the place that go with it; the three are written in one transaction."""

    row: Subscription
    slot: Slot
    order: Order


def lapses_at_ms(found: Subscription, kind: OrderKind, now_ms: int, minutes: int) -> int:
    """Until when an order waits that is made now (milliseconds): for so many minutes, or with what it was priced in.

    That is the term for an extension, and the month window for a change and a top-up.
    """
    ends_ms = now_ms + minutes * _MINUTE_MS
    if kind in BEGIN_A_TERM:
        return ends_ms
    if kind is OrderKind.EXTENSION:
        return min(ends_ms, found.expires_at_ms)
    return min(ends_ms, segment_at(found.term, now_ms).month_end_ms)


def waiting(
    found: Subscription, slot: Slot | None, order: Order, now_ms: int, minutes: int, key: NewKey | None
) -> State:
    """What an order becomes that is not carried out yet, with its row and its place.

    The place counts the sale, and is the subscription's own until the order lapses where the order begins a term. A
    purchase shows in its row what was ordered. `key` is that of a renewal.
    """
    until_ms = lapses_at_ms(found, order.kind, now_ms, minutes)
    row = found._replace(
        orders=order.number,
        pending_order=PendingOrder(order.number, order.kind, until_ms, *(key or (None, None))),
        announced=order.kind is not OrderKind.PURCHASE and found.end_announced,
    )
    if order.kind is OrderKind.PURCHASE:
        row = row._replace(models=order.models, sale=pricing.sale_at(order.price))
    made = order._replace(stored=OrderStatus.PENDING, lapses_at_ms=until_ms)
    place = slots.taken(slot, row)
    if order.kind in BEGIN_A_TERM:
        made = made._replace(from_ms=None, until_ms=None)
        place = place._replace(until_ms=until_ms)
    place = slots.counted(slot, place, order.kind, now_ms)._replace(pending_order=(order.id, until_ms))
    return State(_due(row, now_ms), place, made)


def confirmed(done: State, reference: str, now_ms: int) -> State:
    """An order that is carried out, with the row and the place after that: nothing waits any more."""
    row, order = done.row, done.order._replace(stored=OrderStatus.DONE, reference=reference)
    if order.kind in BEGIN_A_TERM:
        order = order._replace(term_number=row.term_number, from_ms=row.term.starts_at_ms, until_ms=row.expires_at_ms)
    return State(_due(row._replace(pending_order=None), now_ms), done.slot._replace(pending_order=None), order)


def ended(waits: State, status: OrderStatus, now_ms: int, reason: str | None = None) -> State:
    """An order that will not be carried out: its place is free again, and a purchase has never been."""
    row = waits.row._replace(pending_order=None, withdrawn=waits.order.kind is OrderKind.PURCHASE)
    slot = waits.slot
    place = slots.freed(slot) if waits.order.kind in BEGIN_A_TERM else slots.taken(slot, row)
    order = waits.order._replace(stored=status, reason=reason)
    return State(_due(row, now_ms), place._replace(pending_order=None), order)


def cancelled(row: Subscription, now_ms: int) -> Subscription:
    """The row whose order was just withdrawn as it is while its subscription is cancelled; one that has ended stays."""
    if row.withdrawn:
        return _due(row._replace(cancelled_at_ms=now_ms), now_ms)
    return row if row.has_ended(now_ms) else _due(row._replace(cancelling_at_ms=now_ms), now_ms)


def still_waits(state: State, now_ms: int) -> bool:
    """Whether order, row and place agree that the order waits at this moment, and that it can still be carried out.

    A machine whose clock is ahead may have seen it lapse already, and have cancelled the subscription, announced its
    end, or given the place away.
    """
    row, slot, order = state
    in_row = row.pending_order is not None and row.pending_order.number == order.number
    in_slot = slot.pending_order is not None and slot.pending_order[0] == order.id
    if not (in_row and in_slot and order.status(now_ms) is OrderStatus.PENDING):
        return False
    if row.cancelled_at_ms is not None or row.cancelling_at_ms is not None:
        return False
    holds = (slot.kind, slot.holder_id) == (SlotKind.CUSTOM, row.id)
    return holds and (order.kind in BEGIN_A_TERM or not row.has_ended(now_ms))


def refuse_ended(status: OrderStatus) -> Refusal:
    """The refusal of a call that comes too late: `order_confirmed`, or `order_lapsed` of one that ended otherwise."""
    return Refusal(ErrorCode.ORDER_CONFIRMED if status is OrderStatus.DONE else ErrorCode.ORDER_LAPSED)


def refuse_confirmation(found: Subscription, order: Order) -> Refusal | None:
    """Refuse to begin a term while the subscription is suspended (`subscription_suspended`); the order waits on."""
    if order.kind in BEGIN_A_TERM and found.suspension is not None:
        return Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED)
    return None


def _due(row: Subscription, now_ms: int) -> Subscription:
    return row._replace(due_at_ms=row.next_due_ms(now_ms))
