"""The payloads that a lease sends and what the answers say. Rule: what is not understood decides nothing."""

from __future__ import annotations

import uuid
from typing import Any, Final

from modelpass_client.leases.rule import Part, Standing

Json = dict[str, Any]

MOST_START_MS: Final = 4000
_PASSING: Final = frozenset({"temporarily_unavailable", "internal_error"})
_LATER_FIELDS: Final = frozenset({"attempt", "minimumUsage", "continue"})
_FINAL_STATUSES: Final = frozenset({400, 404})


def part_payload(part: Part, key: str, hold_seconds: int) -> Json:
    """The payload of settle for a part."""
    return {
        "authorizationId": part.authorization_id,
        "actualUsage": part.used_units,
        "calls": part.used_calls,
        "continue": {
            "apiKey": key,
            "estimatedUsage": part.units,
            "calls": part.calls,
            "holdSeconds": hold_seconds,
        },
    }


def hold_payload(key: str, model: str, figures: tuple[int, int, int], hold_seconds: int) -> Json:
    """The payload of authorize for a hold: units, the fewest that will do, and calls."""
    units, least, calls = figures
    return {
        "apiKey": key,
        "modelId": model,
        "requestId": uuid.uuid4().hex,
        "attempt": uuid.uuid4().hex,
        "estimatedUsage": units,
        "minimumUsage": least,
        "calls": calls,
        "holdSeconds": hold_seconds,
    }


def is_decision(answer: Json) -> bool:
    """Whether an answer of authorize is for good: others may hide a grant, which only a repeat can tell."""
    allowed = answer.get("allowed")
    return allowed is True or (allowed is False and error_code(answer) not in _PASSING)


def granted(answer: Json, calls: int) -> Standing | None:
    """The hold that an authorize granted; None where the service knows no holds that go on."""
    if "startWithinMs" not in answer:
        return None
    return Standing(
        answer["authorizationId"],
        answer["heldUsage"],
        answer.get("heldCalls", calls),
        min(answer["startWithinMs"], MOST_START_MS),
    )


def part_taken(answer: Json, part: Part) -> Standing | None:
    """How the hold stands after a part; None where the answer decides nothing."""
    if answer.get("settled") is not True:
        return None
    continued = answer.get("continued") is True
    return Standing(
        answer.get("authorizationId", part.authorization_id),
        answer.get("heldUsage", 0),
        answer.get("heldCalls", 0),
        min(answer.get("startWithinMs", 0), MOST_START_MS) if continued else 0,
        continued=continued,
        replayed=answer.get("replayed") is True,
    )


def is_refused_for_good(answer: Json) -> bool:
    """Whether a part was refused such that a repeat would be, too: nothing of it was booked."""
    return answer.get("settled") is False and answer.get("statusCode") in _FINAL_STATUSES


def is_of_older_service(answer: Json) -> bool:
    """Whether the service refuses a field that services of before do not know."""
    error = answer.get("error") or {}
    param = str(error.get("param") or "").partition(".")[0]
    return error.get("code") == "invalid_request" and param in _LATER_FIELDS


def error_code(answer: Json) -> str | None:
    """The code of a refusal."""
    return (answer.get("error") or {}).get("code")
