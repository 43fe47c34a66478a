"""Whichever client asks the store: the same answers, the same items, the same cost; and counted once on a bad line."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from modelpass.dynamodb.transport import ConditionFailedError, StoreError, StoreRejectedError
from tests.support import scenes
from tests.support.audit import assert_conserved
from tests.support.scenes import cross, in_use, settle, shown, stored
from tests.support.wire import Do, Wire, answer_of, serving, told
from tests.support.world import STORE_CLIENTS, World, new_world, send_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.dynamodb.transport import Send
    from tests.support.scenes import Command, Json, MakeScene, Scene
    from tests.support.wire import Asked

    Pieces = tuple[bytes | Do, ...]

KEY = {"pk": {"S": "account#a"}, "sk": {"S": "slot"}}
ITEM = {
    **KEY,
    "bytes": {"B": b"\x00\xff"},
    "set": {"BS": [b"\x01", b"\x02"]},
    "map": {"M": {"B": {"N": "1"}, "inner": {"B": b"\x03"}}},
    "long": {"N": "12345678901234567890123456789012345678"},
}
THERE, NOT_THERE = "attribute_exists(pk)", "attribute_not_exists(pk)"
ALL_SCENES = [
    *dict.fromkeys((*scenes.SCENES, *scenes.PLACES, scenes.tier_is_down, scenes.refused, scenes.replaced)),
]
ALL_COMMANDS = [
    *dict.fromkeys(
        (*scenes.READS, *scenes.OPERATORS, cross, *scenes.CORRECTIONS, *scenes.COMMANDS, *scenes.PLACE_COMMANDS)
    ),
]
pytestmark = pytest.mark.usefixtures("few_shards")


@pytest.mark.parametrize("scene", ALL_SCENES, ids=lambda scene: scene.__name__)
def test_every_command_answers_stores_and_costs_the_same_by_either_client(engine: str, scene: MakeScene) -> None:
    """From the same clock and the same chance, one command after the other, everything to the last byte."""
    seen = []
    for store_client in STORE_CLIENTS:
        world = new_world(engine, random.Random(5).randbytes, store_client=store_client)
        made = scene(world)
        answers = [command(made) for command in ALL_COMMANDS]
        items = [world.all_items(name) for name in world.names()]
        cost = (world.recorder.calls, world.recorder.read_units, world.recorder.write_units)
        seen.append((answers, items, cost))
        assert_conserved(world)
        world.drop_tables()
    assert seen[0] == seen[1]
    assert any(answer for answer in seen[0][0])


def closed(_: bytes) -> Pieces:
    return (Do.CLOSE,)


def reset(_: bytes) -> Pieces:
    return (Do.RESET,)


def cut_in_the_head(whole: bytes) -> Pieces:
    return whole[:25], Do.CLOSE


def cut_in_the_body(whole: bytes) -> Pieces:
    return whole[:-9], Do.CLOSE


def hanging(whole: bytes) -> Pieces:
    return whole[:-9], Do.HANG


def damaged(whole: bytes) -> Pieces:
    """One figure is another; nothing but the checksum tells."""
    head, _, body = whole.partition(b"\r\n\r\n")
    at = next(n for n, byte in enumerate(body) if byte in b"12345678")
    return (head + b"\r\n\r\n" + body[:at] + bytes([body[at] + 1]) + body[at + 1 :],)


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens to one request: whether it is carried out, and what becomes of its reply."""

    carried_out: bool
    on_the_way_back: Callable[[bytes], Pieces]

    def __str__(self) -> str:
        return f"{'carried out, ' * self.carried_out}{self.on_the_way_back.__name__}"


FAULTS = [
    *(Fault(carried_out=False, on_the_way_back=back) for back in (closed, reset)),
    *(
        Fault(carried_out=True, on_the_way_back=back)
        for back in (closed, reset, cut_in_the_head, cut_in_the_body, hanging, damaged)
    ),
]


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    with serving() as made:
        yield made


@pytest.fixture(scope="module")
def by_boto3(wire: Wire) -> Send:
    return wire.boto3()


@pytest.fixture
def by_client(wire: Wire, by_boto3: Send, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Send]]:
    """A way to the wire by each client, which does not wait long for replies that hang."""
    monkeypatch.setattr("modelpass.dynamodb.lean_client.READ_SECONDS", 0.5)
    lean = wire.lean()
    yield {"lean": lean.send, "boto3": by_boto3}
    lean.close()


