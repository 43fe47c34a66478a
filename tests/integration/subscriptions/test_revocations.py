"""A new key and a cancellation bind once they are answered, whoever comes between; a crash leaves none half done."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.dynamodb.transport import Cause, StoreBusyError
from modelpass.errors import Refused
from tests.support.audit import assert_conserved
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

MODELS = [model(calls=1000, cap=10**6), model(IMAGE_MODEL, calls=1000, cap=10**6)]


def codes(*answers: Any) -> list[str | None]:
    return [a["error"]["code"] if "error" in a else None for a in answers]


def test_old_key_is_refused_on_the_very_next_authorize_and_usage_and_holds_stay(world: World) -> None:
    made = world.buy(models=MODELS)
    settled, held = (world.authorize(made["apiKey"], f"r-{n}", 40) for n in range(2))
    world.settle(settled["authorizationId"], 7)
    new = world.regenerate(made["subscriptionId"])["apiKey"]
    for model_id in (TEXT_MODEL, IMAGE_MODEL, "another-model"):
        assert codes(world.authorize(made["apiKey"], "r-3", modelId=model_id)) == ["invalid_api_key"]
    granted = world.authorize(new, "r-3", 1)
    assert (granted["daily"]["used"], granted["monthly"]["used"], granted["monthly"]["held"]) == (3, 7, 41)
    assert world.authorize(new, "r-1", 40)["authorizationId"] == held["authorizationId"]
    assert world.settle(held["authorizationId"], 5)["monthly"]["used"] == 12
    assert world.events() == ["key.regenerated", "subscription.purchased"]


def test_renewed_subscription_gets_new_keys_too(world: World) -> None:
    made = world.buy()
    world.regenerate(made["subscriptionId"])
    world.clock.advance(31 * DAY_MS)
    renewed = world.renew(made["subscriptionId"])["apiKey"]
    new = world.regenerate(made["subscriptionId"])["apiKey"]
    assert codes(world.authorize(renewed, "r-1"), world.authorize(new, "r-1")) == ["invalid_api_key", None]


def test_traffic_while_the_key_changes_is_granted_on_the_old_key_only_until_it_is_answered(world: World) -> None:
    made = world.buy(models=MODELS)
    answered = threading.Event()
    new: list[str] = []

    def traffic(number: int) -> list[tuple[bool, Any]]:
        if number == 0:
            new.append(world.regenerate(made["subscriptionId"])["apiKey"])
            answered.set()
            return []
        asked = [(answered.is_set(), f"r-{number}-{n}", (TEXT_MODEL, IMAGE_MODEL)[n % 2]) for n in range(20)]
        return [(after, world.authorize(made["apiKey"], name, 1, modelId=m)) for after, name, m in asked]

    for after, answer in [one for of_thread in at_once(16, traffic) for one in of_thread]:
        assert not (after and answer["allowed"])
        assert codes(answer) in ([None], ["invalid_api_key"])
    assert world.authorize(new[0], "r-new", 1)["allowed"]
    assert_conserved(world)


def test_of_many_new_keys_at_once_the_newest_alone_is_good_and_each_has_its_event(world: World) -> None:
    made = world.buy(models=MODELS)
    answers = at_once(16, lambda _: world.regenerate(made["subscriptionId"]))
    tried = [world.authorize(a["apiKey"], f"r-{n}", 1) for n, a in enumerate(answers)]
    assert sum(t["allowed"] for t in tried) == 1
    row = world.subscription(made["subscriptionId"])
    assert {world.entitlement_of(i).key_hash for i in row.entitlement_ids()} == {row.key_hash}
    assert (row.key_generation, row.key_pending) == (16, False)
    assert world.events().count("key.regenerated") == 16


@pytest.mark.parametrize("at", range(1, 5))
def test_slower_new_key_never_replaces_a_newer_one(world: World, at: int) -> None:
    made = world.buy(models=MODELS)
    newer: list[str] = []
    send = Interleave(world.deps.send, at, lambda: newer.append(world.regenerate(made["subscriptionId"])["apiKey"]))
    slower = world.with_send(send).regenerate(made["subscriptionId"])["apiKey"]
    assert send.reached
    good, dead = (slower, newer[0]) if at == 1 else (newer[0], slower)  # before its own key is in the row, it is later
    for n, m in enumerate(MODELS):
        answers = [world.authorize(key, f"r-{n}", 1, modelId=m["modelId"]) for key in (good, dead)]
        assert codes(*answers) == [None, "invalid_api_key"]


def test_new_key_that_ends_while_a_cancellation_is_broken_off_leaves_it_to_the_reset(world: World) -> None:
    made = world.buy(models=MODELS)

    def break_off() -> None:
        with pytest.raises(Refused):
            world.with_send(FaultAt(world.deps.send, 1, "lost")).cancel(made["subscriptionId"])

    world.with_send(Interleave(world.deps.send, 4, break_off)).regenerate(made["subscriptionId"])
    world.reset()
    assert world.subscription(made["subscriptionId"]).status(world.clock.now_ms).value == "cancelled"
    assert world.buy()["apiKey"]


@pytest.mark.parametrize("at", range(2, 5))
def test_reset_brings_a_key_that_a_crash_left_half_way(world: World, at: int) -> None:
    made = world.buy(models=MODELS)
    with pytest.raises(Refused):
        world.with_send(FaultAt(world.deps.send, at - 1, "lost")).regenerate(made["subscriptionId"])
    world.reset()
    assert codes(*(world.authorize(made["apiKey"], "r", modelId=m["modelId"]) for m in MODELS)) == (
        ["invalid_api_key"] * 2
    )
    row = world.subscription(made["subscriptionId"])
    assert (row.key_pending, row.due_at_ms) == (False, row.expires_at_ms - 7 * DAY_MS)  # when its end is told


def test_straggling_write_of_an_older_key_does_not_bring_it_back(world: World) -> None:
    """The old term's key is retired by the renewal; a regeneration that was slow must not revive it."""
    made = world.buy()

    class Slow:
        seen = 0

        def __call__(self, operation: str, request: Any) -> Any:
            self.seen += 1
            if self.seen == 3:  # the key is in the row, and goes to the entitlement after a month
                world.clock.advance(31 * DAY_MS)
                world.renew(made["subscriptionId"])
            return world.deps.send(operation, request)

    behind = world.with_send(Slow())
    answer = behind.regenerate(made["subscriptionId"])
    earlier = replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms - 31 * DAY_MS))
    assert codes(earlier.authorize(answer["apiKey"], "r-1")) == ["invalid_api_key"]
    assert world.entitlement(made["subscriptionId"]).key_hash is None


