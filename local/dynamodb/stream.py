"""Reads a table's DynamoDB stream from its start. Rule: each record is handed over once, in the order of its shard."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Iterator

_TRIMMED: Final = "TrimmedDataAccessException"
_OUTDATED: Final = ("ExpiredIteratorException", _TRIMMED)

Json = dict[str, Any]


class NoStreamError(Exception):
    """The table has no stream here."""


@dataclass(slots=True)
class _Shard:
    iterator: str | None = None
    last: str | None = None
    ended: bool = False


class StreamReader:
    """One reader of one table's stream; for one thread at a time."""

    def __init__(self, dynamodb: Any, streams: Any, table: str) -> None:
        self._dynamodb = dynamodb
        self._streams = streams
        self._table = table
        self._shards: dict[str, _Shard] = {}

    def records(self) -> Iterator[Json]:
        """The records since the last call, up to the end of the stream; raises `NoStreamError`, and boto3's errors."""
        arn = self._dynamodb.describe_table(TableName=self._table)["Table"].get("LatestStreamArn")
        if arn is None:
            raise NoStreamError
        for shard_id in self._shard_ids(arn):  # parents come before their children
            shard = self._shards.setdefault(shard_id, _Shard())
            while not shard.ended:
                came = self._next(arn, shard_id, shard)
                if not came:
                    break
                for record in came:
                    shard.last = record["dynamodb"]["SequenceNumber"]
                    yield record

    def _shard_ids(self, arn: str) -> Iterator[str]:
        more: Json = {}
        while True:
            found = self._streams.describe_stream(StreamArn=arn, **more)["StreamDescription"]
            yield from (shard["ShardId"] for shard in found["Shards"])
            if not found.get("LastEvaluatedShardId"):
                return
            more = {"ExclusiveStartShardId": found["LastEvaluatedShardId"]}

    def _next(self, arn: str, shard_id: str, shard: _Shard) -> list[Json]:
        try:
            came = self._get(arn, shard_id, shard)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _OUTDATED:
                raise
            shard.iterator = None
            if error.response["Error"]["Code"] == _TRIMMED:
                shard.last = None
            came = self._get(arn, shard_id, shard)
        shard.iterator = came.get("NextShardIterator")
        shard.ended = shard.iterator is None
        records: list[Json] = came["Records"]
        return records

    def _get(self, arn: str, shard_id: str, shard: _Shard) -> Json:
        shard.iterator = shard.iterator or self._iterator(arn, shard_id, shard)
        came: Json = self._streams.get_records(ShardIterator=shard.iterator)
        return came

    def _iterator(self, arn: str, shard_id: str, shard: _Shard) -> str:
        kind: Json = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard.last is not None:
            kind = {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "SequenceNumber": shard.last}
        given: str = self._streams.get_shard_iterator(StreamArn=arn, ShardId=shard_id, **kind)["ShardIterator"]
        return given
