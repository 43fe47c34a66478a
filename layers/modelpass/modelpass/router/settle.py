"""Lambda Invoke payload -> answer, for the model router. Rule: a refusal is a normal result, never a Lambda error."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from modelpass.entitlements.commands.authorize import authorize, refused
from modelpass.entitlements.commands.settle import settle
from modelpass.errors import Refusal, Refused, internal_error, temporarily_unavailable
from modelpass.router import validation
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from modelpass.known import Known
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]

_CLIENT_FAULTS: Final = range(400, 429)


def handle_authorize(deps: Deps, known: Known, event: object, request_id: str) -> Json:
    """Answer one authorize, whatever was sent and whatever fails."""
    with telemetry.Line("authorize", request_id, **validation.names(event)):
        try:
            answer = authorize(deps, known, event)
        except Refused as refusal:
            answer = refused(refusal.refusal, None, 0)
        except Exception as error:  # the caller is told, the operator finds where
            telemetry.surprised(error)
            answer = refused(internal_error(request_id), None, 0)
        telemetry.decided(_decision(answer, "granted"))
    return answer


def handle_settle(deps: Deps, event: object, request_id: str, stop_at: float) -> Json:
    """Answer one settle, or a batch of them from a queue until the steady clock shows `stop_at` (seconds)."""
    if _is_batch(event):
        return _settle_batch(deps._replace(stop_at=stop_at), event["Records"], request_id)
    with telemetry.Line("settle", request_id):
        return _settle_one(deps, event, request_id)


def _is_batch(event: object) -> TypeGuard[dict[str, list[Json]]]:
    """Whether this is what a queue hands over: messages, each with its id, and nothing else."""
    if not isinstance(event, dict) or set(event) != {"Records"} or not isinstance(event["Records"], list):
        return False
    return all(isinstance(r, dict) and isinstance(r.get("messageId"), str) for r in event["Records"])


def _settle_one(deps: Deps, event: object, request_id: str) -> Json:
    try:
        answer = settle(deps, event)
    except Refused as refusal:
        answer = _unsettled(refusal.refusal)
    except Exception as error:  # the caller is told, the operator finds where
        telemetry.surprised(error)
        answer = _unsettled(internal_error(request_id))
    telemetry.decided(_decision(answer, "settled"))
    if answer.get("tierBreached"):
        telemetry.breached()
    return answer


def _unsettled(refusal: Refusal) -> Json:
    return {"settled": False, "statusCode": refusal.code.status, **refusal.fields()}


def _decision(answer: Json, done: str) -> str:
    code: str = answer["error"]["code"] if "error" in answer else "replayed" if answer.get("replayed") else done
    return code


def _settle_batch(deps: Deps, records: list[Any], request_id: str) -> Json:
    """Report for retry just what may succeed later; what is refused for good was logged and counted.

    A message whose turn does not come in time is one that may succeed later.
    """
    failures = []
    for record in records:
        message_id = record["messageId"]
        with telemetry.Line("settle", request_id, messageId=message_id if message_id.isascii() else None):
            answer = _settle_in_time(deps, record, request_id)
        if not answer["settled"] and answer["statusCode"] not in _CLIENT_FAULTS:
            failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}


def _settle_in_time(deps: Deps, record: Json, request_id: str) -> Json:
    if deps.pacing.monotonic() < deps.stop_at:
        return _settle_one(deps, _message(record), request_id)
    refusal = temporarily_unavailable().refusal
    telemetry.decided(refusal.code.code)
    return _unsettled(refusal)


def _message(record: dict[str, Any]) -> object:
    try:
        return json.loads(record["body"])
    except (KeyError, TypeError, ValueError, RecursionError):
        return None  # refused as a payload that is no JSON object
