"""What holds for sales of every kind: the day's counts, an order that waits, a term that runs; each at its boundary."""

from __future__ import annotations

import pytest

from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions import rules, sale_rules
from modelpass.subscriptions.model import OrderKind, PendingOrder, SlotKind, Suspension
from tests.support.builders import NOON, SUBSCRIPTION_ID, ms, slot, subscription

DAY_ENDS, TERM_ENDS = ms("2026-12-02T00:00:00Z"), ms("2027-02-23T10:30:00Z")
TODAY = 20_788  # days from 1970-01-01 to 2026-12-01
OTHERS = [kind for kind in OrderKind if kind is not OrderKind.PURCHASE]


def refused_until_tomorrow() -> Refusal:
    return Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=43_200)


def test_ten_purchases_a_utc_day_and_not_one_more() -> None:
    assert sale_rules.refuse_count(None, OrderKind.PURCHASE, NOON) is None
    assert sale_rules.refuse_count(slot(0, day=TODAY, purchases=9), OrderKind.PURCHASE, NOON) is None
    full = slot(0, day=TODAY, purchases=10)
    assert sale_rules.refuse_count(full, OrderKind.PURCHASE, NOON) == refused_until_tomorrow()


@pytest.mark.parametrize("kind", OTHERS)
def test_what_is_no_purchase_is_sold_once_the_days_purchases_are_used_up(kind: OrderKind) -> None:
    assert sale_rules.refuse_count(slot(0, day=TODAY, purchases=10), kind, NOON) is None


@pytest.mark.parametrize("kind", OrderKind)
def test_hundred_sales_a_utc_day_of_whatever_kind_and_not_one_more(kind: OrderKind) -> None:
    place = slot(0, day=TODAY)
    assert sale_rules.refuse_count(place._replace(sales=99), kind, NOON) is None
    assert sale_rules.refuse_count(place._replace(sales=100), kind, NOON) == refused_until_tomorrow()


def test_next_utc_day_counts_anew_from_its_first_millisecond() -> None:
    full = slot(0, day=TODAY, purchases=10)._replace(sales=100)
    refused = sale_rules.refuse_count(full, OrderKind.PURCHASE, DAY_ENDS - 1)
    assert refused == Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=1)
    assert sale_rules.refuse_count(full, OrderKind.PURCHASE, DAY_ENDS) is None
    assert [rules.purchases_today(full, at) for at in (DAY_ENDS - 1, DAY_ENDS)] == [10, 0]
    assert [sale_rules.sales_today(full, at) for at in (DAY_ENDS - 1, DAY_ENDS)] == [100, 0]
    assert (rules.purchases_today(None, NOON), sale_rules.sales_today(None, NOON)) == (0, 0)


def test_clock_behind_the_stored_day_counts_its_sales_as_of_that_day() -> None:
    ahead = slot(0, day=TODAY + 1, purchases=4)._replace(sales=7)
    assert (rules.purchases_today(ahead, NOON), sale_rules.sales_today(ahead, NOON)) == (4, 7)


def test_purchases_of_code_that_counts_no_sales_are_sales() -> None:
    assert sale_rules.sales_today(slot(0, day=TODAY, purchases=4), NOON) == 4


def test_order_that_waits_keeps_others_out_until_it_lapses_and_is_named() -> None:
    assert sale_rules.refuse_beside_pending_order(None, NOON) is None
    assert sale_rules.refuse_beside_pending_order(slot(NOON), NOON) is None
    waiting = slot(NOON)._replace(pending_order=("ord_1", NOON))
    refused = sale_rules.refuse_beside_pending_order(waiting, NOON - 1)
    assert refused is not None
    assert (refused.code, refused.retry_after) == (ErrorCode.ORDER_PENDING, None)
    assert "ord_1" in refused.error()["message"]
    assert sale_rules.refuse_beside_pending_order(waiting, NOON) is None


def test_running_term_is_one_that_has_begun_and_not_ended_suspended_or_not() -> None:
    running = subscription()
    suspended = running._replace(suspension=Suspension(NOON, "operator", "unpaid"))
    pending = running._replace(pending_order=PendingOrder(1, OrderKind.PURCHASE, TERM_ENDS))
    told = [
        (running, TERM_ENDS - 1, None),
        (suspended, TERM_ENDS - 1, None),
        (running, TERM_ENDS, ErrorCode.SUBSCRIPTION_EXPIRED),
        (suspended, TERM_ENDS, ErrorCode.SUBSCRIPTION_EXPIRED),
        (running._replace(due_at_ms=None), NOON, ErrorCode.SUBSCRIPTION_EXPIRED),
        (running._replace(cancelled_at_ms=NOON), NOON, ErrorCode.SUBSCRIPTION_CANCELLED),
        (running._replace(cancelling_at_ms=NOON), NOON, ErrorCode.SUBSCRIPTION_CANCELLED),
        (suspended._replace(cancelling_at_ms=NOON), NOON, ErrorCode.SUBSCRIPTION_CANCELLED),
        (pending, NOON, ErrorCode.SUBSCRIPTION_PENDING),
    ]
    for found, now_ms, code in told:
        refusal = sale_rules.refuse_unless_running(found, now_ms)
        assert (None if refusal is None else refusal.code) == code


@pytest.mark.parametrize(
    ("kind", "holder", "free"),
    [(SlotKind.CUSTOM, SUBSCRIPTION_ID, True), (SlotKind.CUSTOM, "sub_x", False), (SlotKind.PLAN, "gold", False)],
)
def test_place_is_refused_only_where_something_else_holds_it(*, kind: SlotKind, holder: str, free: bool) -> None:
    place = slot(NOON, kind)._replace(holder_id=holder)
    refusal = sale_rules.refuse_place_of_another(place, SUBSCRIPTION_ID, NOON - 1)
    assert (refusal is None) is free
    assert sale_rules.refuse_place_of_another(place, SUBSCRIPTION_ID, NOON) is None
    assert sale_rules.refuse_place_of_another(None, SUBSCRIPTION_ID, NOON) is None
