"""What callers see of windows, grants and subscriptions, figure by figure, at the milliseconds where it changes."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import answers as entitlement_answers
from modelpass.subscriptions import answers as subscription_answers
from modelpass.subscriptions.model import Status
from tests.support.builders import NOON, SUBSCRIPTION_ID, entitlement, hold, limits, ms, subscription

DAY_ENDS, MONTH_ENDS = ms("2026-12-02T00:00:00Z"), ms("2026-12-23T10:30:00Z")
DAILY = {"limit": 50, "used": 3, "remaining": 47, "resetsAt": "2026-12-02T00:00:00Z"}
MONTHLY = {"limit": 1000, "used": 7, "held": 40, "remaining": 953, "overrun": 0, "resetsAt": "2026-12-23T10:30:00Z"}
NEXT_DAY = {"limit": 50, "used": 0, "remaining": 50, "resetsAt": "2026-12-03T00:00:00Z"}
NEXT_MONTH = {"limit": 1000, "used": 0, "held": 0, "remaining": 1000, "overrun": 0, "resetsAt": "2027-01-23T10:30:00Z"}
STORED = entitlement(calls=3, used=7, holds=[hold(units=40, seconds=86_400)])


@pytest.mark.parametrize(
    ("now_ms", "daily", "monthly"),
    [
        (NOON, DAILY, MONTHLY),
        (ms("2026-11-30T00:00:00Z"), DAILY, MONTHLY),  # a clock that is behind
        (DAY_ENDS - 1, DAILY, MONTHLY),
        (DAY_ENDS, NEXT_DAY, MONTHLY),
        (NOON + 86_400_000 - 1, NEXT_DAY, MONTHLY),
        (NOON + 86_400_000, NEXT_DAY, {**MONTHLY, "held": 0, "remaining": 993}),  # the hold has expired
        (MONTH_ENDS, {**NEXT_DAY, "resetsAt": "2026-12-24T00:00:00Z"}, NEXT_MONTH),
    ],
)
def test_windows_are_shown_as_they_are_at_the_moment_of_asking(now_ms: int, daily: Any, monthly: Any) -> None:
    assert entitlement_answers.current_windows(STORED, now_ms) == {"daily": daily, "monthly": monthly}


@pytest.mark.parametrize(("used", "remaining", "overrun"), [(999, 1, 0), (1000, 0, 0), (1001, 0, 1)])
def test_use_above_the_cap_is_an_overrun_and_leaves_nothing(used: int, remaining: int, overrun: int) -> None:
    shown = entitlement_answers.current_windows(entitlement(used=used), NOON)["monthly"]
    assert (shown["remaining"], shown["overrun"]) == (remaining, overrun)


def test_hold_of_an_earlier_month_is_not_held_in_this_one() -> None:
    earlier = hold("earlier", units=40, at_ms=MONTH_ENDS - 1, seconds=86_400)
    shown = entitlement_answers.current_windows(entitlement(at_ms=MONTH_ENDS, holds=[earlier]), MONTH_ENDS)["monthly"]
    assert (shown["held"], shown["remaining"]) == (0, 1000)


def test_grant_shows_what_was_granted_and_what_is_left() -> None:
    assert entitlement_answers.granted(STORED, hold(units=40, seconds=60), "auth_1", NOON) == {
        "allowed": True,
        "authorizationId": "auth_1",
        "accountId": "acct",
        "subscriptionId": SUBSCRIPTION_ID,
        "modelId": "m-1",
        "channelTier": "stable",
        "unit": "tokens",
        "heldUsage": 40,
        "holdExpiresAt": "2026-12-01T12:01:00Z",
        "daily": DAILY,
        "monthly": MONTHLY,
    }


def test_usage_shows_every_model_as_bought() -> None:
    models = [STORED, entitlement(calls=3, used=7, bought=limits("m-2", Tier.BASIC))]
    shown = subscription_answers.usage(
        subscription(), [subscription_answers.model_usage(one, NOON) for one in models], NOON
    )
    assert (shown["subscriptionId"], shown["status"]) == (SUBSCRIPTION_ID, "active")
    assert shown["models"] == [
        {"modelId": "m-1", "channelTier": "stable", "unit": "tokens", "daily": DAILY, "monthly": MONTHLY},
        {
            "modelId": "m-2",
            "channelTier": "basic",
            "unit": "tokens",
            "daily": DAILY,
            "monthly": {**MONTHLY, "held": 0, "remaining": 993},
        },
    ]
    assert subscription_answers.usage(subscription(), [], ms("2027-02-23T10:30:00Z"))["status"] == "expired"


@pytest.mark.parametrize(("api_key", "shown_too"), [(None, {}), ("sk-custom-1", {"apiKey": "sk-custom-1"})])
def test_subscription_shows_its_key_only_where_it_was_just_made(api_key: str | None, shown_too: Any) -> None:
    assert subscription_answers.subscription(subscription(), Status.ACTIVE, api_key) == {
        "subscriptionId": SUBSCRIPTION_ID,
        "status": "active",
        "term": 1,
        **shown_too,
        "apiKeyMasked": "sk-custom-…wxyz",
        "startsAt": "2026-11-23T10:30:00Z",
        "expiresAt": "2027-02-23T10:30:00Z",
        "timezone": "UTC",
        "models": [
            {
                "modelId": "m-1",
                "channelTier": "stable",
                "unit": "tokens",
                "dailyCallLimit": 50,
                "monthlyTokenCap": 1000,
            }
        ],
        "price": {
            "currency": "USD",
            "lines": [{"modelId": "m-1", "channelTier": "stable", "monthly": "12.00", "total": "36.00"}],
            "monthlyTotal": "12.00",
            "months": 3,
            "total": "36.00",
        },
    }
