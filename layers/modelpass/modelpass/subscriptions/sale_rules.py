"""The rules that hold for sales of every kind. Rule: pure; each gives the refusal or None, and times in milliseconds.

Whose place is free for what is in `rules`; what a kind of sale refuses besides is said by its module in `sales`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, assert_never

from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions.model import MAX_PURCHASES_PER_DAY, MAX_SALES_PER_DAY, OrderKind, SlotKind, Status
from modelpass.subscriptions.rules import purchases_today, refuse_place
from modelpass.times import DAY_MS, seconds_until

if TYPE_CHECKING:
    from modelpass.subscriptions.model import Slot, Subscription


def refuse_unless_running(found: Subscription, now_ms: int) -> Refusal | None:
    """Refuse a subscription whose term does not run; one that is suspended goes on."""
    if found.cancelling_at_ms is not None:
        return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    status = found.status(now_ms)
    match status:
        case Status.CANCELLED:
            return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
        case Status.EXPIRED:
            return Refusal(ErrorCode.SUBSCRIPTION_EXPIRED)
        case Status.PENDING:
            return Refusal(ErrorCode.SUBSCRIPTION_PENDING)
        case Status.SUSPENDED:
            return Refusal(ErrorCode.SUBSCRIPTION_EXPIRED) if found.has_ended(now_ms) else None
        case Status.ACTIVE:
            return None
        case _:
            assert_never(status)


def refuse_place_of_another(slot: Slot | None, subscription_id: str, now_ms: int) -> Refusal | None:
    """Refuse where something else than this subscription holds the account's place (`active_subscription_exists`)."""
    if slot is not None and (slot.kind, slot.holder_id) == (SlotKind.CUSTOM, subscription_id):
        return None
    return refuse_place(slot, now_ms)


def refuse_beside_pending_order(slot: Slot | None, now_ms: int) -> Refusal | None:
    """Refuse while an order of the account waits for its confirmation (`order_pending`)."""
    waiting = None if slot is None else slot.pending_order
    if waiting is None or waiting[1] <= now_ms:
        return None
    return Refusal(ErrorCode.ORDER_PENDING, message=f"{ErrorCode.ORDER_PENDING.text} It is {waiting[0]}.")


def refuse_count(slot: Slot | None, kind: OrderKind, now_ms: int) -> Refusal | None:
    """Refuse once the UTC day has had its sales, or its purchases where this is one (`too_many_purchases`)."""
    full = sales_today(slot, now_ms) >= MAX_SALES_PER_DAY
    if kind is OrderKind.PURCHASE:
        full = full or purchases_today(slot, now_ms) >= MAX_PURCHASES_PER_DAY
    if not full:
        return None
    return Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=seconds_until((now_ms // DAY_MS + 1) * DAY_MS, now_ms))


def sales_today(slot: Slot | None, now_ms: int) -> int:
    """How many sales were made on this UTC day; a clock that is behind the stored day counts in that day.

    Code that counts purchases alone may have written the place: they are sales at any rate.
    """
    if slot is None or slot.purchase_day < now_ms // DAY_MS:
        return 0
    return max(slot.sales, slot.purchases)
