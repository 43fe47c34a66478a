"""The feed of events from the real engine's stream: complete, in order, each once, bounded; and how it fails."""

from __future__ import annotations

import itertools
import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from local.dynamodb.provisioning import client
from local.dynamodb.stream import StreamReader
from local.eventbridge import feed as local_feed
from local.eventbridge.feed import Feed, FeedError, NoFeedError, UnknownEventError
from local.machine import HOST, free_port
from modelpass.schema import text
from tests.support.concurrency import at_once
from tests.support.wire import serving
from tests.support.world import World, new_world, template_of

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
_numbers = itertools.count()


@pytest.fixture
def world(engine: str) -> Iterator[World]:
    """A service whose tables nobody had before: their streams begin with it."""
    made = new_world(engine, prefix=f"feed{os.getpid()}x{next(_numbers)}-")
    yield made
    made.drop_tables()


def feed_of(world: World, engine: str) -> Feed:
    prefix = world.tables.events.removesuffix("EventsTable")
    return Feed(world.dynamodb, client(engine, "dynamodbstreams"), template_of(prefix).pipe)


def types(events: list[Json]) -> list[str]:
    return [event["type"] for event in events]


def test_every_event_is_there_as_soon_as_its_command_has_answered(world: World, engine: str) -> None:
    feed = feed_of(world, engine)
    assert feed.after(None) == []
    for number in range(5):
        bought = world.buy(f"acct-{number}")
        last = feed.after(None)[-1]
        assert (last["subject"], last["accountId"]) == (bought["subscriptionId"], f"acct-{number}")
    assert types(feed.after(None)) == ["subscription.purchased"] * 5


def test_events_are_the_rows_in_the_order_they_were_written(world: World, engine: str) -> None:
    bought = world.buy()
    world.clock.advance(31 * 86_400_000)
    world.renew(bought["subscriptionId"])
    events = feed_of(world, engine).after(None)
    assert types(events)[0] == "subscription.purchased"
    assert sorted(types(events)[1:]) == ["subscription.expired", "subscription.renewed"]
    rows = {item["id"]["S"]: item for item in world.all_items(world.tables.events)}
    assert len(rows) == len(events)
    for event in events:
        row = rows[event["id"]]
        assert event == {
            "id": row["id"]["S"],
            "type": row["type"]["S"],
            "version": int(row["version"]["N"]),
            "at": row["at"]["S"],
            "subject": row["pk"]["S"],
            "accountId": row["accountId"]["S"],
            "data": json.loads(row["data"]["S"]),
        }


def test_after_an_event_only_later_ones_are_told(world: World, engine: str) -> None:
    feed = feed_of(world, engine)
    for number in range(3):
        world.buy(f"acct-{number}")
    first, second, third = feed.after(None)
    assert feed.after(first["id"]) == [second, third]
    assert feed.after(third["id"]) == []
    with pytest.raises(UnknownEventError):
        feed.after("evt_never")


def test_many_who_look_at_once_see_each_event_once(world: World, engine: str) -> None:
    feed = feed_of(world, engine)
    for number in range(10):
        world.buy(f"acct-{number}")
    seen = at_once(16, lambda _: [event["id"] for event in feed.after(None)])
    assert len(set(seen[0])) == 10
    assert all(one == seen[0] for one in seen)


def test_rows_that_are_no_events_and_changes_of_rows_are_not_told(world: World, engine: str) -> None:
    world.buy()
    (row,) = world.all_items(world.tables.events)
    world.dynamodb.put_item(TableName=world.tables.events, Item={"pk": text("other"), "sk": text("row")})
    world.dynamodb.put_item(TableName=world.tables.events, Item={**row, "more": text("changed")})
    world.dynamodb.delete_item(TableName=world.tables.events, Key={"pk": row["pk"], "sk": row["sk"]})
    assert len(feed_of(world, engine).after(None)) == 1


def test_only_the_newest_are_kept(world: World, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_feed, "KEPT", 3)
    feed = feed_of(world, engine)
    for number in range(2):
        world.buy(f"acct-{number}")
    old = feed.after(None)
    for number in range(2, 5):
        world.buy(f"acct-{number}")
    kept = feed.after(None)
    assert [event["accountId"] for event in kept] == ["acct-2", "acct-3", "acct-4"]
    assert feed.after(kept[0]["id"]) == kept[1:]
    with pytest.raises(UnknownEventError):
        feed.after(old[0]["id"])


def test_a_row_the_bus_could_not_be_told_of_is_told_from_then_on(world: World, engine: str) -> None:
    world.buy()
    (row,) = world.all_items(world.tables.events)
    broken = {name: value for name, value in row.items() if name != "accountId"}
    world.dynamodb.put_item(TableName=world.tables.events, Item={**broken, "sk": text("second")})
    feed = feed_of(world, engine)
    for _ in range(2):
        with pytest.raises(FeedError, match="accountId"):
            feed.after(None)


