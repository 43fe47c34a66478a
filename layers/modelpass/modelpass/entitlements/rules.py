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

from modelpass.entitlements import accounting, authorization_ids, contract, thresholds, windows
from modelpass.entitlements.change import Change
from modelpass.entitlements.model import SETTLE_GRACE_MS, SETTLE_MOST_MS, Entitlement, Hold
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import MS_PER_SECOND, seconds_until

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Contract, Term

TIER_RETRY_SECONDS: Final = 5
HOLD_RETRY_SECONDS: Final = 1


class Attempt(NamedTuple):
    """One try to authorize: the hold it would grant, and what the router asked for.

    `hold` has all the units that were asked for; the router is content with `minimum` where the month has less, and
    needs all where that is None.

    `own_nonces` are the nonces of earlier tries of the same invocation, whose replies may have been lost. `mark` is
    that of the router's `attempt`, None when it names none. `unit_free` says that the call uses no units by nature.
    """

    key_hash: bytes
    hold: Hold
    tier: Tier | None
    tiers_down: frozenset[Tier]
    max_open_holds: int
    own_nonces: frozenset[str]
    mark: bytes | None = None
    unit_free: bool = False
    minimum: int | None = None

    @property
    def least(self) -> int:
        """The fewest units that the router takes."""
        return self.hold.units if self.minimum is None else self.minimum

    @property
    def units_needed(self) -> int:
        """How many units have to be left: the fewest it takes, and one where that is none but it may use some."""
        return self.least or (0 if self.unit_free else 1)


class PriorGrant(NamedTuple):
    """The open hold of a request that was granted before.

    `own` tells that it was granted to this very attempt, whose reply was lost: by an earlier try of this invocation, or
    by an earlier invocation with the same `attempt`. Else it is a replay.
    """

    hold: Hold
    own: bool


def needs_contract(entitlement: Entitlement, key_hash: bytes, now_ms: int) -> bool:
    """Whether only the subscription's row can tell what a request with this key gets.

    It is so once the stored month is over, but for a key that the item alone refuses; even what is refused anyhow shows
    the windows of the moment. An item that a change has reached may be that of a model which has left the list since:
    it is told of no new key, and of no end of a suspension.
    """
    if not contract.month_is_over(entitlement, max(now_ms, entitlement.segment_start_ms)):
        return False
    current = entitlement.key_hash
    return current is not None and (entitlement.change_number > 0 or hmac.compare_digest(current, key_hash))


def decide_authorize(
    entitlement: Entitlement, attempt: Attempt, now_ms: int, told: Contract | None = None
) -> Refusal | PriorGrant | Change:
    """Refuse by the first rule that fails, recognise a grant made before, or say what to write.

    `told` is what the row says, where it is needed (`needs_contract`). A `Change` without a grant clears the way
    (windows that ended, expired holds): write it, and decide again. A time before the stored windows counts as their
    start, for a clock may be behind.
    """
    now_ms = max(now_ms, entitlement.segment_start_ms)
    held = entitlement.holds.get(attempt.hold.key)
    if held is not None and held.nonce in attempt.own_nonces:
        return PriorGrant(held, own=True)  # it is counted, and no rule that has begun to fail since may hide it
    refusal = _refuse_access(entitlement, attempt, now_ms, told)
    if refusal is not None:
        return refusal
    if held is not None and held.expires_at_ms > now_ms:
        return _answer_repeat(held, attempt)
    rolled = _with_windows_in_force(entitlement, now_ms, told)
    if rolled.after.limits.tier in attempt.tiers_down:
        wait = _wait(rolled.after, attempt, TIER_RETRY_SECONDS, now_ms)
        return Refusal(ErrorCode.TIER_UNAVAILABLE, retry_after=wait)
    refusal = _refuse_capacity(rolled.after, attempt, now_ms)
    if refusal is not None:
        return refusal
    return _grant_or_clear_the_way(rolled, attempt, now_ms)


def without_vain_wait(entitlement: Entitlement, refusal: Refusal, now_ms: int) -> Refusal:
    """The refusal without its `retry_after` where the term will have ended by then."""
    if refusal.retry_after is None or not _ends_within(entitlement, refusal.retry_after, now_ms):
        return refusal
    return refusal._replace(retry_after=None)


def settles_accepted(term: Term, now_ms: int) -> bool:
    """Whether settles are still accepted: until 90 days after the end of the term."""
    return now_ms < term.ends_at_ms + SETTLE_GRACE_MS


def is_recent(hold: Hold, now_ms: int) -> bool:
    """Whether a settle of a hold may be accepted: until 457 days after its grant, however long the term goes on."""
    return now_ms < hold.granted_at_ms + SETTLE_MOST_MS


def is_late(entitlement: Entitlement, hold: Hold, now_ms: int) -> bool:
    """Whether the hold had expired, or its day, month or term had ended, by the time of the settle (`now_ms`)."""
    return now_ms >= hold.expires_at_ms or not is_of_current_windows(entitlement, hold, now_ms)


