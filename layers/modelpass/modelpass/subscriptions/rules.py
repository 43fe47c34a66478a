"""The rules of who may buy, renew and get a key, and of why a key without an entitlement is refused. Rule: pure.

Each rule is given stored values and the time (milliseconds), and gives the refusal or None. What may be remembered of a
refusal is decided here as well, and which news of a plan is too old to change anything. The rules of authorize and
settle are in `entitlements.rules`.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, TypeGuard

from modelpass.entitlements.model import Contract
from modelpass.entitlements.refusal_cache import NO_MODELS, RememberedRefusal
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions.model import (
    MAX_NEW_KEYS_PER_DAY,
    Slot,
    SlotKind,
    Status,
    Subscription,
)
from modelpass.times import DAY_MS, seconds_until

if TYPE_CHECKING:
    from modelpass.entitlements.model import EntitlementId


def refuse_place(slot: Slot | None, now_ms: int) -> Refusal | None:
    """Refuse while something holds the account's one place (`active_subscription_exists`)."""
    if slot is None or not slot.held(now_ms):
        return None
    what = "plan" if slot.kind is SlotKind.PLAN else "custom subscription"
    return Refusal(
        ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS,
        message=f"The account already has an active {what}: {slot.holder_id}.",
    )


def newest_news_ms(slot: Slot | None, plan_id: str, now_ms: int) -> int | None:
    """The instant (milliseconds) of the news that news of a plan is measured by; None where none is known.

    For the plan that holds the place, it is the newest that was applied to the place. For any other it is the newest of
    all, for whoever takes the place has to know what became of it.
    """
    if slot is None:
        return None
    known = [slot.as_of_ms] if slot.held_by_plan(plan_id, now_ms) else [slot.as_of_ms, slot.ended_as_of_ms]
    return max((at_ms for at_ms in known if at_ms is not None), default=None)


def is_outdated(slot: Slot | None, plan_id: str, as_of_ms: int | None, now_ms: int) -> bool:
    """Whether news of a plan is older than what is known; of the same instant, or of none, it is not."""
    newest_ms = newest_news_ms(slot, plan_id, now_ms)
    return as_of_ms is not None and newest_ms is not None and as_of_ms < newest_ms


def purchases_today(slot: Slot | None, now_ms: int) -> int:
    """How many purchases were made on this UTC day; a clock that is behind the stored day counts in that day."""
    if slot is None or slot.purchase_day < now_ms // DAY_MS:
        return 0
    return slot.purchases


def refuse_renewal(subscription: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:
    """Refuse unless the subscription has expired (`subscription_not_expired`) and the account's place is free.

    One that is suspended is `subscription_suspended`, whether its term has ended or not.
    """
    match subscription.status(now_ms):
        case Status.EXPIRED:
            return refuse_place(slot, now_ms)
        case Status.SUSPENDED:
            return Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED)
        case _:
            return Refusal(ErrorCode.SUBSCRIPTION_NOT_EXPIRED)


def refuse_future_renewal(subscription: Subscription) -> Refusal | None:
    """Refuse what will never be renewed (`subscription_not_expired`): it was cancelled, or that has begun."""
    if subscription.cancelled_at_ms is None and subscription.cancelling_at_ms is None:
        return None
    return Refusal(ErrorCode.SUBSCRIPTION_NOT_EXPIRED, message="A cancelled subscription is never renewed: buy anew.")


def refuse_new_key(subscription: Subscription, now_ms: int) -> Refusal | None:
    """Refuse unless the subscription is active and nobody has begun to cancel it.

    Then refuse once the day's new keys are used up (`too_many_new_keys`).
    """
    if subscription.cancelling_at_ms is not None:
        return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    refusal = _refuse_ended(subscription, now_ms)
    if refusal is None and new_keys_today(subscription, now_ms) >= MAX_NEW_KEYS_PER_DAY:
        refusal = Refusal(ErrorCode.TOO_MANY_NEW_KEYS, retry_after=_seconds_left_of_day(now_ms))
    return refusal


def new_keys_today(subscription: Subscription, now_ms: int) -> int:
    """How many new keys were made on this UTC day; a clock that is behind the stored day counts in that day."""
    return subscription.new_keys if subscription.new_key_day >= now_ms // DAY_MS else 0


def has_key(subscription: Subscription | None, term_number: int, key_hash: bytes) -> TypeGuard[Subscription]:
    """Whether there is such a subscription, and the key of that term and hash is its current one."""
    if subscription is None or subscription.term_number != term_number:
        return False
    return hmac.compare_digest(subscription.key_hash, key_hash)


