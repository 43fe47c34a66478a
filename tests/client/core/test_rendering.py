"""Refusals and limits are shown in the forms that the customers' SDKs read."""

from __future__ import annotations

from datetime import datetime

import pytest

from modelpass_client.errors import Refused, unavailable
from modelpass_client.rendering import anthropic_response, duration, headers_of, openai_response
from tests.client.core.backends import DAILY, MONTHLY, granted, refusal

NOW = datetime.fromisoformat("2026-11-27T19:59:59.500+00:00")
LIMITS = {
    "x-ratelimit-limit-requests": "50",
    "x-ratelimit-remaining-requests": "46",
    "x-ratelimit-reset-requests": "4h0m1s",
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "46",
    "anthropic-ratelimit-requests-reset": "2026-11-28T00:00:00Z",
    "x-ratelimit-limit-tokens": "5000",
    "x-ratelimit-remaining-tokens": "999",
    "x-ratelimit-reset-tokens": "604h0m1s",
    "anthropic-ratelimit-tokens-limit": "5000",
    "anthropic-ratelimit-tokens-remaining": "999",
    "anthropic-ratelimit-tokens-reset": "2026-12-23T00:00:00Z",
    "ratelimit-policy": '"daily";q=50;w=86400, "monthly";q=5000;qu="tokens"',
    "ratelimit": '"daily";r=46;t=14401, "monthly";r=999;t=2174401',
}


def test_grant_shows_both_windows_in_all_three_forms() -> None:
    assert headers_of(granted(), now=NOW) == LIMITS


def test_refusal_by_a_limit_says_when_to_come_back() -> None:
    answer = refusal("daily_call_limit_reached", 429, "dailyCallLimit", retryAfter=60, daily=DAILY, monthly=MONTHLY)
    headers = headers_of({"unit": "tokens", **answer}, now=NOW)
    assert headers == {**LIMITS, "retry-after": "60", "x-should-retry": "false"}


def test_refusal_after_which_coming_back_soon_helps_lets_sdks_retry() -> None:
    for code, status in (("temporarily_unavailable", 503), ("tier_unavailable", 503), ("too_many_open_holds", 429)):
        assert headers_of(refusal(code, status, retryAfter=1), now=NOW) == {"retry-after": "1"}


def test_units_that_are_no_tokens_are_not_shown_as_tokens() -> None:
    for answer in (granted(unit="generations"), refusal("x", 429, daily=DAILY, monthly=MONTHLY)):
        headers = headers_of(answer, now=NOW)
        assert not [name for name in headers if "tokens" in name]
        assert "x-ratelimit-limit-requests" in headers


def test_answer_without_windows_shows_none() -> None:
    assert headers_of(refusal("invalid_api_key", 401), now=NOW) == {}


def test_window_that_has_ended_resets_now() -> None:
    ended = {**DAILY, "resetsAt": "2026-11-27T00:00:00.123Z"}
    headers = headers_of(granted(daily=ended), now=NOW)
    assert headers["x-ratelimit-reset-requests"] == "0s"


def test_structured_fields_hold_integers_of_fifteen_digits_at_most() -> None:
    headers = headers_of(granted(monthly={**MONTHLY, "limit": 10**15, "remaining": 10**15}), now=NOW)
    assert "q=999999999999999;" in headers["ratelimit-policy"]
    assert "r=999999999999999;" in headers["ratelimit"]


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (45, "45s"), (60, "1m0s"), (3600, "1h0m0s"), (93605, "26h0m5s")]
)
def test_durations_are_written_as_openai_writes_them(seconds: int, text: str) -> None:
    assert duration(seconds) == text


def test_openai_reads_the_code_and_the_place() -> None:
    rendered = openai_response(Refused(refusal("request_exceeds_limit", 400, "monthlyTokenCap")))
    assert rendered.status == 400
    assert rendered.body == {
        "error": {
            "message": "No.",
            "type": "invalid_request_error",
            "code": "request_exceeds_limit",
            "param": "monthlyTokenCap",
        }
    }
    assert rendered.headers == {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, "invalid_request_error"),
        (401, "authentication_error"),
        (403, "permission_error"),
        (404, "not_found_error"),
        (409, "invalid_request_error"),
        (429, "rate_limit_error"),
        (500, "api_error"),
        (503, "overloaded_error"),
    ],
)
def test_anthropic_reads_a_type_that_it_knows(status: int, kind: str) -> None:
    rendered = anthropic_response(Refused(refusal("some_code", status)))
    assert (rendered.status, rendered.body["type"], rendered.body["error"]["type"]) == (status, "error", kind)
    assert rendered.body["error"]["message"] == "No."


def test_nobody_who_could_be_asked_is_told_to_come_back() -> None:
    assert openai_response(unavailable()).headers["retry-after"] == "1"


def test_the_limit_of_a_month_is_the_cap_with_what_was_bought_beside_it() -> None:
    window = {**MONTHLY, "limit": 1000, "topUp": 500, "used": 0, "held": 0, "remaining": 1500}
    headers = headers_of(granted(monthly=window), now=NOW)
    assert (headers["x-ratelimit-limit-tokens"], headers["x-ratelimit-remaining-tokens"]) == ("1500", "1500")
    assert headers["anthropic-ratelimit-tokens-limit"] == "1500"
    assert '"monthly";q=1500' in headers["ratelimit-policy"]