@pytest.mark.parametrize("ended", ["subscription_expired", "subscription_cancelled"])
def test_ended_subscription_gets_no_new_key(world: World, ended: str) -> None:
    made = world.buy()
    if ended == "subscription_expired":
        world.clock.advance(31 * DAY_MS)
    else:
        world.cancel(made["subscriptionId"])
    before = world.all_items(world.tables.subscriptions)
    with pytest.raises(Refused) as caught:
        world.regenerate(made["subscriptionId"])
    assert (caught.value.refusal.code.code, caught.value.refusal.code.status) == (ended, 403)
    assert world.all_items(world.tables.subscriptions) == before


def test_cancelled_key_grants_nothing_and_open_authorizations_still_settle(world: World) -> None:
    made = world.buy(models=MODELS)
    open_hold = world.authorize(made["apiKey"], "r-1", 40)
    ended = world.cancel(made["subscriptionId"])
    assert (ended["status"], "apiKey" in ended) == ("cancelled", False)
    for m in MODELS:
        assert codes(world.authorize(made["apiKey"], "r-2", modelId=m["modelId"])) == ["subscription_cancelled"]
    assert codes(world.authorize(made["apiKey"], "r-1", 40)) == ["subscription_cancelled"]
    settled = world.settle(open_hold["authorizationId"], 9)
    assert (settled["settled"], settled["late"], settled["monthly"]["used"]) == (True, False, 9)
    assert world.buy()["subscriptionId"] != made["subscriptionId"]
    assert_conserved(world)


