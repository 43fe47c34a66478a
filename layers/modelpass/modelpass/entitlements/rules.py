"""Every business rule, and the order in which refusals are reported. Rule: pure; `decide` never touches a store.

Authorize, first match wins: key, cancelled, expired, (model), tier asked for, request id, tier unavailable,
monthly cap, daily limit, open holds. The conditional write of the hot path demands the same rules all at once;
only when it fails are they asked one by one, of the item that the failure brought back.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from modelpass.entitlements import accounting, thresholds
from modelpass.entitlements.change import Change
from modelpass.entitlements.model import (
    MAX_PURCHASES_PER_DAY,
    SETTLE_GRACE_MS,
    Entitlement,
    Hold,
    Slot,
    SlotKind,
    Status,
    Subscription,
)
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import DAY_MS, seconds_until

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier

TIER_RETRY_SECONDS = 5
HOLD_RETRY_SECONDS = 1


class Attempt(NamedTuple):
    """One try to authorize: the hold it would grant, and what the router asked for.

    `own_nonces` are the nonces of earlier tries of the same invocation, whose replies may have been lost.
    """

    key_hash: bytes
    hold: Hold
    tier: Tier | None
    tiers_down: frozenset[Tier]
    max_open_holds: int
    own_nonces: frozenset[str]


class Standing(NamedTuple):
    """The request was granted before: by this invocation (`own`) or by an earlier one (a replay)."""

    hold: Hold
    own: bool


class Report(NamedTuple):
    """What a router reports of a request: usage in the model's unit, and the calls it made (None: all held)."""

    used: int
    calls: int | None
    served_tier: Tier | None


