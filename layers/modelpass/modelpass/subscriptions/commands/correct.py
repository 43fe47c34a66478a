"""Correct: an operator changes what was used, after a router has reported it wrongly. Rule: booked once, with a record.

Units are added to the day and the month window of an instant, as a late report's would be, calls to its day. Either may
be negative, but takes no more than was used in those windows, and `cap = left + held + used` and `daily limit = left +
calls` stay true. The record with its reason and the event are written in the transaction that books the amount, and a
threshold that it takes usage below is armed again in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple, TypeVar

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.entitlements import accounting, contract, history, thresholds
from modelpass.entitlements import answers as entitlement_answers
from modelpass.entitlements import rules as entitlement_rules
from modelpass.entitlements.change import Correction
from modelpass.entitlements.commands import decision_loop
from modelpass.errors import ErrorCode, Refusal, Refused, invalid, raise_if_refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import idempotency, rules
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
    calls: int
    at_ms: int
    reason: str


class _Used(NamedTuple):
    """What was used in the windows of an instant, and so what a correction may take from it."""

    units: int
    calls: int


def correct(deps: Deps, operator: str, subscription_id: str, order: CorrectionOrder, idempotency_key: str) -> Booked:
    """Book a correction, once for each Idempotency-Key of a subscription, whichever operators send it.

    Raises `Refused` and changes nothing: `invalid_request` when the subscription's current term has no such model, when
    the instant is not in it, when more is to be taken than was used, or more calls to be added than the day has left;
    `idempotency_key_reused` for another body under the same key; `subscription_pending` for a purchase that waits;
    `not_found` when there is no such subscription.
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
            return _repeated(deps, budget, record, order, nonce, found)
        if found.is_pending:  # it has no entitlement yet
            raise Refused(Refusal(ErrorCode.SUBSCRIPTION_PENDING))
        entitlement_id, at_ms = _meant(found, order, deps.now_ms())
        telemetry.note(modelId=entitlement_id.model_id)
        made = Correction(
            key=digest,
            body=idempotency.body(order.raw),
            nonce=nonce,
            operator=operator,
            units=order.units,
            calls=order.calls,
            at_ms=at_ms,
            reason=order.reason,
            made_at_ms=deps.now_ms(),
        )
        entitlement = _book(deps, budget, decision_loop.read(deps, budget, entitlement_id), made, found)
        return Booked(_answer(deps, budget, entitlement, made, found), replayed=False)

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
        calls=schema.optional_number(row, "calls") or 0,  # earlier code corrected none
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


def _book(
    deps: Deps, budget: RetryBudget, entitlement: Entitlement, made: Correction, found: Subscription
) -> Entitlement:
    """Write the correction and give the entitlement after it; first open the windows of its instant if need be.

    Once the stored month is over, the windows in force are opened, by what the row says, as a request would do it.
    """
    if made.at_ms >= entitlement.segment_end_ms:
        opens_ms, told = made.at_ms, None
        if contract.month_is_over(entitlement, opens_ms):
            opens_ms = max(opens_ms, min(made.made_at_ms, found.expires_at_ms - 1))
            told = rules.contract(found, entitlement.id, opens_ms)
        opening = entitlement_rules.open_windows(entitlement, opens_ms, made.made_at_ms, told)
        entitlement = decision_loop.write(deps, budget, opening)
    step = thresholds.without_lapsed(accounting.correct(entitlement, made))
    if made.units < 0 or made.calls:
        used = _used(deps, budget, step)
        left = entitlement.limits.daily_call_limit - used.calls
        raise_if_refused(entitlement_rules.refuse_more_calls(made.calls, left))
        raise_if_refused(entitlement_rules.refuse_correction("units", made.units, used.units))
        raise_if_refused(entitlement_rules.refuse_correction("calls", made.calls, used.calls))
    return decision_loop.write(deps, budget, step)


def _used(deps: Deps, budget: RetryBudget, step: Change) -> _Used:
    """How much was used in the two windows that a step corrects: of units, the smaller of the day's and the month's."""
    entitlement_id, counters = step.before.id, step.before.counters
    units, calls = counters.day_units, counters.day_calls
    if step.late_day is not None:
        pair = history.day_key(entitlement_id, step.late_day.day)
        units, calls = _read(deps, budget, pair, _figures_of_day) or (0, 0)
    month = counters.month_used
    if step.late_months:
        pair = history.month_key(entitlement_id, step.late_months[0].month)
        month = _read(deps, budget, pair, lambda row: int(row["used"]["N"])) or 0
    return _Used(min(units, month), calls)


def _figures_of_day(row: schema.Item) -> tuple[int, int]:
    return int(row["units"]["N"]), int(row["calls"]["N"])


def _read(deps: Deps, budget: RetryBudget, pair: tuple[str, str], parse: Callable[[schema.Item], _T]) -> _T | None:
    table = deps.tables.history
    found = budget.persist(lambda: transport.get(deps.send, table, schema.primary_key(pair)))
    return None if found is None else unreadable.read_one(table, found, lambda row: parse(schema.current(row)))


def _repeated(
    deps: Deps, budget: RetryBudget, record: _Recorded, order: CorrectionOrder, nonce: bytes, found: Subscription
) -> Booked:
    # Earlier code took `at` as null, and remembered it.
    if record.body not in (idempotency.body(order.raw), idempotency.earlier_body(order.raw)):
        raise Refused(Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"))
    entitlement = decision_loop.read(deps, budget, record.entitlement)
    return Booked(_answer(deps, budget, entitlement, record, found), replayed=record.nonce != nonce)


def _answer(
    deps: Deps, budget: RetryBudget, entitlement: Entitlement, booked: Correction | _Recorded, found: Subscription
) -> Json:
    decision_loop.announce_thresholds(deps, budget, entitlement)
    now_ms, told = deps.now_ms(), None
    if entitlement.id.term_number == found.term_number:
        told = rules.contract(found, entitlement.id, now_ms)
    return {
        "subscriptionId": entitlement.id.subscription_id,
        "modelId": entitlement.id.model_id,
        "units": booked.units,
        "calls": booked.calls,
        "at": rfc3339(booked.at_ms),
        "reason": booked.reason,
        **entitlement_answers.current_windows(contract.as_of(entitlement, told, now_ms), now_ms),
    }
