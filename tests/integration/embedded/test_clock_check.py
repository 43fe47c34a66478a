"""A router's clock is the service's: while it is off, nothing is granted, and what was used is booked all the same."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from modelpass.embedded.service_clock import KNOWN_SECONDS
from tests.support.audit import assert_conserved
from tests.support.embedded import given
from tests.support.world import model

if TYPE_CHECKING:
    from modelpass.dynamodb.sigv4 import Credentials
    from tests.support.embedded import Json, Opens
    from tests.support.world import World

OFF = [-3600.0, -4.5, 4.5, 3600.0]


def is_refused(answer: Json) -> bool:
    return (answer["statusCode"], answer["error"]["code"]) == (503, "temporarily_unavailable")


@pytest.mark.parametrize("ahead", OFF)
def test_a_clock_that_is_off_from_the_start_grants_nothing_and_writes_nothing(
    live: World, opens: Opens, ahead: float
) -> None:
    router, made = opens(ahead), live.buy()
    before = live.all_items(live.tables.entitlements)
    answers = [router.authorize(made["apiKey"], f"r-{n}") for n in range(3)]
    assert all(map(is_refused, answers))
    assert all(answer["retryAfter"] == 1 for answer in answers)
    assert live.all_items(live.tables.entitlements) == before
    assert {line["writeUnits"] for line in router.shown} == {0.0}


@pytest.mark.parametrize("ahead", OFF)
def test_a_clock_that_is_set_wrong_and_right_again_stops_grants_at_once_and_only_for_so_long(
    live: World, opens: Opens, ahead: float
) -> None:
    router, made = opens(), live.buy()
    allowed = []
    for n, by in enumerate((0.0, ahead, ahead, 0.0, 1.5, -1.5)):
        router.ahead[0] = by
        allowed.append(router.authorize(made["apiKey"], f"r-{n}")["allowed"])
    assert allowed == [True, False, False, True, True, True]
    assert live.entitlement(made["subscriptionId"]).counters.day_calls == 4


@pytest.mark.parametrize("ahead", OFF)
def test_the_line_says_why_and_nothing_else_does(live: World, opens: Opens, ahead: float) -> None:
    router, made = opens(ahead), live.buy()
    answer = router.authorize(made["apiKey"], "r-1")
    (line,) = router.shown
    assert (line["decision"], line["clock"]) == ("temporarily_unavailable", "differs")
    assert abs(line["clockAheadMs"] - ahead * 1000) < 1500
    assert (line["clockAheadMs"] > 0) == (ahead > 0)
    assert "clock" not in str(answer)
    assert router.decisions.clock_difference_ms() is not None
    assert abs((router.decisions.clock_difference_ms() or 0) - line["clockAheadMs"]) < 1000


def test_a_clock_that_turns_wrong_while_the_store_is_asked_tells_no_grant(live: World, opens: Opens) -> None:
    def asked() -> Credentials:
        requests.append(1)
        router.ahead[0] = 3600.0 if len(requests) > 3 else 0.0
        return given()

    requests: list[int] = []
    router, made = opens(credentials=asked), live.buy()
    live.authorize(made["apiKey"], "makes-it-due")
    live.fill_tiers()
    assert router.authorize(made["apiKey"], "r-1")["allowed"]
    assert len(requests) == 2
    router.authorize(made["apiKey"], "r-2")
    assert is_refused(router.authorize(made["apiKey"], "r-3"))
    assert live.entitlement(made["subscriptionId"]).counters.day_calls == 4
    router.ahead[0] = 0.0
    requests.clear()
    assert router.authorize(made["apiKey"], "r-3")["allowed"]  # the repeat tells
    assert live.entitlement(made["subscriptionId"]).counters.day_calls == 4


def test_a_replay_is_a_grant_too(live: World, opens: Opens) -> None:
    router, made = opens(), live.buy()
    assert router.authorize(made["apiKey"], "same")["allowed"]
    assert router.authorize(made["apiKey"], "other", 10**6)["error"]["code"] == "request_exceeds_limit"
    router.ahead[0] = -3600.0
    assert is_refused(router.authorize(made["apiKey"], "same"))  # it reads before it writes, after that refusal
    assert is_refused(router.authorize(made["apiKey"], "same"))


@pytest.mark.parametrize("ahead", [-400 * 86_400.0, 400 * 86_400.0])
def test_no_refusal_that_a_wrong_clock_would_give_is_given_or_remembered(
    live: World, opens: Opens, ahead: float
) -> None:
    router, made = opens(ahead), live.buy()
    assert is_refused(router.authorize(made["apiKey"], "r-1"))  # by that clock, it is expired or not yet there
    router.ahead[0] = 0.0
    assert router.authorize(made["apiKey"], "r-1")["allowed"]


@pytest.mark.parametrize("ahead", OFF)
def test_a_report_is_booked_whatever_the_clock_says(live: World, opens: Opens, ahead: float) -> None:
    router, made = opens(), live.buy()
    granted = router.authorize(made["apiKey"], "r-1")
    router.ahead[0] = ahead
    settled = router.settle(granted["authorizationId"], 7)
    assert (settled["settled"], settled["late"]) == (True, False)
    assert settled["monthly"]["used"] == 7
    assert settled["daily"]["resetsAt"] == granted["daily"]["resetsAt"]
    assert router.settle(granted["authorizationId"], 7) == {"settled": True, "replayed": True}
    assert_conserved(live)


@pytest.mark.parametrize("days", [-40, 40])
def test_a_wrong_clock_moves_no_window(live: World, opens: Opens, days: int) -> None:
    router, made = opens(), live.buy(models=[model(cap=10)], months=3)
    granted = router.authorize(made["apiKey"], "r-1", 10)
    router.ahead[0] = days * 86_400.0
    assert router.settle(granted["authorizationId"], 10)["settled"]
    assert not live.authorize(made["apiKey"], "r-2", 1)["allowed"]
    assert live.entitlement(made["subscriptionId"]).month == 0
    assert_conserved(live)


@pytest.mark.parametrize(("ahead", "signed_ahead"), [(1.5, 1.5), (-1.5, -1.5), (7200.0, 0.0), (-7200.0, 0.0)])
def test_requests_are_signed_with_the_services_time_where_the_clock_is_wrong(
    live: World, opens: Opens, ahead: float, signed_ahead: float
) -> None:
    """A store refuses what was signed five minutes off, and nothing could be booked."""
    router, made = opens(), live.buy()
    router.authorize(made["apiKey"], "r-1")
    router.ahead[0] = ahead
    assert abs(router.decisions._client._clock() - time.time() - signed_ahead) < 1.2


@pytest.mark.parametrize("seconds", [-100.0, 100.0])
def test_after_the_steady_clock_has_stopped_for_a_while_the_first_request_is_granted(
    live: World, opens: Opens, seconds: float
) -> None:
    """A machine that slept: what was heard before seems wrong, and the store is asked before that is believed."""
    router, made = opens(), live.buy()
    router.authorize(made["apiKey"], "r-1")
    clock = router.decisions._clock
    known = clock._bounds
    assert known is not None
    clock._bounds = known._replace(low=known.low + seconds, high=known.high + seconds)
    assert router.decisions.clock_difference_ms() not in (0, None)
    assert router.authorize(made["apiKey"], "r-2")["allowed"]


@pytest.mark.parametrize("ahead", OFF)
def test_a_report_that_lets_its_hold_go_on_waits_until_the_clock_is_right(
    live: World, opens: Opens, ahead: float
) -> None:
    router, made = opens(), live.buy()
    granted = router.authorize(made["apiKey"], "r-1")
    wishes = {"apiKey": made["apiKey"], "estimatedUsage": 20, "calls": 1, "holdSeconds": 60}
    part = {"calls": 1, "continue": wishes}
    router.ahead[0] = ahead
    answer = router.settle(granted["authorizationId"], 5, **part)
    assert (answer["settled"], answer["statusCode"]) == (False, 503)
    assert router.shown[-1]["clock"] == "differs"
    assert live.entitlement(made["subscriptionId"]).counters.month_used == 0
    router.ahead[0] = 0.0
    for replayed in (False, True):
        answer = router.settle(granted["authorizationId"], 5, **part)
        assert (answer["settled"], answer["continued"], answer["heldUsage"]) == (True, True, 20)
        assert answer.get("replayed", False) is replayed
    assert router.settle(answer["authorizationId"], 6)["monthly"]["used"] == 11
    assert_conserved(live)


def test_what_a_key_is_good_for_is_told_by_a_right_clock(live: World, opens: Opens) -> None:
    router, made = opens(), live.buy()
    described = router.decisions.describe_key({"apiKey": made["apiKey"]})
    assert described["status"] == "active"
    router.ahead[0] = 3600.0
    assert is_refused(router.decisions.describe_key({"apiKey": made["apiKey"]}))


def test_a_clock_that_is_off_asks_the_store_at_most_once_a_second_for_its_time(live: World, opens: Opens) -> None:
    router, made = opens(), live.buy()
    router.authorize(made["apiKey"], "r-1")
    router.ahead[0] = 3600.0
    for n in range(20):
        assert is_refused(router.authorize(made["apiKey"], f"s-{n}"))
    asked = sum(line["storeRequests"] for line in router.shown[1:])
    steady = sum(line["latencyMs"] for line in router.shown[1:]) / 1000
    assert asked <= 2 * (2 + steady)


def test_what_was_heard_long_ago_is_asked_for_again_before_a_request_is_granted_or_refused(
    live: World, opens: Opens
) -> None:
    router, made = opens(), live.buy()
    router.authorize(made["apiKey"], "r-1")
    clock = router.decisions._clock
    known = clock._bounds
    assert known is not None
    clock._bounds = known._replace(at=known.at - KNOWN_SECONDS)
    assert router.decisions.clock_difference_ms() is None
    assert router.authorize(made["apiKey"], "r-2")["allowed"]
    assert router.decisions.clock_difference_ms() == 0


def test_refusals_that_no_clock_decides_are_given_as_ever(live: World, opens: Opens) -> None:
    router, made = opens(3600.0), live.buy()
    assert router.authorize("sk-custom-none", "r-1")["error"]["code"] == "invalid_api_key"
    assert router.authorize(made["apiKey"], "r 1")["error"]["param"] == "requestId"
    assert router.settle("none", 1)["error"]["code"] == "authorization_not_found"