def ask_too_much(scene: Scene) -> Json:
    """Is refused, with the item in the reply."""
    return scene.world.authorize(scene.api_key, "too-much", 35)


@dataclass(slots=True)
class Line:
    """Passes requests on to an engine; the first write meets a fault, if there is one."""

    engine: str
    fault: Fault | None = None
    writes: int = 0

    def __call__(self, asked: Asked) -> Pieces:
        self.writes += asked.operation == "UpdateItem"
        if self.fault is None or asked.operation != "UpdateItem" or self.writes > 1:
            return (answer_of(self.engine, asked),)
        whole = answer_of(self.engine, asked) if self.fault.carried_out else b""
        return self.fault.on_the_way_back(whole)


def outcome(wire: Wire, line: Line, send: Send, command: Command) -> tuple[Json, list[str]]:
    """What a command answers whose requests go over such a line, and what is stored."""
    wire.answer = line
    world = new_world(line.engine, random.Random(5).randbytes)
    made = in_use(world)
    answer = command(made.on(world.with_send(send)))
    assert_conserved(world)
    result = shown(answer), stored(world)
    world.drop_tables()
    return result


@pytest.mark.parametrize("warm", [True, False], ids=["kept", "new"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("command", [cross, ask_too_much, settle], ids=lambda command: command.__name__)
def test_a_request_on_a_bad_line_is_counted_once_and_answered_the_same(
    engine: str,
    wire: Wire,
    by_client: dict[str, Send],
    command: Command,
    fault: Fault,
    warm: bool,  # noqa: FBT001
) -> None:
    """Its connection was kept from an earlier request, or is new."""
    expected, everything = outcome(wire, Line(engine), by_client["lean"], command)
    if fault.carried_out and command in (cross, settle):
        expected = {"settled": True, "replayed": True}  # the repeat of a settle cannot tell a report from its own
    for send in by_client.values():
        if warm:
            wire.sends(told({}))
            send("GetItem", {"TableName": "any", "Key": {"pk": {"S": "any"}}})
        else:
            wire.close_all()
        line = Line(engine, fault)
        answer, left = outcome(wire, line, send, command)
        assert line.writes >= 2
        assert left == everything
        assert answer == expected


def put(table: str, condition: str) -> Json:
    return {
        "TableName": table,
        "Item": ITEM,
        "ConditionExpression": condition,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def requests(table: str) -> list[tuple[str, Json]]:
    """Each kind of answer: done, a guard that failed with an item and without, and what is refused for good."""
    condition = {"KeyConditionExpression": "pk = :pk", "ExpressionAttributeValues": {":pk": KEY["pk"]}}
    return [
        ("PutItem", put(table, THERE)),
        ("PutItem", put(table, NOT_THERE)),
        ("PutItem", put(table, NOT_THERE)),
        ("GetItem", {"TableName": table, "Key": KEY, "ConsistentRead": True}),
        ("Query", {"TableName": table, **condition}),
        ("BatchGetItem", {"RequestItems": {table: {"Keys": [KEY]}}}),
        ("TransactGetItems", {"TransactItems": [{"Get": {"TableName": table, "Key": KEY}}]}),
        ("TransactWriteItems", {"TransactItems": [{"Put": put(table, THERE)}]}),
        ("TransactWriteItems", {"TransactItems": [{"Put": put(table, NOT_THERE)}]}),
        ("UpdateItem", {"TableName": table, "Key": KEY, "UpdateExpression": "SET pk = :x"}),
        ("GetItem", {"TableName": "nowhere", "Key": KEY}),
    ]


def told_by(send: Send, operation: str, request: Json) -> object:
    try:
        answer = send(operation, request)
    except StoreError as error:
        return type(error), getattr(error, "item", None)
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def test_the_engine_tells_both_the_same(engine: str, world: World) -> None:
    table = world.tables.subscriptions
    answers = []
    for send in (send_of(engine, store_client) for store_client in STORE_CLIENTS):
        answers.append([told_by(send, *request) for request in requests(table)])
        world.dynamodb.delete_item(TableName=table, Key=KEY)
    assert answers[0] == answers[1]
    kinds = {answer[0] for answer in answers[1] if isinstance(answer, tuple)}
    assert kinds == {ConditionFailedError, StoreRejectedError}
