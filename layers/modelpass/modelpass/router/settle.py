"""The router's door to settle: turns a Lambda Invoke payload, or each message of a queue's batch, into a command.

Rule: nothing is decided here, and nothing ends as a Lambda error; a refusal is a normal result. A message of a batch
that was not booked is given back to the queue, whatever the reason: what may succeed later is tried again, and what is
refused for good is parked with its body once the queue has tried it to the end. No usage vanishes because of a refusal.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeGuard

from modelpass.entitlements import authorization_ids
from modelpass.entitlements.answers import decision_of
from modelpass.entitlements.commands.settle import SettleRequest, settle
from modelpass.errors import Refusal, Refused, internal_error, temporarily_unavailable
from modelpass.router.row import read_contract
from modelpass.router.validation import CALLS, UNITS, known_fields, optional, required, source_named, text, tier_named
from modelpass.runtime import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.catalogue.tiers import Tier
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.answers import Json
    from modelpass.entitlements.commands.settle import Tiers
    from modelpass.entitlements.commands.tier_cache import TierCache
    from modelpass.runtime.deps import Deps

_FIELDS: Final = frozenset({"authorizationId", "actualUsage", "calls", "servedTier", "usageSource", "continue"})


class TiersOnce:
    """The tiers that are down, as `TierCache` knows them, which the first report of a part loads."""

    def __init__(self, deps: Deps) -> None:
        self._deps = deps
        self._cache: TierCache | None = None

    def down_of(self, model_id: str, budget: RetryBudget) -> frozenset[Tier]:
        """The tiers of a model that are down; raises what `TierCache.down_of` does."""
        if self._cache is None:
            from modelpass.entitlements.commands.tier_cache import TierCache  # noqa: PLC0415 - no start waits for it

            self._cache = TierCache(self._deps)
        return self._cache.down_of(model_id, budget)


def handle_settle(deps: Deps, tiers: Tiers, event: object, function_request_id: str, stop_at: float) -> Json:
    """Answer one settle, or a batch of them from a queue; it raises nothing, and each leaves one line in the log.

    `tiers` is asked only when a hold is to go on. Once the steady clock shows `stop_at` (seconds), the rest of a batch
    is given back to the queue.
    """
    if _is_batch(event):
        return _settle_batch(deps._replace(stop_at=stop_at), event["Records"], function_request_id)
    with telemetry.Line("settle", function_request_id):
        return _settle_one(deps, event, function_request_id, lambda: _settle_event(deps, tiers, event))


def request_of(event: object) -> SettleRequest:
    """Check a settle payload; raises `invalid_request` naming the first field at fault."""
    fields = known_fields(event, _FIELDS)
    return SettleRequest(
        authorization_id=text("authorizationId", required(fields, "authorizationId")),
        used=UNITS("actualUsage", required(fields, "actualUsage")),
        calls=optional(fields, "calls", CALLS, None),
        served_tier=optional(fields, "servedTier", tier_named, None),
        usage_source=optional(fields, "usageSource", source_named, None),
    )


def _settle_event(deps: Deps, tiers: Tiers, event: object) -> Json:
    fields = known_fields(event, _FIELDS)
    if fields.get("continue") is None:
        return settle(deps, request_of(fields), read_contract)
    from modelpass.router.settle_parts import settle_and_go_on  # noqa: PLC0415 - no start waits for it

    return settle_and_go_on(deps, tiers, fields)


def _is_batch(event: object) -> TypeGuard[dict[str, list[Json]]]:
    """Whether this has the form of a batch from a queue: `Records`, each with a `messageId`, and no other field."""
    if not isinstance(event, dict) or set(event) != {"Records"} or not isinstance(event["Records"], list):
        return False
    return all(isinstance(r, dict) and isinstance(r.get("messageId"), str) for r in event["Records"])


def _settle_one(deps: Deps, event: object, function_request_id: str, carry_out: Callable[[], Json]) -> Json:
    try:
        answer = carry_out()
    except Refused as refusal:
        _name_what_it_is_about(deps, event)
        _tell_what_was_reported(event)
        param = refusal.refusal.param
        telemetry.note(param=param if param in _FIELDS else None)  # another is a caller's text
        answer = _unsettled(refusal.refusal)
    except Exception as error:  # the caller still gets an answer; the log says where it failed
        telemetry.report_unexpected(error)
        answer = _unsettled(internal_error(function_request_id))
    telemetry.decided(_decision_of(answer))
    if answer.get("tierBreached"):
        telemetry.count_tier_breach()
    if "monthly" in answer and answer["monthly"]["overrun"]:
        telemetry.count_overrun()
    return answer


def _decision_of(answer: Json) -> str:
    """What the log says of an answer: a report that was booked is never told as a refusal."""
    if "continued" not in answer:
        return decision_of(answer, "settled")
    telemetry.note(continued=answer["continued"], notContinued=None if answer["continued"] else answer["error"]["code"])
    return "replayed" if answer.get("replayed") else "settled"


def _name_what_it_is_about(deps: Deps, event: object) -> None:
    """Let the line of a refused settle name subscription and model, as far as its authorization id is authentic."""
    named = event.get("authorizationId") if isinstance(event, dict) else None
    if not isinstance(named, str):
        return
    authorization = authorization_ids.parse_authorization_id(authorization_ids.unpadded(named), deps.deployment_keys)
    if authorization is not None:
        entitlement = authorization.entitlement
        telemetry.note(subscriptionId=entitlement.subscription_id, modelId=entitlement.model_id)


def _tell_what_was_reported(event: object) -> None:
    """Let the line of a refused settle say what it reports: whoever books it later, by hand, finds it there."""
    fields = event if isinstance(event, dict) else {}
    for name, check in (("actualUsage", UNITS), ("calls", CALLS)):
        with suppress(Refused):
            telemetry.note(**{name: optional(fields, name, check, None)})


def _unsettled(refusal: Refusal) -> Json:
    return {"settled": False, "statusCode": refusal.code.status, **refusal.fields()}


def _settle_batch(deps: Deps, records: list[Any], function_request_id: str) -> Json:
    """Settle each message, and report those that are not booked: the queue tries them again, and parks them at last.

    A message whose turn does not come in time may succeed later.
    """
    failures = []
    for record in records:
        message_id = record["messageId"]
        with telemetry.Line("settle", function_request_id, messageId=message_id if message_id.isascii() else None):
            answer = _settle_in_time(deps, record, function_request_id)
        if not answer["settled"]:
            failures.append({"itemIdentifier": message_id})
    return {"batchItemFailures": failures}


def _settle_in_time(deps: Deps, record: Json, function_request_id: str) -> Json:
    if deps.pacing.monotonic() < deps.stop_at:
        return _settle_message(deps, record.get("body"), function_request_id)
    refusal = temporarily_unavailable().refusal
    telemetry.decided(refusal.code.code)
    return _unsettled(refusal)


def _settle_message(deps: Deps, body: object, function_request_id: str) -> Json:
    from modelpass.router import queued_settle  # noqa: PLC0415 - no start waits for it

    message = queued_settle.fields_of(body)

    def carry_out() -> Json:
        request, unusable, unknown = queued_settle.report_of(message, _FIELDS, deps.deployment_keys)
        telemetry.note(unusable=",".join(unusable) or None, unknownFields=unknown or None)
        return settle(deps, request, read_contract)

    return _settle_one(deps, message, function_request_id, carry_out)
