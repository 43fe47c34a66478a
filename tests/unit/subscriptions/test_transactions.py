"""Every clause of the writes that sell, renew, end, cancel and give a new key, spelled out with its values."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.entitlements import history, updates
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.change import Correction, DayRow, MonthRow
from modelpass.entitlements.model import EntitlementId
from modelpass.entitlements.windows import term_of
from modelpass.schema import Tables
from modelpass.subscriptions import events as subscription_events
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import order_items, revocations, row_writes, slots
from modelpass.subscriptions import transactions as subscription_transactions
from modelpass.subscriptions.model import FOREVER, OrderKind, Sale, SlotKind
from modelpass.subscriptions.sales.purchase import Purchase
from modelpass.times import DAY_MS
from tests.support.builders import (
    CAP,
    KEY_HASH,
    LIMIT,
    NOON,
    SUBSCRIPTION_ID,
    TABLES,
    TERM,
    entitlement,
    hold,
    limits,
    ms,
    slot,
    subscription,
)
from tests.support.expressions import spelled
from tests.support.sold import bought, extended, order_of, renewed, sold

if TYPE_CHECKING:
    from collections.abc import Callable

TERM_ENDS = TERM.ends_at_ms
REMINDED_FIRST = TERM_ENDS - 7 * DAY_MS
UNDERSTOOD, SAME_TERM = "v IN (3, 2)", "tn = 1"
RUNNING = [UNDERSTOOD, SAME_TERM, "attribute_not_exists(xc)", "attribute_not_exists(xi)", "attribute_exists(dp)"]
KEY_IS_NEWER = "(attribute_not_exists(kg) OR kg < 4)"
DUE_NOW = [f"dp = {schema.due_shard(subscription_items.subscription_key(SUBSCRIPTION_ID)[0])}", f"da = {NOON}"]
OF_ROW = (TABLES.subscriptions, schema.primary_key(subscription_items.subscription_key(SUBSCRIPTION_ID)))
OF_MODEL = EntitlementId(SUBSCRIPTION_ID, 1, "m-1")
OF_ITEM = (TABLES.entitlements, entitlement_items.entitlement_key(OF_MODEL))
BOUGHT = subscription(models=(limits("m-1"), limits("m-2")))
REGENERATED = BOUGHT._replace(key_generation=4, key_tail="tail", new_key_day=20_788, new_keys=7)


def about(write: Any) -> tuple[str, Any]:
    return write["TableName"], write["Key"]


def actions_of(request: Any) -> list[str]:
    """What a transaction does to which table."""
    return [f"{name} {write['TableName']}" for action in request["TransactItems"] for name, write in action.items()]


def is_put_where_there_is_none(put: Any) -> bool:
    condition, names = put["ConditionExpression"], put["ExpressionAttributeNames"]
    return (condition, names) == ("attribute_not_exists(#pk)", {"#pk": "pk"})


def test_new_key_begins_in_the_row_of_a_running_subscription_that_has_no_newer_one() -> None:
    request = revocations.begin_new_key(TABLES, REGENERATED, NOON)
    assert actions_of(request) == ["Update S", "Put V"]
    update = request["TransactItems"][0]["Update"]
    assert about(update) == OF_ROW
    assert spelled(update) == (
        [*RUNNING, "attribute_not_exists(cn)", KEY_IS_NEWER],
        [f"kh = {KEY_HASH!r}", "kt = tail", "kg = 4", "kp = 1", "nd = 20788", "nn = 7", *DUE_NOW],
        [""],
    )


def test_new_key_is_brought_to_what_has_a_key_and_none_as_new() -> None:
    update = updates.set_key(TABLES, OF_MODEL, REGENERATED.key_hash, REGENERATED.key_generation)
    assert about(update) == OF_ITEM
    assert spelled(update) == (
        [UNDERSTOOD, "attribute_exists(kh)", f"({KEY_IS_NEWER} OR NOT attribute_type(kg, N))"],
        [f"kh = {KEY_HASH!r}", "kg = 4"],
        [""],
    )
    assert update["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_new_key_ends_where_neither_a_newer_one_nor_a_cancellation_has_begun() -> None:
    update = revocations.end_new_key(TABLES, REGENERATED, NOON)
    assert about(update) == OF_ROW
    same = [f"xa = {TERM_ENDS}", "attribute_not_exists(cw)"]
    assert spelled(update) == (
        [UNDERSTOOD, "v = 3", SAME_TERM, "kg = 4", "attribute_exists(kp)", "attribute_not_exists(xi)", *same],
        [f"da = {REMINDED_FIRST}"],
        ["kp"],
    )


def test_new_key_that_ends_while_a_change_is_under_way_leaves_the_row_due_for_it() -> None:
    update = revocations.end_new_key(TABLES, REGENERATED._replace(change_pending=True), NOON)
    assert spelled(update)[0][-1] == "cw = 1"
    assert spelled(update)[1:] == ([f"da = {NOON}"], ["kp"])


@pytest.mark.parametrize(("operator", "by"), [(None, "customer"), ("anna", "operator")])
def test_key_is_revoked_in_the_row_as_it_was_read_with_who_did_it(operator: str | None, by: str) -> None:
    revoked = BOUGHT._replace(key_tail="", key_generation=4, key_pending=True)
    request = revocations.revoke_key(TABLES, BOUGHT, revoked, NOON, operator)
    assert request["TransactItems"][0]["Update"] == row_writes.change_row(TABLES, BOUGHT, revoked)
    data = json.loads(request["TransactItems"][1]["Put"]["Item"]["data"]["S"])
    assert data == {"term": 1, "by": by, **({} if operator is None else {"operatorId": operator})}


def test_cancellation_begins_in_the_row_of_a_running_subscription() -> None:
    update = revocations.begin_cancellation(TABLES, BOUGHT, NOON)
    assert about(update) == OF_ROW
    assert spelled(update) == ([*RUNNING, "attribute_not_exists(cn)"], [f"xi = {NOON}", *DUE_NOW], [""])
    changed = revocations.begin_cancellation(TABLES, BOUGHT._replace(change_number=3), NOON)
    assert spelled(changed)[0] == [*RUNNING, "cn = 3"]


def test_entitlement_is_stopped_once() -> None:
    update = updates.cancel(TABLES, OF_MODEL, NOON)
    assert about(update) == OF_ITEM
    assert spelled(update) == (
        [UNDERSTOOD, "(attribute_not_exists(xc) OR attribute_exists(xs))"],
        [f"xc = {NOON}"],
        ["xs"],
    )
    assert update["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


@pytest.mark.parametrize(("begun_ms", "told_ms"), [(NOON - 5, NOON - 5), (None, NOON)])
def test_cancellation_ends_as_of_when_it_began(begun_ms: int | None, told_ms: int) -> None:
    cancelling = BOUGHT._replace(cancelling_at_ms=begun_ms)
    request = revocations.end_cancellation(TABLES, cancelling, None, NOON)
    assert actions_of(request) == ["Update S", "Put V"]
    update, event = request["TransactItems"][0]["Update"], request["TransactItems"][1]["Put"]
    assert about(update) == OF_ROW
    assert spelled(update) == (
        [UNDERSTOOD, SAME_TERM, f"xi = {told_ms}", "attribute_not_exists(xc)"],
        [f"xc = {told_ms}"],
        ["xi", "kp", "cw", "dp", "da"],
    )
    assert event == subscription_events.cancelled(TABLES, cancelling, told_ms)


def test_cancellation_with_something_unread_stays_marked_and_is_looked_at_later_while_the_term_lasts() -> None:
    cancelling = BOUGHT._replace(cancelling_at_ms=NOON - 5)
    request = revocations.end_cancellation(TABLES, cancelling, None, NOON, done=False)
    assert actions_of(request) == ["Update S", "Put V"]
    update = request["TransactItems"][0]["Update"]
    later = [DUE_NOW[0], f"da = {NOON + 900_000}"]
    assert spelled(update)[1:] == ([f"xc = {NOON - 5}", *later], ["kp", "cw"])
    over = revocations.end_cancellation(TABLES, cancelling, None, TERM_ENDS, done=False)
    assert spelled(over["TransactItems"][0]["Update"])[1:] == ([f"xc = {NOON - 5}"], ["xi", "kp", "cw", "dp", "da"])


@pytest.mark.parametrize("done", [True, False])
def test_what_was_left_of_a_cancellation_changes_no_instant_and_tells_no_second_event(*, done: bool) -> None:
    left = BOUGHT._replace(cancelling_at_ms=NOON - 5, cancelled_at_ms=NOON - 5)
    request = revocations.end_cancellation(TABLES, left, slot(TERM_ENDS), NOON, done=done)
    assert actions_of(request) == ["Update S", "Put S"]
    update = request["TransactItems"][0]["Update"]
    assert spelled(update)[0] == [UNDERSTOOD, SAME_TERM, f"xi = {NOON - 5}", "attribute_exists(xc)"]
    later = [DUE_NOW[0], f"da = {NOON + 900_000}"]
    assert spelled(update)[1:] == (([""], ["xi", "kp", "cw", "dp", "da"]) if done else (later, ["kp", "cw"]))
    freed = revocations.end_cancellation(TABLES, left, slots.freed(slot(TERM_ENDS)), NOON, done=done)
    assert actions_of(freed) == ["Update S"]


def test_new_key_with_something_unread_is_looked_at_later_and_no_later_than_what_comes_next() -> None:
    cases = (
        *((NOON, NOON + 900_000), (REMINDED_FIRST - 5, REMINDED_FIRST), (REMINDED_FIRST, REMINDED_FIRST + 900_000)),
        *((TERM_ENDS - 5, TERM_ENDS), (TERM_ENDS + 5, TERM_ENDS)),
    )
    for now_ms, due_at_ms in cases:
        update = revocations.put_off_new_key(TABLES, REGENERATED, now_ms)
        ended = revocations.end_new_key(TABLES, REGENERATED, now_ms)
        assert spelled(update) == (spelled(ended)[0], [f"da = {due_at_ms}"], [""])


@pytest.mark.parametrize(
    ("kind", "holder", "freed"),
    [
        (SlotKind.CUSTOM, SUBSCRIPTION_ID, True),
        (SlotKind.CUSTOM, "sub_other", False),
        (SlotKind.PLAN, SUBSCRIPTION_ID, False),
    ],
)
def test_cancellation_frees_the_place_only_of_the_subscription_itself(
    *, kind: SlotKind, holder: str, freed: bool
) -> None:
    place = slot(TERM_ENDS, kind)._replace(holder_id=holder)
    request = revocations.end_cancellation(TABLES, BOUGHT._replace(cancelling_at_ms=NOON), place, NOON)
    assert actions_of(request) == ["Update S", *["Put S"] * freed, "Put V"]
    if freed:
        item = request["TransactItems"][1]["Put"]["Item"]
        assert item == subscription_items.slot_item("acct", slots.freed(place), TABLES.version)


ORDER_AND_ENTRY = ["Put S", "Put S"]


def test_purchase_writes_everything_where_there_is_none_and_takes_the_place() -> None:
    draft = BOUGHT._replace(models=(), sale=None, due_at_ms=None, orders=0)
    written = sold(Purchase(), draft, order_of(BOUGHT), stored=None)
    request = subscription_transactions.sale(TABLES, written, ())
    assert actions_of(request) == ["Put S", "Put S", "Put S", "Put E", "Put E", "Put H", "Put V", *ORDER_AND_ENTRY]
    row, place, entry, first, second, term, event, *ordered = (action["Put"] for action in request["TransactItems"])
    assert all(is_put_where_there_is_none(put) for put in (row, place, entry, first, second, term, *ordered))
    made = term_of(NOON, 3, "UTC")
    begun = BOUGHT._replace(
        term=made, sold_months=3, orders=1, due_at_ms=made.ends_at_ms - 7 * DAY_MS, sale=Sale("USD", ("12.00",) * 2)
    )
    assert row["Item"] == subscription_items.subscription_item(begun)
    taken = slots.counted(None, slots.taken(None, begun), OrderKind.PURCHASE, NOON)
    assert place["Item"] == subscription_items.slot_item("acct", taken)
    pair = subscription_items.bought_key("acct", BOUGHT.created_at_ms, taken.revision, SUBSCRIPTION_ID)
    assert entry["Item"] == {**schema.primary_key(pair), "v": {"N": "3"}, "id": {"S": SUBSCRIPTION_ID}}
    for put, limits_of_one in zip((first, second), BOUGHT.models, strict=True):
        unused = entitlement(at_ms=NOON, term=made, bought=limits_of_one)
        assert put["Item"] == entitlement_items.entitlement_item(unused)
    assert term["Item"] == subscription_items.term_row(SUBSCRIPTION_ID, begun.sold_term())
    assert event == subscription_events.purchased(TABLES, begun, order_of(BOUGHT), NOON)
    assert ordered[0]["Item"] == order_items.order_item(order_of(BOUGHT))


def test_renewal_begins_a_term_only_where_the_row_is_just_as_it_was_read() -> None:
    request = renewed(BOUGHT)
    retired = ["Update E"] * 2
    assert actions_of(request) == [
        *("Update S", "Put S", "Put E", "Put E", "Put H", "Put V", "Put V"),
        *retired,
        *ORDER_AND_ENTRY,
    ]
    begin = request["TransactItems"][0]["Update"]
    demands, sets, removes = spelled(begin)
    assert about(begin) == OF_ROW
    asked_for = {"tn = 1", f"xa = {TERM_ENDS}", "attribute_not_exists(xc)", "attribute_not_exists(xi)"}
    assert asked_for | {UNDERSTOOD, f"da = {TERM_ENDS}", "attribute_not_exists(on)"} <= set(demands)
    assert {"v = 3", "tn = 2", "kt = tail", "on = 2", "sm = 3"} <= set(sets)
    assert removes == [""]
    assert begin["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def test_renewal_retires_the_old_key_in_every_model_and_keeps_the_day_of_purchases() -> None:
    writes = renewed(BOUGHT, slot(NOON, day=TERM_ENDS // DAY_MS, purchases=3)._replace(sales=5))["TransactItems"]
    place = writes[1]["Put"]["Item"]
    assert (place["pn"], place["sn"]) == ({"N": "3"}, {"N": "6"})
    for action, model_id in zip(writes[7:9], ("m-1", "m-2"), strict=True):
        assert about(action["Update"]) == (
            TABLES.entitlements,
            entitlement_items.entitlement_key(OF_MODEL._replace(model_id=model_id)),
        )
        assert spelled(action["Update"]) == ([UNDERSTOOD], [""], ["kh"])


def test_renewal_by_a_request_notes_its_key_and_of_an_end_that_was_told_tells_none() -> None:
    earlier = BOUGHT._replace(due_at_ms=None, renewal_digest=b"before", renewal_body=b"before")
    request = renewed(earlier, digest=b"digest")
    _, sets, removes = spelled(request["TransactItems"][0]["Update"])
    assert "rd = b'digest'" in sets
    assert removes == ["rb"]
    assert actions_of(request).count("Put V") == 1
    update = renewed(BOUGHT, digest=b"digest", body=b"body")["TransactItems"][0]["Update"]
    assert update["ExpressionAttributeValues"][":new_rb"] == {"M": {"tn": {"N": "2"}, "bd": {"B": b"body"}}}


def test_extension_moves_the_end_in_the_row_the_place_and_the_history_and_touches_no_entitlement() -> None:
    request = extended(BOUGHT._replace(reminded=3), 2, slot(TERM_ENDS))
    assert actions_of(request) == ["Update S", "Put S", "Update H", "Put V", *ORDER_AND_ENTRY]
    row, place, history_row = (next(iter(action.values())) for action in request["TransactItems"][:3])
    ends = ms("2027-04-23T10:30:00Z")
    demands, sets, removes = spelled(row)
    assert {UNDERSTOOD, "tn = 1", "mo = 3", f"xa = {TERM_ENDS}", f"da = {TERM_ENDS}"} <= set(demands)
    assert {"mo = 5", f"xa = {ends}", "sm = 3", f"da = {ends - 7 * DAY_MS}"} <= set(sets)
    assert removes == ["rm"]
    lines = row["ExpressionAttributeValues"][":new_ms"]["L"]
    assert [(line["M"]["pr"]["S"], line["M"]["pt"]["S"]) for line in lines] == [("12.00", "60.00")] * 2
    assert place["Item"]["un"] == {"N": str(ends)}
    assert about(history_row) == (
        TABLES.history,
        schema.primary_key(subscription_items.term_key(SUBSCRIPTION_ID, 1)),
    )
    demands, sets, _ = spelled(history_row)
    assert demands == [f"attribute_not_exists(pk) OR {UNDERSTOOD}"]
    assert {"mo = 5", f"xa = {ends}", "sm = if_not_exists(sm, 3)"} <= set(sets)


def test_end_of_a_term_is_told_once() -> None:
    request = subscription_transactions.end_term(TABLES, BOUGHT, BOUGHT.ended(TERM_ENDS), slot(TERM_ENDS), TERM_ENDS)
    assert actions_of(request) == ["Update S", "Put V"]
    update = request["TransactItems"][0]["Update"]
    assert about(update) == OF_ROW
    demands, sets, removes = spelled(update)
    assert {UNDERSTOOD, SAME_TERM, f"da = {TERM_ENDS}", "attribute_not_exists(en)"} <= set(demands)
    assert (sets, removes) == (["v = 3", "en = 1"], ["dp", "da"])


def test_end_of_a_term_that_might_have_gone_on_frees_the_place_with_it() -> None:
    stored = BOUGHT._replace(auto_renew=True)
    request = subscription_transactions.end_term(TABLES, stored, stored.ended(TERM_ENDS), slot(FOREVER), TERM_ENDS)
    assert actions_of(request) == ["Update S", "Put V", "Put S"]
    assert request["TransactItems"][2]["Put"]["Item"]["un"] == {"N": "0"}


def test_ticket_is_written_once_and_kept_for_a_day_longer_than_settles_are_accepted() -> None:
    put = history.ticket(TABLES, entitlement(), hold())
    assert put["TableName"] == TABLES.history
    assert is_put_where_there_is_none(put)
    assert put["Item"] == {
        **schema.primary_key(history.ticket_key(OF_MODEL, hold())),
        "v": {"N": "3"},
        "hold": {"S": entitlement_items.pack_hold(hold())},
        "ttl": {"N": str((NOON + 458 * 24 * 3_600_000) // 1000)},
    }


def test_ticket_is_spent_by_the_one_settle_that_finds_it() -> None:
    delete = history.spent_ticket(TABLES, entitlement(), hold())
    assert about(delete) == (TABLES.history, schema.primary_key(history.ticket_key(OF_MODEL, hold())))
    assert spelled({**delete, "UpdateExpression": ""})[0] == [UNDERSTOOD]


def test_row_that_figures_are_added_to_is_made_where_there_is_none() -> None:
    day = history.add_to_day(TABLES, entitlement(), DayRow("2026-11-30", 2, 5))
    assert about(day) == (TABLES.history, schema.primary_key(history.day_key(OF_MODEL, "2026-11-30")))
    demands, sets, _ = spelled(day)
    assert demands == [f"attribute_not_exists(pk) OR {UNDERSTOOD}"]
    assert ", ".join(sets) == (
        "v = if_not_exists(v, 3), calls = if_not_exists(calls, 0) + 2, units = if_not_exists(units, 0) + 5"
    )
    month = history.add_to_month(TABLES, entitlement(), MonthRow(0, -9, 4, 5))
    assert about(month) == (TABLES.history, schema.primary_key(history.month_key(OF_MODEL, 0)))
    assert ", ".join(spelled(month)[1]) == (
        f"v = if_not_exists(v, 3), cap = if_not_exists(cap, {CAP}) + 0, left = if_not_exists(left, {CAP}) + -9, "
        "held = if_not_exists(held, 0) + 4, used = if_not_exists(used, 0) + 5"
    )


@pytest.mark.parametrize(
    ("write", "demand"),
    [
        (lambda: history.add_to_day(TABLES, entitlement(), DayRow("2026-11-30", 0, -5)), "units >= 5"),
        (lambda: history.add_to_day(TABLES, entitlement(), DayRow("2026-11-30", -5, 0)), "calls >= 5"),
        (lambda: history.add_to_day(TABLES, entitlement(), DayRow("2026-11-30", -5, 7, 50)), "calls >= 5"),
        (lambda: history.add_to_month(TABLES, entitlement(), MonthRow(0, 5, 0, -5)), "used >= 5"),
    ],
)
def test_what_was_used_is_taken_only_from_a_row_that_has_it(write: Callable[[], Any], demand: str) -> None:
    assert spelled(write())[0] == [UNDERSTOOD, demand]


def test_new_entitlement_has_all_that_was_bought_and_nothing_for_the_reset() -> None:
    made = subscription_transactions._new_entitlement(BOUGHT, limits("m-2"), TERM.starts_at_ms)
    assert (made.counters.day_left, made.counters.month_left, made.due_at_ms) == (LIMIT, CAP, None)
    assert made.segment_start_ms == TERM.starts_at_ms


def test_correction_is_recorded_once_with_who_why_and_when() -> None:
    made = Correction("key", b"body", b"nonce", "operator", -5, NOON - 1, "reason", NOON)
    put = history.correction(TABLES, OF_MODEL, made)
    assert put["TableName"] == TABLES.history
    assert is_put_where_there_is_none(put)
    assert put["Item"] == {
        **schema.primary_key(history.correction_key(SUBSCRIPTION_ID, "key")),
        "v": {"N": "3"},
        "body": {"B": b"body"},
        "nonce": {"B": b"nonce"},
        "operator": {"S": "operator"},
        "modelId": {"S": "m-1"},
        "term": {"N": "1"},
        "units": {"N": "-5"},
        "calls": {"N": "0"},
        "at": {"N": str(NOON - 1)},
        "reason": {"S": "reason"},
        "madeAt": {"N": str(NOON)},
    }
    assert history.corrected_entitlement(put["Item"]) == OF_MODEL


def test_closed_days_are_asked_for_from_the_first_to_the_last() -> None:
    pk, low, high = history.days_between(SUBSCRIPTION_ID, "2026-11-24", "2026-11-30")
    assert history.days_query("H", SUBSCRIPTION_ID, "2026-11-24", "2026-11-30") == {
        "TableName": "H",
        "KeyConditionExpression": "#pk = :pk AND #sk BETWEEN :low AND :high",
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": {":pk": {"S": pk}, ":low": {"S": low}, ":high": {"S": high}},
        "ConsistentRead": True,
    }


def test_terms_are_asked_for_by_what_their_keys_begin_with() -> None:
    pk, prefix = subscription_items.terms_prefix(SUBSCRIPTION_ID)
    assert subscription_items.sold_terms("H", SUBSCRIPTION_ID) == {
        "TableName": "H",
        "KeyConditionExpression": "#pk = :pk AND begins_with(#sk, :prefix)",
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": {":pk": {"S": pk}, ":prefix": {"S": prefix}},
        "ConsistentRead": True,
        "ScanIndexForward": False,
        "Limit": 16,
    }


def test_term_is_sold_once() -> None:
    put = subscription_transactions.begun_term(TABLES, BOUGHT)[-1]["Put"]
    assert put["TableName"] == TABLES.history
    assert is_put_where_there_is_none(put)
    assert put["Item"] == subscription_items.term_row(SUBSCRIPTION_ID, BOUGHT.sold_term())


def test_mark_of_a_sale_is_written_once_or_in_the_place_of_the_one_that_was_read() -> None:
    mark = order_items.Mark(7, b"body", b"nonce")
    put = order_items.put_mark(TABLES, SUBSCRIPTION_ID, "digest", mark)["Put"]
    assert is_put_where_there_is_none(put)
    assert order_items.mark_of(put["Item"]) == mark
    put = order_items.put_mark(TABLES, SUBSCRIPTION_ID, "digest", mark, mark._replace(order_number=3))["Put"]
    assert spelled({**put, "UpdateExpression": ""})[0] == [UNDERSTOOD, "on = 3"]


OLDER = Tables("E", "S", "H", "V", "C", version=2)


def versions_of(request: Any) -> set[str]:
    """The schema version of every item that a transaction puts."""
    puts = [action["Put"]["Item"] for action in request["TransactItems"] if "Put" in action]
    return {item["v"]["N"] for item in puts}


def test_new_items_are_of_the_version_that_the_deployment_writes() -> None:
    earlier = BOUGHT._replace(version=2)
    assert versions_of(bought(earlier, tables=OLDER)) == {"2"}
    request = renewed(earlier, tables=OLDER)
    assert versions_of(request) == {"2"}
    assert "v = 2" in spelled(request["TransactItems"][0]["Update"])[1]
    assert versions_of(
        subscription_transactions.end_term(OLDER, earlier, earlier.ended(TERM_ENDS), None, TERM_ENDS)
    ) == {"2"}
    assert versions_of(revocations.begin_new_key(OLDER, REGENERATED, NOON)) == {"2"}
    assert versions_of(revocations.end_cancellation(OLDER, BOUGHT, slot(NOON), NOON)) == {"2"}
    assert history.ticket(OLDER, entitlement(), hold())["Item"]["v"] == {"N": "2"}
    row = history.add_to_day(OLDER, entitlement(), DayRow("2026-11-30", 1, 1))
    assert row["ExpressionAttributeValues"][":new"] == {"N": "2"}
    made = Correction("key", b"body", b"nonce", "operator", -5, NOON, "reason", NOON)
    assert history.correction(OLDER, OF_MODEL, made)["Item"]["v"] == {"N": "2"}


@pytest.mark.parametrize("row", [DayRow("2026-11-30", 0, 0, 50), DayRow("2026-11-30", 1, 1)])
def test_row_from_which_nothing_used_is_taken_need_not_be_there(row: DayRow) -> None:
    found = spelled(history.add_to_day(TABLES, entitlement(), row))[0]
    assert found == [f"attribute_not_exists(pk) OR {UNDERSTOOD}"]


def test_correction_adds_no_calls_to_a_closed_day_that_its_limit_has_not() -> None:
    found = spelled(history.add_to_day(TABLES, entitlement(), DayRow("2026-11-30", 2, 0, 50)))[0]
    text = " AND ".join(found)
    assert text == f"(attribute_not_exists(pk) OR {UNDERSTOOD}) AND (attribute_not_exists(calls) OR calls <= 48)"
