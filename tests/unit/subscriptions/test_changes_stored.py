"""What a change and a top-up store is read back as it was, and a row is written against all of it."""

from __future__ import annotations

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import items as entitlement_items
from modelpass.subscriptions import items, order_items, row_writes
from modelpass.subscriptions.model import OrderKind, TopUps
from tests.support.builders import NOON, TABLES, entitlement, subscription
from tests.support.changes import START, catalogue, changed, line, rates, sold
from tests.support.expressions import spelled
from tests.support.sold import order_of

OFFERED = catalogue(rates("a"), rates("b"))


def test_lists_that_wait_and_what_was_topped_up_are_read_back() -> None:
    _, row = changed(OFFERED, sold(OFFERED, line("a"), line("b")), line("a", cap=50))
    row = row._replace(top_ups=TopUps(START + 5, (("a", 7), ("b", 9))), due_at_ms=None)
    assert row.pending_change is not None
    assert items.subscription_of(items.subscription_item(row)) == row


def test_a_row_is_written_only_where_what_was_topped_up_is_as_it_was_read() -> None:
    row = subscription()._replace(top_ups=TopUps(NOON, (("m-1", 7),)))
    demands, _, _ = spelled(row_writes.change_row(TABLES, row, row._replace(label="x")))
    assert [clause for clause in demands if clause.startswith("tp = ")]
    demands, _, _ = spelled(row_writes.change_row(TABLES, subscription(), row))
    assert "attribute_not_exists(tp)" in demands


def test_an_order_keeps_which_of_its_lines_wait() -> None:
    made = order_of(subscription(), OrderKind.CHANGE)._replace(waiting=("a", "b"))
    assert order_items.order_of(order_items.order_item(made)) == made
    assert order_items.order_of(order_items.order_item(made._replace(waiting=()))).waiting == ()


def test_an_entitlement_keeps_the_tiers_of_its_open_holds() -> None:
    made = entitlement()._replace(earlier_tiers=((NOON - 1, Tier.BASIC), (NOON, Tier.STABLE)))
    assert entitlement_items.entitlement_of(entitlement_items.entitlement_item(made)) == made


def test_top_ups_are_those_of_a_month_that_has_not_ended_by_the_clock() -> None:
    row = subscription()._replace(top_ups=TopUps(NOON, (("m-1", 7),)))
    assert (row.topped_up("m-1", NOON - 1), row.topped_up("m-1", NOON), row.topped_up("m-2", NOON - 1)) == (7, 0, 0)
    assert row.at(NOON).top_ups is None