def test_cancelling_again_or_after_expiry_changes_nothing(world: World) -> None:
    made = world.buy()
    first = world.cancel(made["subscriptionId"])
    world.clock.advance(5)
    assert world.cancel(made["subscriptionId"]) == first
    assert world.events() == ["subscription.cancelled", "subscription.purchased"]
    world.clock.advance(31 * DAY_MS)
    assert world.cancel(made["subscriptionId"])["status"] == "cancelled"
    other = world.buy()
    world.clock.advance(31 * DAY_MS)
    assert world.cancel(other["subscriptionId"])["status"] == "expired"
    assert world.events().count("subscription.cancelled") == 1


def test_cancelled_subscription_cannot_be_renewed_before_or_after_its_term(world: World) -> None:
    made = world.buy()
    world.cancel(made["subscriptionId"])
    for _ in range(2):
        with pytest.raises(Refused, match="subscription_not_expired"):
            world.renew(made["subscriptionId"])
        world.clock.advance(31 * DAY_MS)


def test_of_many_cancellations_and_purchases_at_once_never_two_are_active(world: World) -> None:
    made = world.buy(models=MODELS)

    def either(number: int) -> Any:
        return world.cancel(made["subscriptionId"])["status"] if number % 2 else world.buy()["subscriptionId"]

    results = at_once(32, either)
    bought = [r for r in results if r.startswith("sub_")]
    assert results.count("cancelled") == 16
    assert len(bought) <= 1
    assert len(bought) + results.count("active_subscription_exists") == 16
    assert world.events().count("subscription.cancelled") == 1


@pytest.mark.parametrize("at", range(1, 5))
@pytest.mark.parametrize("by", ["reset", "repeat"])
def test_cancellation_that_a_crash_left_half_way_is_finished(world: World, at: int, by: str) -> None:
    made = world.buy(models=MODELS)
    with pytest.raises(Refused):
        world.with_send(FaultAt(world.deps.send, at, "lost")).cancel(made["subscriptionId"])
    with pytest.raises(Refused, match="active_subscription_exists"):
        world.buy()  # the place is not free before everything is stopped
    if by == "reset":
        world.reset()
    else:
        world.cancel(made["subscriptionId"])
    for m in MODELS:
        assert codes(world.authorize(made["apiKey"], "r", modelId=m["modelId"])) == ["subscription_cancelled"]
    assert world.subscription(made["subscriptionId"]).due_at_ms is None
    assert world.events() == ["subscription.cancelled", "subscription.purchased"]
    assert world.buy()["apiKey"]


def test_cancellation_begun_before_the_term_ended_and_finished_after_it_is_one(world: World) -> None:
    made = world.buy()
    with pytest.raises(Refused):
        world.with_send(FaultAt(world.deps.send, 1, "lost")).cancel(made["subscriptionId"])
    world.clock.advance(31 * DAY_MS)
    newer = world.buy()  # expiry has freed the place by itself
    with pytest.raises(Refused, match="subscription_not_expired"):
        world.renew(made["subscriptionId"])
    world.reset()
    assert world.cancel(made["subscriptionId"])["status"] == "cancelled"
    assert world.authorize(newer["apiKey"], "r-1")["allowed"]
    with pytest.raises(Refused, match="active_subscription_exists"):
        world.buy()


def test_another_accounts_subscription_is_neither_cancelled_nor_given_a_key(world: World) -> None:
    made = world.buy()
    for command in (world.cancel, world.regenerate):
        for name in (made["subscriptionId"], "sub_" + "a" * 24, "x"):
            with pytest.raises(Refused, match="not_found"):
                command(name, "another account")
    assert world.authorize(made["apiKey"], "r-1")["allowed"]


def broken_off(world: World, name: str) -> None:
    """A cancellation that is noted, and carried out by nobody yet."""
    with pytest.raises(Refused):
        world.with_send(FaultAt(world.deps.send, 1, "lost")).cancel(name)


