"""The router's door to settle: turns a Lambda Invoke payload, or each message of a queue's batch, into a command.

Rule: nothing is decided here, and nothing ends as a Lambda error; a refusal is a normal result. Of the messages of a
batch, only those that may succeed later are given back to the queue.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from modelpass.entitlements.answers import decision_of
from modelpass.entitlements.commands.settle import SettleRequest, settle
from modelpass.errors import Refusal, Refused, internal_error, temporarily_unavailable
from modelpass.router.validation import CALLS, UNITS, known_fields, optional, required, text, tier_named
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from modelpass.entitlements.answers import Json
    from modelpass.runtime.deps import Deps

_CLIENT_FAULTS: Final = range(400, 429)
"""The statuses that a repeat of the same message would get again; 429 and above may pass."""
_FIELDS: Final = frozenset({"authorizationId", "actualUsage", "calls", "servedTier"})


def handle_settle(deps: Deps, event: object, function_request_id: str, stop_at: float) -> Json:
    """Answer one settle, or a batch of them from a queue; it raises nothing, and each leaves one line in the log.

    Once the steady clock shows `stop_at` (seconds), the rest of a batch is given back to the queue.
    """
    if _is_batch(event):
        return _settle_batch(deps._replace(stop_at=stop_at), event["Records"], function_request_id)
    with telemetry.Line("settle", function_request_id):
        return _settle_one(deps, event, function_request_id)


def request_of(event: object) -> SettleRequest:
    """Check a settle payload; raises `invalid_request` naming the first field at fault."""
    fields = known_fields(event, _FIELDS)
    return SettleRequest(
        authorization_id=text("authorizationId", required(fields, "authorizationId")),
        used=UNITS("actualUsage", required(fields, "actualUsage")),
        calls=optional(fields, "calls", CALLS, None),
        served_tier=optional(fields, "servedTier", tier_named, None),
    )


def _is_batch(event: object) -> TypeGuard[dict[str, list[Json]]]:
    """Whether this has the form of a batch from a queue: `Records`, each with a `messageId`, and no other field."""
    if not isinstance(event, dict) or set(event) != {"Records"} or not isinstance(event["Records"], list):
        return False
    return all(isinstance(r, dict) and isinstance(r.get("messageId"), str) for r in event["Records"])


def _settle_one(deps: Deps, event: object, function_request_id: str) -> Json:
    try:
        answer = settle(deps, request_of(event))
    except Refused as refusal:
        answer = _unsettled(refusal.refusal)
    except Exception as error:  # the caller still gets an answer; the log says where it failed
        telemetry.report_unexpected(error)
        answer = _unsettled(internal_error(function_request_id))
    telemetry.decided(decision_of(answer, "settled"))
    if answer.get("tierBreached"):
        telemetry.count_tier_breach()
    return answer


def _unsettled(refusal: Refusal) -> Json:
    return {"settled": False, "statusCode": refusal.code.status, **refusal.fields()}


def _settle_batch(deps: Deps, records: list[Any], function_request_id: str) -> Json:
    """Settle each message; report for retry those that may succeed later. The others are logged and counted alone.

    A message whose turn does not come in time may succeed later.
    """
    failures = []
    for record in records:
        message_id = record["messageId"]
        with telemetry.Line("settle", function_request_id, messageId=message_id if message_id.isascii() else None):
            answer = _settle_in_time(deps, record, function_request_id)
        if not answer["settled"] and answer["statusCode"] not in _CLIENT_FAULTS:
            failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}


def _settle_in_time(deps: Deps, record: Json, function_request_id: str) -> Json:
    if deps.pacing.monotonic() < deps.stop_at:
        return _settle_one(deps, _message(record), function_request_id)
    refusal = temporarily_unavailable().refusal
    telemetry.decided(refusal.code.code)
    return _unsettled(refusal)


def _message(record: dict[str, Any]) -> object:
    try:
        return json.loads(record["body"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None  # it is refused as any payload that is no JSON object
