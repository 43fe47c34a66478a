"""Orders that wait: until when, what they keep meanwhile, and what each end leaves, to the millisecond."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.errors import ErrorCode
from modelpass.subscriptions import approval, slots
from modelpass.subscriptions.approval import State
from modelpass.subscriptions.model import OrderKind, PendingOrder, Slot, SlotKind, Status, Subscription, Suspension
from modelpass.subscriptions.order_records import Order, OrderStatus, Price, PriceLine
from modelpass.subscriptions.sales.renewal import NewKey
from tests.support.builders import NOON, SUBSCRIPTION_ID, TERM, limits, ms, slot, subscription

MINUTE = 60_000
LATER = NOON + 60 * MINUTE
MONTH_ENDS, TERM_ENDS = ms("2026-12-23T10:30:00Z"), ms("2027-02-23T10:30:00Z")
KEY = NewKey(b"sixteen bytes, 2", "tail")
TERMS = (OrderKind.PURCHASE, OrderKind.RENEWAL)


def order(kind: OrderKind = OrderKind.EXTENSION, number: int = 3) -> Order:
    price = Price("USD", (PriceLine("m-1", Tier.STABLE, "12.00", "24.00"),), 2)
    return Order(
        subscription_id=SUBSCRIPTION_ID,
        number=number,
        account_id="acct",
        kind=kind,
        stored=OrderStatus.DONE,
        label="",
        price=price,
        at_ms=NOON,
        by="acct",
        term_number=1,
        months=2,
        from_ms=TERM_ENDS,
        until_ms=ms("2027-04-23T10:30:00Z"),
        models=(limits(cap=7),),
    )


def row() -> Subscription:
    return subscription()._replace(orders=2)


def place() -> Slot:
    return slot(TERM_ENDS, day=20_788, purchases=1)._replace(sales=4)


def waits(kind: OrderKind = OrderKind.EXTENSION) -> State:
    return approval.waiting(row(), place(), order(kind), NOON, 60, KEY if kind is OrderKind.RENEWAL else None)


def _with_row(of: OrderKind, **changed: Any) -> State:
    made = waits(of)
    return made._replace(row=made.row._replace(**changed))


def _with_slot(of: OrderKind, **changed: Any) -> State:
    made = waits(of)
    return made._replace(slot=made.slot._replace(**changed))


@pytest.mark.parametrize(
    ("kind", "now_ms", "lapses_ms"),
    [
        *((kind, NOON, LATER) for kind in OrderKind),
        (OrderKind.EXTENSION, MONTH_ENDS - MINUTE, MONTH_ENDS + 59 * MINUTE),
        (OrderKind.EXTENSION, TERM_ENDS - MINUTE, TERM_ENDS),
        *((kind, MONTH_ENDS - 60 * MINUTE - 1, MONTH_ENDS - 1) for kind in (OrderKind.CHANGE, OrderKind.TOP_UP)),
        *((kind, MONTH_ENDS - MINUTE, MONTH_ENDS) for kind in (OrderKind.CHANGE, OrderKind.TOP_UP)),
        *((kind, MONTH_ENDS, MONTH_ENDS + 60 * MINUTE) for kind in (OrderKind.CHANGE, OrderKind.TOP_UP)),
        *((kind, TERM_ENDS - 1, TERM_ENDS) for kind in (OrderKind.CHANGE, OrderKind.TOP_UP)),
        *((kind, TERM_ENDS - 1, TERM_ENDS - 1 + 60 * MINUTE) for kind in TERMS),
    ],
)
def test_an_order_waits_for_its_minutes_or_until_the_end_of_what_it_was_priced_in(
    kind: OrderKind, now_ms: int, lapses_ms: int
) -> None:
    assert approval.lapses_at_ms(row(), kind, now_ms, 60) == lapses_ms


@pytest.mark.parametrize("kind", OrderKind)
def test_order_row_and_place_agree_that_it_waits_until_its_last_millisecond(kind: OrderKind) -> None:
    made = waits(kind)
    assert made.row.pending_order is not None
    assert made.row.pending_order[:3] == (3, kind, LATER)
    assert (made.row.orders, made.slot.pending_order) == (3, (made.order.id, LATER))
    assert (made.order.status(LATER - 1), made.order.status(LATER)) == (OrderStatus.PENDING, OrderStatus.LAPSED)
    assert (approval.still_waits(made, LATER - 1), approval.still_waits(made, LATER)) == (True, False)


@pytest.mark.parametrize(
    "other",
    [
        waits()._replace(row=row()),
        waits()._replace(row=row()._replace(pending_order=PendingOrder(4, OrderKind.EXTENSION, LATER))),
        waits()._replace(slot=place()),
        waits()._replace(slot=place()._replace(pending_order=(order(number=4).id, LATER))),
        waits()._replace(order=order()),
        *(_with_row(kind, cancelled_at_ms=NOON, cancelling_at_ms=None) for kind in OrderKind),
        *(_with_row(kind, cancelling_at_ms=NOON) for kind in OrderKind),
        *(_with_row(kind, announced=True) for kind in OrderKind if kind not in TERMS),
        *(_with_slot(kind, holder_id="sub_of_another") for kind in TERMS),
        *(_with_slot(kind, kind=SlotKind.PLAN) for kind in TERMS),
    ],
)
def test_an_order_waits_only_while_all_three_say_so_and_it_can_be_carried_out(other: State) -> None:
    """The latter is what a machine whose clock is ahead may have ended: for it, the order had lapsed."""
    assert not approval.still_waits(other, NOON)


def test_a_sale_beside_an_order_that_has_lapsed_leaves_nothing_of_it_in_the_place() -> None:
    lapsed = waits().slot
    assert slots.counted(lapsed, slots.taken(lapsed, row()), OrderKind.EXTENSION, LATER).pending_order is None


@pytest.mark.parametrize("kind", OrderKind)
def test_an_order_that_waits_counts_as_a_sale_of_its_day(kind: OrderKind) -> None:
    made = waits(kind).slot
    assert (made.sales, made.purchases) == (5, 2 if kind is OrderKind.PURCHASE else 1)


@pytest.mark.parametrize("kind", OrderKind)
def test_only_an_order_that_begins_a_term_keeps_the_place_and_no_longer_than_it_waits(kind: OrderKind) -> None:
    made = waits(kind)
    assert made.slot.until_ms == (LATER if kind in TERMS else TERM_ENDS)
    assert (made.order.from_ms is None) == (kind in TERMS)


@pytest.mark.parametrize("kind", sorted(set(OrderKind) - set(TERMS)))
def test_an_order_that_waits_changes_nothing_of_a_running_term(kind: OrderKind) -> None:
    kept = waits(kind).row._replace(pending_order=None, orders=2)
    assert kept == row()._replace(due_at_ms=row().next_due_ms(NOON))


def test_a_purchase_that_waits_shows_what_was_ordered_and_has_no_term() -> None:
    made = waits(OrderKind.PURCHASE).row
    assert (made.models, made.sale and made.sale.monthly) == ((limits(cap=7),), ("12.00",))
    assert (made.status(NOON), made.status(TERM_ENDS), made.is_gone(LATER - 1)) == (
        Status.PENDING,
        Status.PENDING,
        False,
    )
    assert made.is_gone(LATER)


def test_a_renewal_that_waits_keeps_the_key_that_was_shown_and_the_term_stays_ended() -> None:
    expired = row()._replace(due_at_ms=None)  # its end was announced
    made = approval.waiting(expired, place(), order(OrderKind.RENEWAL), TERM_ENDS, 60, KEY).row
    assert made.pending_order is not None
    assert made.pending_order[3:] == KEY
    for then in (made, approval.ended(State(made, place(), order(OrderKind.RENEWAL)), OrderStatus.REJECTED, NOON).row):
        assert (then.status(TERM_ENDS), then.status(NOON)) == (Status.EXPIRED, Status.EXPIRED)
        assert then.due_at_ms is None
        assert (then.key_hash, then.term_number) == (expired.key_hash, 1)


@pytest.mark.parametrize("kind", OrderKind)
def test_once_it_ended_nothing_waits_and_a_place_that_was_kept_for_it_is_free(kind: OrderKind) -> None:
    made = waits(kind)
    ended = approval.ended(made, OrderStatus.REJECTED, NOON + 1, "No money.")
    assert (ended.order.stored, ended.order.reason) == (OrderStatus.REJECTED, "No money.")
    assert (ended.row.pending_order, ended.slot.pending_order) == (None, None)
    assert ended.slot.held(NOON + 1) == (kind not in TERMS)
    assert ended.slot.until_ms in (0, TERM_ENDS)
    assert ended.slot.revision > made.slot.revision
    assert ended.row.is_gone(NOON + 1) == (kind is OrderKind.PURCHASE)
    assert (ended.slot.sales, ended.row.orders) == (5, 3)


@pytest.mark.parametrize("kind", OrderKind)
def test_a_confirmed_order_has_its_reference_and_the_months_that_it_really_has(kind: OrderKind) -> None:
    made = waits(kind)
    begun = row()._replace(term_number=2, term=TERM, pending_order=made.row.pending_order)
    done = approval.confirmed(State(begun, made.slot, made.order), "pi_1", NOON + 5)
    assert (done.order.stored, done.order.reference) == (OrderStatus.DONE, "pi_1")
    assert (done.row.pending_order, done.slot.pending_order) == (None, None)
    months = (2, TERM.starts_at_ms, TERM_ENDS) if kind in TERMS else (1, order().from_ms, order().until_ms)
    assert (done.order.term_number, done.order.from_ms, done.order.until_ms) == months


@pytest.mark.parametrize("status", OrderStatus)
def test_a_call_that_comes_too_late_is_told_whether_the_order_was_confirmed(status: OrderStatus) -> None:
    code = ErrorCode.ORDER_CONFIRMED if status is OrderStatus.DONE else ErrorCode.ORDER_LAPSED
    assert approval.refuse_ended(status).code is code


@pytest.mark.parametrize("kind", OrderKind)
def test_no_term_begins_while_the_subscription_is_suspended(kind: OrderKind) -> None:
    suspended = row()._replace(suspension=Suspension(NOON, "op", "why"))
    refused = approval.refuse_confirmation(suspended, order(kind))
    assert (refused is not None and refused.code is ErrorCode.SUBSCRIPTION_SUSPENDED) == (kind in TERMS)
    assert approval.refuse_confirmation(row(), order(kind)) is None
