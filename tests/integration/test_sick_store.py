"""A store that throttles, fails or hangs is not beaten, holds nobody for long, and is found again once it is well.

Every process has its breaker on. Nothing is counted by a request that fails fast, and one customer's trouble is nobody
else's. What the breaker does step by step is in `tests/unit/dynamodb/test_circuit_breaker.py`.
"""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.circuit_breaker import LONGEST_REST_SECONDS
from modelpass.dynamodb.transport import READ_SECONDS, Cause
from tests.support.audit import assert_conserved
from tests.support.sick_store import REASONS, process_of
from tests.support.world import STORE_CLIENTS, model

if TYPE_CHECKING:
    from modelpass.schema import Request
    from tests.support.sick_store import Process
    from tests.support.world import World

pytestmark = pytest.mark.parametrize("world", STORE_CLIENTS, indirect=True)
CAUSES = pytest.mark.parametrize("cause", REASONS)
CUSTOMERS = 8
MANY = 200
MOST_REQUESTS = 1.3
"""For each authorize, while the store is sick."""
AWAY = "temporarily_unavailable"


def customers(world: World, count: int = CUSTOMERS) -> list[dict[str, Any]]:
    return [world.buy(f"acct-{number}", models=[model(calls=1000, cap=100_000)]) for number in range(count)]


def counted(world: World, bought: list[dict[str, Any]]) -> list[int]:
    return [world.entitlement(one["subscriptionId"]).counters.day_calls for one in bought]


def ask_all(process: Process, bought: list[dict[str, Any]], label: str, times: int = MANY) -> list[str]:
    """Authorize for one customer after the other, a tenth of a second apart."""
    found = []
    for number in range(times):
        found.append(process.authorize(bought[number % len(bought)]["apiKey"], f"{label}-{number}"))
        process.store.seconds += 0.1
    return found


def is_about(bought: list[dict[str, Any]]) -> Any:
    """Whether a request is about a subscription of theirs."""

    def of(request: Request) -> bool:
        return any(one["subscriptionId"] in str(request) for one in bought)

    return of


@CAUSES
def test_store_that_takes_nothing_is_asked_about_once_per_authorize_and_found_again(world: World, cause: Cause) -> None:
    bought, process = customers(world), process_of(world)
    assert set(ask_all(process, bought, "before", 2 * CUSTOMERS)) == {"granted"}
    store, before = process.store, counted(world, bought)
    store.cause, asked = cause, store.asked
    assert set(ask_all(process, bought, "meanwhile")) == {AWAY}
    assert (store.asked - asked) / MANY <= MOST_REQUESTS
    assert counted(world, bought) == before
    store.cause = None
    store.rest()
    assert set(ask_all(process, bought, "after", CUSTOMERS)) == {"granted"}
    assert counted(world, bought) == [count + 1 for count in before]
    assert_conserved(world)


def test_store_that_hangs_holds_the_first_and_then_only_those_it_is_tried_with(world: World) -> None:
    bought, process = customers(world), process_of(world)
    ask_all(process, bought, "before", CUSTOMERS)
    process.store.cause = Cause.SILENT
    process.held.clear()
    ask_all(process, bought, "meanwhile")
    assert statistics.median(process.held) == 0
    assert process.held[0] < 2 * READ_SECONDS + 0.1  # one retry
    assert max(process.held[1:]) <= READ_SECONDS
    assert sum(seconds > 0 for seconds in process.held) <= 2 + MANY * 0.1 / LONGEST_REST_SECONDS * 2


def test_customer_alone_with_a_process_is_spared_as_well(world: World) -> None:
    (bought,), process = customers(world, 1), process_of(world)
    process.store.cause = Cause.SILENT
    assert [process.authorize(bought["apiKey"], f"r-{n}") for n in range(10)] == [AWAY] * 10
    assert process.store.asked == 2
    assert process.held[1:] == [0.0] * 9


