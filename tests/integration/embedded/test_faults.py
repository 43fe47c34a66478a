"""A store that loses requests and replies, throttles, or is away for a while, as a router's process meets it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.circuit_breaker import LONGEST_REST_SECONDS
from tests.support.audit import assert_conserved
from tests.support.embedded import routers
from tests.support.relay import Relay, relay_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.embedded import Opens, Router
    from tests.support.world import World


@pytest.fixture
def relay(engine: str) -> Iterator[Relay]:
    with relay_to(engine) as running:
        yield running


@pytest.fixture
def behind(live: World, relay: Relay) -> Iterator[Opens]:
    """Opens routers that reach the store by a way that may fail."""
    with routers(live, relay.url) as opened:
        yield opened


def loses(count: int, operation: str = "UpdateItem") -> Callable[[str], None]:
    """Lose so many requests or replies of an operation: the connection breaks."""
    left = [count]

    def lose(asked: str) -> None:
        if asked == operation and left[0] > 0:
            left[0] -= 1
            raise ConnectionError

    return lose


@pytest.mark.parametrize("where", ["before", "after"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_request_whose_message_or_reply_is_lost_is_counted_and_booked_once(
    live: World, relay: Relay, behind: Opens, where: str, count: int
) -> None:
    router, made = behind(), live.buy()
    live.authorize(made["apiKey"], "makes-it-due", 10, holdSeconds=3600)
    router.authorize(made["apiKey"], "warm")
    setattr(relay, where, loses(count))
    granted = router.authorize(made["apiKey"], "r-1")
    assert granted["allowed"]
    setattr(relay, where, loses(count))
    settled = router.settle(granted["authorizationId"], 7)
    assert settled["settled"]
    counters = live.entitlement(made["subscriptionId"]).counters
    assert (counters.day_calls, counters.month_used) == (3, 7)
    assert_conserved(live)


@pytest.mark.parametrize("error", ["ThrottlingException", "InternalServerError", "AccessDeniedException"])
def test_a_store_that_refuses_grants_nothing_and_all_is_well_with_its_first_answer(
    live: World, relay: Relay, behind: Opens, error: str
) -> None:
    router, made = behind(), live.buy()
    granted = router.authorize(made["apiKey"], "r-1")
    relay.refusing = error
    code = "internal_error" if error == "AccessDeniedException" else "temporarily_unavailable"
    assert router.authorize(made["apiKey"], "r-2")["error"]["code"] == code
    assert router.settle(granted["authorizationId"], 3)["error"]["code"] == code
    assert live.entitlement(made["subscriptionId"]).counters.day_calls == 1
    relay.refusing = None
    let_the_breaker_rest(router)
    assert router.settle(granted["authorizationId"], 3)["settled"]
    assert router.authorize(made["apiKey"], "r-3")["allowed"]
    assert_conserved(live)


def let_the_breaker_rest(router: Router) -> None:
    """Let the longest rest of the process's breaker go by."""
    breaker: Any = getattr(router.decisions._settling.may_retry, "__self__")  # noqa: B009 - a function has none
    breaker._pacing = breaker._pacing._replace(monotonic=lambda: time.monotonic() + LONGEST_REST_SECONDS)


def test_a_new_process_on_a_store_that_is_away_grants_nothing_and_says_so(
    live: World, relay: Relay, behind: Opens
) -> None:
    def away(_: str) -> None:
        raise ConnectionError

    relay.before = away
    router, made = behind(), live.buy()
    answer = router.authorize(made["apiKey"], "r-1")
    assert (answer["statusCode"], answer["retryAfter"]) == (503, 1)
    assert router.decisions.clock_difference_ms() is None
    assert router.shown[-1]["decision"] == "temporarily_unavailable"
