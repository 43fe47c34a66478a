"""The events as other systems get them: from the table's stream, through the template's pipe.

Rule: every look reads the stream to its end, so that a caller who has the answer of a command finds its events. Events
are shown as `docs/events.md` tells a consumer to read what arrives on the bus.
"""

from __future__ import annotations

import json
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from local.dynamodb.stream import NoStreamError, StreamReader
from local.eventbridge.pipe import PipeError

if TYPE_CHECKING:
    from local.eventbridge.pipe import Pipe

KEPT: Final = 10_000
"""How many events can be looked at; older ones are dropped."""
_UNKNOWN_OPERATION: Final = ("UnknownOperationException", "NotImplemented", "NotImplementedError", "InvalidAction")

Json = dict[str, Any]


class FeedError(Exception):
    """The events cannot be shown; the message says why."""


class NoFeedError(FeedError):
    """This DynamoDB, or this template, has nothing to show them from."""


class UnknownEventError(FeedError):
    """There is no event of this id, or it is older than those kept."""


class Feed:
    """The newest events in the order of the stream; any thread may look."""

    def __init__(self, dynamodb: Any, streams: Any, pipe: Pipe | None) -> None:
        self._pipe = pipe
        self._reader = None if pipe is None else StreamReader(dynamodb, streams, pipe.table)
        self._lock = threading.Lock()
        self._events: deque[Json] = deque()
        self._numbers: dict[str, int] = {}
        self._forgotten = 0
        self._broken: str | None = None

    def after(self, event_id: str | None) -> list[Json]:
        """All events after this one, or all that are kept; raises `FeedError`."""
        with self._lock:
            self._read()
            if event_id is None:
                return list(self._events)
            if event_id not in self._numbers:
                raise UnknownEventError("No event of this id is kept.")
            first = self._numbers[event_id] + 1 - self._forgotten
            return [self._events[number] for number in range(first, len(self._events))]

    def _read(self) -> None:
        if self._pipe is None or self._reader is None:
            raise NoFeedError("The template has no pipe to show events through.")
        try:
            for record in self._reader.records():
                self._take(self._pipe, record)
        except NoStreamError:
            raise NoFeedError("This DynamoDB keeps no stream of the events table.") from None
        except ClientError as error:
            if error.response["Error"]["Code"] in _UNKNOWN_OPERATION:
                raise NoFeedError("This DynamoDB has no streams.") from None
            raise FeedError(f"The stream cannot be read: {error}") from None
        except BotoCoreError as error:
            raise FeedError(f"The stream cannot be read: {error}") from None
        if self._broken is not None:
            raise FeedError(self._broken)

    def _take(self, pipe: Pipe, record: Json) -> None:
        if not pipe.passes(record):
            return
        try:
            event = read(pipe.put(record)["detail"])
        except PipeError as error:  # every later look fails as well: on AWS, nobody would learn of such a row
            self._broken = f"A row of {pipe.table} cannot go through the pipe: {error}"
            return
        self._numbers[event["id"]] = self._forgotten + len(self._events)
        self._events.append(event)
        if len(self._events) > KEPT:
            del self._numbers[self._events.popleft()["id"]]
            self._forgotten += 1


def read(detail: Json) -> Json:
    """An event as a consumer reads it: `data` parsed, `version` a number, no account where it is empty."""
    event = {**detail, "version": int(detail["version"]), "data": json.loads(detail["data"])}
    if event["accountId"] == "":
        del event["accountId"]
    return event
