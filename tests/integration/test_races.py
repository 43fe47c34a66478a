"""Many at once, on the real engine, by either client. Rule: only counts decide; no test looks at time."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.support.audit import assert_conserved
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.world import DAY_MS, STORE_CLIENTS, World, model

pytestmark = pytest.mark.parametrize("world", STORE_CLIENTS, indirect=True)
THREADS = 64


def granted(answers: list[Any]) -> int:
    return sum(bool(answer["allowed"]) for answer in answers)


def test_of_64_buyers_of_one_account_one_wins(world: World) -> None:
    results = at_once(THREADS, lambda _: world.buy()["subscriptionId"])
    assert sum(r.startswith("sub_") for r in results) == 1
    assert results.count("active_subscription_exists") == THREADS - 1
    # The row and its entry in the list, the order and its entry, and the place.
    assert len(world.all_items(world.tables.subscriptions)) == 5
    assert world.events() == ["subscription.purchased"]


def test_64_repeats_of_one_purchase_make_one_subscription_and_show_one_key(world: World) -> None:
    results = at_once(THREADS, lambda _: world.buy(key="same"))
    assert len({r["subscriptionId"] for r in results}) == 1
    assert sum(r["apiKey"] is not None for r in results) == 1
    assert world.authorize(next(r["apiKey"] for r in results if r["apiKey"]), "r-1")["allowed"]


def test_of_64_authorizes_for_the_last_20_calls_exactly_20_are_granted(world: World) -> None:
    made = world.buy(models=[model(calls=20, cap=10**6)])
    answers = at_once(THREADS, lambda n: world.authorize(made["apiKey"], f"r-{n}", 1))
    assert granted(answers) == 20
    assert {a["error"]["code"] for a in answers if not a["allowed"]} == {"daily_call_limit_reached"}
    assert_conserved(world)


def test_of_64_authorizes_for_the_last_units_no_more_are_granted_than_fit(world: World) -> None:
    made = world.buy(models=[model(calls=1000, cap=205)])
    answers = at_once(THREADS, lambda n: world.authorize(made["apiKey"], f"r-{n}", 10))
    assert granted(answers) == 20
    assert_conserved(world)


def test_of_64_authorizes_that_take_what_fits_all_that_is_left_is_granted_and_no_more(world: World) -> None:
    made = world.buy(models=[model(calls=1000, cap=205)])
    answers = at_once(THREADS, lambda n: world.authorize(made["apiKey"], f"r-{n}", 10, minimumUsage=n % 3))
    held = [a["heldUsage"] for a in answers if a["allowed"]]
    assert sum(held) == 205
    assert sorted(held) == [5] + [10] * 20
    assert {a["error"]["code"] for a in answers if not a["allowed"]} == {"monthly_cap_reached"}
    assert_conserved(world)


def test_while_units_come_back_takers_of_what_fits_never_overshoot_and_leave_nothing(world: World) -> None:
    """Each takes what it can get, reports a part of it, and comes again until nothing is left."""
    made = world.buy(models=[model(calls=10**6, cap=3000)])

    def taker(number: int) -> int:
        used = 0
        for round_number in range(1000):
            answer = world.authorize(made["apiKey"], f"r-{number}-{round_number}", 50 + number, minimumUsage=1)
            if not answer["allowed"]:
                assert answer["error"]["code"] == "monthly_cap_reached"
                return used
            assert 1 <= answer["heldUsage"] <= 50 + number
            assert answer["monthly"]["overrun"] == 0
            part = -(-answer["heldUsage"] // 2)
            used += part
            assert world.settle(answer["authorizationId"], part)["monthly"]["overrun"] == 0
        raise AssertionError("the month never ended")

    total = sum(at_once(16, taker))
    rest = world.authorize(made["apiKey"], "the-rest", 3000, minimumUsage=0)
    if rest["allowed"]:  # what the last of them gave back
        total += rest["heldUsage"]
        world.settle(rest["authorizationId"], rest["heldUsage"])
    assert total == world.entitlement(made["subscriptionId"]).counters.month_used == 3000
    assert_conserved(world)


def test_64_repeats_of_one_lesser_grant_count_once(world: World) -> None:
    made = world.buy(models=[model(calls=1000, cap=7)])
    answers = at_once(THREADS, lambda _: world.authorize(made["apiKey"], "same", 10, minimumUsage=1))
    assert {a["heldUsage"] for a in answers} == {7}
    assert len({a["authorizationId"] for a in answers}) == 1
    assert sum("replayed" not in a for a in answers) == 1
    assert world.entitlement(made["subscriptionId"]).counters.day_calls == 1
    assert_conserved(world)


def test_64_repeats_of_one_authorize_count_once(world: World) -> None:
    made = world.buy()
    answers = at_once(THREADS, lambda _: world.authorize(made["apiKey"], "same"))
    assert len({a["authorizationId"] for a in answers}) == 1
    assert sum("replayed" not in a for a in answers) == 1
    assert world.entitlement(made["subscriptionId"]).counters.day_calls == 1


def test_64_repeats_of_one_attempt_count_once_and_are_all_the_plain_grant(world: World) -> None:
    made = world.buy()
    answers = at_once(THREADS, lambda _: world.authorize(made["apiKey"], "same", attempt="a-1"))
    assert len({a["authorizationId"] for a in answers}) == 1
    assert all(a["allowed"] and "replayed" not in a for a in answers)
    assert world.entitlement(made["subscriptionId"]).counters.day_calls == 1
    assert_conserved(world)


def test_of_64_attempts_at_one_request_one_may_send_it(world: World) -> None:
    made = world.buy()
    answers = at_once(THREADS, lambda n: world.authorize(made["apiKey"], "same", attempt=f"a-{n}"))
    assert granted(answers) == 1
    assert {a["error"]["code"] for a in answers if not a["allowed"]} == {"request_in_progress"}
    assert world.entitlement(made["subscriptionId"]).counters.day_calls == 1
    assert_conserved(world)


def test_once_the_last_unit_is_taken_no_estimate_of_nothing_is_granted(world: World) -> None:
    """Half ask for the last units, half for none: whoever comes after the last unit was taken is refused."""
    made = world.buy(models=[model(calls=1000, cap=100)])
    taken = threading.Event()

    def ask(number: int) -> Any:
        if number % 2:
            began_after = taken.is_set()
            answer = world.authorize(made["apiKey"], f"r-{number}", 0)
            return {**answer, "too late": began_after and answer["allowed"]}
        answer = world.authorize(made["apiKey"], f"r-{number}", 10)
        if answer["allowed"] and answer["monthly"]["remaining"] == 0:
            taken.set()
        return answer

    answers = at_once(THREADS, ask)
    assert sum(a["allowed"] and a["heldUsage"] == 10 for a in answers) == 10
    assert not any(a.get("too late") for a in answers)
    assert world.authorize(made["apiKey"], "late", 0)["error"]["code"] == "monthly_cap_reached"
    assert world.authorize(made["apiKey"], "free", 0, unitFree=True)["allowed"]
    assert_conserved(world)


def test_64_repeats_of_one_settle_count_once(world: World) -> None:
    made = world.buy()
    authorization_id = world.authorize(made["apiKey"], "r-1")["authorizationId"]
    answers = at_once(THREADS, lambda n: world.settle(authorization_id, n % 10))
    assert sum("replayed" not in a for a in answers) == 1
    assert all(a["settled"] for a in answers)
    assert_conserved(world)


def test_at_midnight_64_requests_open_the_day_once_and_exactly_20_are_granted(world: World) -> None:
    made = world.buy(models=[model(calls=20, cap=10**6)])
    world.authorize(made["apiKey"], "yesterday", 5)
    world.clock.advance(DAY_MS)
    answers = at_once(THREADS, lambda n: world.authorize(made["apiKey"], f"r-{n}", 1))
    assert granted(answers) == 20
    days = [i for i in world.all_items(world.tables.history) if i["sk"]["S"].startswith("day#")]
    assert [(d["calls"]["N"], d["units"]["N"]) for d in days] == [("1", "0")]
    assert_conserved(world)


def test_reset_and_authorize_at_midnight_count_every_grant_once(world: World) -> None:
    made = world.buy(models=[model(calls=20, cap=10**6)])
    world.authorize(made["apiKey"], "yesterday", 5)
    world.clock.advance(DAY_MS)

    def either(number: int) -> Any:
        if number % 8 == 0:
            return {"allowed": False, **world.reset()}
        return world.authorize(made["apiKey"], f"r-{number}", 1)

    assert granted(at_once(32, either)) == 20
    assert world.entitlement(made["subscriptionId"]).counters.day_calls == 20
    assert_conserved(world)


def test_two_resets_at_once_do_everything_once(world: World) -> None:
    for number in range(10):
        key = world.buy(f"acct-{number}")["apiKey"]
        world.authorize(key, "r-1")
    world.clock.advance(DAY_MS)
    results = at_once(2, lambda _: world.reset())
    assert sum(r["windowsRolled"] for r in results) == 10
    world.clock.advance(31 * DAY_MS)
    results = at_once(2, lambda _: world.reset())
    assert sum(r["subscriptionsExpired"] for r in results) == 10
    assert world.events().count("subscription.expired") == 10
    assert_conserved(world)


def test_after_a_renewal_no_old_key_is_granted_whatever_the_machines_clock_says(world: World) -> None:
    made = world.buy()
    start = world.clock.now_ms
    world.clock.advance(31 * DAY_MS)
    world.renew(made["subscriptionId"])
    world.clock.now_ms = start + 5 * DAY_MS  # a machine whose clock is far behind
    assert world.authorize(made["apiKey"], "r-1")["error"]["code"] == "invalid_api_key"


def test_once_a_renewal_has_answered_the_old_key_is_granted_nowhere(world: World) -> None:
    """Half of the machines have clocks that are days behind: for them the term goes on until the key is gone."""
    made = world.buy(models=[model(calls=10**6, cap=10**6)])
    behind_ms = world.clock.now_ms + 5 * DAY_MS
    behind = replace(world, deps=world.deps._replace(now_ms=lambda: behind_ms))
    world.clock.advance(31 * DAY_MS)
    answered = threading.Event()
    renewals: list[Any] = []

    def traffic(number: int) -> list[tuple[bool, Any]]:
        if number == 0:
            renewals.append(world.renew(made["subscriptionId"]))
            answered.set()
            return []
        machine = behind if number % 2 else world
        return [(answered.is_set(), machine.authorize(made["apiKey"], f"r-{number}-{n}", 1)) for n in range(20)]

    tries = [one for of_thread in at_once(32, traffic) for one in of_thread]
    assert not any(answer["allowed"] for after, answer in tries if after)
    assert {a["error"]["code"] for after, a in tries if after} == {"invalid_api_key"}
    old = world.entitlement(made["subscriptionId"])
    assert old.counters.day_calls == sum(answer["allowed"] for _, answer in tries)
    assert world.authorize(renewals[0]["apiKey"], "r-1")["monthly"]["held"] == 10
    assert_conserved(world)


def test_of_64_renewals_one_begins_a_term(world: World) -> None:
    made = world.buy()
    world.clock.advance(31 * DAY_MS)
    results = at_once(THREADS, lambda _: world.renew(made["subscriptionId"]))
    keys = [r["apiKey"] for r in results if isinstance(r, dict)]
    assert len(keys) == 1
    assert results.count("subscription_not_expired") == THREADS - 1
    assert world.authorize(keys[0], "r-1")["monthly"]["used"] == 0


def test_renewal_and_purchase_of_one_account_leave_one_active(world: World) -> None:
    made = world.buy()
    world.clock.advance(31 * DAY_MS)

    def either(number: int) -> Any:
        return world.renew(made["subscriptionId"]) if number % 2 else world.buy()

    results = at_once(16, either)
    assert sum(isinstance(r, dict) for r in results) == 1


def test_settles_that_cross_at_once_tell_once_and_again_after_a_correction_below(world: World) -> None:
    made = world.buy(models=[model(calls=1000, cap=160)])

    def used(number: int) -> Any:
        return world.settle(world.authorize(made["apiKey"], f"r-{number}", 10)["authorizationId"], 10)

    for round_number in (1, 2, 3):
        at_once(16, used)
        assert world.entitlement(made["subscriptionId"]).counters.month_used == 160
        assert world.events().count("limit.threshold_reached") == 2 * round_number
        at_once(16, lambda n: world.correct(made["subscriptionId"], -10, f"ticket-{round_number}-{n}"))  # noqa: B023
    assert world.events().count("limit.threshold_reached") == 6
    assert_conserved(world)


def test_calls_that_are_made_and_voided_at_once_leave_marks_that_are_true(world: World) -> None:
    made = world.buy(models=[model(calls=20, cap=10**6)])

    def made_and_voided(number: int) -> None:
        answer = world.authorize(made["apiKey"], f"r-{number}", 1)
        if answer["allowed"]:
            world.settle(answer["authorizationId"], 0, calls=0)

    at_once(32, made_and_voided)
    assert world.entitlement(made["subscriptionId"]).counters.day_calls == 0
    before = world.events().count("limit.threshold_reached")
    world.authorize(made["apiKey"], "single", 1)  # looks, where the last of them lost a race
    assert not world.entitlement(made["subscriptionId"]).announced
    at_once(19, lambda n: world.authorize(made["apiKey"], f"s-{n}", 1))
    assert world.events().count("limit.threshold_reached") == before + 2
    assert_conserved(world)


def test_mixed_traffic_with_duplicates_keeps_every_equation(world: World) -> None:
    made = world.buy(models=[model(calls=10**6, cap=3000)])

    def traffic(number: int) -> int:
        used = 0
        for round_number in range(12):
            answer = world.authorize(made["apiKey"], f"r-{number % 16}-{round_number}", 10)
            if answer["allowed"]:
                settled = world.settle(answer["authorizationId"], 7)
                used += 7 * ("replayed" not in settled)
        return used

    total = sum(at_once(32, traffic))
    assert world.entitlement(made["subscriptionId"]).counters.month_used == total
    assert_conserved(world)
