"""What callers see, derived from stored values at one moment. Rule: pure; the wire format and nothing else.

`held`, `remaining` and `used` are true at the moment of asking: holds that have expired are no longer held and
windows that have ended are over, whether or not anything was written since.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from modelpass import api_keys
from modelpass.entitlements import accounting
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Hold, Limits, Status, Subscription

Json = dict[str, Any]

_end = lru_cache(maxsize=4096)(rfc3339)  # windows of many items end together


def windows(entitlement: Entitlement, now_ms: int) -> Json:
    """The `daily` and `monthly` objects of the windows current now (of an ended term: its last)."""
    now_ms = max(now_ms, entitlement.segment_start_ms)
    stored = accounting.stored_segment(entitlement)
    current = stored if now_ms < entitlement.segment_end_ms else accounting.segment_after(entitlement, now_ms)
    counters, limits = entitlement.counters, entitlement.limits
    calls = counters.day_calls if current.day == stored.day else 0
    used = held = 0
    if current.month == stored.month:
        used = counters.month_used
        held = sum(
            h.units
            for h in entitlement.holds.values()
            if h.expires_at_ms > now_ms and accounting.of_stored_month(entitlement, h)
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


def grant(entitlement: Entitlement, hold: Hold, authorization_id: str, now_ms: int) -> Json:
    """A granted authorize."""
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
        **windows(entitlement, now_ms),
    }


def usage(subscription: Subscription, entitlements: list[Entitlement], now_ms: int) -> Json:
    """The live counters of a subscription, model by model as bought."""
    return {
        "subscriptionId": subscription.id,
        "status": subscription.status(now_ms).value,
        "models": [
            {
                "modelId": e.id.model_id,
                "channelTier": e.limits.tier.value,
                "unit": e.limits.unit.value,
                **windows(e, now_ms),
            }
            for e in entitlements
        ],
    }


def subscription(stored: Subscription, status: Status, api_key: str | None = None) -> Json:
    """A subscription; `apiKey` only where the key was just made."""
    return {
        "subscriptionId": stored.id,
        "status": status.value,
        "term": stored.term_number,
        **({} if api_key is None else {"apiKey": api_key}),
        "apiKeyMasked": api_keys.mask(stored.key_tail),
        "startsAt": rfc3339(stored.term.starts_at_ms),
        "expiresAt": rfc3339(stored.expires_at_ms),
        "timezone": stored.term.time_zone,
        "models": [_limits(m) for m in stored.models],
    }


def _limits(limits: Limits) -> Json:
    return {
        "modelId": limits.model_id,
        "channelTier": limits.tier.value,
        "unit": limits.unit.value,
        "dailyCallLimit": limits.daily_call_limit,
        "monthlyTokenCap": limits.monthly_cap,
    }
