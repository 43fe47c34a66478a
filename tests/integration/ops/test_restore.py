"""`make restore`: a deployment holds what restored tables hold, is conserved, and writes only what differs."""

from __future__ import annotations

import json
import threading
from collections import Counter
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from local.cloudformation.template import REGION
from ops.restore import command
from ops.restore.pace import Pace
from ops.restore.progress import Progress
from ops.restore.store import Store
from ops.restore.tables import DELETE, PUT, SEGMENTS, Pair, canonical, differences, make_equal
from tests.support.audit import assert_audited
from tests.support.handlers import create_stack
from tests.support.world import World, new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MANY = 2000
"""More than a page in each segment."""


class Client:
    """A client of DynamoDB that counts what it is asked for, and can be told to do something before that."""

    def __init__(self, dynamodb: Any, before: Callable[[str, dict[str, Any]], object] = lambda *_: None) -> None:
        self._dynamodb = dynamodb
        self._before = before
        self.asked: Counter[str] = Counter()
        self.units: Counter[str] = Counter()

    def __getattr__(self, method: str) -> Any:
        def ask(**request: Any) -> Any:
            self._before(method, request)
            answer = getattr(self._dynamodb, method)(**request)
            self.asked[method] += 1
            capacity = answer.get("ConsumedCapacity", [])
            for table in capacity if isinstance(capacity, list) else [capacity]:
                self.units[method] += table["CapacityUnits"]
            return answer

        return ask


class PowerCutError(Exception):
    """Ends a restore in its midst."""


def store_of(dynamodb: Any) -> Store:
    return Store(dynamodb, Pace(10**9), Pace(10**9))


def unheard(*_: object) -> None:
    """Nobody listens to how far it is."""


def pairs_of(source: World, target: World) -> list[Pair]:
    tables = zip(source.names(), target.names(), strict=True)
    return [Pair(str(number), live, restored, keys_of(target, live)) for number, (restored, live) in enumerate(tables)]


def keys_of(world: World, table: str) -> tuple[str, ...]:
    description = world.quick.describe_table(TableName=table)["Table"]
    return tuple(key["AttributeName"] for key in description["KeySchema"])


@pytest.fixture
def restored(engine: str) -> Iterator[World]:
    """Tables for what a world holds at one moment, as point-in-time recovery makes them."""
    made = new_world(engine)
    yield made
    made.drop_tables()


@pytest.fixture
def progress(tmp_path: Path) -> Callable[[], Progress]:
    return lambda: Progress.opened(tmp_path / "progress.json", {"of": "a test"})


def copied(source: World, target: World, tmp_path: Path) -> None:
    for pair in pairs_of(source, target):
        progress = Progress.opened(tmp_path / f"{pair.live}.json", {})
        make_equal(store_of(target.dynamodb), pair, progress, unheard)
        assert differences(store_of(target.dynamodb), pair, unheard) == 0
        progress.forget()


def stored(world: World) -> list[Any]:
    return [
        sorted(json.dumps(canonical(item), sort_keys=True, default=repr) for item in world.quick.scan_all(table))
        for table in world.names()
    ]


def fill(world: World, table: str, numbers: range, **more: Any) -> None:
    """Rows of the history, a partition for every ten of them."""
    items = [{"pk": {"S": f"of-{number // 10}"}, "sk": {"S": f"row-{number}"}, **more} for number in numbers]
    for first in range(0, len(items), 25):
        puts = [{"PutRequest": {"Item": item}} for item in items[first : first + 25]]
        assert not world.quick.batch_write_item(RequestItems={table: puts}).get("UnprocessedItems")


def history(source: World, target: World) -> Pair:
    return Pair("history", target.tables.history, source.tables.history, ("pk", "sk"))


def counts(progress: Progress, pair: Pair) -> tuple[int, int]:
    return progress.count(pair.walk(PUT), "written"), progress.count(pair.walk(DELETE), "written")


def test_what_was_done_since_is_gone_and_what_was_there_goes_on(world: World, restored: World, tmp_path: Path) -> None:
    key = world.buy()["apiKey"]
    granted = world.authorize(key, "before", 10)
    copied(world, restored, tmp_path)
    assert world.settle(granted["authorizationId"], 7)["settled"]
    assert world.authorize(key, "after", 5)["allowed"]
    world.buy("another")
    copied(restored, world, tmp_path)
    assert stored(world) == stored(restored)
    assert_audited(world)
    assert world.settle(granted["authorizationId"], 7)["monthly"]["used"] == 7


