"""The answers of authorize, and the windows that many answers show. Rule: pure; the wire format and nothing else.

`held`, `remaining` and `used` are true at the moment of asking: holds that have expired are no longer held and windows
that have ended are over, whether or not anything was written since.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from modelpass.entitlements import authorization_ids, contract, windows
from modelpass.errors import ErrorCode, Refusal
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Hold

Json = dict[str, Any]

MOST_START_MS: Final = 4000
"""How long after it was sent an answer lets work begin: so soon does a new key or a cancellation bind everywhere."""

_WITHOUT_WINDOWS: Final = (ErrorCode.INVALID_API_KEY, ErrorCode.MODEL_NOT_INCLUDED)
_end = lru_cache(maxsize=4096)(rfc3339)  # the windows of many items end at the same instant


def current_windows(entitlement: Entitlement, now_ms: int) -> Json:
    """The `daily` and `monthly` objects of the windows in force now, or of the last ones once the term has ended."""
    now_ms = max(now_ms, entitlement.segment_start_ms)
    entitlement = contract.as_of(entitlement, None, now_ms)
    segment = windows.stored_segment(entitlement)
    counters, limits = entitlement.counters, entitlement.limits
    calls, used, top_up = counters.day_calls, counters.month_used, entitlement.top_up
    held = sum(
        h.units
        for h in entitlement.holds.values()
        if h.expires_at_ms > now_ms and windows.of_stored_month(entitlement, h)
    )
    left = entitlement.month_limit - used - held
    return {
        "daily": {
            "limit": limits.daily_call_limit,
            "used": calls,
            "remaining": max(0, limits.daily_call_limit - calls),
            "resetsAt": _end(segment.day_end_ms),
        },
        "monthly": {
            "limit": limits.monthly_cap,
            **({"topUp": top_up} if top_up else {}),
            "used": used,
            "held": held,
            "remaining": max(0, left),
            "overrun": max(0, -left),
            "resetsAt": _end(segment.month_end_ms),
        },
    }


def start_facts(entitlement: Entitlement, hold: Hold, now_ms: int) -> Json:
    """How long work may begin on an open hold, and how many holds are open: `startWithinMs` and `openHolds`.

    The router counts `startWithinMs` from when it sent its request, which was before `now_ms`. It is at most
    `MOST_START_MS`, less where the hold or one of its windows ends sooner, and 0 once one of its windows is over.
    """
    now_ms = max(now_ms, entitlement.segment_start_ms)
    ends_ms = min(hold.expires_at_ms, entitlement.segment_end_ms)
    if hold.granted_at_ms < entitlement.segment_start_ms:
        ends_ms = now_ms  # it was granted in a day or a month that has been closed since
    return {
        "startWithinMs": max(0, min(MOST_START_MS, ends_ms - now_ms)),
        "openHolds": open_holds(entitlement, now_ms),
    }


def open_holds(entitlement: Entitlement, now_ms: int) -> int:
    """How many holds are neither settled nor expired: a limit is shared among so many."""
    return sum(h.expires_at_ms > now_ms for h in entitlement.holds.values())


def granted(entitlement: Entitlement, hold: Hold, authorization_id: str, now_ms: int) -> Json:
    """The answer of a granted authorize; that of a hold which has gone on shows how many calls it has by now."""
    calls = {"heldCalls": hold.calls} if authorization_ids.has_gone_on(hold) else {}
    return {
        "allowed": True,
        "authorizationId": authorization_id,
        "accountId": entitlement.account_id,
        "subscriptionId": entitlement.id.subscription_id,
        "modelId": entitlement.id.model_id,
        "channelTier": entitlement.tier_of(hold).value,
        "unit": entitlement.limits.unit.value,
        "heldUsage": hold.units,
        **calls,
        "holdExpiresAt": rfc3339(hold.expires_at_ms),
        **start_facts(entitlement, hold, now_ms),
        **current_windows(entitlement, now_ms),
    }


def refused(refusal: Refusal, entitlement: Entitlement | None, now_ms: int) -> Json:
    """The answer of a refused authorize; it shows the windows to nobody but the holder of the current key.

    A model that is not included has none, also where it left the list and its last ones are stored.
    """
    answer = {"allowed": False, "statusCode": refusal.code.status, **refusal.fields()}
    if entitlement is None or refusal.code in _WITHOUT_WINDOWS:
        return answer
    return {**answer, **current_windows(entitlement, now_ms)}


def decision_of(answer: Json, done: str) -> str:
    """What the log says of an answer: its error's code, `replayed`, or else the word for success, `done`."""
    code: str = answer["error"]["code"] if "error" in answer else "replayed" if answer.get("replayed") else done
    return code
