"""An operator's release ends an open hold as if it had expired: once, at once, and for every state of a subscription.

What is stored is read from the items: `cap + top-ups = left + held + used` holds before and after each step.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.entitlements import history
from modelpass.errors import Refused
from modelpass.schema import UnreadableItemError
from modelpass.times import rfc3339
from tests.support import damaged, scenes
from tests.support.audit import assert_audited, assert_conserved
from tests.support.faults import FaultAt, Interleave
from tests.support.lines import recorded
from tests.support.parts import CALLS, CAP, Held, continuing
from tests.support.world import DAY_MS, TEXT_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.scenes import Scene
    from tests.support.world import Json, World

TOLD = "hold.released"
FORGED = "auth_" + "A" * 120


def told(world: World) -> list[Json]:
    rows = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == TOLD]
    return [json.loads(row["data"]["S"]) for row in rows]


def figures(world: World, subscription_id: str) -> tuple[int, int, int, int]:
    """Calls of the day; units left, held and used of the month."""
    stored = world.entitlement(subscription_id)
    assert_conserved(world)
    counters = stored.counters
    held = sum(hold.units for hold in stored.holds.values())
    return counters.day_calls, counters.month_left, held, counters.month_used


def everything(world: World) -> dict[str, list[Any]]:
    return {name: world.all_items(name) for name in world.names()}


def refusal(command: Callable[[], object]) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        command()
    refused = caught.value.refusal
    return refused.code.code, refused.param


def test_units_come_back_at_once_and_calls_stay_counted(world: World) -> None:
    held = Held(world)
    assert figures(world, held.subscription_id) == (4, CAP - 100, 100, 0)
    world.release(held.subscription_id, held.id)
    assert figures(world, held.subscription_id) == (4, CAP, 0, 0)
    answer = world.authorize(held.key, "all", CAP)
    assert (answer["allowed"], answer["openHolds"], answer["daily"]["used"]) == (True, 1, 5)
    assert_audited(world)


def test_it_is_told_once_with_who_did_it_and_without_the_id(world: World) -> None:
    held = Held(world)
    granted_ms = world.clock.now_ms
    world.clock.advance(1500)
    for who in ("anna", "bert"):
        world.release(held.subscription_id, held.id, who)
    data = {"modelId": TEXT_MODEL, "term": 1, "units": 100, "calls": 4}
    assert told(world) == [{**data, "grantedAt": rfc3339(granted_ms), "operatorId": "anna"}]
    (row,) = [row for row in world.all_items(world.tables.events) if row["type"]["S"] == TOLD]
    assert (row["pk"]["S"], row["accountId"]["S"]) == (held.subscription_id, "acct")
    assert row["at"]["S"] == rfc3339(granted_ms + 1500)
    assert held.id not in json.dumps(row)


@pytest.mark.parametrize("used", [0, 60, 100, CAP + 1])
def test_later_settle_is_booked_in_full_once_and_is_late(world: World, used: int) -> None:
    held = Held(world)
    world.release(held.subscription_id, held.id)
    answer = held.last(used, calls=3)
    assert (answer["settled"], answer["late"]) == (True, True)
    assert figures(world, held.subscription_id) == (3, CAP - used, 0, used)
    assert answer["monthly"]["overrun"] == max(0, used - CAP)
    for other in (used, 7):
        assert held.last(other) == {"settled": True, "replayed": True}
    assert figures(world, held.subscription_id) == (3, CAP - used, 0, used)
    assert world.entitlement(held.subscription_id).tickets == 0
    assert_audited(world)


def test_settle_of_a_hold_that_was_not_released_is_not_late(world: World) -> None:
    held = Held(world)
    other = world.authorize(held.key, "other", 5)["authorizationId"]
    world.release(held.subscription_id, other)
    assert held.last(60)["late"] is False


def test_later_part_books_its_report_and_goes_on_no_more(world: World) -> None:
    held = Held(world)
    world.release(held.subscription_id, held.id)
    first = held.id
    answer = held.part(30, 1, units=50, keep=2)
    assert (answer["settled"], answer["late"], answer["continued"]) == (True, True, False)
    assert (answer["statusCode"], answer["error"]["code"]) == (404, "authorization_not_found")
    assert "released" in answer["error"]["message"]
    assert (answer["heldUsage"], answer["heldCalls"], answer["startWithinMs"]) == (0, 2, 0)
    assert figures(world, held.subscription_id) == (3, CAP - 30, 0, 30)
    again = held.part(99, 1, of=first)
    assert (again["replayed"], again["authorizationId"], again["late"]) == (True, held.id, True)
    world.release(held.subscription_id, held.id)
    assert held.last(5, calls=1)["late"] is True
    assert figures(world, held.subscription_id) == (2, CAP - 35, 0, 35)
    assert held.part(1, 1, of=held.id)["replayed"]
    assert len(told(world)) == 1
    assert_audited(world)


def test_replay_of_a_part_of_a_hold_that_ended_in_time_is_not_late(world: World) -> None:
    held = Held(world)
    held.last(5)
    answer = held.part(5, 1, of=held.id)
    assert (answer["replayed"], answer["late"]) == (True, False)


@pytest.mark.parametrize("steps_late", [0, 1, 2])
def test_any_id_of_a_hold_that_goes_on_releases_what_it_holds_by_now(world: World, steps_late: int) -> None:
    held = Held(world)
    for _ in range(2):
        assert held.part(10, 1, units=200, keep=3)["continued"]
    world.release(held.subscription_id, held.ids[-1 - steps_late])
    assert figures(world, held.subscription_id) == (5, CAP - 20, 0, 20)
    assert [event["units"] for event in told(world)] == [200]
    assert held.part(7, 1, units=1)["continued"] is False
    assert figures(world, held.subscription_id)[3] == 27
    assert_audited(world)


def reclaim(held: Held) -> None:
    held.world.clock.advance(60_000)
    held.world.authorize(held.key, "all", CAP)


def reset_the_next_day(held: Held) -> None:
    held.world.clock.advance(DAY_MS)
    held.world.reset()


def release_and_settle(held: Held) -> None:
    held.world.release(held.subscription_id, held.id)
    held.last(5)


def grant_anew(held: Held) -> None:
    held.last(5)
    held.world.authorize(held.key, "stream", 100, calls=4)


ENDED: dict[str, Callable[[Held], object]] = {
    "settled": lambda held: held.last(5),
    "voided": lambda held: held.last(0, calls=0),
    "expired": lambda held: held.world.clock.advance(60_000),
    "reclaimed": reclaim,
    "reset": reset_the_next_day,
    "released": lambda held: held.world.release(held.subscription_id, held.id),
    "released and settled": release_and_settle,
    "long ago": lambda held: held.world.clock.advance(500 * DAY_MS),
    "granted anew": grant_anew,
}


@pytest.mark.parametrize("ended", ENDED)
def test_nothing_changes_where_nothing_is_held_by_it_any_more(world: World, ended: str) -> None:
    held = Held(world)
    ENDED[ended](held)
    before = everything(world)
    for _ in range(2):
        world.release(held.subscription_id, held.id)
    assert everything(world) == before


def test_last_millisecond_of_a_hold_can_be_released_and_the_next_cannot(world: World) -> None:
    held = Held(world)
    other = world.authorize(held.key, "other", 5, holdSeconds=60)["authorizationId"]
    world.clock.advance(59_999)
    world.release(held.subscription_id, held.id)
    world.clock.advance(1)
    world.release(held.subscription_id, other)
    assert [event["units"] for event in told(world)] == [100]


def test_id_of_nobody_or_of_another_subscription_is_not_found_and_nothing_is_asked(world: World) -> None:
    held = Held(world)
    other = world.buy("another account")
    foreign = world.authorize(other["apiKey"], "r-1", 5)["authorizationId"]
    before = everything(world)
    cut, changed = held.id[:-1], held.id[:40] + ("A" if held.id[40] != "A" else "B") + held.id[41:]
    world.recorder.clear()
    for text in ("", "x", FORGED, cut, changed, held.id + "A", f" {held.id}", foreign, held.key):
        found = refusal(lambda: world.release(held.subscription_id, text))  # noqa: B023 - run at once
        assert found == ("authorization_not_found", "authorizationId")
    for subscription_id in (other["subscriptionId"], "sub_" + "a" * 24, "x"):
        found = refusal(lambda: world.release(subscription_id, held.id))  # noqa: B023 - run at once
        assert found == ("authorization_not_found", "authorizationId")
    assert world.recorder.calls == []
    assert everything(world) == before


def test_id_whose_entitlement_is_not_there_is_not_found(world: World) -> None:
    held = Held(world)
    stored = damaged.entitlement(world, held.subscription_id)
    world.dynamodb.delete_item(TableName=world.tables.entitlements, Key={"pk": stored["pk"]})
    found = refusal(lambda: world.release(held.subscription_id, held.id))
    assert found == ("authorization_not_found", "authorizationId")


def expire(held: Held) -> None:
    held.world.clock.advance(12 * 3_600_000)


def expire_and_tell(held: Held) -> None:
    expire(held)
    held.world.reset()


def expire_and_renew(held: Held) -> None:
    expire(held)
    held.world.renew(held.subscription_id)


STATES: dict[str, Callable[[Held], object]] = {
    "suspended": lambda held: held.world.suspend(held.subscription_id),
    "cancelled": lambda held: held.world.cancel(held.subscription_id),
    "revoked": lambda held: held.world.revoke_key(held.subscription_id),
    "replaced": lambda held: held.world.regenerate(held.subscription_id),
    "expired": expire,
    "expired and told": expire_and_tell,
    "renewed": expire_and_renew,
}


@pytest.mark.parametrize("state", STATES)
def test_it_is_the_same_in_every_state_of_the_subscription(world: World, state: str) -> None:
    held = Held(world, holdSeconds=86_400)
    held.last(0, calls=0)
    world.clock.advance(30 * DAY_MS - 6 * 3_600_000)
    granted = world.authorize(held.key, "the-last", 100, calls=4, holdSeconds=86_400)
    held.id = granted["authorizationId"]
    STATES[state](held)
    world.release(held.subscription_id, held.id)
    assert figures(world, held.subscription_id) == (4, CAP, 0, 0)
    assert held.last(30)["late"] is True
    assert figures(world, held.subscription_id) == (4, CAP - 30, 0, 30)
    assert len(told(world)) == 1
    assert_audited(world)


@pytest.mark.parametrize("rolled", [False, True])
def test_units_come_back_to_the_month_of_the_grant(world: World, *, rolled: bool) -> None:
    made = world.buy(models=[model(calls=CALLS, cap=CAP)], months=2)
    name = made["subscriptionId"]
    world.clock.advance(30 * DAY_MS - 60_000)
    granted = world.authorize(made["apiKey"], "r-1", 100, calls=4, holdSeconds=86_400)["authorizationId"]
    world.clock.advance(120_000)
    if rolled:
        assert world.authorize(made["apiKey"], "r-2", CAP)["allowed"]
    world.release(name, granted)
    assert_conserved(world)
    if not rolled:
        assert world.authorize(made["apiKey"], "r-2", CAP)["allowed"]
    stored = world.entitlement(name)
    assert (stored.month, stored.counters.month_left, stored.counters.day_calls) == (1, 0, 1)
    assert_audited(world)
    assert world.settle(granted, 70)["late"] is True
    pair = history.month_key(stored.id, 0)
    (row,) = [r for r in world.all_items(world.tables.history) if (r["pk"]["S"], r["sk"]["S"]) == pair]
    assert [int(row[n]["N"]) for n in ("cap", "left", "held", "used")] == [CAP, CAP - 70, 0, 70]
    assert world.entitlement(name).counters == stored.counters
    assert_audited(world)


def test_request_id_is_free_again_and_a_new_grant_is_another(world: World) -> None:
    held = Held(world)
    world.release(held.subscription_id, held.id)
    answer = world.authorize(held.key, "stream", 50, calls=1)
    assert (answer["allowed"], "replayed" in answer) == (True, False)
    assert answer["authorizationId"] != held.id
    world.release(held.subscription_id, held.id)
    assert figures(world, held.subscription_id) == (5, CAP - 50, 50, 0)
    held.last(10)
    assert figures(world, held.subscription_id) == (5, CAP - 60, 50, 10)
    assert_audited(world)


def test_calls_of_a_released_block_count_as_made_and_reach_a_threshold_at_once(world: World) -> None:
    held = Held(world, calls=40)
    assert "limit.threshold_reached" not in world.events()
    world.release(held.subscription_id, held.id)
    assert world.events().count("limit.threshold_reached") == 1
    assert_audited(world)


def test_room_among_the_open_holds_is_free_at_once(world: World) -> None:
    few = replace(world, deps=world.deps._replace(max_open_holds=1))
    made = few.buy()
    granted = few.authorize(made["apiKey"], "r-1")
    assert few.authorize(made["apiKey"], "r-2")["error"]["code"] == "too_many_open_holds"
    few.release(made["subscriptionId"], granted["authorizationId"])
    assert few.authorize(made["apiKey"], "r-2")["openHolds"] == 1


@pytest.mark.parametrize("at", range(4))
def test_store_that_goes_away_is_temporary_and_a_repeat_sees_to_it(world: World, at: int) -> None:
    held = Held(world)
    broken = world.with_send(FaultAt(world.deps.send, at, "lost"))
    if at < 3:
        assert refusal(lambda: broken.release(held.subscription_id, held.id)) == ("temporarily_unavailable", None)
    else:
        broken.release(held.subscription_id, held.id)
    assert_conserved(world)
    world.release(held.subscription_id, held.id)
    assert figures(world, held.subscription_id) == (4, CAP, 0, 0)
    assert len(told(world)) == 1


def test_write_whose_reply_is_lost_is_done_once_and_the_repeat_finds_it(world: World) -> None:
    held = Held(world)
    lost: list[str] = []

    def send(operation: str, request: Any) -> Any:
        answer = world.deps.send(operation, request)
        if operation == "TransactWriteItems" and not lost:
            lost.append(operation)
            raise StoreBusyError("injected")
        return answer

    world.with_send(send).release(held.subscription_id, held.id)
    assert lost == ["TransactWriteItems"]
    assert figures(world, held.subscription_id) == (4, CAP, 0, 0)
    assert (len(told(world)), world.entitlement(held.subscription_id).tickets) == (1, 1)


def test_straggler_of_its_write_that_arrives_after_the_settle_changes_nothing(world: World) -> None:
    held = Held(world)
    late: list[tuple[str, Any]] = []

    def send(operation: str, request: Any) -> Any:
        if operation == "TransactWriteItems" and not late:
            late.append((operation, request))
            raise StoreBusyError("injected")
        return world.deps.send(operation, request)

    world.with_send(send).release(held.subscription_id, held.id)
    held.last(30)
    before = everything(world)
    with pytest.raises(ConditionFailedError):
        world.deps.send(*late[0])
    assert everything(world) == before
    assert len(told(world)) == 1


def test_part_that_comes_between_is_released_with_what_it_holds_by_then(world: World) -> None:
    held = Held(world)
    between = Interleave(world.deps.send, 1, lambda: held.part(10, 1, units=300, keep=3))
    world.with_send(between).release(held.subscription_id, held.ids[0])
    assert between.reached
    assert [event["units"] for event in told(world)] == [300]
    assert figures(world, held.subscription_id) == (4, CAP - 10, 0, 10)


@pytest.mark.parametrize("form", ["later", "no h", "another h", "garbage h", "garbage ws", "no ml"])
def test_entitlement_that_cannot_be_read_is_left_as_it_is_and_reported(world: World, form: str) -> None:
    held = Held(world)
    stored = damaged.entitlement(world, held.subscription_id)
    forms = {"later": damaged.of_later_version(stored), **dict(damaged.broken_forms(stored))}
    damaged.put(world, world.tables.entitlements, forms[form])
    before = everything(world)
    with recorded() as output, pytest.raises((UnreadableItemError, KeyError, TypeError, ValueError, AttributeError)):
        world.release(held.subscription_id, held.id)
    assert [line["message"] for line in output.lines()] == ["unreadable_item"]
    assert held.id not in output.getvalue()
    assert everything(world) == before
    damaged.put(world, world.tables.entitlements, stored)
    world.release(held.subscription_id, held.id)
    assert figures(world, held.subscription_id) == (4, CAP, 0, 0)


def test_hold_of_a_machine_whose_clock_is_ahead_is_released_by_one_behind(world: World) -> None:
    held = Held(world)
    world.clock.advance(-30_000)
    world.release(held.subscription_id, held.id)
    assert figures(world, held.subscription_id) == (4, CAP, 0, 0)
    assert held.last(10)["late"] is True
    assert_conserved(world)


def test_it_is_written_under_the_version_before_as_well(world: World) -> None:
    held = Held(world.writing(schema.PREVIOUS))
    held.world.release(held.subscription_id, held.id)
    (ticket,) = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith(history.TICKET_PREFIX)]
    assert ticket["v"] == schema.number(schema.PREVIOUS)
    assert held.last(10)["late"] is True
    assert figures(world, held.subscription_id) == (4, CAP - 10, 0, 10)


def test_reset_has_nothing_left_to_do_for_it(world: World) -> None:
    held = Held(world)
    world.release(held.subscription_id, held.id)
    world.make_all_due()
    assert world.reset()["holdsReleased"] == 0
    assert figures(world, held.subscription_id) == (4, CAP, 0, 0)
    world.clock.advance(DAY_MS)
    world.reset()
    assert_audited(world)


def test_due_mark_that_a_grant_takes_up_meanwhile_costs_a_second_look_alone(world: World) -> None:
    held = Held(world)
    between = Interleave(world.deps.send, 1, lambda: world.authorize(held.key, "other", 10))
    world.with_send(between).release(held.subscription_id, held.id)
    assert figures(world, held.subscription_id) == (5, CAP - 10, 10, 0)


def test_scene_of_a_released_hold_is_continued_by_authorizing_anew(world: World) -> None:
    scene: Scene = scenes.released(world)
    answer = world.settle(scene.authorization_ids[0], 5, calls=1, **continuing(scene.api_key, 25, 1))
    assert answer["continued"] is False
    assert world.authorize(scene.api_key, "anew", 25)["allowed"]