def test_only_what_differs_is_written_so_no_event_is_told_again(world: World, restored: World, tmp_path: Path) -> None:
    world.buy()
    copied(world, restored, tmp_path)
    world.buy("another")
    pair = Pair("events", world.tables.events, restored.tables.events, ("pk", "sk"))
    for number, expected in enumerate([(0, 1), (0, 0)]):
        client, progress = Client(world.dynamodb), Progress.opened(tmp_path / f"{number}", {})
        make_equal(store_of(client), pair, progress, unheard)
        assert counts(progress, pair) == expected
        assert client.asked["batch_write_item"] == expected[1]


def test_many_pages_are_made_equal_whatever_lies_on_either_side(
    world: World, restored: World, progress: Callable[[], Progress]
) -> None:
    pair = history(restored, world)
    fill(restored, pair.restored, range(MANY))
    fill(world, pair.live, range(100, 300), changed={"N": "1"})
    fill(world, pair.live, range(MANY, MANY + 400))
    assert differences(store_of(world.dynamodb), pair, unheard) == MANY + 400
    reached = progress()
    make_equal(store_of(world.dynamodb), pair, reached, unheard)
    assert counts(reached, pair) == (MANY, 400)
    assert differences(store_of(world.dynamodb), pair, unheard) == 0
    assert stored(world) == stored(restored)


@pytest.mark.parametrize("after", [0, 10, 30, 45, 55])
def test_one_that_broke_off_goes_on_where_it_was(
    world: World, restored: World, progress: Callable[[], Progress], after: int
) -> None:
    pair = history(restored, world)
    fill(restored, pair.restored, range(MANY))
    fill(world, pair.live, range(MANY - 100, MANY + 1500))
    whole = (MANY + MANY + 1500) // 99 + 2 * SEGMENTS  # at most so many pages
    left, lock = [after], threading.Lock()

    def cut(method: str, _: object) -> None:
        with lock:
            left[0] -= method == "batch_get_item"
            if left[0] < 0:
                raise PowerCutError

    with pytest.raises(PowerCutError):
        make_equal(store_of(Client(world.dynamodb, cut)), pair, progress(), unheard)
    again, reached = Client(world.dynamodb), progress()
    assert reached.begun or after <= SEGMENTS
    make_equal(store_of(again), pair, reached, unheard)
    assert stored(world) == stored(restored)
    assert reached.count(pair.walk(PUT), "read") == MANY, "no page is read twice"
    assert again.asked["batch_get_item"] <= whole - after + SEGMENTS, (
        "but for those under way, of which each may be cut"
    )
    once_more = Client(world.dynamodb)
    make_equal(store_of(once_more), pair, progress(), unheard)
    assert not once_more.asked, "what is done is not done again"


def test_what_is_written_while_it_works_is_told(
    world: World, restored: World, progress: Callable[[], Progress], capsys: pytest.CaptureFixture[str]
) -> None:
    pair = history(restored, world)
    fill(restored, pair.restored, range(100))
    calls = Counter[str]()

    def somebody_writes(method: str, _: object) -> None:
        calls[method] += 1
        if (method, calls[method]) == ("scan", 2 * SEGMENTS + 1):  # the two walks are over
            fill(world, pair.live, range(1000, 1007))

    client = Client(world.dynamodb, somebody_writes)
    assert command._carried_out(store_of(client), [pair], progress()) == 1
    assert "history: 100 items put, 0 deleted, 7 differ\n" in capsys.readouterr().out
    assert command._carried_out(store_of(world.dynamodb), [pair], progress()) == 0
    assert "history: 0 items put, 7 deleted, 0 differ\n" in capsys.readouterr().out


