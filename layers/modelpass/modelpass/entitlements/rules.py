"""Every business rule, and the order in which refusals are reported. Rule: pure; `decide` never touches a store.

Authorize, first match wins: key, cancelled, expired, (model), tier asked for, request id, tier unavailable,
monthly cap, daily limit, open holds. The conditional write of the hot path demands the same rules all at once;
only when it fails are they asked one by one, of the item that the failure brought back.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, NamedTuple

from modelpass.entitlements import accounting, thresholds, windows
from modelpass.entitlements.change import Change
from modelpass.entitlements.model import SETTLE_GRACE_MS, Entitlement, Hold
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import seconds_until

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


class PriorGrant(NamedTuple):
    """The request was granted before: by this invocation (`own`) or by an earlier one (a replay)."""

    hold: Hold
    own: bool


def decide_authorize(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | PriorGrant | Change:
    """Refuse by the first rule that fails, recognise a grant made before, or say what to write.

    A `Change` without a grant clears the way (windows, expired holds): write it and decide again.
    """
    now_ms = max(now_ms, entitlement.segment_start_ms)
    held = entitlement.holds.get(attempt.hold.key)
    if held is not None and held.nonce in attempt.own_nonces:
        return PriorGrant(held, own=True)  # no rule that time or others turned against it since may hide what counts
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


def _same_request(held: Hold, attempt: Attempt) -> Refusal | PriorGrant:
    if (held.units, held.calls) != (attempt.hold.units, attempt.hold.calls):
        return Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")
    return PriorGrant(held, own=False)


def _current(entitlement: Entitlement, now_ms: int) -> Change:
    if now_ms >= entitlement.segment_end_ms:
        return thresholds.tell(accounting.roll(entitlement, now_ms), now_ms)
    return Change(entitlement, entitlement)


def _refuse_capacity(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | None:
    segment = windows.stored_segment(entitlement)
    hold, expired = attempt.hold, windows.expired_holds(entitlement, now_ms)
    back = sum(h.units for h in expired if windows.of_stored_month(entitlement, h))
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
    expired = windows.expired_holds(entitlement, now_ms)
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
    expired = windows.expired_holds(entitlement, now_ms)[: accounting.RECLAIM_BATCH]
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
