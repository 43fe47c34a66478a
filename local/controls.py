"""What only the local stack has: health, the clock, the schedule run now. Rule: nothing here exists on AWS."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Final

from local.gateway import HttpRequest, HttpResponse, json_response
from local.pool import FunctionError
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.windows import rfc3339

if TYPE_CHECKING:
    from local.stack import Stack

_FURTHEST_SECONDS: Final = 100 * 366 * 86_400
_SCHEDULE: Final = "/_local/schedule/"
_YEARS: Final = range(1971, 2200)


def handle(stack: Stack, request: HttpRequest) -> HttpResponse | None:
    """Answer a request to the stack itself; None when it is meant for the API."""
    path = request.raw_path
    if path == "/health":
        return json_response(200, {"status": "ok"})
    if not path.startswith("/_local/"):
        return None
    try:
        if path == "/_local/clock" and request.method == "PUT":
            _move(stack, request.body)
        if path == "/_local/clock" and request.method in ("GET", "PUT"):
            return json_response(200, {"now": rfc3339(stack.clock.now_ms())})
        if path.startswith(_SCHEDULE) and request.method == "POST":
            schedule = stack.schedule_of(path.removeprefix(_SCHEDULE))
            if schedule is not None:
                return json_response(200, stack.run_schedule(schedule))
        raise Refused(Refusal(ErrorCode.NOT_FOUND, message="The local stack has no such call."))  # noqa: TRY301
    except Refused as refused:
        return json_response(refused.refusal.code.status, refused.refusal.fields())
    except FunctionError as failure:
        return json_response(500, failure.report)


def _move(stack: Stack, body: bytes) -> None:
    try:
        wanted = json.loads(body)
    except (ValueError, RecursionError):
        raise invalid(None, "The body is not valid JSON.") from None
    match wanted:
        case {"now": str(text), **rest} if not rest:
            stack.clock.set(_instant(text))
        case {"advanceSeconds": int(seconds), **rest} if not rest and not isinstance(seconds, bool):
            if abs(seconds) > _FURTHEST_SECONDS:
                raise invalid("advanceSeconds", f"advanceSeconds must be within {_FURTHEST_SECONDS}.")
            stack.clock.advance(seconds)
        case {"now": _}:
            raise invalid("now", "now must be an RFC 3339 time.")
        case {"advanceSeconds": _}:
            raise invalid("advanceSeconds", "advanceSeconds must be a whole number.")
        case _:
            raise invalid(None, 'The body must be {"now": "…"} or {"advanceSeconds": n}.')


def _instant(text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        raise invalid("now", "now must be an RFC 3339 time.") from None
    if instant.tzinfo is None or instant.year not in _YEARS:
        raise invalid("now", "now must be an RFC 3339 time with an offset, in this or the next century.")
    return instant
