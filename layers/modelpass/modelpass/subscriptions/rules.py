"""Who may buy, renew and get a key, and why a key is refused. Rule: pure; no store is asked.

Each rule gives the refusal, or None. What a refusal tells of the next request of the same key is said here as well.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from modelpass.entitlements.refusal_cache import NO_MODEL, RememberedRefusal
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions.model import MAX_PURCHASES_PER_DAY, Slot, SlotKind, Status, Subscription
from modelpass.times import DAY_MS, seconds_until

if TYPE_CHECKING:
    from modelpass.entitlements.model import EntitlementId


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


def _refuse_ended(subscription: Subscription, now_ms: int) -> Refusal | None:
    match subscription.status(now_ms):
        case Status.CANCELLED:
            return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
        case Status.EXPIRED:
            return Refusal(ErrorCode.SUBSCRIPTION_EXPIRED)
        case Status.ACTIVE:
            return None


def refuse_unheld_model(subscription: Subscription | None, term_number: int, key_hash: bytes, now_ms: int) -> Refusal:
    """Why a key whose term has no entitlement for a model is refused."""
    if (
        subscription is None
        or subscription.term_number != term_number
        or not hmac.compare_digest(subscription.key_hash, key_hash)
    ):
        return Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
    return _refuse_ended(subscription, now_ms) or Refusal(ErrorCode.MODEL_NOT_INCLUDED, param="modelId")


def remembered(refusal: Refusal, subscription: Subscription | None, asked: EntitlementId) -> RememberedRefusal:
    """What a refusal tells that a subscription's row led to, for want of the entitlement."""
    if subscription is None:
        return RememberedRefusal(None)
    account_id = subscription.account_id
    if subscription.term_number > asked.term_number:
        return RememberedRefusal(account_id, refusal, NO_MODEL)
    held = frozenset(limits.model_id for limits in subscription.models)
    if subscription.term_number < asked.term_number or asked.model_id in held:  # only tables restored in part say so
        return RememberedRefusal(account_id)
    lasts = refusal.code is ErrorCode.INVALID_API_KEY or subscription.cancelled_at_ms is not None
    return RememberedRefusal(account_id, refusal if lasts else None, held)
