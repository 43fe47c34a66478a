"""The events about subscriptions and plans, as rows of the outbox. Rule: pure; a caller puts each into its transaction.

The transaction is the one that writes what the event reports, so that there is never one without the other. Each
function gives the `Put` of one row; `docs/events.md` lists what each event carries.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.outbox import EventType, Moment, Subject, put
from modelpass.subscriptions import answers, items, pricing
from modelpass.subscriptions.order_records import BY_SERVICE
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Slot, Subscription, Suspension
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.reminders import Reminder


def purchased(tables: Tables, subscription: Subscription, order: Order, at_ms: int) -> Request:
    """A custom subscription was bought."""
    return _of_term(tables, EventType.PURCHASED, subscription, at_ms, _sold(order))


def renewed(tables: Tables, subscription: Subscription, order: Order, at_ms: int) -> Request:
    """An expired subscription began a new term."""
    return _of_term(tables, EventType.RENEWED, subscription, at_ms, _sold(order))


def extended(tables: Tables, subscription: Subscription, order: Order, at_ms: int) -> Request:
    """A running term got more months, ordered by its customer or, where it renews itself, by the service."""
    by = order.by if order.by == BY_SERVICE else "customer"
    more = {**_sold(order), "months": order.months, "by": by}
    kind, number = EventType.EXTENDED, order.number
    return _of_term(tables, kind, subscription, at_ms, more, number=number, facts=(str(number),))


def expiring(
    tables: Tables, subscription: Subscription, reminder: Reminder, blocked_by: str | None, at_ms: int
) -> Request:
    """A term ends soon, for the first or the second time that this is told of this end."""
    more = {
        "daysLeft": reminder.days,
        "autoRenew": subscription.auto_renew,
        "renewalBlockedBy": blocked_by,
    }
    facts = (f"{subscription.term_number}-{subscription.expires_at_ms}-{reminder.days}",)
    return _of_term(tables, EventType.EXPIRING, subscription, at_ms, more, number=reminder.marks, facts=facts)


def changed(tables: Tables, subscription: Subscription, order: Order, at_ms: int) -> Request:
    """The list of a running term was changed: `models` are in force now, `pendingChange` says what still waits."""
    more = {
        **_sold(order),
        "lines": [answers.limits(limits) for limits in subscription.models],
        "pendingChange": answers.pending_change(subscription),
    }
    facts = (str(order.number),)
    return _of_term(tables, EventType.CHANGED, subscription, at_ms, more, number=order.number, facts=facts)


def topped_up(tables: Tables, subscription: Subscription, order: Order, at_ms: int) -> Request:
    """A model got units beside its cap, for a month window that ends at `windowEndsAt`."""
    bought, ends_ms = order.top_up, order.until_ms
    more = {
        **_sold(order),
        "modelId": None if bought is None else bought.model_id,
        "units": None if bought is None else bought.units,
        "windowEndsAt": None if ends_ms is None else rfc3339(ends_ms),
    }
    facts = (str(order.number),)
    return _of_term(tables, EventType.TOPPED_UP, subscription, at_ms, more, number=order.number, facts=facts)


def expired(tables: Tables, subscription: Subscription) -> Request:
    """A term ended; the event's time is the end of the term, however late that is noticed."""
    return _of_term(tables, EventType.EXPIRED, subscription, subscription.expires_at_ms)


def cancelled(tables: Tables, subscription: Subscription, at_ms: int) -> Request:
    """A customer cancelled a subscription."""
    return _of_term(tables, EventType.CANCELLED, subscription, at_ms)


def key_regenerated(tables: Tables, subscription: Subscription, at_ms: int) -> Request:
    """A subscription got another key within its term; from now on the one before is refused."""
    subject = Subject(subscription.id, subscription.account_id)
    data = {"term": subscription.term_number}
    generation = subscription.key_generation
    at = Moment(at_ms, subscription.term_number, generation)
    return put(tables, EventType.KEY_REGENERATED, subject, at, data, (str(generation),))


