"""The answers of authorize, and the windows that many answers show. Rule: pure; the wire format and nothing else.

`held`, `remaining` and `used` are true at the moment of asking: holds that have expired are no longer held and windows
that have ended are over, whether or not anything was written since.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from modelpass.entitlements import windows
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Hold

Json = dict[str, Any]

_end = lru_cache(maxsize=4096)(rfc3339)  # the windows of many items end at the same instant


def current_windows(entitlement: Entitlement, now_ms: int) -> Json:
    """The `daily` and `monthly` objects of the windows in force now, or of the last ones once the term has ended."""
    now_ms = max(now_ms, entitlement.segment_start_ms)
    stored = windows.stored_segment(entitlement)
    current = stored if now_ms < entitlement.segment_end_ms else windows.segment_after(entitlement, now_ms)
    counters, limits = entitlement.counters, entitlement.limits
    calls = counters.day_calls if current.day == stored.day else 0
    used = held = 0
    if current.month == stored.month:
        used = counters.month_used
        held = sum(
            h.units
            for h in entitlement.holds.values()
            if h.expires_at_ms > now_ms and windows.of_stored_month(entitlement, h)
        )
    left = limits.monthly_cap - used - held
    return {
        "daily": {
            "limit": limits.daily_call_limit,
            "used": calls,
            "remaining": limits.daily_call_limit - calls,
            "resetsAt": _end(current.day_end_ms),
        },
        "monthly": {
            "limit": limits.monthly_cap,
            "used": used,
            "held": held,
            "remaining": max(0, left),
            "overrun": max(0, -left),
            "resetsAt": _end(current.month_end_ms),
        },
    }


def granted(entitlement: Entitlement, hold: Hold, authorization_id: str, now_ms: int) -> Json:
    """The answer of a granted authorize."""
    return {
        "allowed": True,
        "authorizationId": authorization_id,
        "accountId": entitlement.account_id,
        "subscriptionId": entitlement.id.subscription_id,
        "modelId": entitlement.id.model_id,
        "channelTier": entitlement.limits.tier.value,
        "unit": entitlement.limits.unit.value,
        "heldUsage": hold.units,
        "holdExpiresAt": rfc3339(hold.expires_at_ms),
        **current_windows(entitlement, now_ms),
    }


def refused(refusal: Refusal, entitlement: Entitlement | None, now_ms: int) -> Json:
    """The answer of a refused authorize; it shows the windows to nobody but the holder of the current key."""
    answer = {"allowed": False, "statusCode": refusal.code.status, **refusal.fields()}
    if entitlement is None or refusal.code is ErrorCode.INVALID_API_KEY:
        return answer
    return {**answer, **current_windows(entitlement, now_ms)}


def decision_of(answer: Json, done: str) -> str:
    """What the log says of an answer: its error's code, `replayed`, or else the word for success, `done`."""
    code: str = answer["error"]["code"] if "error" in answer else "replayed" if answer.get("replayed") else done
    return code