def contract(found: Subscription, asked: EntitlementId, now_ms: int) -> Contract:
    """What the row says of an entitlement of its current term; the row is brought up to this moment (`at`)."""
    limits = next((line for line in found.models if line.model_id == asked.model_id), None)
    refusal = _refuse_ended(found, now_ms)
    if found.cancelling_at_ms is not None:
        refusal = Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    return Contract(found.term, limits, found.change_number, found.key_hash, refusal)


def refuse_unheld_model(subscription: Subscription | None, term_number: int, key_hash: bytes, now_ms: int) -> Refusal:
    """The refusal of a key in whose term the store has no entitlement for the model that is asked for.

    It is `invalid_api_key` when the key is not the subscription's current one, or its purchase was never confirmed;
    else that of a subscription that has ended or waits, else `model_not_included`. The key of a renewal that waits is
    that of a term which has not begun: the subscription has ended.
    """
    if subscription is not None and is_key_to_come(subscription, term_number, key_hash, now_ms):
        return _refuse_ended(subscription, now_ms) or Refusal(ErrorCode.SUBSCRIPTION_PENDING)
    if not has_key(subscription, term_number, key_hash) or subscription.is_gone(now_ms):
        return Refusal(ErrorCode.INVALID_API_KEY, param="apiKey")
    return _refuse_ended(subscription, now_ms) or Refusal(ErrorCode.MODEL_NOT_INCLUDED, param="modelId")


def lists(subscription: Subscription | None, asked: EntitlementId, key_hash: bytes) -> bool:
    """Whether the list of the key's subscription has the model: then its entitlement decides."""
    if not has_key(subscription, asked.term_number, key_hash):
        return False
    return any(limits.model_id == asked.model_id for limits in subscription.models)


def refuse_bearer(subscription: Subscription, now_ms: int) -> Refusal | None:
    """Refuse whoever bears the current key of a subscription that is not active, or that somebody has begun to cancel.

    It is the refusal that authorize gives, whichever model is asked for.
    """
    if subscription.cancelling_at_ms is not None:
        return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
    return _refuse_ended(subscription, now_ms)


def is_key_to_come(subscription: Subscription, term_number: int, key_hash: bytes, now_ms: int) -> bool:
    """Whether the key of that term and hash is that of a renewal which waits, whose term has not begun."""
    waits = subscription.at(now_ms).pending_order
    if waits is None or waits.key_hash is None or term_number != subscription.term_number + 1:
        return False
    return hmac.compare_digest(waits.key_hash, key_hash)


def remembered(refusal: Refusal, subscription: Subscription | None, asked: EntitlementId) -> RememberedRefusal:
    """What a process may remember of a refusal by `refuse_unheld_model`, as `entitlements.refusal_cache` keeps it.

    The refusal itself is remembered only where nothing can reverse it.
    """
    if subscription is None:
        return RememberedRefusal(None)
    account_id = subscription.account_id
    if subscription.term_number > asked.term_number:
        return RememberedRefusal(account_id, refusal, NO_MODELS)
    held = frozenset(limits.model_id for limits in subscription.models)
    if subscription.term_number < asked.term_number:
        # The row contradicts the entitlements, as in tables of which only some were restored: nothing is for good.
        return RememberedRefusal(account_id)
    if asked.model_id in held:  # the list has got it, or likewise contradicts the entitlements
        return RememberedRefusal(account_id, None, held)
    lasts = refusal.code is ErrorCode.INVALID_API_KEY or subscription.cancelled_at_ms is not None
    return RememberedRefusal(account_id, refusal if lasts else None, held)


def _seconds_left_of_day(now_ms: int) -> int:
    return seconds_until((now_ms // DAY_MS + 1) * DAY_MS, now_ms)


def _refuse_ended(subscription: Subscription, now_ms: int) -> Refusal | None:
    match subscription.status(now_ms):
        case Status.CANCELLED:
            return Refusal(ErrorCode.SUBSCRIPTION_CANCELLED)
        case Status.EXPIRED:
            return Refusal(ErrorCode.SUBSCRIPTION_EXPIRED)
        case Status.SUSPENDED:
            return Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED)
        case Status.PENDING:
            return Refusal(ErrorCode.SUBSCRIPTION_PENDING)
        case Status.ACTIVE:
            return None