def key_revoked(tables: Tables, subscription: Subscription, at_ms: int, operator: str | None) -> Request:
    """The key of a subscription was revoked, by its customer or by the operator that is named."""
    subject = Subject(subscription.id, subscription.account_id)
    data = {"term": subscription.term_number, "by": "customer" if operator is None else "operator"}
    if operator is not None:
        data["operatorId"] = operator
    generation = subscription.key_generation
    at = Moment(at_ms, subscription.term_number, generation)
    return put(tables, EventType.KEY_REVOKED, subject, at, data, (str(generation),))


def suspended(tables: Tables, subscription: Subscription, at_ms: int, suspension: Suspension) -> Request:
    """An operator suspended a subscription."""
    data = {"operatorId": suspension.operator, "reason": suspension.reason}
    return _of_change(tables, EventType.SUSPENDED, subscription, at_ms, data)


def resumed(tables: Tables, subscription: Subscription, at_ms: int, operator: str, suspension: Suspension) -> Request:
    """An operator let a suspended subscription go on; the event tells since when and why it was suspended."""
    data = {"operatorId": operator, "reason": suspension.reason, "suspendedAt": rfc3339(suspension.at_ms)}
    return _of_change(tables, EventType.RESUMED, subscription, at_ms, data)


def plan_started(tables: Tables, account_id: str, slot: Slot, at_ms: int) -> Request:
    """A plan of another system took an account's place."""
    return _of_plan(tables, EventType.PLAN_STARTED, account_id, slot, at_ms)


def plan_ended(tables: Tables, account_id: str, slot: Slot, at_ms: int) -> Request:
    """Another system ended a plan before its time was over."""
    return _of_plan(tables, EventType.PLAN_ENDED, account_id, slot, at_ms, reason="ended")


def plan_expired(tables: Tables, account_id: str, slot: Slot) -> Request:
    """A plan's time was over; the event's time is that instant, however late it is noticed."""
    return _of_plan(tables, EventType.PLAN_ENDED, account_id, slot, slot.until_ms, reason="expired")


def _sold(order: Order) -> dict[str, Any]:
    """What the event of every sale says of its order."""
    return {"orderId": order.id, "price": pricing.price_answer(order.price)}


def _of_term(  # noqa: PLR0913 - an event says what, of what, when
    tables: Tables,
    kind: EventType,
    subscription: Subscription,
    at_ms: int,
    more: dict[str, Any] | None = None,
    *,
    number: int = 0,
    facts: tuple[str, ...] | None = None,
) -> Request:
    """The event of a term; it is told once for each term, unless `facts` tell it apart from others."""
    data: dict[str, Any] = {
        "term": subscription.term_number,
        "startsAt": rfc3339(subscription.term.starts_at_ms),
        "expiresAt": rfc3339(subscription.expires_at_ms),
        "models": [m.model_id for m in subscription.models],
        **(more or {}),
    }
    subject = Subject(subscription.id, subscription.account_id)
    at = Moment(at_ms, subscription.term_number, number)
    return put(tables, kind, subject, at, data, facts or (str(subscription.term_number),))


def _of_change(
    tables: Tables, kind: EventType, subscription: Subscription, at_ms: int, data: dict[str, Any]
) -> Request:
    """An event of which each change number of a subscription has at most one."""
    change_number = subscription.change_number
    subject = Subject(subscription.id, subscription.account_id)
    at = Moment(at_ms, subscription.term_number, change_number)
    return put(tables, kind, subject, at, {"term": subscription.term_number, **data}, (str(change_number),))


def _of_plan(tables: Tables, kind: EventType, account_id: str, slot: Slot, at_ms: int, **more: str) -> Request:
    data = {"planId": slot.holder_id, "expiresAt": rfc3339(slot.until_ms), **more}
    subject = Subject(items.slot_key(account_id)[0], account_id)
    return put(tables, kind, subject, Moment(at_ms, slot.revision), data, (str(slot.revision),))