@pytest.mark.parametrize(
    ("cause", "sick"), [(Cause.THROTTLED, 1), (Cause.THROTTLED, 3), (Cause.FAILED, 1), (Cause.SILENT, 1)]
)
def test_customer_whose_partition_is_in_trouble_is_refused_alone(world: World, sick: int, cause: Cause) -> None:
    bought, process = customers(world), process_of(world)
    ill, well = bought[:sick], bought[sick:]
    ask_all(process, bought, "before", CUSTOMERS)
    process.store.cause, process.store.of = cause, is_about(ill)
    for number in range(20):
        for one in ill:
            assert {process.authorize(one["apiKey"], f"ill-{number}-{n}") for n in range(5)} == {AWAY}
        assert set(ask_all(process, well, f"well-{number}", len(well))) == {"granted"}
    assert_conserved(world)


@pytest.mark.parametrize("cause", [Cause.FAILED, Cause.SILENT])
def test_grant_whose_reply_was_lost_with_the_store_is_told_by_a_repeat_and_counted_once(
    world: World, cause: Cause
) -> None:
    bought, process = customers(world, 2), process_of(world)
    store = process.store
    store.cause, store.late = cause, True
    found = {process.authorize(one["apiKey"], f"r-{n % 2}") for n in range(20) for one in bought}
    assert found == {AWAY}
    assert max(counted(world, bought)) <= 2
    store.rest()
    process.authorize(bought[0]["apiKey"], "r-0")  # the one that is let through, whose reply is lost as well
    store.cause = None
    store.rest()
    for one in bought:
        assert [process.authorize(one["apiKey"], f"r-{n}") for n in (0, 1, 0, 1)] == ["granted"] * 4
    assert counted(world, bought) == [2, 2]
    assert_conserved(world)


@CAUSES
def test_table_that_a_grant_does_not_need_may_be_sick_and_nothing_is_refused(world: World, cause: Cause) -> None:
    name = world.buy(models=[model(calls=10, cap=100_000)])
    process = process_of(world)
    process.store.cause, process.store.of = cause, lambda request: "EventsTable" in str(request)
    assert [process.authorize(name["apiKey"], f"r-{n}") for n in range(10)] == ["granted"] * 10  # past 80 % and 100 %
    process.store.cause = None
    process.store.rest()
    assert process.authorize(name["apiKey"], "r-10") == "daily_call_limit_reached"
    assert_conserved(world)


@CAUSES
def test_settles_fail_fast_and_each_is_booked_once_when_the_store_is_back(world: World, cause: Cause) -> None:
    bought, process = customers(world, 4), process_of(world)
    granted = [world.authorize(one["apiKey"], f"r-{n}")["authorizationId"] for one in bought for n in range(5)]
    store = process.store
    store.cause, store.late = cause, True
    answers = [process.world.settle(each, 7) for each in granted]
    assert {answer["error"]["code"] for answer in answers} == {AWAY}
    assert {answer["retryAfter"] for answer in answers} == {1}
    assert store.asked <= MOST_REQUESTS * len(granted)
    store.cause = None
    store.rest()
    assert all(process.world.settle(each, 7)["settled"] for each in granted)
    assert [world.entitlement(one["subscriptionId"]).counters.month_used for one in bought] == [35] * 4
    assert_conserved(world)


@CAUSES
def test_reset_ends_at_a_sick_store_and_leaves_its_work(world: World, cause: Cause) -> None:
    bought = customers(world)
    for one in bought:
        world.authorize(one["apiKey"], "r-1")
    world.clock.advance(2 * 86_400_000)
    process = process_of(world)
    process.store.cause = cause
    assert process.world.reset() == {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": True}
    assert process.store.asked <= 6  # one for the tiers that are down, then the tries of what is due
    process.store.cause = None
    process.store.rest()
    done = process.world.reset()
    assert (done["windowsRolled"], done["more"]) == (CUSTOMERS, False)
    assert_conserved(world)
