"""Correct: an operator changes what was used, after a router has reported it wrongly. Rule: audited, conserving, once.

The amount is added to the windows of an instant, as a late report would be: the day's units and the month's. It may be
negative, but takes no more than was used there. It is recorded with its reason in the same transaction, and told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass import api_keys, schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements import accounting, history
from modelpass.entitlements import answers as entitlement_answers
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements import transactions as entitlement_transactions
from modelpass.entitlements.change import Correction
from modelpass.entitlements.commands import decision_loop
from modelpass.errors import ErrorCode, Refusal, Refused, invalid, raise_any
from modelpass.runtime import telemetry
from modelpass.subscriptions import idempotency
from modelpass.subscriptions.commands import repository
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.api.operator_bodies import CorrectionBody
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, EntitlementId, Subscription
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]

_NONCE_BYTES: Final = 9


def correct(
    deps: Deps, operator: str, subscription_id: str, body: CorrectionBody, idempotency_key: str
) -> tuple[Json, bool]:
    """Book a correction; the answer, and whether it was booked before under the same Idempotency-Key.

    Raises `Refused` and changes nothing when the subscription's current term has no such model, when the instant is not
    one of it, or when more is to be taken than was used.
    """
    attempts, nonce = deps.attempts(), deps.entropy(_NONCE_BYTES)
    digest = idempotency.correction(operator, subscription_id, idempotency_key)
    while True:
        try:
            found = repository.any_of(deps, attempts, subscription_id)
            telemetry.note(accountId=found.account_id)
            record = _read(deps, attempts, api_keys.correction_key(subscription_id, digest))
            if record is not None:
                return _repeated(deps, attempts, record, body, nonce)
            entitlement_id, at_ms = _meant(found, body, deps.now_ms())
            telemetry.note(modelId=entitlement_id.model_id)
            made = Correction(
                key=digest,
                body=idempotency.body(body.raw),
                nonce=nonce,
                operator=operator,
                units=body.units,
                at_ms=at_ms,
                reason=body.reason,
                made_at_ms=deps.now_ms(),
            )
            entitlement = _book(deps, attempts, decision_loop.read(deps, attempts, entitlement_id), made)
            return _answer(deps, attempts, entitlement, made.units, made.at_ms, made.reason), False
        except ConditionFailedError:
            attempts.lost_race()
        except StoreBusyError as failure:
            attempts.busy(failure)


def _meant(found: Subscription, body: CorrectionBody, now_ms: int) -> tuple[EntitlementId, int]:
    """The entitlement and the instant that a body speaks of."""
    entitlement_id = next((i for i in found.entitlement_ids() if i.model_id == body.model_id), None)
    if entitlement_id is None:
        raise invalid("modelId", "modelId must be a model of the subscription.")
    last_ms = min(now_ms, found.expires_at_ms - 1)
    at_ms = last_ms if body.at_ms is None else body.at_ms
    if not found.term.starts_at_ms <= at_ms <= last_ms:
        raise invalid("at", "at must lie in the subscription's current term, and not later than now.")
    return entitlement_id, at_ms


def _book(deps: Deps, attempts: RetryBudget, entitlement: Entitlement, made: Correction) -> Entitlement:
    """The entitlement once the correction is written, after the windows of its instant are opened if need be."""
    if made.at_ms >= entitlement.segment_end_ms:
        entitlement = _written(deps, attempts, entitlement_rules.open_windows(entitlement, made.at_ms, made.made_at_ms))
    step = accounting.correct(entitlement, made)
    if made.units < 0:
        raise_any(entitlement_rules.refuse_correction(made.units, _used(deps, attempts, step)))
    return _written(deps, attempts, step)


def _written(deps: Deps, attempts: RetryBudget, step: Change) -> Entitlement:
    operation, request = entitlement_transactions.request_of(deps.tables, step)
    return decision_loop.written(deps, attempts, step, deps.send(operation, request))


def _used(deps: Deps, attempts: RetryBudget, step: Change) -> int:
    """How much was used in both windows that a step corrects: what is less of the two."""
    entitlement_id, counters = step.before.id, step.before.counters
    day = counters.day_units
    if step.late_day is not None:
        day = _figure(deps, attempts, api_keys.day_key(entitlement_id, step.late_day.day), "units")
    month = counters.month_used
    if step.late_months:
        month = _figure(deps, attempts, api_keys.month_key(entitlement_id, step.late_months[0].month), "used")
    return min(day, month)


def _figure(deps: Deps, attempts: RetryBudget, pair: tuple[str, str], name: str) -> int:
    row = _read(deps, attempts, pair)
    return 0 if row is None else int(row[name]["N"])


def _read(deps: Deps, attempts: RetryBudget, pair: tuple[str, str]) -> schema.Item | None:
    found = attempts.persist(lambda: transport.get(deps.send, deps.tables.history, schema.primary_key(pair)))
    return None if found is None else schema.current(found)


def _repeated(
    deps: Deps, attempts: RetryBudget, record: schema.Item, body: CorrectionBody, nonce: bytes
) -> tuple[Json, bool]:
    if bytes(record["body"]["B"]) != idempotency.body(body.raw):
        raise Refused(Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"))
    entitlement = decision_loop.read(deps, attempts, history.corrected(record))
    units, at_ms = int(record["units"]["N"]), int(record["at"]["N"])
    answer = _answer(deps, attempts, entitlement, units, at_ms, record["reason"]["S"])
    return answer, bytes(record["nonce"]["B"]) != nonce


def _answer(deps: Deps, attempts: RetryBudget, entitlement: Entitlement, units: int, at_ms: int, reason: str) -> Json:
    decision_loop.tell_thresholds(deps, attempts, entitlement)
    return {
        "subscriptionId": entitlement.id.subscription_id,
        "modelId": entitlement.id.model_id,
        "units": units,
        "at": rfc3339(at_ms),
        "reason": reason,
        **entitlement_answers.windows(entitlement, deps.now_ms()),
    }