def decide_authorize(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | Standing | Change:
    """Refuse by the first rule that fails, recognise a grant made before, or say what to write.

    A `Change` without a grant clears the way (windows, expired holds): write it and decide again.
    """
    now_ms = max(now_ms, entitlement.segment_start_ms)
    held = entitlement.holds.get(attempt.hold.key)
    if held is not None and held.nonce in attempt.own_nonces:
        return Standing(held, own=True)  # no rule that time or others turned against it since may hide what counts
    refusal = _refuse_standing(entitlement, attempt, now_ms)
    if refusal is not None:
        return refusal
    if held is not None and held.expires_at_ms > now_ms:
        return _same_request(held, attempt)
    if entitlement.limits.tier in attempt.tiers_down:
        return Refusal(ErrorCode.TIER_UNAVAILABLE, retry_after=TIER_RETRY_SECONDS)
    rolled = _current(entitlement, now_ms)
    refusal = _refuse_capacity(rolled.after, attempt, now_ms)
    if refusal is not None:
        return refusal
    return _grant(rolled, attempt, now_ms)


def _refuse_standing(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | None:
    key_hash = entitlement.key_hash
    if key_hash is None or not hmac.compare_digest(key_hash, attempt.key_hash):
        return Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
    if entitlement.cancelled_at_ms is not None:
        return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    if now_ms >= entitlement.expires_at_ms:
        return Refusal(ErrorCode.SUBSCRIPTION_EXPIRED)
    if attempt.tier is not None and attempt.tier is not entitlement.limits.tier:
        return Refusal(ErrorCode.TIER_NOT_INCLUDED, param="channelTier")
    return None


def _same_request(held: Hold, attempt: Attempt) -> Refusal | Standing:
    if (held.units, held.calls) != (attempt.hold.units, attempt.hold.calls):
        return Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")
    return Standing(held, own=False)


def _current(entitlement: Entitlement, now_ms: int) -> Change:
    if now_ms >= entitlement.segment_end_ms:
        return thresholds.tell(accounting.roll(entitlement, now_ms), now_ms)
    return Change(entitlement, entitlement)


def _refuse_capacity(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | None:
    segment = accounting.stored_segment(entitlement)
    hold, expired = attempt.hold, accounting.expired_holds(entitlement, now_ms)
    back = sum(h.units for h in expired if accounting.of_stored_month(entitlement, h))
    if hold.units > entitlement.counters.month_left + back:
        return Refusal(
            ErrorCode.MONTHLY_CAP_REACHED,
            param="monthlyTokenCap",
            retry_after=seconds_until(segment.month_end_ms, now_ms),
        )
    if hold.calls > entitlement.counters.day_left:
        return Refusal(
            ErrorCode.DAILY_CALL_LIMIT_REACHED,
            param="dailyCallLimit",
            retry_after=seconds_until(segment.day_end_ms, now_ms),
        )
    if len(entitlement.holds) - len(expired) >= attempt.max_open_holds:
        return Refusal(ErrorCode.TOO_MANY_OPEN_HOLDS, retry_after=HOLD_RETRY_SECONDS)
    return None


def _grant(rolled: Change, attempt: Attempt, now_ms: int) -> Change:
    hold, entitlement = attempt.hold, rolled.after
    if _fits(entitlement, attempt):
        return accounting.grant(rolled, hold)
    if rolled.exact:
        return rolled  # one thing at a time: first the windows, then the expired holds
    expired = accounting.expired_holds(entitlement, now_ms)
    first = [h for h in expired if h.key == hold.key]
    rest = [h for h in expired if h.key != hold.key]
    reclaimed = accounting.reclaim(entitlement, tuple(first + rest)[: accounting.RECLAIM_BATCH])
    return accounting.grant(reclaimed, hold) if _fits(reclaimed.after, attempt) else reclaimed


def _fits(entitlement: Entitlement, attempt: Attempt) -> bool:
    return (
        attempt.hold.units <= entitlement.counters.month_left
        and attempt.hold.key not in entitlement.holds
        and len(entitlement.holds) < attempt.max_open_holds
    )


def refuse_unheld_model(subscription: Subscription | None, term_number: int, key_hash: bytes, now_ms: int) -> Refusal:
    """Why a key whose term has no entitlement for a model is refused."""
    if (
        subscription is None
        or subscription.term_number != term_number
        or not hmac.compare_digest(subscription.key_hash, key_hash)
    ):
        return Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
    return _refuse_ended(subscription, now_ms) or Refusal(ErrorCode.MODEL_NOT_INCLUDED, param="modelId")


def _refuse_ended(subscription: Subscription, now_ms: int) -> Refusal | None:
    match subscription.status(now_ms):
        case Status.CANCELLED:
            return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
        case Status.EXPIRED:
            return Refusal(ErrorCode.SUBSCRIPTION_EXPIRED)
        case Status.ACTIVE:
            return None


def settles_accepted(entitlement: Entitlement, now_ms: int) -> bool:
    """Settles are accepted until 90 days after the term ended."""
    return now_ms < entitlement.expires_at_ms + SETTLE_GRACE_MS


def is_late(entitlement: Entitlement, hold: Hold, now_ms: int) -> bool:
    """Whether the hold had expired, or its day, month or term had ended, when the settle came."""
    if hold.granted_at_ms < entitlement.segment_start_ms:
        return True
    return now_ms >= min(hold.expires_at_ms, entitlement.segment_end_ms)


def plan_reset(entitlement: Entitlement, now_ms: int) -> Change | None:
    """The next step of housekeeping, None when nothing is due. Changes no decision anyone would get."""
    if entitlement.due_at_ms is None or entitlement.due_at_ms > now_ms:
        return None
    if entitlement.segment_end_ms <= now_ms and entitlement.segment_end_ms < entitlement.expires_at_ms:
        return open_windows(entitlement, now_ms, now_ms)
    expired = accounting.expired_holds(entitlement, now_ms)[: accounting.RECLAIM_BATCH]
    step = accounting.reclaim(entitlement, expired) if expired else Change(entitlement, entitlement)
    return accounting.rearm(thresholds.tell(step, now_ms), now_ms)


def open_windows(entitlement: Entitlement, at_ms: int, now_ms: int) -> Change:
    """A step that opens the windows in force at an instant after the stored ones, and closes those."""
    return accounting.rearm(thresholds.tell(accounting.roll(entitlement, at_ms), at_ms), now_ms)


def refuse_correction(units: int, used: int) -> Refusal | None:
    """Whether a correction takes more than was used."""
    if used + units >= 0:
        return None
    least = f"at least -{used}: no more" if used else "above 0: nothing"
    message = f"units must be {least} was used in the windows of that instant; at names another."
    return Refusal(ErrorCode.INVALID_REQUEST, param="units", message=message)


def refuse_place(slot: Slot | None, now_ms: int) -> Refusal | None:
    """Whether the account's one place is taken at this moment."""
    if slot is None or not slot.held(now_ms):
        return None
    what = "plan" if slot.kind is SlotKind.PLAN else "custom subscription"
    return Refusal(
        ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS,
        message=f"The account already has an active {what}: {slot.holder_id}.",
    )


def refuse_purchase(slot: Slot | None, now_ms: int) -> Refusal | None:
    """Whether the account may buy now: its place is free and the day's purchases are not used up."""
    refusal = refuse_place(slot, now_ms)
    if refusal is None and purchases_today(slot, now_ms) >= MAX_PURCHASES_PER_DAY:
        next_day_ms = (now_ms // DAY_MS + 1) * DAY_MS
        refusal = Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=seconds_until(next_day_ms, now_ms))
    return refusal


def purchases_today(slot: Slot | None, now_ms: int) -> int:
    """Purchases counted on this UTC day; a clock behind the stored day counts as that day."""
    if slot is None or slot.purchase_day < now_ms // DAY_MS:
        return 0
    return slot.purchases


def refuse_renewal(subscription: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:
    """Only an expired subscription is renewed, and only into a free place."""
    if subscription.status(now_ms) is not Status.EXPIRED:
        return Refusal(ErrorCode.SUBSCRIPTION_NOT_EXPIRED)
    return refuse_place(slot, now_ms)


def refuse_new_key(subscription: Subscription, now_ms: int) -> Refusal | None:
    """Only an active subscription that nobody has begun to cancel gets another key."""
    if subscription.cancelling_at_ms is not None:
        return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    return _refuse_ended(subscription, now_ms)
