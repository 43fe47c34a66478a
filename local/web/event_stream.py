"""`GET /_local/events`: the events so far as JSON, or as they come, as Server-Sent Events.

Rule: a listener takes one of `STREAMS` places and gives it back, when it leaves, the stack stops or the stream fails.
"""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from local.eventbridge.feed import FeedError, NoFeedError, UnknownEventError
from local.messages import HttpRequest, HttpResponse, json_response
from modelpass.errors import ErrorCode, Refusal, Refused, invalid, quoted

if TYPE_CHECKING:
    from local.eventbridge.feed import Feed

STREAMS: Final = 8
"""How many may listen at once, for each takes a thread of the server."""
_PAUSE_SECONDS: Final = 0.25  # as often as a pipe polls a stream
_PAUSES_PER_SIGN: Final = 4
_EVENT_STREAM: Final = "text/event-stream"
_PLACES = threading.BoundedSemaphore(STREAMS)

Json = dict[str, Any]


def answer(feed: Feed, stopping: threading.Event, request: HttpRequest) -> HttpResponse:
    """The events after `?after=`, or a stream of them; raises `Refused`."""
    after = _after(request)
    try:
        events = feed.after(after)
    except UnknownEventError as error:
        raise invalid("after", str(error)) from None
    except NoFeedError as error:
        return _failed(501, str(error))
    except FeedError as error:
        return _failed(500, str(error))
    if _EVENT_STREAM not in request.headers.get("accept", ""):
        return json_response(200, {"events": events, "next": events[-1]["id"] if events else after})
    if not _PLACES.acquire(blocking=False):
        message = f"{STREAMS} streams are open, and no more are."
        raise Refused(Refusal(ErrorCode.TEMPORARILY_UNAVAILABLE, message=message, retry_after=1))
    headers = {"Content-Type": _EVENT_STREAM, "Cache-Control": "no-store"}
    return HttpResponse(200, headers, b"", EventStream(feed, after, stopping))


class EventStream:
    """One listener's stream, in chunks, until the stack stops or `close` is called."""

    def __init__(self, feed: Feed, after: str | None, stopping: threading.Event) -> None:
        self._feed = feed
        self._after = after
        self._stopping = stopping
        self._open = True
        self._begun = False

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> bytes:
        """The next events, or a comment after some time without any: only a write shows that the client has left."""
        for _ in range(_PAUSES_PER_SIGN if self._begun else 1):
            try:
                events = self._feed.after(self._after)
            except FeedError:
                raise StopIteration from None
            if events:
                self._after = events[-1]["id"]
                return b"".join(map(_shown, events))
            if self._begun and self._stopping.wait(_PAUSE_SECONDS):
                raise StopIteration
        self._begun = True
        return b": no news\n\n"

    def close(self) -> None:
        """Give the place back."""
        if self._open:
            self._open = False
            _PLACES.release()


def _shown(event: Json) -> bytes:
    data = json.dumps(event, ensure_ascii=False)
    return f"id: {event['id']}\nevent: {event['type']}\ndata: {data}\n\n".encode("utf-8", "backslashreplace")


def _after(request: HttpRequest) -> str | None:
    query = parse_qsl(request.query, keep_blank_values=True)
    for name, _ in query:
        if name != "after":
            raise invalid(quoted(name), "Unknown parameter.")
    given = dict(query).get("after")
    return given if given is not None else request.headers.get("last-event-id")


def _failed(status: int, text: str) -> HttpResponse:
    return json_response(status, Refusal(ErrorCode.INTERNAL_ERROR, message=text).fields())
