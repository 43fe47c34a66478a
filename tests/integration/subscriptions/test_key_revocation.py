"""A revoked key grants nothing once that is answered, whoever comes between; nothing is counted, and usage stays."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from modelpass.entitlements import items as entitlement_items
from modelpass.errors import Refused
from tests.support.audit import assert_audited, assert_conserved
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.refused import refused_code
from tests.support.two_models import MODELS, codes, everything
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World


def events_of(world: World) -> list[Any]:
    found = (e for e in world.all_items(world.tables.events) if e["type"]["S"] == "key.revoked")
    return [json.loads(e["data"]["S"]) for e in found]


def test_key_is_refused_on_the_very_next_authorize_and_a_new_key_goes_on_where_it_was(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    held = world.authorize(made["apiKey"], "r-1", 40)
    world.revoke_key(name)
    assert codes(world, made["apiKey"]) == ["invalid_api_key"] * 2
    assert codes(world.another_process(), made["apiKey"]) == ["invalid_api_key"] * 2
    assert world.settle(held["authorizationId"], 7)["monthly"]["used"] == 7
    new = world.regenerate(name)["apiKey"]
    granted = world.authorize(new, "r-2", 1)
    assert (granted["daily"]["used"], granted["monthly"]["used"]) == (2, 7)
    assert_audited(world)


def test_who_revoked_it_is_told(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.revoke_key(name)
    world.regenerate(name)
    world.revoke_key(name, operator="anna")
    assert sorted(events_of(world), key=str) == [
        {"term": 1, "by": "customer"},
        {"term": 1, "by": "operator", "operatorId": "anna"},
    ]


def test_subscription_shows_no_key_until_it_has_a_new_one(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.revoke_key(name)
    assert world.look(name)["apiKeyMasked"] is None
    assert world.look(name)["status"] == "active"
    new = world.regenerate(name)["apiKey"]
    assert world.look(name)["apiKeyMasked"] == f"sk-custom-…{new[-4:]}"


def test_revoking_again_writes_nothing_and_counts_no_new_key(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.revoke_key(name)
    before = everything(world)
    world.revoke_key(name)
    world.revoke_key(name, operator="anna")
    assert everything(world) == before
    assert world.subscription(name).new_keys == 0
    for _ in range(100):
        world.regenerate(name)
    assert refused_code(lambda: world.regenerate(name)) == "too_many_new_keys"
    world.revoke_key(name)


@pytest.mark.parametrize("ended", ["expired", "cancelled"])
def test_ended_subscription_is_left_as_it_is(world: World, ended: str) -> None:
    name = world.buy()["subscriptionId"]
    if ended == "expired":
        world.clock.advance(31 * DAY_MS)
    else:
        world.cancel(name)
    before = everything(world)
    world.revoke_key(name)
    world.revoke_key(name, operator="anna")
    assert everything(world) == before


def test_nobody_but_an_operator_revokes_the_key_of_another_account(world: World) -> None:
    made = world.buy()
    before = everything(world)
    for name in (made["subscriptionId"], "sub_" + "a" * 24, "x"):
        assert refused_code(lambda name=name: world.revoke_key(name, "another")) == "not_found"
    assert refused_code(lambda: world.revoke_key("sub_" + "a" * 24, operator="anna")) == "not_found"
    assert everything(world) == before


def test_until_version_3_is_written_no_key_is_revoked(world: World) -> None:
    earlier = world.writing(2)
    made = earlier.buy()
    before = everything(world)
    assert refused_code(lambda: earlier.revoke_key(made["subscriptionId"])) == "temporarily_unavailable"
    assert everything(world) == before


@pytest.mark.parametrize("kind", ["before", "after", "lost"])
@pytest.mark.parametrize("at", range(5))
def test_whatever_fails_a_repeat_or_the_reset_finishes_it(world: World, at: int, kind: str) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    faulty = FaultAt(world.deps.send, at, kind)
    try:
        world.with_send(faulty).revoke_key(name)
    except Refused as refused:
        assert (refused.refusal.code.code, kind) == ("temporarily_unavailable", "lost")  # noqa: PT017
        if at:
            world.reset()
        else:
            world.revoke_key(name)
    assert codes(world, made["apiKey"]) == ["invalid_api_key"] * 2
    assert len(events_of(world)) == 1
    assert not world.subscription(name).key_pending
    assert_audited(world)


def test_repeat_finishes_what_a_crash_has_left_and_tells_nothing_more(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    with pytest.raises(Refused):
        world.with_send(FaultAt(world.deps.send, 1, "lost")).revoke_key(name)
    assert codes(world, made["apiKey"]) == [None, None]  # it was not answered
    world.revoke_key(name)
    assert codes(world, made["apiKey"]) == ["invalid_api_key"] * 2
    assert len(events_of(world)) == 1
    assert_audited(world)


@pytest.mark.parametrize("at", range(5))
@pytest.mark.parametrize("other", ["regenerate", "cancel", "revoke_key", "authorize"])
def test_other_command_that_comes_between_any_two_calls_leaves_the_first_key_dead(
    world: World, at: int, other: str
) -> None:
    made = world.buy(models=MODELS)
    name, key = made["subscriptionId"], made["apiKey"]
    new: list[str] = []

    def meanwhile() -> None:
        match other:
            case "regenerate":
                new.append(world.regenerate(name)["apiKey"])
            case "cancel":
                world.cancel(name)
            case "revoke_key":
                world.revoke_key(name)
            case _:
                world.authorize(key, f"r-{TEXT_MODEL}", 1)

    between = Interleave(world.deps.send, at, meanwhile)
    world.with_send(between).revoke_key(name)
    assert between.reached
    dead = "subscription_cancelled" if other == "cancel" and at == 0 else "invalid_api_key"
    for _ in range(2):
        assert set(codes(world, key)) <= {dead, "invalid_api_key", "subscription_cancelled"}
    row = world.subscription(name)
    if new:
        # Whichever came last has the say: the new key is good, or nobody has one.
        assert codes(world, new[0]) == ([None] * 2 if row.key_tail else ["invalid_api_key"] * 2)
    assert {world.entitlement_of(i).key_hash for i in row.entitlement_ids()} == {row.key_hash} or other == "cancel"
    world.reset()
    assert_audited(world)


def test_revoking_what_a_crash_left_half_cancelled_finishes_the_cancellation(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    with pytest.raises(Refused):
        world.with_send(FaultAt(world.deps.send, 1, "lost")).cancel(name)
    assert codes(world, made["apiKey"]) == [None, None]
    world.revoke_key(name)
    assert codes(world, made["apiKey"]) == ["subscription_cancelled"] * 2
    assert world.look(name)["status"] == "cancelled"
    assert_audited(world)


def test_traffic_meanwhile_is_granted_until_it_is_answered_and_never_after(world: World) -> None:
    made = world.buy(models=MODELS)
    answered = threading.Event()

    def traffic(number: int) -> list[tuple[bool, Any]]:
        if number == 0:
            world.revoke_key(made["subscriptionId"])
            answered.set()
            return []
        asked = [(answered.is_set(), f"r-{number}-{n}", (TEXT_MODEL, IMAGE_MODEL)[n % 2]) for n in range(20)]
        return [(after, world.authorize(made["apiKey"], name, 1, modelId=m)) for after, name, m in asked]

    for after, answer in [one for of_thread in at_once(16, traffic) for one in of_thread]:
        assert not (after and answer["allowed"])
    assert_conserved(world)


def test_key_that_is_thrown_away_stands_in_every_entitlement(world: World) -> None:
    name = world.buy(models=MODELS)["subscriptionId"]
    before = world.subscription(name).key_hash
    world.revoke_key(name)
    stored = map(entitlement_items.entitlement_of, world.all_items(world.tables.entitlements))
    assert {e.key_hash for e in stored} == {world.subscription(name).key_hash} != {before}


def test_renewal_after_the_end_has_a_key_again(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.revoke_key(name)
    world.clock.advance(31 * DAY_MS)
    assert world.authorize(world.renew(name)["apiKey"], "r-1", 1)["allowed"]
    assert_audited(world)
