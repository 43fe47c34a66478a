"""Whichever client asks the store: the same answers, the same items, the same cost; and counted once on a bad line."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audit import assert_conserved
from tests.support.scenes import (
    COMMANDS,
    CORRECTIONS,
    OPERATORS,
    PLACE_COMMANDS,
    PLACES,
    READS,
    SCENES,
    Scene,
    cross,
    in_use,
    refused,
    replaced,
    settle,
    shown,
    stored,
    tier_is_down,
)
from tests.support.wire import Do, Wire, answer_of, serving, told
from tests.support.world import STORE_CLIENTS, World, new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.store import Send
    from tests.support.scenes import Json
    from tests.support.wire import Asked

    Pieces = tuple[bytes | Do, ...]

ALL_SCENES = [*dict.fromkeys((*SCENES, *PLACES, tier_is_down, refused, replaced))]
ALL_COMMANDS = [*dict.fromkeys((*READS, *OPERATORS, cross, *CORRECTIONS, *COMMANDS, *PLACE_COMMANDS))]
pytestmark = pytest.mark.usefixtures("few_shards")


@pytest.mark.parametrize("scene", ALL_SCENES, ids=lambda scene: scene.__name__)
def test_every_command_answers_stores_and_costs_the_same_by_either_client(
    engine: str, scene: Callable[[World], Scene]
) -> None:
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


def untouched(whole: bytes) -> Pieces:
    return (whole,)


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


# Of each: whether the request is carried out, and what comes of it on the way back.
FAULTS: list[tuple[bool, Callable[[bytes], Pieces]]] = [
    *((False, fault) for fault in (closed, reset)),
    *((True, fault) for fault in (closed, reset, cut_in_the_head, cut_in_the_body, hanging, damaged)),
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
    monkeypatch.setattr("modelpass.store_lean.READ_SECONDS", 0.1)
    lean = wire.lean()
    yield {"lean": lean.send, "boto3": by_boto3}
    lean.close()


def ask_too_much(scene: Scene) -> Json:
    """Is refused, with the item in the reply."""
    return scene.world.authorize(scene.api_key, "too-much", 35)


class BadLine:
    """Passes requests on to an engine; the write that is counted by `at` meets a fault."""

    def __init__(self, engine: str, at: int, fault: Callable[[bytes], Pieces], *, carried_out: bool) -> None:
        self.engine, self.at, self.fault, self.carried_out = engine, at, fault, carried_out
        self.writes = 0

    def __call__(self, asked: Asked) -> Pieces:
        number = self.writes
        self.writes += asked.operation == "UpdateItem"
        hit = asked.operation == "UpdateItem" and number == self.at
        whole = b"" if hit and not self.carried_out else answer_of(self.engine, asked)
        return self.fault(whole) if hit else (whole,)


def outcome(engine: str, wire: Wire, send: Send, command: Callable[[Scene], Json], line: BadLine) -> Any:
    """What a command answers whose requests go over such a line, and what is stored."""
    wire.answer = line
    world = new_world(engine, random.Random(5).randbytes)
    made = in_use(world)
    answer = command(made.on(world.with_send(send)))
    assert_conserved(world)
    result = shown(answer), stored(world)
    world.drop_tables()
    return result


@pytest.mark.parametrize("warm", [True, False])
@pytest.mark.parametrize(("carried_out", "fault"), FAULTS)
@pytest.mark.parametrize("command", [cross, ask_too_much, settle], ids=lambda command: command.__name__)
def test_a_request_on_a_bad_line_is_counted_once_and_answered_the_same(  # noqa: PLR0913, PLR0917 - one case
    engine: str,
    wire: Wire,
    by_client: dict[str, Send],
    command: Callable[[Scene], Json],
    carried_out: bool,  # noqa: FBT001
    fault: Callable[[bytes], Pieces],
    warm: bool,  # noqa: FBT001
) -> None:
    """The write is the first on its connection, or not; it was carried out, or not; each client hears of it."""
    good_line = BadLine(engine, -1, untouched, carried_out=True)
    expected, everything = outcome(engine, wire, by_client["lean"], command, good_line)
    if carried_out and command is settle:
        expected = {"settled": True, "replayed": True}  # its repeat cannot tell a report from its own
    for send in by_client.values():
        if warm:
            wire.sends(told({}))
            send("GetItem", {"TableName": "any", "Key": {"pk": {"S": "any"}}})
        else:
            wire.close_all()
        line = BadLine(engine, 0, fault, carried_out=carried_out)
        answer, left = outcome(engine, wire, send, command, line)
        assert line.writes >= 2
        assert left == everything
        assert answer == expected