def is_of_current_windows(entitlement: Entitlement, hold: Hold, now_ms: int) -> bool:
    """Whether the day and the month that a hold was granted in are still in force."""
    return entitlement.segment_start_ms <= hold.granted_at_ms and now_ms < entitlement.segment_end_ms


def is_due(entitlement: Entitlement, now_ms: int) -> bool:
    """Whether the reset has something to look for in the item."""
    return entitlement.due_at_ms is not None and entitlement.due_at_ms <= now_ms


def plan_reset(entitlement: Entitlement, now_ms: int, told: Contract | None = None) -> Change | None:
    """The next step of the reset, None when nothing is due; it changes no decision that any request would get.

    `told` is what the row says, once the stored month is over. Where the term has ended, or the list has the model no
    longer, the last windows stay as they are.
    """
    if not is_due(entitlement, now_ms):
        return None
    at_ms, ends_ms = now_ms, entitlement.expires_at_ms if told is None else told.term.ends_at_ms
    if told is not None and told.has_left_the_list:
        ends_ms = windows.stored_segment(entitlement).month_end_ms
        at_ms, told = ends_ms - 1, None
    goes_on = entitlement.segment_end_ms < ends_ms
    if entitlement.segment_end_ms <= now_ms and goes_on:
        return open_windows(entitlement, at_ms, now_ms, told)
    expired = reclaimable(entitlement, now_ms)
    step = accounting.reclaim(entitlement, expired) if expired else Change(entitlement, entitlement)
    return accounting.rearm(thresholds.announce(step, now_ms), now_ms, closes=goes_on)


def open_windows(entitlement: Entitlement, at_ms: int, now_ms: int, told: Contract | None = None) -> Change:
    """The step that closes the stored windows and opens those in force at a later instant (`at_ms`)."""
    return accounting.rearm(thresholds.announce(accounting.roll(entitlement, at_ms, told), at_ms), now_ms)


def refuse_correction(param: str, amount: int, used: int) -> Refusal | None:
    """The refusal of a correction that takes more than was used, None for any other.

    Both are in what the field `param` counts: `units` of the model, or `calls`.
    """
    if amount >= 0 or used + amount >= 0:
        return None
    least = f"at least -{used}: no more" if used else "above 0: nothing"
    message = f"{param} must be {least} was used in the windows of that instant; at names another."
    return Refusal(ErrorCode.INVALID_REQUEST, param=param, message=message)


def refuse_more_calls(calls: int, left: int) -> Refusal | None:
    """The refusal of a correction that adds more calls than the day of its instant has left, None for any other."""
    if calls <= max(0, left):
        return None
    message = f"calls must be at most {max(0, left)}: no more are left of that day; at names another."
    return Refusal(ErrorCode.INVALID_REQUEST, param="calls", message=message)


def refuse_access(
    entitlement: Entitlement, key_hash: bytes, now_ms: int, told: Contract | None = None
) -> Refusal | None:
    """The refusal of a key that grants nothing of the model at this time, whatever is asked for; None for any other.

    `told` is what the row says. Without it the refusal is by the item alone, whose term may have been extended since.
    """
    if told is not None and told.limits is None:
        return _refuse_by_row(key_hash, told) or Refusal(ErrorCode.MODEL_NOT_INCLUDED, param="modelId")
    if told is not None:
        return _refuse_key(entitlement, key_hash) or told.refusal
    refusal = _refuse_key(entitlement, key_hash)
    if refusal is None and now_ms >= entitlement.expires_at_ms:
        return Refusal(ErrorCode.SUBSCRIPTION_EXPIRED)
    return refusal


def _refuse_key(entitlement: Entitlement, key_hash: bytes) -> Refusal | None:
    current = entitlement.key_hash
    if current is None or not hmac.compare_digest(current, key_hash):
        return Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
    if entitlement.cancelled_at_ms is None:
        return None
    return Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED if entitlement.suspended else ErrorCode.SUBSCRIPTION_CANCELLED)


def reclaimable(entitlement: Entitlement, now_ms: int) -> tuple[Hold, ...]:
    """The expired holds that one step may give back."""
    return windows.expired_holds(entitlement, now_ms)[: accounting.RECLAIM_BATCH]


def units_back(entitlement: Entitlement, now_ms: int) -> int:
    """How many units the stored month gets back when the expired holds are reclaimed."""
    expired = windows.expired_holds(entitlement, now_ms)
    return sum(h.units for h in expired if windows.of_stored_month(entitlement, h))


def _refuse_access(entitlement: Entitlement, attempt: Attempt, now_ms: int, told: Contract | None) -> Refusal | None:
    limits = (told and told.limits) or entitlement.limits
    refusal = refuse_access(entitlement, attempt.key_hash, now_ms, told)
    if refusal is not None:
        return refusal
    if attempt.tier not in (None, limits.tier, _tier_of_open_hold(entitlement, attempt, now_ms)):
        return Refusal(ErrorCode.TIER_NOT_INCLUDED, param="channelTier")
    return None