def test_without_a_stream_or_a_pipe_there_is_no_feed(world: World, engine: str) -> None:
    streams = client(engine, "dynamodbstreams")
    with pytest.raises(NoFeedError, match="no pipe"):
        Feed(world.dynamodb, streams, None).after(None)
    world.dynamodb.update_table(TableName=world.tables.events, StreamSpecification={"StreamEnabled": False})
    with pytest.raises(NoFeedError, match="no stream"):
        feed_of(world, engine).after(None)


@pytest.mark.parametrize(
    ("kind", "error"), [("UnknownOperationException", NoFeedError), ("AccessDeniedException", FeedError)]
)
def test_an_engine_without_streams_is_told_from_one_that_fails(world: World, kind: str, error: type[FeedError]) -> None:
    prefix = world.tables.events.removesuffix("EventsTable")
    with serving() as wire:
        wire.refuses(400, {"__type": kind, "message": "no"})
        with pytest.raises(FeedError) as refused:
            Feed(world.dynamodb, client(wire.url, "dynamodbstreams"), template_of(prefix).pipe).after(None)
    assert type(refused.value) is error


def test_an_engine_that_is_gone_is_told(world: World) -> None:
    nobody = f"http://{HOST}:{free_port()}"
    prefix = world.tables.events.removesuffix("EventsTable")
    with pytest.raises(FeedError, match="cannot be read"):
        Feed(client(nobody), client(nobody, "dynamodbstreams"), template_of(prefix).pipe).after(None)


class Sharded:
    """A stream as DynamoDB keeps it: shards that end and have children, iterators that expire, pages of shards."""

    def __init__(self) -> None:
        self.shards: dict[str, list[str]] = {"one": ["1", "2"], "two": []}
        self.ended = {"one"}
        self.expired: str | None = None
        self.trimmed: set[str] = set()
        self._numbers = itertools.count()

    def describe_table(self, **_: str) -> Json:
        return {"Table": {"LatestStreamArn": "arn"}}

    def describe_stream(self, ExclusiveStartShardId: str = "", **_: str) -> Json:  # noqa: N803
        names = list(self.shards)
        page = names[names.index(ExclusiveStartShardId) + 1 :] if ExclusiveStartShardId else names[:1]
        last = {"LastEvaluatedShardId": names[0]} if not ExclusiveStartShardId else {}
        return {"StreamDescription": {"Shards": [{"ShardId": name} for name in page], **last}}

    def get_shard_iterator(self, ShardId: str, SequenceNumber: str = "0", **_: str) -> Json:  # noqa: N803
        return {"ShardIterator": f"{ShardId} {SequenceNumber} {next(self._numbers)}"}

    def get_records(self, ShardIterator: str) -> Json:  # noqa: N803
        if self.expired is not None:
            code, self.expired = self.expired, None
            raise ClientError({"Error": {"Code": code}}, "GetRecords")
        shard, after, _ = ShardIterator.split()
        found = [n for n in self.shards[shard] if int(n) > int(after)][:1]
        last = found[-1] if found else after
        ended = shard in self.ended and last == self.shards[shard][-1]
        following = {} if ended else {"NextShardIterator": f"{shard} {last} {next(self._numbers)}"}
        return {"Records": [{"dynamodb": {"SequenceNumber": n}} for n in found], **following}

    def read(self, reader: StreamReader) -> list[str]:
        return [record["dynamodb"]["SequenceNumber"] for record in reader.records()]


def test_shards_are_read_parents_first_and_each_to_its_end_once() -> None:
    stream = Sharded()
    reader = StreamReader(stream, stream, "table")
    stream.shards["two"] += ["3", "4"]
    assert stream.read(reader) == ["1", "2", "3", "4"]
    assert stream.read(reader) == []
    stream.shards["two"].append("5")
    stream.shards["three"] = ["6"]
    assert stream.read(reader) == ["5", "6"]


@pytest.mark.parametrize("code", ["ExpiredIteratorException", "TrimmedDataAccessException"])
def test_reading_goes_on_where_it_was_when_an_iterator_has_expired(code: str) -> None:
    stream = Sharded()
    reader = StreamReader(stream, stream, "table")
    assert stream.read(reader) == ["1", "2"]
    stream.shards["two"] = ["3"] if code.startswith("Trimmed") else ["3", "4"]
    stream.expired = code
    assert stream.read(reader) == stream.shards["two"]


def test_a_failure_in_between_loses_and_repeats_nothing() -> None:
    stream = Sharded()
    reader = StreamReader(stream, stream, "table")
    records = reader.records()
    assert next(records)["dynamodb"]["SequenceNumber"] == "1"
    stream.expired = "InternalServerError"
    with pytest.raises(ClientError):
        next(records)
    assert stream.read(reader) == ["2"]
