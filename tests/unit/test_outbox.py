"""Events as rows: one fact has one id, and the rows of a subject sort in the order in which things happened."""

from __future__ import annotations

from itertools import product

from modelpass import outbox
from modelpass.outbox import EventType, Moment, Order, Subject
from tests.support.builders import NOON, TABLES

PLACES = {
    "subscription.purchased": "00",
    "subscription.renewed": "01",
    "plan.started": "02",
    "tier.down": "03",
    "tier.up": "04",
    "limit.threshold_reached": "05",
    "tier.breached": "06",
    "usage.corrected": "07",
    "key.regenerated": "08",
    "subscription.cancelled": "09",
    "plan.ended": "10",
    "subscription.expired": "11",
    "usage.far_above_estimate": "12",
    "model.changed": "13",
    "subscription.extended": "14",
    "subscription.changed": "15",
    "subscription.topped_up": "16",
    "subscription.suspended": "17",
    "subscription.resumed": "18",
    "subscription.expiring": "19",
    "key.revoked": "20",
    "order.pending": "21",
    "order.confirmed": "22",
    "order.rejected": "23",
    "order.withdrawn": "24",
    "order.lapsed": "25",
    "hold.released": "26",
}


def test_events_sort_by_time_and_within_a_millisecond_by_their_order() -> None:
    orders = [(1, 0, 0), (1, 5, 80), (1, 5, 100), (1, 11, 0), (2, 0, 0), (10, 0, 0)]
    keys = [outbox.event_key("s", 1, Order(*order), "e") for order in orders]
    assert keys == sorted(keys)
    times = [outbox.event_key("s", at, Order(1, 0, 0), "e")[1] for at in (999, 10**12, NOON)]
    assert times == sorted(times)


def test_place_of_a_type_in_stored_keys_and_cursors_is_for_ever() -> None:
    def place(kind: EventType) -> str:
        put = outbox.put(TABLES, kind, Subject("s", None), Moment(1, 1), {}, ())
        return put["Item"]["sk"]["S"].split("#")[1][6:8]  # type: ignore[no-any-return] # an item's text

    assert {kind.value: place(kind) for kind in EventType} == PLACES
    assert len(set(PLACES.values())) == len(PLACES)


def test_events_of_one_fact_share_an_id_and_of_another_do_not() -> None:
    assert outbox.event_id("a", "b") == outbox.event_id("a", "b")
    assert len({outbox.event_id(*facts) for facts in (("a", "b"), ("ab",), ("b", "a"), ("a", "b", ""))}) == 4


def test_events_of_two_accounts_never_share_an_id_whatever_the_accounts_are_called() -> None:
    accounts = ["".join(letters) for length in (1, 2, 3) for letters in product("\0a1", repeat=length)]
    facts = [(f"account#{account}", revision) for account in accounts for revision in ("1", "11")]
    assert len({outbox.event_id("plan.ended", *each) for each in facts}) == len(facts)