def test_what_it_consumes_is_paid_at_its_pace(world: World, restored: World, progress: Callable[[], Progress]) -> None:
    pair = history(restored, world)
    fill(restored, pair.restored, range(300))
    fill(world, pair.live, range(250, 500))
    client = Client(world.dynamodb)
    store = store_of(client)
    make_equal(store, pair, progress(), unheard)
    assert differences(store, pair, unheard) == 0
    assert store.reads.spent == client.units["scan"] + client.units["batch_get_item"] > 1000
    assert store.writes.spent == client.units["batch_write_item"] == 250 + 200


def test_tables_with_keys_of_other_names_and_kinds_are_made_equal(
    world: World, restored: World, progress: Callable[[], Progress]
) -> None:
    names = [f"{made.tables.history}-numbered" for made in (world, restored)]
    for name in names:
        world.quick.create_table(
            TableName=name,
            KeySchema=[{"AttributeName": "number", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "number", "AttributeType": "N"}],
            BillingMode="PAY_PER_REQUEST",
        )
    pair = Pair("numbered", names[0], names[1], ("number",))

    def put(table: str, number: int, *members: str) -> None:
        item = {"number": {"N": str(number)}, "inside": {"M": {"set": {"L": [{"SS": [*members]}]}}}}
        world.quick.put_item(TableName=table, Item=item)

    put(pair.restored, 1, "a", "b")
    put(pair.live, 1, "b", "a")
    put(pair.restored, 2, "a")
    put(pair.live, 3, "a")
    reached = progress()
    make_equal(store_of(world.dynamodb), pair, reached, unheard)
    assert counts(reached, pair) == (1, 1), "members of a set have no order"
    assert differences(store_of(world.dynamodb), pair, unheard) == 0
    for name in names:
        world.quick.delete_table(TableName=name)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Tables of a stack on moto, and an environment in which it is restored from its own tables."""
    monkeypatch.setenv("STACK", "modelpass")
    monkeypatch.setenv("FROM", "{}")
    monkeypatch.setenv("PROGRESS", str(tmp_path / "kept"))
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    with mock_aws():
        yield create_stack("modelpass")


def test_it_is_told_what_was_written_and_what_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], deployment: dict[str, str], tmp_path: Path
) -> None:
    assert deployment
    assert command.main() == 0
    assert "entitlements: 0 items put, 0 deleted, 0 differ\n" in capsys.readouterr().out
    assert not list((tmp_path / "kept").iterdir()), "what has ended leaves nothing"
    monkeypatch.setenv("FROM", "{}-restored")
    assert command.main() == 2
    assert "not found" in capsys.readouterr().err
    monkeypatch.setenv("STACK", "another")
    assert command.main() == 2


def test_progress_of_another_restore_is_refused_and_left_as_it_is(
    capsys: pytest.CaptureFixture[str], deployment: dict[str, str], tmp_path: Path
) -> None:
    assert deployment
    file = tmp_path / "kept" / "modelpass.json"
    file.parent.mkdir()
    Progress(file, {"tables": {}, "segments": 16}, {}).keep()
    before = file.read_bytes()
    assert command.main() == 2
    assert "the progress of another restore" in capsys.readouterr().err
    assert file.read_bytes() == before


@pytest.mark.parametrize("units", ["0", "-1", "1.5", "many", "1e3"])
def test_a_pace_that_is_no_whole_number_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], deployment: dict[str, str], units: str
) -> None:
    assert deployment
    monkeypatch.setenv("UNITS", units)
    assert command.main() == 2
    assert "UNITS must be" in capsys.readouterr().err


def test_a_table_with_other_keys_is_refused_before_anything_is_written(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], deployment: dict[str, str]
) -> None:
    dynamodb = boto3.client("dynamodb", region_name=REGION)
    for name in deployment.values():
        dynamodb.create_table(
            TableName=f"{name}-x",
            KeySchema=[{"AttributeName": "other", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "other", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
    monkeypatch.setenv("FROM", "{}-x")
    assert command.main() == 2
    assert "-x has other keys than " in capsys.readouterr().err


@pytest.mark.parametrize(("stack", "pattern"), [("", "{}-x"), ("modelpass", ""), ("modelpass", "x")])
def test_it_asks_for_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], stack: str, pattern: str
) -> None:
    monkeypatch.setenv("STACK", stack)
    monkeypatch.setenv("FROM", pattern)
    assert command.main() == 2
    assert "make restore STACK" in capsys.readouterr().err
