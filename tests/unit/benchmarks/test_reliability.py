"""The harness of `make reliability` notices what it is there to notice: limits, losses, grants that came too late."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from benchmarks import page
from benchmarks.reliability.__main__ import PAGE, SECTIONS
from benchmarks.reliability.attack import Attack
from benchmarks.reliability.clock import Moment
from benchmarks.reliability.meter import READ, WRITE, Charge, Key, Meter, charges_of, keys_of
from benchmarks.reliability.queue import Fate, Message, Queue, fates
from benchmarks.reliability.revocation import Asked, Found
from benchmarks.reliability.store import Reply, error, in_front_of, throttled
from modelpass.dynamodb.transport import StoreBusyError
from tests.support.wire import serving, told
from tests.support.world import send_of

if TYPE_CHECKING:
    from pathlib import Path

KEY = Key("T", "a", READ)
HASH_KEYS = {"T": "pk", "U": "id"}
GET = {"TableName": "T", "Key": {"pk": {"S": "a"}}}


def spend(meter: Meter, key: Key, units: float, times: int, at: float) -> int:
    """How many of so many requests pass at one moment."""
    passed = 0
    for _ in range(times):
        if meter.admits([key], at):
            meter.charge([Charge(key, units)], at)
            passed += 1
    return passed


@pytest.mark.parametrize(("kind", "limit"), [(READ, 3_000), (WRITE, 1_000)])
def test_a_key_gives_its_units_in_a_second_and_not_one_more(kind: str, limit: int) -> None:
    meter, key = Meter(), Key("T", "a", kind)
    assert spend(meter, key, 1.0, limit, 0.0) == limit
    assert not meter.admits([key], 0.0)
    assert spend(meter, key, 1.0, limit, 0.5) == limit / 2
    assert spend(meter, key, 1.0, 2 * limit, 100.0) == limit  # what is not used is kept for a second


def test_keys_tables_and_kinds_have_their_own_units() -> None:
    meter = Meter()
    meter.charge([Charge(KEY, 10_000.0)], 0.0)
    assert not meter.admits([KEY], 0.0)
    others = [Key("T", "b", READ), Key("U", "a", READ), Key("T", "a", WRITE)]
    assert meter.admits(others, 0.0)
    assert not meter.admits([*others, KEY], 0.0)


def test_a_request_that_takes_more_than_is_left_passes_and_leaves_a_debt() -> None:
    meter = Meter()
    meter.charge([Charge(KEY, 2_999.0), Charge(KEY, 3_001.0)], 0.0)
    assert not meter.admits([KEY], 0.9)
    assert not meter.admits([KEY], 1.0)
    assert meter.admits([KEY], 1.01)


@pytest.mark.parametrize(
    ("operation", "request_", "keys"),
    [
        ("GetItem", GET, [KEY]),
        ("UpdateItem", GET, [Key("T", "a", WRITE)]),
        ("PutItem", {"TableName": "U", "Item": {"id": {"S": "b"}}}, [Key("U", "b", WRITE)]),
        ("TransactWriteItems", {"TransactItems": [{"Update": GET}, {"Put": GET}]}, [Key("T", "a", WRITE)] * 2),
        ("TransactGetItems", {"TransactItems": [{"Get": GET}]}, [KEY]),
        ("BatchGetItem", {"RequestItems": {"T": {"Keys": [{"pk": {"S": "a"}}]}}}, [KEY]),
        (
            "Query",
            {
                "TableName": "T",
                "IndexName": "due",
                "KeyConditionExpression": "#dp = :dp AND #da < :now",
                "ExpressionAttributeValues": {":dp": {"S": "a"}, ":now": {"N": "1"}},
            },
            [Key("T/due", "a", READ)],
        ),
    ],
)
def test_keys_of_every_operation_are_found(operation: str, request_: dict[str, Any], keys: list[Key]) -> None:
    assert keys_of(operation, request_, HASH_KEYS) == keys


def test_units_of_a_table_are_shared_by_the_keys_that_are_named_of_it() -> None:
    keys = [Key("T", "a", WRITE), Key("T", "b", WRITE), Key("U", "a", WRITE)]
    reply = {
        "ConsumedCapacity": [{"TableName": "T", "CapacityUnits": 4.0}, {"TableName": "U", "CapacityUnits": 2.0}],
    }
    assert [units for _, units in charges_of("TransactWriteItems", keys, reply)] == [2.0, 2.0, 2.0]


def test_refused_conditions_are_charged() -> None:
    key = Key("T", "a", WRITE)
    refused = {"__type": "x#ConditionalCheckFailedException", "Item": {"pk": {"S": "a" * 1500}}}
    assert charges_of("UpdateItem", [key], refused) == [Charge(key, 2.0)]
    cancelled = {"__type": "x#TransactionCanceledException"}
    assert charges_of("TransactWriteItems", [key], cancelled) == [Charge(key, 2.0)]


@pytest.fixture
def clock(tmp_path: Path) -> Moment:
    return Moment(tmp_path / "now")


def test_moment_is_the_same_for_all_that_look(clock: Moment) -> None:
    other = Moment(clock.path)
    clock.seconds = 12.5
    assert other.seconds == 12.5


def test_store_passes_on_until_the_limit_and_refuses_beyond_it_without_asking_the_engine(clock: Moment) -> None:
    with serving() as engine, in_front_of(engine.url, HASH_KEYS, clock) as store:
        engine.sends(told({"ConsumedCapacity": {"TableName": "T", "CapacityUnits": 1_000.0}}))
        store.meter = Meter()
        send = send_of(store.url, "lean")
        for _ in range(3):
            send("GetItem", GET)
        with pytest.raises(StoreBusyError, match="ProvisionedThroughputExceeded"):
            send("GetItem", GET)
        assert (len(engine.asked), store.refused) == (3, 1)
        clock.seconds += 1
        send("GetItem", GET)
        assert store.taken() == [[Charge(KEY, 1_000.0)]] * 4


def test_requests_that_name_a_table_that_is_away_fail_and_no_others(clock: Moment) -> None:
    with serving() as engine, in_front_of(engine.url, HASH_KEYS, clock) as store:
        store.away["T"] = "InternalServerError"
        send = send_of(store.url, "lean")
        with pytest.raises(StoreBusyError):
            send("GetItem", GET)
        send("GetItem", {"TableName": "U", "Key": {"id": {"S": "a"}}})
        assert len(engine.asked) == 1


def test_a_refused_transaction_names_the_reason_of_each_action() -> None:
    assert throttled("GetItem", 1) == error("ProvisionedThroughputExceededException")
    refused = throttled("TransactWriteItems", 2)
    assert isinstance(refused, Reply)
    assert (refused.body or b"").count(b"ThrottlingError") == 2


def test_attack_takes_what_there_is_of_a_key_and_asks_at_its_rate() -> None:
    meter = Meter()
    attack = Attack({"GET /": [[[Charge(KEY, 100.0)]]]}, 100.0, 0.0, 10.0, random.Random(1))
    while (at := attack.next_at()) < 10.0:
        attack.go_on(meter)
    assert at >= 10.0
    assert 900 <= attack.asked <= 1_100
    assert attack.gave_up > attack.asked / 2  # 10,000 units are wanted each second, of 3,000


GOOD, BAD = Message("good", "plain", "{}", 7), Message("bad", "not JSON", "{")


def test_message_that_is_not_deleted_comes_again_and_is_parked_in_the_end() -> None:
    queue = Queue(most_receives=3)
    queue.send([GOOD, BAD])
    for number in range(3):
        batch = queue.receive(10)
        assert batch == ([GOOD, BAD] if number == 0 else [BAD])
        queue.give_back(batch, {"bad"})
    assert queue.receive(10) == []
    assert list(queue.parked) == ["bad"]


def test_batch_holds_no_more_than_asked_for() -> None:
    queue = Queue(most_receives=3)
    queue.send([GOOD, BAD])
    assert (queue.receive(1), queue.receive(1)) == ([GOOD], [BAD])


@pytest.mark.parametrize(
    ("booked", "parked", "fate"),
    [
        ({"good": 7}, [], Fate.BOOKED),
        ({"good": 0}, ["good"], Fate.PARKED),
        ({"good": 0}, [], Fate.LOST),
        ({}, [], Fate.LOST),
        ({"good": 14}, [], Fate.TWICE),
    ],
)
def test_lost_settle_is_noticed_and_so_is_one_that_was_booked_twice(
    booked: dict[str, int], parked: list[str], fate: Fate
) -> None:
    assert fates([GOOD], booked, parked) == {"good": fate}


def test_report_that_cannot_be_booked_is_lost_unless_it_is_parked() -> None:
    assert fates([BAD], {"bad": 0}, []) == {"bad": Fate.LOST}
    assert fates([BAD], {"bad": 0}, ["bad"]) == {"bad": Fate.PARKED}
    assert fates([BAD], {"bad": 7}, ["bad"]) == {"bad": Fate.TWICE}


def test_grants_that_began_after_the_answer_are_counted_and_those_under_way_are_not() -> None:
    under_way, late, refused = (
        Asked(0.9, 1.1, granted=True),
        Asked(1.2, 1.3, granted=True),
        Asked(1.4, 1.5, granted=False),
    )
    assert Found([under_way, refused], 1.0).after == 0
    assert Found([under_way, late, refused], 1.0).after == 1
    assert round(Found([under_way, late, refused], 1.0).last_ms) == 200


def test_page_has_a_place_for_every_section_and_no_other() -> None:
    assert sorted(page.blocks(PAGE.read_text("utf-8"))) == sorted(SECTIONS)
