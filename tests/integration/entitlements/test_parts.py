"""Settling in parts: each report is booked once, and the hold goes on only where authorize would allow new work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.encoding import base64url
from modelpass.entitlements import authorization_ids, items, windows
from modelpass.times import rfc3339
from tests.support.audit import assert_audited
from tests.support.faults import Interleave
from tests.support.parts import CALLS, CAP, Held, continuing
from tests.support.world import DAY_MS, TEXT_MODEL, World

if TYPE_CHECKING:
    from tests.support.world import Json


@pytest.fixture
def held(world: World) -> Held:
    return Held(world)


def code(answer: Json) -> str | None:
    found: str | None = answer["error"]["code"] if "error" in answer else None
    return found


def test_a_part_is_booked_and_the_hold_goes_on_with_what_was_asked(held: Held) -> None:
    held.world.clock.advance(10_000)
    answer = held.part(30, 1, units=200, keep=5, seconds=120)
    assert answer == {
        "settled": True,
        "late": False,
        "tierBreached": False,
        "continued": True,
        "authorizationId": held.id,
        "heldUsage": 200,
        "heldCalls": 5,
        "holdExpiresAt": rfc3339(held.world.clock.now_ms + 120_000),
        "startWithinMs": 4000,
        "openHolds": 1,
        "daily": {**answer["daily"], "used": 6, "remaining": CALLS - 6},
        "monthly": {**answer["monthly"], "used": 30, "held": 200, "remaining": CAP - 230, "overrun": 0},
    }
    assert held.figures == (6, 30, 200)
    assert (held.last(150, calls=2)["monthly"]["used"], held.figures) == (180, (3, 180, 0))


def test_every_part_has_an_id_of_its_own_and_one_grant(held: Held) -> None:
    for _ in range(3):
        held.part(1, 1)
    parsed = [authorization_ids.parse_authorization_id(i, held.world.deps.deployment_keys) for i in held.ids]
    holds = [p.hold for p in parsed if p]
    assert len(set(held.ids)) == len(holds) == 4
    assert all(authorization_ids.is_of_same_grant(holds[0], other) for other in holds)
    assert [authorization_ids.has_gone_on(h) for h in holds] == [False, True, True, True]


def test_a_hold_lasts_900_seconds_when_the_part_does_not_say(held: Held) -> None:
    answer = held.part(1, 1, seconds=None)
    assert answer["holdExpiresAt"] == rfc3339(held.world.clock.now_ms + 900_000)


def test_a_repeat_books_nothing_and_shows_the_hold_as_it_stands(held: Held) -> None:
    first = held.part(30, 1)
    again = held.part(30, 1, of=held.ids[0])
    assert again == {**first, "replayed": True}
    assert held.figures == (5, 30, 100)


def test_a_repeat_with_other_figures_books_nothing(held: Held) -> None:
    held.part(30, 1)
    for used, calls in ((31, 1), (0, 0), (30, 99)):
        assert held.part(used, calls, of=held.ids[0])["replayed"]
    assert held.figures == (5, 30, 100)


def test_a_straggler_two_steps_late_books_nothing_and_gets_the_newest_id(held: Held) -> None:
    held.part(30, 1)
    second = held.part(5, 1, units=70, keep=2)
    for old in held.ids[:2]:
        late = held.part(9, 1, of=old)
        assert (late["replayed"], late["authorizationId"], late["heldUsage"]) == (True, held.id, 70)
        assert (late["heldCalls"], late["holdExpiresAt"]) == (2, second["holdExpiresAt"])
        assert held.world.settle(old, 9) == {"settled": True, "replayed": True}
    assert held.figures == (4, 35, 70)


def test_a_part_of_a_hold_that_has_ended_books_nothing(held: Held) -> None:
    held.part(30, 1)
    held.last(10, calls=0)
    answer = held.part(5, 1, of=held.ids[0])
    assert (answer["replayed"], answer["continued"], code(answer)) == (True, False, "authorization_not_found")
    assert (answer["heldUsage"], answer["heldCalls"], answer["startWithinMs"]) == (0, 0, 0)
    assert held.part(5, 1, of=answer["authorizationId"])["replayed"]
    assert held.figures == (1, 40, 0)


def test_where_less_is_left_the_hold_goes_on_with_that(held: Held) -> None:
    held.world.authorize(held.key, "other", 850, calls=44)
    answer = held.part(20, 1, units=500, keep=50)
    assert (answer["continued"], answer["heldUsage"], answer["heldCalls"]) == (True, 130, 5)
    assert (answer["monthly"]["remaining"], answer["daily"]["remaining"]) == (0, 0)


def test_where_the_day_has_fewer_calls_left_the_hold_goes_on_with_those(held: Held) -> None:
    held.world.authorize(held.key, "other", 1, calls=44)
    answer = held.part(0, 1, keep=5)
    assert (answer["continued"], answer["heldCalls"], answer["daily"]["remaining"]) == (True, 5, 0)
    answer = held.part(0, 2, keep=4)
    assert (answer["continued"], answer["heldUsage"], answer["heldCalls"]) == (True, 100, 3)
    assert held.figures == (CALLS, 0, 101)


@pytest.mark.parametrize("opened", [False, True], ids=["yesterday is stored", "today is stored"])
def test_after_midnight_a_hold_that_has_not_expired_takes_no_new_work_and_keeps_its_own_for_what_has_begun(
    world: World,
    opened: bool,  # noqa: FBT001
) -> None:
    world.clock.advance(3_600_000)
    held = Held(world, holdSeconds=86_400)
    ends = rfc3339(world.clock.now_ms + 86_400_000)
    held.world.clock.now_ms = world.entitlement(held.subscription_id).segment_end_ms
    if opened:
        assert world.authorize(held.key, "of-today", 5)["allowed"]
    answer = held.part(30, 1, units=500, keep=9, seconds=86_400)
    assert (answer["continued"], code(answer), answer["late"]) == (False, "authorization_not_found", True)
    assert (answer["heldUsage"], answer["heldCalls"], answer["holdExpiresAt"]) == (70, 3, ends)
    assert (answer["daily"]["used"], answer["monthly"]["held"]) == ((1, 75) if opened else (0, 70))
    assert answer["monthly"]["used"] == 30
    assert (held.part(20, 1, keep=1)["heldUsage"], held.last(5)["settled"]) == (50, True)
    assert used_and_calls(held) == (55, 3)
    assert_audited(world)


def test_units_of_expired_holds_are_taken_when_the_part_asks_for_them(held: Held) -> None:
    held.world.authorize(held.key, "other", 850, holdSeconds=1)
    held.world.clock.advance(1000)
    answer = held.part(20, 1, units=500)
    assert (answer["continued"], answer["heldUsage"], answer["monthly"]["remaining"]) == (True, 500, 480)
    assert held.figures[1:] == (20, 500)


def test_a_part_above_what_is_held_is_an_overrun_and_holds_nothing_more(held: Held) -> None:
    answer = held.part(1200, 1)
    assert (answer["continued"], answer["heldUsage"], answer["monthly"]["overrun"]) == (True, 0, 200)
    assert held.figures == (5, 1200, 0)


def test_a_part_may_give_units_and_calls_back(held: Held) -> None:
    answer = held.part(0, 0, units=0, keep=1)
    assert (answer["continued"], answer["heldUsage"], answer["heldCalls"]) == (True, 0, 1)
    assert held.figures == (1, 0, 0)


def test_a_hold_without_calls_left_may_go_on(held: Held) -> None:
    assert held.part(10, 4, keep=0)["heldCalls"] == 0
    assert held.part(10, 0, keep=0)["continued"]
    assert held.part(10, 0, keep=2)["heldCalls"] == 2
    assert held.figures == (6, 30, 100)


@pytest.mark.parametrize(
    ("calls", "wanted", "param"), [(5, 1, "calls"), (0, 0, "continue.calls")], ids=["too many", "none kept"]
)
def test_a_part_whose_calls_cannot_be_is_refused_and_changes_nothing(
    held: Held, calls: int, wanted: int, param: str
) -> None:
    answer = held.part(10, calls, keep=wanted)
    assert (answer["settled"], answer["error"]["code"], answer["error"]["param"]) == (False, "invalid_request", param)
    assert held.figures == (4, 0, 100)


def test_the_answer_lets_work_begin_no_later_than_the_hold_or_its_day_ends(held: Held) -> None:
    assert held.part(1, 1, seconds=3)["startWithinMs"] == 3000
    held.world.clock.now_ms = held.world.entitlement(held.subscription_id).segment_end_ms - 1500
    fresh = held.world.authorize(held.key, "evening", 5)["authorizationId"]
    assert held.part(1, 1, of=fresh)["startWithinMs"] == 1500


def stop_key(held: Held) -> str:
    held.world.regenerate(held.subscription_id)
    return "invalid_api_key"


def cancel(held: Held) -> str:
    held.world.cancel(held.subscription_id)
    return "subscription_cancelled"


def tier_down(held: Held) -> str:
    held.world.take_down(TEXT_MODEL, "stable")
    return "tier_unavailable"


def end_day(held: Held) -> str:
    held.world.clock.now_ms = held.world.entitlement(held.subscription_id).segment_end_ms
    return "authorization_not_found"


def end_day_and_open_the_next(held: Held) -> str:
    end_day(held)
    held.world.authorize(held.key, "next-day", 1)
    return "authorization_not_found"


def expire(held: Held) -> str:
    held.world.clock.advance(60_000)
    return "authorization_not_found"


def reclaim(held: Held) -> str:
    expire(held)
    answer = held.world.authorize(held.key, "needs-them", 990)
    assert answer["allowed"], answer
    return "authorization_not_found"


def end_term(held: Held) -> str:
    held.world.clock.now_ms = held.world.entitlement(held.subscription_id).expires_at_ms
    return "subscription_expired"


def renew(held: Held) -> str:
    end_term(held)
    held.world.renew(held.subscription_id)
    return "invalid_api_key"


STOPS = (stop_key, cancel, tier_down, end_day, end_day_and_open_the_next, expire, reclaim, end_term, renew)
KEEPS = {stop_key, cancel, tier_down}
"""After these the hold has not expired, and its windows have not ended."""


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("gone_on", [False, True])
def test_where_new_work_is_refused_the_report_is_booked_and_the_hold_keeps_the_lesser(
    world: World,
    stop: Any,
    gone_on: bool,  # noqa: FBT001 - a column of the table
) -> None:
    held = Held(world, months=1)
    if gone_on:
        held.part(0, 0)
    expires_at = rfc3339(world.clock.now_ms + 60_000)
    expected = stop(held)
    first = held.part(30, 1, units=80, keep=9, seconds=900)
    assert (first["settled"], first["continued"], code(first)) == (True, False, expected)
    assert (first["startWithinMs"], first["holdExpiresAt"], first["heldCalls"]) == (0, expires_at, 3)
    assert first["heldUsage"] == (70 if stop in KEEPS else 0)
    assert first["late"] is (stop not in KEEPS)
    again = held.part(30, 1, of=held.ids[-2])
    assert again["replayed"]
    assert [again[n] for n in ("continued", "authorizationId", "heldUsage", "heldCalls", "holdExpiresAt")] == [
        False,
        held.id,
        first["heldUsage"],
        3,
        expires_at,
    ]
    second = held.part(5, 1, units=10, keep=1)
    assert (second["heldUsage"], second["heldCalls"]) == (10 if stop in KEEPS else 0, 1)
    assert (held.last(7)["settled"], held.last(7)) == (True, {"settled": True, "replayed": True})
    for old in held.ids:
        assert world.settle(old, 99) == {"settled": True, "replayed": True}
    assert used_and_calls(held) == (42, 3)
    assert_audited(world)


def used_and_calls(held: Held) -> tuple[int, int]:
    """Units and calls of the hold, in whatever windows, without what was authorized beside it."""
    stored = held.world.entitlement(held.subscription_id)
    used, calls = stored.counters.month_used, stored.counters.day_calls
    rows = held.world.all_items(held.world.tables.history)
    calls += sum(int(r["calls"]["N"]) for r in rows if r["sk"]["S"].startswith("day#"))
    used += sum(int(r["used"]["N"]) for r in rows if r["sk"]["S"].startswith("month#"))
    return used, calls - sum(h.calls for h in stored.holds.values())


def test_a_reclaimed_hold_is_not_held_again_whatever_a_clock_that_is_behind_says(held: Held) -> None:
    started = held.world.clock.now_ms
    reclaim(held)
    held.world.clock.now_ms = started
    answer = held.part(30, 1)
    assert (answer["continued"], answer["heldUsage"], answer["heldCalls"]) == (False, 0, 3)
    again = held.part(30, 1, of=held.ids[0])
    assert (again["replayed"], again["continued"], again["heldUsage"]) == (True, False, 0)
    assert held.last(5)["settled"]
    assert held.figures[1] == 35


def test_each_part_of_a_reclaimed_hold_leaves_one_ticket_and_the_last_settle_none(held: Held) -> None:
    reclaim(held)
    for _ in range(3):
        held.part(1, 0, keep=1)
        assert held.world.entitlement(held.subscription_id).tickets == 1
    held.last(1)
    assert held.world.entitlement(held.subscription_id).tickets == 0


def test_a_part_after_its_month_ended_is_booked_in_the_closed_month(world: World) -> None:
    held = Held(world, months=2)
    world.settle(held.id, 0, calls=0)
    world.clock.now_ms = windows.month_window_start_ms(world.entitlement(held.subscription_id).term, 1) - 1000
    held.id = world.authorize(held.key, "late-in-the-month", 50, calls=4)["authorizationId"]
    world.clock.advance(1000)
    assert world.authorize(held.key, "opens-the-next", 1)["allowed"]
    answer = held.part(20, 1, units=80, keep=9)
    assert (answer["continued"], answer["late"], answer["heldUsage"], answer["heldCalls"]) == (False, True, 30, 3)
    assert (answer["daily"]["used"], answer["monthly"]["used"], answer["monthly"]["held"]) == (1, 0, 1)
    assert closed_month(world) == {"left": CAP - 50, "held": 30, "used": 20}
    assert held.last(5, calls=1)["late"]
    assert closed_month(world) == {"left": CAP - 25, "held": 0, "used": 25}
    assert_audited(world)


def closed_month(world: World) -> dict[str, int]:
    (row,) = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#")]
    return {name: int(row[name]["N"]) for name in ("left", "held", "used")}


@pytest.mark.parametrize("stop", [stop_key, cancel])
def test_what_has_answered_between_the_two_writes_of_a_part_binds_it(held: Held, stop: Any) -> None:
    expected = []
    between = Interleave(held.world.deps.send, 1, lambda: expected.append(stop(held)))
    part = continuing(held.key, 5000, 4)
    answer = held.world.with_send(between).settle(held.id, 10, calls=1, **part)
    assert between.reached
    assert (answer["settled"], answer["continued"], code(answer)) == (True, False, expected[0])
    assert (answer["heldUsage"], answer["heldCalls"]) == (90, 3)


def test_what_is_taken_between_the_two_writes_of_a_part_is_not_held_twice(held: Held) -> None:
    def take() -> None:
        assert held.world.authorize(held.key, "other", 800, calls=40)["allowed"]

    between = Interleave(held.world.deps.send, 1, take)
    answer = held.world.with_send(between).settle(held.id, 10, calls=1, **continuing(held.key, 5000, 60))
    assert between.reached
    assert (answer["continued"], answer["heldUsage"], answer["heldCalls"]) == (True, 190, 9)
    assert held.figures == (CALLS, 10, 990)


def test_no_key_but_the_current_one_goes_on_and_none_costs_the_report(held: Held) -> None:
    for wrong in ("", "sk-custom-", "\ud800", "Bearer x", "x" * 5000, held.key + "x"):
        answer = held.part(1, 0, key=wrong)
        assert (code(answer), answer["error"]["param"]) == ("invalid_api_key", "continue.apiKey")
    assert held.figures[1] == 6


def test_a_part_by_a_clock_that_is_behind_goes_on_in_the_same_windows(held: Held) -> None:
    held.world.clock.advance(-30_000)
    answer = held.part(10, 1)
    assert (answer["continued"], held.figures) == (True, (5, 10, 100))


def test_after_90_days_a_part_is_not_found(held: Held) -> None:
    held.world.clock.now_ms = held.world.entitlement(held.subscription_id).expires_at_ms + 90 * DAY_MS
    assert code(held.part(1, 1)) == "authorization_not_found"


def test_an_id_that_was_never_issued_is_not_found(held: Held) -> None:
    for forged in ("", "auth_x", held.id[:-1] + ("A" if held.id[-1] != "A" else "B")):
        answer = held.part(1, 1, of=forged)
        assert (answer["settled"], code(answer)) == (False, "authorization_not_found")


def test_a_hold_of_the_version_before_goes_on_from_its_random_counter(world: World) -> None:
    """It drew nine random bytes; the counter begins anew after its highest value."""
    last = world.deps.entropy(authorization_ids.NONCE_BYTES) + b"\xff\xff\xff"
    held = Held(world)
    stored = world.entitlement(held.subscription_id)
    (hold,) = stored.holds.values()
    old = hold._replace(nonce=base64url(last))
    world.dynamodb.update_item(
        TableName=world.tables.entitlements,
        Key=items.entitlement_key(stored.id),
        UpdateExpression="SET h.#k = :h",
        ExpressionAttributeNames={"#k": hold.key},
        ExpressionAttributeValues={":h": {"S": items.pack_hold(old)}},
    )
    keys = world.deps.deployment_keys
    held.id = authorization_ids.issue_authorization_id(
        authorization_ids.Authorization(stored.id, stored.limits.tier, old), keys
    )
    held.ids = [held.id]
    assert held.part(10, 1)["continued"]
    assert held.part(10, 1, of=held.ids[0])["replayed"]
    assert held.part(10, 1)["continued"]
    assert held.last(5, calls=0)["settled"]
    assert held.figures == (2, 25, 0)
