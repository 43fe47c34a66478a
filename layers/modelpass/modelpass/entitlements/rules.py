"""The business rules of one entitlement: what authorize decides, when a settle is late, what the reset does next.

Rule: pure; decisions from a stored entitlement and the time that is passed in, in the order that the contract
publishes. Authorize refuses by the first that fails: key, cancelled, expired, (model), tier asked for, request id, tier
unavailable, monthly cap, daily limit, open holds. (Whether a model is in the subscription is decided in
`subscriptions.rules`.) The conditional write of the hot path (`updates.authorize`) demands the same rules all at once;
only when it fails are they asked one by one, of the item that the failure brought back.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.entitlements import accounting, thresholds, windows
from modelpass.entitlements.change import Change
from modelpass.entitlements.model import SETTLE_GRACE_MS, Entitlement, Hold
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import seconds_until

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier

TIER_RETRY_SECONDS: Final = 5
HOLD_RETRY_SECONDS: Final = 1


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
    """The open hold of a request that was granted before: by this invocation (`own`) or an earlier one (a replay)."""

    hold: Hold
    own: bool


def decide_authorize(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | PriorGrant | Change:
    """Refuse by the first rule that fails, recognise a grant made before, or say what to write.

    A `Change` without a grant clears the way (windows that ended, expired holds): write it, and decide again. A time
    before the stored windows counts as their start, for a clock may be behind.
    """
    now_ms = max(now_ms, entitlement.segment_start_ms)
    held = entitlement.holds.get(attempt.hold.key)
    if held is not None and held.nonce in attempt.own_nonces:
        return PriorGrant(held, own=True)  # it is counted, and no rule that has begun to fail since may hide it
    refusal = _refuse_access(entitlement, attempt, now_ms)
    if refusal is not None:
        return refusal
    if held is not None and held.expires_at_ms > now_ms:
        return _answer_repeat(held, attempt)
    if entitlement.limits.tier in attempt.tiers_down:
        return Refusal(ErrorCode.TIER_UNAVAILABLE, retry_after=TIER_RETRY_SECONDS)
    rolled = _with_windows_in_force(entitlement, now_ms)
    refusal = _refuse_capacity(rolled.after, attempt, now_ms)
    if refusal is not None:
        return refusal
    return _grant_or_clear_the_way(rolled, attempt, now_ms)


def settles_accepted(entitlement: Entitlement, now_ms: int) -> bool:
    """Whether settles are still accepted: until 90 days after the end of the term."""
    return now_ms < entitlement.expires_at_ms + SETTLE_GRACE_MS


def is_late(entitlement: Entitlement, hold: Hold, now_ms: int) -> bool:
    """Whether the hold had expired, or its day, month or term had ended, by the time of the settle (`now_ms`)."""
    if hold.granted_at_ms < entitlement.segment_start_ms:
        return True
    return now_ms >= min(hold.expires_at_ms, entitlement.segment_end_ms)


def plan_reset(entitlement: Entitlement, now_ms: int) -> Change | None:
    """The next step of the reset, None when nothing is due; it changes no decision that any request would get."""
    if entitlement.due_at_ms is None or entitlement.due_at_ms > now_ms:
        return None
    if entitlement.segment_end_ms <= now_ms and entitlement.segment_end_ms < entitlement.expires_at_ms:
        return open_windows(entitlement, now_ms, now_ms)
    expired = windows.expired_holds(entitlement, now_ms)[: accounting.RECLAIM_BATCH]
    step = accounting.reclaim(entitlement, expired) if expired else Change(entitlement, entitlement)
    return accounting.rearm(thresholds.announce(step, now_ms), now_ms)


def open_windows(entitlement: Entitlement, at_ms: int, now_ms: int) -> Change:
    """The step that closes the stored windows and opens those in force at a later instant (`at_ms`)."""
    return accounting.rearm(thresholds.announce(accounting.roll(entitlement, at_ms), at_ms), now_ms)


def refuse_correction(units: int, used: int) -> Refusal | None:
    """The refusal of a correction that takes more than was used, None for any other; both in the model's unit."""
    if used + units >= 0:
        return None
    least = f"at least -{used}: no more" if used else "above 0: nothing"
    message = f"units must be {least} was used in the windows of that instant; at names another."
    return Refusal(ErrorCode.INVALID_REQUEST, param="units", message=message)


def _refuse_access(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | None:
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


def _answer_repeat(held: Hold, attempt: Attempt) -> Refusal | PriorGrant:
    if (held.units, held.calls) != (attempt.hold.units, attempt.hold.calls):
        return Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")
    return PriorGrant(held, own=False)


def _with_windows_in_force(entitlement: Entitlement, now_ms: int) -> Change:
    if now_ms >= entitlement.segment_end_ms:
        return thresholds.announce(accounting.roll(entitlement, now_ms), now_ms)
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


def _grant_or_clear_the_way(rolled: Change, attempt: Attempt, now_ms: int) -> Change:
    hold, entitlement = attempt.hold, rolled.after
    if _fits(entitlement, attempt):
        return accounting.with_grant(rolled, hold)
    if rolled.exact:
        return rolled  # opening windows is exact, so it is a step of its own; the next gives expired holds back
    expired = windows.expired_holds(entitlement, now_ms)
    first = [h for h in expired if h.key == hold.key]
    rest = [h for h in expired if h.key != hold.key]
    reclaimed = accounting.reclaim(entitlement, tuple(first + rest)[: accounting.RECLAIM_BATCH])
    return accounting.with_grant(reclaimed, hold) if _fits(reclaimed.after, attempt) else reclaimed


def _fits(entitlement: Entitlement, attempt: Attempt) -> bool:
    return (
        attempt.hold.units <= entitlement.counters.month_left
        and attempt.hold.key not in entitlement.holds
        and len(entitlement.holds) < attempt.max_open_holds
    )