def _tier_of_open_hold(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Tier | None:
    """The tier in which the very request was granted that is still open: a repeat of it may name that."""
    held = entitlement.holds.get(attempt.hold.key)
    return None if held is None or held.expires_at_ms <= now_ms else entitlement.tier_of(held)


def _refuse_by_row(key_hash: bytes, told: Contract) -> Refusal | None:
    """The refusal by the row alone: the item of a model that left the list is told of no new key."""
    if not hmac.compare_digest(told.key_hash, key_hash):
        return Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
    return told.refusal


def _answer_repeat(held: Hold, attempt: Attempt) -> Refusal | PriorGrant:
    if not _has_same_content(held, attempt):
        return Refusal(ErrorCode.REQUEST_ID_REUSED, param="requestId")
    if attempt.mark is None:
        return PriorGrant(held, own=False)
    if authorization_ids.has_mark(held, attempt.mark):
        return PriorGrant(held, own=True)
    return Refusal(ErrorCode.REQUEST_IN_PROGRESS, param="attempt")


def _has_same_content(held: Hold, attempt: Attempt) -> bool:
    """Whether an open hold may be what the request was granted; one that has gone on is shown as it stands."""
    if authorization_ids.has_gone_on(held):
        return True
    return held.calls == attempt.hold.calls and attempt.least <= held.units <= attempt.hold.units


def _with_windows_in_force(entitlement: Entitlement, now_ms: int, told: Contract | None) -> Change:
    if now_ms >= entitlement.segment_end_ms:
        return thresholds.announce(accounting.roll(entitlement, now_ms, told), now_ms)
    return Change(entitlement, entitlement)


def _refuse_capacity(entitlement: Entitlement, attempt: Attempt, now_ms: int) -> Refusal | None:
    segment, limits = windows.stored_segment(entitlement), entitlement.limits
    hold, expired = attempt.hold, windows.expired_holds(entitlement, now_ms)
    if attempt.least > entitlement.month_limit:
        return Refusal(ErrorCode.REQUEST_EXCEEDS_LIMIT, param="monthlyTokenCap")
    if attempt.units_needed > entitlement.counters.month_left + units_back(entitlement, now_ms):
        wait = _wait(entitlement, attempt, seconds_until(segment.month_end_ms, now_ms), now_ms)
        return Refusal(ErrorCode.MONTHLY_CAP_REACHED, param="monthlyTokenCap", retry_after=wait)
    if hold.calls > limits.daily_call_limit:
        return Refusal(ErrorCode.REQUEST_EXCEEDS_LIMIT, param="dailyCallLimit")
    if hold.calls > entitlement.counters.day_left:
        wait = _wait(entitlement, attempt, seconds_until(segment.day_end_ms, now_ms), now_ms)
        return Refusal(ErrorCode.DAILY_CALL_LIMIT_REACHED, param="dailyCallLimit", retry_after=wait)
    if len(entitlement.holds) - len(expired) >= attempt.max_open_holds:
        wait = _wait(entitlement, attempt, HOLD_RETRY_SECONDS, now_ms)
        return Refusal(ErrorCode.TOO_MANY_OPEN_HOLDS, retry_after=wait)
    return None


def _wait(entitlement: Entitlement, attempt: Attempt, seconds: int, now_ms: int) -> int | None:
    """After how many seconds to come back; None where that cannot help.

    It cannot when the term will have ended by then, nor when the request needs more than a whole limit.
    """
    limits = entitlement.limits
    never_fits = attempt.least > entitlement.month_limit or attempt.hold.calls > limits.daily_call_limit
    return None if never_fits or _ends_within(entitlement, seconds, now_ms) else seconds


def _ends_within(entitlement: Entitlement, seconds: int, now_ms: int) -> bool:
    return now_ms + seconds * MS_PER_SECOND >= entitlement.expires_at_ms


def _grant_or_clear_the_way(rolled: Change, attempt: Attempt, now_ms: int) -> Change:
    granted = _granted(rolled, attempt, now_ms)
    if granted is not None:
        return granted
    if rolled.exact:
        return rolled  # opening windows is exact, so it is a step of its own; the next gives expired holds back
    expired = windows.expired_holds(rolled.after, now_ms)
    first = [h for h in expired if h.key == attempt.hold.key]
    rest = [h for h in expired if h.key != attempt.hold.key]
    reclaimed = accounting.reclaim(rolled.after, tuple(first + rest)[: accounting.RECLAIM_BATCH])
    return _granted(reclaimed, attempt, now_ms) or reclaimed


def _granted(change: Change, attempt: Attempt, now_ms: int) -> Change | None:
    """The step with the grant in it: of all that was asked for, or of what is left. None where expired holds hinder it.

    They do where one has the grant's place, and where those of the month give back units that the request asks for.
    """
    after, hold = change.after, attempt.hold
    if hold.key in after.holds or len(after.holds) >= attempt.max_open_holds:
        return None
    left = after.counters.month_left
    if max(hold.units, attempt.units_needed) > left and units_back(after, now_ms):
        return None
    hold = hold._replace(units=min(hold.units, left))
    return accounting.with_grant(change, hold, max(hold.units, attempt.units_needed))
