"""Correct: an operator changes what was used, after a router has reported it wrongly. Rule: booked once, with a record.

The amount is added to the day and the month window of an instant, as a late report would be. It may be negative, but
takes no more than was used in those windows, and `cap = left + held + used` stays true. The record with its reason and
the event are written in the transaction that books the amount, and a threshold that it takes usage below is armed again
in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.entitlements import accounting, history, thresholds
from modelpass.entitlements import answers as entitlement_answers
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements.change import Correction
from modelpass.entitlements.commands import decision_loop
from modelpass.errors import ErrorCode, Refusal, Refused, invalid, raise_if_refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import idempotency
from modelpass.subscriptions.commands import upkeep
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.change import Change
    from modelpass.entitlements.model import Entitlement, EntitlementId
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.orders import CorrectionOrder

_T = TypeVar("_T")
_NONCE_BYTES: Final = 9


class Booked(NamedTuple):
    """A correction as callers see it; `replayed` tells that an earlier call with the same Idempotency-Key booked it."""

    answer: Json
    replayed: bool


class _Meant(NamedTuple):
    """The entitlement and the instant (milliseconds) that an order is about."""

    entitlement: EntitlementId
    at_ms: int


class _Recorded(NamedTuple):
    """What the record of a correction says that tells and answers a repeat; `at_ms` in milliseconds."""

    entitlement: EntitlementId
    body: bytes
    nonce: bytes
    units: int
    at_ms: int
    reason: str


def correct(deps: Deps, operator: str, subscription_id: str, order: CorrectionOrder, idempotency_key: str) -> Booked:
    """Book a correction, once for each Idempotency-Key of a subscription, whichever operators send it.

    Raises `Refused` and changes nothing: `invalid_request` when the subscription's current term has no such model, when
    the instant is not in it, or when more is to be taken than was used; `idempotency_key_reused` for another body under
    the same key; `not_found` when there is no such subscription.
    """
    budget, nonce = deps.retry_budget(), deps.entropy(_NONCE_BYTES)
    digest = idempotency.correction(subscription_id, idempotency_key)
    # Earlier code scoped the key to the operator as well, so only a repeat by the same operator finds its record.
    earlier = idempotency.earlier_correction(operator, subscription_id, idempotency_key)

    def attempt() -> Booked:
        found = upkeep.any_subscription(deps, budget, subscription_id).now
        telemetry.note(accountId=found.account_id)
        record = _record(deps, budget, subscription_id, (digest, earlier))
        if record is not None:
            return _repeated(deps, budget, record, order, nonce)
        entitlement_id, at_ms = _meant(found, order, deps.now_ms())
        telemetry.note(modelId=entitlement_id.model_id)
        made = Correction(
            key=digest,
            body=idempotency.body(order.raw),
            nonce=nonce,
            operator=operator,
            units=order.units,
            at_ms=at_ms,
            reason=order.reason,
            made_at_ms=deps.now_ms(),
        )
        entitlement = _book(deps, budget, decision_loop.read(deps, budget, entitlement_id), made)
        return Booked(_answer(deps, budget, entitlement, made.units, made.at_ms, made.reason), replayed=False)

    return budget.until_done(attempt)


def _record(deps: Deps, budget: RetryBudget, subscription_id: str, digests: tuple[str, ...]) -> _Recorded | None:
    """What was booked under one of these digests of an Idempotency-Key; None when nothing was."""
    pairs = (history.correction_key(subscription_id, digest) for digest in digests)
    records = (_read(deps, budget, pair, _recorded) for pair in pairs)
    return next((record for record in records if record is not None), None)


def _recorded(row: schema.Item) -> _Recorded:
    return _Recorded(
        entitlement=history.corrected_entitlement(row),
        body=bytes(row["body"]["B"]),
        nonce=bytes(row["nonce"]["B"]),
        units=int(row["units"]["N"]),
        at_ms=int(row["at"]["N"]),
        reason=row["reason"]["S"],
    )


def _meant(found: Subscription, order: CorrectionOrder, now_ms: int) -> _Meant:
    entitlement_id = next((i for i in found.entitlement_ids() if i.model_id == order.model_id), None)
    if entitlement_id is None:
        raise invalid("modelId", "modelId must be a model of the subscription.")
    last_ms = min(now_ms, found.expires_at_ms - 1)
    at_ms = last_ms if order.at_ms is None else order.at_ms
    if not found.term.starts_at_ms <= at_ms <= last_ms:
        raise invalid("at", "at must lie in the subscription's current term, and not later than now.")
    return _Meant(entitlement_id, at_ms)


def _book(deps: Deps, budget: RetryBudget, entitlement: Entitlement, made: Correction) -> Entitlement:
    """Write the correction and give the entitlement after it; first open the windows of its instant if need be."""
    if made.at_ms >= entitlement.segment_end_ms:
        opening = entitlement_rules.open_windows(entitlement, made.at_ms, made.made_at_ms)
        entitlement = decision_loop.write(deps, budget, opening)
    step = thresholds.without_lapsed(accounting.correct(entitlement, made))
    if made.units < 0:
        raise_if_refused(entitlement_rules.refuse_correction(made.units, _used(deps, budget, step)))
    return decision_loop.write(deps, budget, step)


def _used(deps: Deps, budget: RetryBudget, step: Change) -> int:
    """How much was used in the two windows that a step corrects: the smaller of the day's and the month's figure."""
    entitlement_id, counters = step.before.id, step.before.counters
    day = counters.day_units
    if step.late_day is not None:
        day = _figure(deps, budget, history.day_key(entitlement_id, step.late_day.day), "units")
    month = counters.month_used
    if step.late_months:
        month = _figure(deps, budget, history.month_key(entitlement_id, step.late_months[0].month), "used")
    return min(day, month)


def _figure(deps: Deps, budget: RetryBudget, pair: tuple[str, str], name: str) -> int:
    return _read(deps, budget, pair, lambda row: int(row[name]["N"])) or 0


def _read(deps: Deps, budget: RetryBudget, pair: tuple[str, str], parse: Callable[[schema.Item], _T]) -> _T | None:
    table = deps.tables.history
    found = budget.persist(lambda: transport.get(deps.send, table, schema.primary_key(pair)))
    return None if found is None else unreadable.read_one(table, found, lambda row: parse(schema.current(row)))


def _repeated(deps: Deps, budget: RetryBudget, record: _Recorded, order: CorrectionOrder, nonce: bytes) -> Booked:
    # Earlier code took `at` as null, and remembered it.
    if record.body not in (idempotency.body(order.raw), idempotency.earlier_body(order.raw)):
        raise Refused(Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"))
    entitlement = decision_loop.read(deps, budget, record.entitlement)
    answer = _answer(deps, budget, entitlement, record.units, record.at_ms, record.reason)
    return Booked(answer, replayed=record.nonce != nonce)


def _answer(deps: Deps, budget: RetryBudget, entitlement: Entitlement, units: int, at_ms: int, reason: str) -> Json:
    decision_loop.announce_thresholds(deps, budget, entitlement)
    return {
        "subscriptionId": entitlement.id.subscription_id,
        "modelId": entitlement.id.model_id,
        "units": units,
        "at": rfc3339(at_ms),
        "reason": reason,
        **entitlement_answers.current_windows(entitlement, deps.now_ms()),
    }
