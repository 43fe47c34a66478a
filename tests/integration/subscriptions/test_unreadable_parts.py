"""One item that cannot be read keeps no other of its subscription from being stopped, or from getting the new key.

Once a cancellation, a new key or a renewal has answered, the old key is good for nothing, whatever could not be read;
and where such an item can be read again, it is stopped or gets the new key without anybody's doing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.errors import Refused
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions.revocations import PUT_OFF_MS
from tests.support import damaged
from tests.support.audit import assert_conserved
from tests.support.faults import FaultAt, Interleave
from tests.support.lines import recorded
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

VIDEO_MODEL = "veo-3"
MODELS = [model(calls=9, cap=100), model(IMAGE_MODEL, calls=9, cap=100), model(VIDEO_MODEL, "stable", calls=9, cap=100)]
IDS = [m["modelId"] for m in MODELS]
OTHERS = [TEXT_MODEL, VIDEO_MODEL]
Json = dict[str, Any]

pytestmark = pytest.mark.usefixtures("few_shards")


def codes(world: World, key: str, request: str, *ids: str) -> list[str | None]:
    answers = [world.authorize(key, request, 1, modelId=model_id) for model_id in ids]
    return [answer["error"]["code"] if "error" in answer else None for answer in answers]


def reported(command: Callable[[], object]) -> tuple[Any, list[str]]:
    """What a command gives, and the keys of the items that it has reported."""
    with recorded() as output:
        given = command()
    lines = output.lines()
    assert not [line for line in lines if line["message"] == "internal_error"]
    return given, [line["item"] for line in lines if line["message"] == "unreadable_item"]


def pk(name: str, model_id: str = IMAGE_MODEL, term: int = 1) -> str:
    return f"{name}#{term}#{model_id}"


def test_cancellation_stops_all_the_others_frees_the_place_and_answers(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    bad = damaged.entitlement(world, name, IMAGE_MODEL)
    answer, told = reported(lambda: world.cancel(name))
    assert (answer["status"], told) == ("cancelled", [pk(name)])
    assert codes(world, made["apiKey"], "r-1", *OTHERS) == ["subscription_cancelled"] * 2
    assert codes(world, made["apiKey"], "r-1", IMAGE_MODEL) == ["internal_error"]
    assert damaged.entitlement(world, name, IMAGE_MODEL) == bad
    assert world.events() == ["subscription.cancelled", "subscription.purchased"]
    assert world.buy()["apiKey"]


def test_cancelling_again_writes_nothing_while_something_cannot_be_read(world: World) -> None:
    name = world.buy(models=MODELS)["subscriptionId"]
    damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    first = world.cancel(name)
    world.recorder.clear()
    assert world.cancel(name) == first
    assert world.recorder.calls == ["GetItem"]
    with pytest.raises(Refused, match="subscription_cancelled"):
        world.regenerate(name)


@pytest.mark.parametrize("kept", [True, False])
def test_entitlement_that_can_be_read_again_is_stopped_by_the_reset(world: World, *, kept: bool) -> None:
    made = world.buy(models=MODELS, months=2)
    name = made["subscriptionId"]
    before = damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    world.cancel(name)
    cancelled_at = world.clock.now_ms
    world.clock.advance(PUT_OFF_MS - 1)
    assert reported(world.reset)[1] == []  # not each minute
    world.clock.advance(1)
    assert reported(world.reset)[1] == [pk(name)]
    assert reported(world.reset)[1] == []
    if kept:
        damaged.put(world, world.tables.entitlements, before)
        world.clock.advance(PUT_OFF_MS)
        assert reported(world.reset)[1] == []
        assert codes(world, made["apiKey"], "r-1", *IDS) == ["subscription_cancelled"] * 3
        assert world.entitlement(name, model_id=IMAGE_MODEL).cancelled_at_ms == cancelled_at
        assert_conserved(world)
    else:
        world.clock.advance(62 * DAY_MS)
        assert reported(world.reset)[1] == [pk(name)]  # for the last time: the term is over
    row = world.subscription(name)
    assert (row.cancelled_at_ms, row.cancelling_at_ms, row.due_at_ms) == (cancelled_at, None, None)
    assert world.events() == ["subscription.cancelled", "subscription.purchased"]
    world.clock.advance(100 * DAY_MS)
    assert reported(world.reset)[1] == []


@pytest.mark.parametrize("at", range(6))
@pytest.mark.parametrize("by", ["reset", "repeat"])
def test_cancellation_that_was_broken_off_beside_a_bad_one_is_finished(world: World, at: int, by: str) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    with pytest.raises(Refused, match="temporarily_unavailable"):
        world.with_send(FaultAt(world.deps.send, at, "lost")).cancel(name)
    if by == "reset" and at > 0:
        world.reset()
    else:
        world.cancel(name)
    assert world.cancel(name)["status"] == "cancelled"
    assert codes(world, made["apiKey"], "r-1", *OTHERS) == ["subscription_cancelled"] * 2
    assert world.events() == ["subscription.cancelled", "subscription.purchased"]
    assert world.buy()["apiKey"]


def test_place_that_cannot_be_read_keeps_no_key_alive_and_is_given_back_once_it_can(world: World) -> None:
    made = world.buy(models=MODELS, months=2)
    name, before = made["subscriptionId"], damaged.place(world)
    bad = damaged.put(world, world.tables.subscriptions, damaged.of_later_version(before))
    answer, told = reported(lambda: world.cancel(name))
    assert (answer["status"], told) == ("cancelled", ["account#acct slot"])
    assert codes(world, made["apiKey"], "r-1", *IDS) == ["subscription_cancelled"] * 3
    assert damaged.place(world) == bad
    with pytest.raises(UnreadableItemError):
        world.buy()
    assert world.buy("another account")["apiKey"]
    damaged.put(world, world.tables.subscriptions, before)
    world.clock.advance(PUT_OFF_MS)
    world.reset()
    assert world.buy()["apiKey"]
    assert world.subscription(name).cancelling_at_ms is None
    assert world.events().count("subscription.cancelled") == 1
    assert_conserved(world)


def test_new_key_reaches_all_the_others_and_the_old_one_is_good_for_nothing(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    bad = damaged.entitlement(world, name, IMAGE_MODEL)
    answer, told = reported(lambda: world.regenerate(name))
    assert told == [pk(name)]
    assert codes(world, made["apiKey"], "r-1", *OTHERS) == ["invalid_api_key"] * 2
    assert codes(world, made["apiKey"], "r-1", IMAGE_MODEL) == ["internal_error"]
    assert codes(world, answer["apiKey"], "r-2", *OTHERS) == [None, None]
    assert damaged.entitlement(world, name, IMAGE_MODEL) == bad
    again = reported(lambda: world.regenerate(name))
    assert again[1] == [pk(name)]
    assert codes(world, answer["apiKey"], "r-3", *OTHERS) == ["invalid_api_key"] * 2
    assert codes(world, again[0]["apiKey"], "r-3", *OTHERS) == [None, None]


def test_entitlement_that_can_be_read_again_gets_the_new_key_by_the_reset(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    before = damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    new = world.regenerate(name)["apiKey"]
    world.clock.advance(PUT_OFF_MS - 1)
    assert reported(world.reset)[1] == []
    world.clock.advance(1)
    assert reported(world.reset)[1] == [pk(name)]
    damaged.put(world, world.tables.entitlements, before)
    world.clock.advance(PUT_OFF_MS)
    assert reported(world.reset)[1] == []
    assert codes(world, made["apiKey"], "r-1", *IDS) == ["invalid_api_key"] * 3
    assert codes(world, new, "r-2", *IDS) == [None] * 3
    row = world.subscription(name)
    assert (row.key_pending, row.due_at_ms) == (False, row.expires_at_ms - 7 * DAY_MS)


def test_end_of_the_term_is_told_though_a_key_could_not_be_brought_everywhere(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    world.regenerate(name)
    world.clock.now_ms = world.subscription(name).expires_at_ms
    assert reported(world.reset) == (
        {"windowsRolled": 0, "subscriptionsExpired": 1, "holdsReleased": 0, "more": False},
        [pk(name)],
    )
    row = world.subscription(name)
    assert (row.key_pending, row.due_at_ms) == (False, None)
    assert reported(world.reset)[1] == []
    assert world.events().count("subscription.expired") == 1


@pytest.mark.parametrize("bad", [[IMAGE_MODEL], IDS])
def test_renewal_leaves_what_cannot_be_read_and_takes_the_key_out_of_the_others(world: World, bad: list[str]) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    world.clock.advance(31 * DAY_MS)
    for model_id in bad:
        damaged.spoil_entitlement(world, name, model_id)
    spoilt = [damaged.entitlement(world, name, model_id) for model_id in bad]
    answer, told = reported(lambda: world.renew(name))
    assert sorted(told) == sorted(pk(name, model_id) for model_id in bad)
    assert codes(world, answer["apiKey"], "r-1", *IDS) == [None] * 3
    good = [model_id for model_id in IDS if model_id not in bad]
    assert [world.entitlement(name, model_id=model_id).key_hash for model_id in good] == [None] * len(good)
    assert [damaged.entitlement(world, name, model_id) for model_id in bad] == spoilt
    assert set(codes(world, made["apiKey"], "r-2", *IDS)) <= {"invalid_api_key", "internal_error"}
    assert world.events() == ["subscription.expired", "subscription.purchased", "subscription.renewed"]


@pytest.mark.parametrize("at", range(1, 4))
@pytest.mark.parametrize("kind", ["before", "after"])
def test_renewal_beside_a_bad_one_whose_reply_was_lost_begins_one_term(world: World, at: int, kind: str) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    world.clock.advance(31 * DAY_MS)
    damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    send = FaultAt(world.deps.send, at, kind)
    answer = world.with_send(send).renew(name)
    assert send.reached
    assert codes(world, answer["apiKey"], "r-1", *IDS) == [None] * 3
    assert world.subscription(name).term_number == 2


def test_renewal_that_loses_a_race_reads_again_and_begins_no_second_term(world: World) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    world.clock.advance(31 * DAY_MS)
    damaged.spoil_entitlement(world, name, IMAGE_MODEL)
    send = Interleave(world.deps.send, 2, lambda: world.renew(name))
    with pytest.raises(Refused, match="subscription_not_expired"):
        world.with_send(send).renew(name)
    assert send.reached
    assert world.subscription(name).term_number == 2


def test_number_of_a_key_that_is_none_hides_no_old_key(world: World) -> None:
    """Nothing that decides reads it, so such an item grants; a new key has to reach it all the same."""
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    item = damaged.entitlement(world, name, IMAGE_MODEL)
    damaged.put(world, world.tables.entitlements, {**item, "kg": schema.text("9")})
    new = world.regenerate(name)["apiKey"]
    assert codes(world, made["apiKey"], "r-1", *IDS) == ["invalid_api_key"] * 3
    assert codes(world, new, "r-2", *IDS) == [None] * 3


FORMS = [form for form, _ in damaged.broken_forms(
    {"v": {"N": "2"}, "ac": {"S": ""}, "tr": {"S": ""}, "un": {"S": ""}, "lc": {"N": "1"}, "lm": {"N": "1"},
     "tz": {"S": ""}, "st": {"N": "1"}, "mo": {"N": "1"}, "xa": {"N": "1"}, "kh": {"B": b""}, "ws": {"N": "1"},
     "we": {"N": "1"}, "wd": {"S": ""}, "wm": {"N": "1"}, "db": {"N": "1"}, "mb": {"N": "1"}, "dl": {"N": "1"},
     "dc": {"N": "1"}, "du": {"N": "1"}, "ml": {"N": "1"}, "mu": {"N": "1"}, "h": {"M": {}}, "rc": {"N": "1"},
     "ta": {"N": "1"}}
)]  # fmt: skip
"""Every attribute of an entitlement: missing, of another type, of a value that makes no sense."""


@pytest.mark.parametrize("form", FORMS)
def test_old_key_is_good_for_nothing_after_a_new_one_and_a_cancellation_whatever_is_broken(
    world: World, form: str
) -> None:
    made = world.buy(models=MODELS)
    name = made["subscriptionId"]
    forms = dict(damaged.broken_forms(damaged.entitlement(world, name, IMAGE_MODEL)))
    damaged.put(world, world.tables.entitlements, forms[form])
    new = world.regenerate(name)["apiKey"]
    assert all(codes(world, made["apiKey"], "r-1", *IDS))
    assert codes(world, new, "r-2", *OTHERS) == [None, None]
    assert world.cancel(name)["status"] == "cancelled"
    assert all(codes(world, new, "r-3", *IDS))
    assert all(codes(world, made["apiKey"], "r-4", *IDS))
    assert world.buy()["apiKey"]
