"""The writes of an account's one place: guarded by the place just as it was read, and telling a plan that has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelpass import schema
from modelpass.subscriptions import slots
from modelpass.subscriptions.model import FOREVER, OrderKind, Slot, SlotKind
from modelpass.times import DAY_MS
from tests.support.builders import NOON, SUBSCRIPTION_ID, TABLES, TERM, slot, subscription

if TYPE_CHECKING:
    from collections.abc import Callable

TODAY = NOON // DAY_MS
AS_READ = "#kd = :kd AND #id = :id AND #un = :un AND #pd = :pd AND #pn = :pn"
NAMES = ("v", "rv", "kd", "id", "un", "pd", "pn", "ao", "ae", "sn", "po", "pl")
NO_ORDERS = " AND ".join(f"attribute_not_exists(#{name})" for name in ("sn", "po", "pl"))


def test_first_place_of_an_account_is_put_where_there_is_none() -> None:
    new = slots.taken(None, subscription())
    (action,) = slots.write(TABLES, "acct", None, new, NOON)
    put = action["Put"]
    assert (put["TableName"], put["ConditionExpression"]) == (TABLES.subscriptions, "attribute_not_exists(#pk)")
    assert put["ExpressionAttributeNames"] == {"#pk": "pk"}
    assert "ExpressionAttributeValues" not in put


@pytest.mark.parametrize(("revision", "unchanged"), [(7, "#rv = :rv"), (0, "(attribute_not_exists(#rv) OR #rv = :rv)")])
def test_place_is_replaced_only_as_it_was_read_and_one_of_version_1_may_have_no_revision(
    revision: int, unchanged: str
) -> None:
    old = slot(NOON, day=TODAY, purchases=3)._replace(revision=revision)
    (action,) = slots.write(TABLES, "acct", old, slots.freed(old), NOON - 1)
    put = action["Put"]
    none_known = f"attribute_not_exists(#ao) AND attribute_not_exists(#ae) AND {NO_ORDERS}"
    assert put["ConditionExpression"] == f"{schema.UNDERSTOOD} AND {AS_READ} AND {none_known} AND {unchanged}"
    assert put["ExpressionAttributeNames"] == {f"#{name}": name for name in NAMES}
    assert put["ExpressionAttributeValues"] == {
        **schema.understood(),
        ":rv": {"N": str(revision)},
        ":kd": {"S": old.kind.value},
        ":id": {"S": SUBSCRIPTION_ID},
        ":un": {"N": str(NOON)},
        ":pd": {"N": str(TODAY)},
        ":pn": {"N": "3"},
    }


@pytest.mark.parametrize(
    ("as_of_ms", "ended_as_of_ms", "unchanged"),
    [
        (5, None, "#ao = :ao AND attribute_not_exists(#ae)"),
        (None, 6, "attribute_not_exists(#ao) AND #ae = :ae"),
        (5, 6, "#ao = :ao AND #ae = :ae"),
    ],
)
def test_place_is_replaced_only_while_the_same_news_is_known(
    as_of_ms: int | None, ended_as_of_ms: int | None, unchanged: str
) -> None:
    old = slot(NOON)._replace(as_of_ms=as_of_ms, ended_as_of_ms=ended_as_of_ms)
    (action,) = slots.write(TABLES, "acct", old, slots.freed(old), NOON - 1)
    put = action["Put"]
    assert (
        put["ConditionExpression"] == f"{schema.UNDERSTOOD} AND {AS_READ} AND {unchanged} AND {NO_ORDERS} AND #rv = :rv"
    )
    known = {":ao": as_of_ms, ":ae": ended_as_of_ms}
    shown = {name: put["ExpressionAttributeValues"].get(name) for name in known}
    assert shown == {name: None if ms is None else {"N": str(ms)} for name, ms in known.items()}


@pytest.mark.parametrize(("now_ms", "told"), [(NOON - 1, False), (NOON, True)])
def test_end_of_a_plan_is_told_with_the_write_that_follows_it_and_no_sooner(*, now_ms: int, told: bool) -> None:
    old = slots.planned(None, "plan-1", NOON, None)
    actions = slots.write(TABLES, "acct", old, slots.taken(old, subscription()), now_ms)
    assert [action["Put"]["TableName"] for action in actions] == [TABLES.subscriptions, TABLES.events][: 1 + told]


def test_end_of_a_plan_that_was_told_is_not_told_again() -> None:
    old = slots.planned(None, "plan-1", NOON, None)._replace(due_at_ms=None)
    assert len(slots.write(TABLES, "acct", old, slots.freed(old), NOON)) == 1


def bought(old: Slot | None) -> Slot:
    return slots.counted(old, slots.taken(old, subscription()), OrderKind.PURCHASE, NOON)


def test_place_counts_its_revisions_from_one_and_keeps_the_days_purchases() -> None:
    first = bought(None)
    assert first == Slot(SlotKind.CUSTOM, SUBSCRIPTION_ID, TERM.ends_at_ms, TODAY, 1, 1, None, sales=1)
    second = slots.planned(first, "plan-1", NOON, None)
    assert second == Slot(SlotKind.PLAN, "plan-1", NOON, TODAY, 1, 2, NOON, sales=1)
    assert slots.freed(second) == Slot(SlotKind.PLAN, "plan-1", 0, TODAY, 1, 3, None, sales=1)
    assert slots.taken(second, subscription()) == Slot(
        SlotKind.CUSTOM,
        SUBSCRIPTION_ID,
        TERM.ends_at_ms,
        TODAY,
        1,
        3,
        None,
        sales=1,
    )


def test_purchase_by_a_clock_that_is_behind_counts_on_the_stored_day() -> None:
    ahead = bought(slot(0, day=TODAY + 1, purchases=4)._replace(sales=6))
    assert (ahead.purchase_day, ahead.purchases, ahead.sales) == (TODAY + 1, 5, 7)
    next_day = bought(slot(0, day=TODAY - 1, purchases=4)._replace(sales=6))
    assert (next_day.purchase_day, next_day.purchases, next_day.sales) == (TODAY, 1, 1)


@pytest.mark.parametrize("kind", [kind for kind in OrderKind if kind is not OrderKind.PURCHASE])
def test_sale_that_is_no_purchase_counts_as_a_sale_alone(kind: OrderKind) -> None:
    old = slot(TERM.ends_at_ms, day=TODAY, purchases=4)._replace(sales=6)
    counted = slots.counted(old, slots.taken(old, subscription()), kind, NOON)
    assert (counted.purchases, counted.sales) == (4, 7)
    first_of_the_day = slots.counted(old._replace(purchase_day=TODAY - 1), old, kind, NOON)
    assert (first_of_the_day.purchase_day, first_of_the_day.purchases, first_of_the_day.sales) == (TODAY, 0, 1)


def test_subscription_that_renews_itself_holds_its_place_past_its_end() -> None:
    assert slots.taken(None, subscription()).until_ms == TERM.ends_at_ms
    assert slots.taken(None, subscription()._replace(auto_renew=True)).until_ms == FOREVER


@pytest.mark.parametrize(
    "change",
    [
        bought,
        lambda old: slots.taken(old, subscription()),
        lambda old: slots.planned(old, "plan-2", NOON, None),
        slots.freed,
    ],
    ids=["bought", "renewed", "planned", "freed"],
)
def test_what_is_known_of_plans_outlives_every_change_of_the_place(change: Callable[[Slot], Slot]) -> None:
    old = slot(NOON)._replace(as_of_ms=5, ended_as_of_ms=6)
    new = change(old)
    assert (new.as_of_ms, new.ended_as_of_ms) == (5, 6)


def test_newer_news_of_the_place_outweighs_what_was_kept_apart_of_another_plan() -> None:
    old = slots.planned(None, "plan-1", NOON, 5)._replace(ended_as_of_ms=9)
    freed = [slots.freed(old, ms) for ms in (8, 9, 10)]
    assert [(new.as_of_ms, new.ended_as_of_ms) for new in freed] == [(8, 9), (9, None), (10, None)]
    unknown = slots.planned(None, "plan-1", NOON, None)._replace(ended_as_of_ms=9)
    assert (unknown.as_of_ms, unknown.ended_as_of_ms) == (None, 9)


def test_end_of_a_plan_that_does_not_hold_the_place_is_kept_and_changes_nothing_else() -> None:
    plan = slots.planned(None, "plan-1", NOON, 5)
    beside_a_plan = slots.ended_elsewhere(plan, "plan-2", 7, NOON - 1)
    assert beside_a_plan == plan._replace(revision=2, ended_as_of_ms=7)
    custom = bought(None)
    for now_ms in (NOON, TERM.ends_at_ms):
        assert slots.ended_elsewhere(custom, "plan-2", 7, now_ms) == custom._replace(revision=2, as_of_ms=7)
    assert slots.ended_elsewhere(None, "plan-2", 7, NOON) == Slot(SlotKind.PLAN, "plan-2", 0, 0, 0, 1, None, 7)
    assert slots.ended_elsewhere(plan, "plan-2", 7, NOON) == slots.freed(plan, 7)  # its own end is told by this write
