"""What callers see of windows, grants and subscriptions, figure by figure, at the milliseconds where it changes."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from typing import Any

import pytest

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import answers as entitlement_answers
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions import answers as subscription_answers
from modelpass.subscriptions.model import Status
from tests.support.builders import NOON, SUBSCRIPTION_ID, entitlement, hold, limits, ms, subscription

DAY_ENDS, MONTH_ENDS = ms("2026-12-02T00:00:00Z"), ms("2026-12-23T10:30:00Z")
DAILY = {"limit": 50, "used": 3, "remaining": 47, "resetsAt": "2026-12-02T00:00:00Z"}
MONTHLY = {"limit": 1000, "used": 7, "held": 40, "remaining": 953, "overrun": 0, "resetsAt": "2026-12-23T10:30:00Z"}
NEXT_DAY = {"limit": 50, "used": 0, "remaining": 50, "resetsAt": "2026-12-03T00:00:00Z"}
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
        # Only the subscription's row knows what comes after the month: unless it is asked, the month's end is shown.
        (MONTH_ENDS, {**NEXT_DAY, "resetsAt": "2026-12-24T00:00:00Z"}, {**MONTHLY, "held": 0, "remaining": 993}),
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
        "startWithinMs": 4000,
        "openHolds": 1,
        "daily": DAILY,
        "monthly": MONTHLY,
    }


def test_hold_that_has_gone_on_is_shown_with_the_calls_that_it_has_by_now() -> None:
    gone_on = hold(units=40, calls=3)._replace(nonce=urlsafe_b64encode(b"nonce.\0\0\1").decode())
    shown = entitlement_answers.granted(entitlement(holds=[gone_on], calls=3), gone_on, "auth_1", NOON)
    assert (shown["heldUsage"], shown["heldCalls"]) == (40, 3)


@pytest.mark.parametrize(
    ("granted_at_ms", "seconds", "now_ms", "within_ms"),
    [
        (NOON, 900, NOON, 4000),
        (NOON, 900, NOON - 1, 4000),
        (NOON, 900, NOON + 896_000, 4000),
        (NOON, 900, NOON + 896_001, 3999),
        (NOON, 1, NOON, 1000),
        (NOON, 1, NOON + 1000, 0),
        (NOON, 1, NOON + 60_000, 0),
        (NOON, 86_400, DAY_ENDS - 4000, 4000),
        (NOON, 86_400, DAY_ENDS - 1, 1),
        (NOON, 86_400, DAY_ENDS, 0),
        (NOON, 86_400, DAY_ENDS + 60_000, 0),
    ],
)
def test_work_begins_within_four_seconds_or_until_hold_or_window_ends(
    granted_at_ms: int, seconds: int, now_ms: int, within_ms: int
) -> None:
    granted = hold(at_ms=granted_at_ms, seconds=seconds)
    shown = entitlement_answers.start_facts(entitlement(holds=[granted]), granted, now_ms)
    assert shown["startWithinMs"] == within_ms


def test_work_begins_no_later_than_the_term_ends() -> None:
    ends_ms = ms("2027-02-23T10:30:00Z")
    granted = hold(at_ms=ends_ms - 3000, seconds=86_400)
    stored = entitlement(at_ms=ends_ms - 3000, holds=[granted])
    assert entitlement_answers.start_facts(stored, granted, ends_ms - 3000)["startWithinMs"] == 3000


def test_no_work_begins_on_a_hold_whose_day_or_month_has_been_closed() -> None:
    for ends_ms in (DAY_ENDS, MONTH_ENDS):
        earlier = hold(at_ms=ends_ms - 1, seconds=86_400)
        shown = entitlement_answers.start_facts(entitlement(at_ms=ends_ms, holds=[earlier]), earlier, ends_ms)
        assert shown == {"startWithinMs": 0, "openHolds": 1}


def test_open_holds_are_those_that_have_not_expired() -> None:
    short, long = hold("short", seconds=1), hold("long", seconds=60)
    stored = entitlement(holds=[short, long])
    for now_ms, count in ((NOON, 2), (NOON + 999, 2), (NOON + 1000, 1), (NOON + 60_000, 0)):
        assert entitlement_answers.start_facts(stored, long, now_ms)["openHolds"] == count


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
        "autoRenew": False,
        "autoRenewMonths": 3,
        "label": None,
        "pendingChange": None,
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


@pytest.mark.parametrize("code", [ErrorCode.INVALID_API_KEY, ErrorCode.MODEL_NOT_INCLUDED])
def test_refusal_of_a_key_or_a_model_that_is_not_good_shows_no_windows(code: ErrorCode) -> None:
    shown = entitlement_answers.refused(Refusal(code), STORED, NOON)
    assert {"daily", "monthly"} & set(shown) == set()
    limited = entitlement_answers.refused(Refusal(ErrorCode.MONTHLY_CAP_REACHED), STORED, NOON)
    assert {"daily", "monthly"} <= set(limited)
