"""What only the local stack has: health, clock, events, permissions, store, schedules. Rule: none of it is on AWS."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from local.awslambda.pool import FunctionError
from local.messages import HttpRequest, HttpResponse, json_response
from local.web import event_stream
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.times import MS_PER_SECOND, TIME_RULE, from_ms, instant_ms, rfc3339

if TYPE_CHECKING:
    from datetime import datetime

    from local.stack import Stack

SERVICE: Final = "modelpass"
_MOVES: Final = ("now", "advanceSeconds")
"""By this name, `make demo` tells a stack from other programs that listen on a port."""
_FURTHEST_SECONDS: Final = 100 * 366 * 86_400
_SCHEDULE: Final = "/_local/schedule/"
_YEARS: Final = range(1971, 2200)
_RANGE: Final = f"in the years {_YEARS[0]} to {_YEARS[-1]}"


def handle(stack: Stack, request: HttpRequest) -> HttpResponse | None:
    """Answer a request to the stack itself; None when it is meant for the API."""
    path = request.raw_path
    if path == "/health":
        return json_response(200, {"status": "ok", "service": SERVICE})
    if not path.startswith("/_local/"):
        return None
    try:
        return _carried_out(stack, request)
    except Refused as refused:
        after = refused.refusal.retry_after
        headers = {} if after is None else {"Retry-After": str(after)}
        return json_response(refused.refusal.code.status, refused.refusal.fields(), headers)
    except FunctionError as failure:
        return json_response(500, failure.report)


def _carried_out(stack: Stack, request: HttpRequest) -> HttpResponse:
    path = request.raw_path
    if path == "/_local/clock" and request.method == "PUT":
        _move(stack, request.body)
    if path == "/_local/clock" and request.method in ("GET", "PUT"):
        return json_response(200, {"now": rfc3339(stack.clock.now_ms())})
    if path == "/_local/store" and request.method == "GET":
        return json_response(200, stack.store())
    if path == "/_local/events" and request.method == "GET":
        return event_stream.answer(stack.feed, stack.stopping, request)
    if path == "/_local/permissions" and request.method == "GET" and stack.gate is not None:
        return json_response(200, stack.gate.shown())
    if path.startswith(_SCHEDULE) and request.method == "POST":
        schedule = stack.schedule_of(path.removeprefix(_SCHEDULE))
        if schedule is not None:
            return json_response(200, stack.run_schedule(schedule))
    raise Refused(Refusal(ErrorCode.NOT_FOUND, message="The local stack has no such call."))


def _move(stack: Stack, body: bytes) -> None:
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid(None, "The body is not valid JSON.") from None
    if isinstance(wanted, dict):  # of the two members, one that is null counts as left out
        wanted = {name: value for name, value in wanted.items() if value is not None or name not in _MOVES} or wanted
    match wanted:
        case {"now": str(text), **rest} if not rest:
            stack.clock.set(_instant(text))
        case {"advanceSeconds": int(seconds), **rest} if not rest and not isinstance(seconds, bool):
            if abs(seconds) > _FURTHEST_SECONDS or _beyond(stack.clock.now_ms() + seconds * MS_PER_SECOND):
                raise invalid("advanceSeconds", f"advanceSeconds must lead to a time {_RANGE}.")
            stack.clock.advance(seconds)
        case {"now": _} if len(wanted) == 1:
            raise invalid("now", f"now must be {TIME_RULE}.")
        case {"advanceSeconds": _} if len(wanted) == 1:
            raise invalid("advanceSeconds", "advanceSeconds must be a whole number.")
        case _:
            raise invalid(None, 'The body must be {"now": "…"} or {"advanceSeconds": n}.')


def _instant(text: str) -> datetime:
    at_ms = instant_ms(text)
    if at_ms is None:
        raise invalid("now", f"now must be {TIME_RULE}.")
    if _beyond(at_ms):
        raise invalid("now", f"now must be a time {_RANGE}.")
    return from_ms(at_ms)


def _beyond(at_ms: int) -> bool:
    return from_ms(at_ms).year not in _YEARS