def test_no_key_is_made_once_a_cancellation_has_begun(world: World) -> None:
    name = world.buy()["subscriptionId"]
    send = Interleave(world.deps.send, 1, lambda: broken_off(world, name))
    with pytest.raises(Refused, match="subscription_cancelled"):
        world.with_send(send).regenerate(name)
    assert (world.subscription(name).key_generation, world.events()) == (0, ["subscription.purchased"])


def test_renewal_and_a_cancellation_by_a_machine_whose_clock_is_behind_do_not_both_happen(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.clock.advance(31 * DAY_MS)
    behind = replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms - 2 * DAY_MS))
    send = Interleave(world.deps.send, 2, lambda: broken_off(behind, name))
    with pytest.raises(Refused, match="subscription_not_expired"):
        world.with_send(send).renew(name)
    world.reset()
    row = world.subscription(name)
    assert (row.status(world.clock.now_ms).value, row.term_number) == ("cancelled", 1)
    assert world.buy()["apiKey"]


@dataclass(slots=True)
class Before:
    """Does something before the first request of one kind, and lets everything through."""

    send: Send
    operation: str
    meanwhile: Callable[[], object]
    done: bool = False

    def __call__(self, operation: str, request: Request) -> Response:
        if operation == self.operation and not self.done:
            self.done = True
            self.meanwhile()
        return self.send(operation, request)


def test_new_key_in_the_last_millisecond_never_blocks_the_renewal(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.clock.now_ms = world.subscription(name).expires_at_ms - 1

    def end_and_tell() -> None:
        world.clock.advance(1)
        world.reset()

    late = world.with_send(Before(world.deps.send, "TransactWriteItems", end_and_tell))
    with pytest.raises(Refused, match="subscription_expired"):
        late.regenerate(name)
    world.reset()
    assert world.renew(name)["apiKey"]
    assert world.events().count("subscription.expired") == 1


@pytest.mark.parametrize("command", ["regenerate", "cancel"])
def test_term_whose_end_was_told_has_ended_for_a_clock_behind_as_well(world: World, command: str) -> None:
    name = world.buy()["subscriptionId"]
    world.clock.now_ms = world.subscription(name).expires_at_ms
    world.reset()
    behind = replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms - 1000))
    if command == "cancel":
        assert behind.cancel(name)["status"] == "expired"
    else:
        with pytest.raises(Refused, match="subscription_expired"):
            behind.regenerate(name)
    assert world.renew(name)["apiKey"]
    assert world.events() == ["subscription.expired", "subscription.purchased", "subscription.renewed"]


def test_cancellation_that_ends_after_the_term_leaves_no_place_behind(world: World) -> None:
    name = world.buy()["subscriptionId"]
    send = Before(world.deps.send, "TransactWriteItems", lambda: world.clock.advance(31 * DAY_MS))
    assert world.with_send(send).cancel(name)["status"] == "cancelled"
    earlier = replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms - 2 * DAY_MS))
    assert earlier.buy()["apiKey"]


def test_cancelling_frees_no_plan_that_is_called_as_the_subscription(world: World) -> None:
    name = world.buy()["subscriptionId"]
    broken_off(world, name)
    world.clock.advance(31 * DAY_MS)
    world.set_plan(name)
    world.reset()
    with pytest.raises(Refused, match="active_subscription_exists"):
        world.buy()


@pytest.mark.parametrize("command", ["regenerate", "cancel"])
def test_many_busy_models_do_not_use_up_each_others_tries(world: World, command: str) -> None:
    name = world.buy(models=[model(m) for m in (TEXT_MODEL, IMAGE_MODEL)] + [model("veo-3", "stable")])[
        "subscriptionId"
    ]
    sent: Counter[str] = Counter()

    def conflicting(operation: str, request: Request) -> Response:
        if request.get("TableName") == world.tables.entitlements:
            sent[request["Key"]["pk"]["S"]] += 1
            if sent[request["Key"]["pk"]["S"]] <= 4:
                raise StoreBusyError("injected", Cause.CONTENDED)
        return world.deps.send(operation, request)

    busy = world.with_send(conflicting)
    assert (busy.regenerate(name) if command == "regenerate" else busy.cancel(name))["status"]
    assert set(sent.values()) == {5}
