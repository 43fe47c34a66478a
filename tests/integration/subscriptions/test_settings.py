"""Settings of a subscription: whether and for how long it goes on by itself, and what its customer calls it."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.dynamodb.transport import StoreBusyError
from modelpass.subscriptions.model import FOREVER
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.listings import list_subscriptions
from tests.support.prices import offer
from tests.support.refused import refusal
from tests.support.sales import extend, look, orders, orders_of, purchase, renew, update
from tests.support.world import DAY_MS, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
SHOWN = ("autoRenew", "autoRenewMonths", "label")


def settings(answer: Json) -> tuple[Any, ...]:
    return tuple(answer[name] for name in SHOWN)


def until(world: World, account: str = "acct") -> int:
    """Until when the account's place is held."""
    slot = {"pk": {"S": f"account#{account}"}, "sk": {"S": "slot"}}
    return int(world.dynamodb.get_item(TableName=world.tables.subscriptions, Key=slot)["Item"]["un"]["N"])


def test_subscription_does_not_renew_itself_and_has_no_label_unless_it_is_asked_for(world: World) -> None:
    bought = purchase(world, months=3)
    assert settings(bought) == (False, 3, None)
    assert settings(look(world, bought["subscriptionId"])) == (False, 3, None)


def test_purchase_takes_settings_and_everything_shows_them(world: World) -> None:
    bought = purchase(world, months=3, autoRenew=True, autoRenewMonths=2, label="team a")
    assert settings(bought) == (True, 2, "team a")
    (listed,) = list_subscriptions(world.deps, "acct")["subscriptions"]
    assert settings(look(world, bought["subscriptionId"])) == settings(listed) == (True, 2, "team a")
    assert (bought["order"]["label"], until(world)) == ("team a", FOREVER)


def test_change_of_settings_changes_what_is_named_and_nothing_else(world: World) -> None:
    name = world.buy()["subscriptionId"]
    assert settings(update(world, name, label="one")) == (False, 1, "one")
    assert settings(update(world, name, autoRenew=True)) == (True, 1, "one")
    assert settings(update(world, name, autoRenewMonths=5)) == (True, 5, "one")
    assert settings(update(world, name)) == (True, 5, "one")
    assert settings(update(world, name, label="", autoRenew=False)) == (False, 5, None)
    assert settings(look(world, name)) == (False, 5, None)


def test_place_of_a_subscription_that_renews_itself_does_not_free_itself_until_that_is_off(world: World) -> None:
    name = world.buy()["subscriptionId"]
    ends_ms = world.subscription(name).expires_at_ms
    assert until(world) == ends_ms
    update(world, name, autoRenew=True)
    assert until(world) == FOREVER
    extend(world, name)
    assert until(world) == FOREVER
    update(world, name, autoRenew=False)
    assert until(world) == world.subscription(name).expires_at_ms > ends_ms


def test_renewal_by_hand_keeps_the_settings(world: World) -> None:
    name = world.buy()["subscriptionId"]
    update(world, name, autoRenewMonths=5, label="one")
    world.clock.advance(40 * DAY_MS)
    assert settings(renew(world, name)) == (False, 5, "one")


def test_label_is_that_of_the_moment_of_each_order(world: World) -> None:
    name = purchase(world, label="one")["subscriptionId"]
    update(world, name, label="two")
    extend(world, name)
    assert [one["label"] for one in orders(world)["orders"]] == ["two", "one"]


def test_what_ended_is_not_made_to_renew_itself_but_keeps_a_label(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.clock.advance(40 * DAY_MS)
    assert refusal(update, world, name, autoRenew=True) == ("subscription_expired", None)
    assert settings(update(world, name, autoRenew=False, label="old")) == (False, 1, "old")
    other = world.buy("another")["subscriptionId"]
    world.cancel(other, "another")
    assert refusal(update, world, other, "another", autoRenew=True) == ("subscription_cancelled", None)
    assert settings(update(world, other, "another", label="old")) == (False, 1, "old")


def test_settings_of_others_and_of_nobody_are_not_found(world: World) -> None:
    name = world.buy()["subscriptionId"]
    assert refusal(update, world, name, "another", label="x") == ("not_found", None)
    assert refusal(update, world, "sub_" + "a" * 24, label="x") == ("not_found", None)
    assert refusal(update, world, "no id", label="x") == ("not_found", None)


def test_repeat_of_a_change_writes_nothing(world: World) -> None:
    name = world.buy()["subscriptionId"]
    update(world, name, autoRenew=True, label="one")
    world.recorder.clear()
    update(world, name, autoRenew=True, label="one")
    assert world.recorder.write_units == 0


@pytest.mark.parametrize("kind", ["before", "after", "lost"])
@pytest.mark.parametrize("at", range(4))
def test_fault_at_any_call_of_a_change_leaves_all_of_it_or_nothing(world: World, at: int, kind: str) -> None:
    name = world.buy()["subscriptionId"]
    broken = world.with_send(FaultAt(world.deps.send, at, kind))
    if (kind, at) == ("lost", 3):  # it is written by then: only what is in the way of a renewal cannot be told
        assert update(broken, name, autoRenew=True, label="one")["renewalBlockedBy"] == "temporarily_unavailable"
        broken = world
    elif kind == "lost":
        assert refusal(update, broken, name, autoRenew=True, label="one")[0] == "temporarily_unavailable"
        broken = world
    answer = update(broken, name, autoRenew=True, label="one")
    assert settings(answer) == settings(look(world, name)) == (True, 1, "one")
    assert until(world) == FOREVER


def test_changes_at_once_are_all_made(world: World) -> None:
    name = world.buy()["subscriptionId"]
    changes: list[Json] = [{"autoRenew": True}, {"autoRenewMonths": 7}, {"label": "one"}]
    tasks = [partial(update, world, name, **change) for change in changes] + [partial(extend, world, name)]
    results = at_once(len(tasks), lambda n: tasks[n]())
    assert all(isinstance(result, dict) for result in results)
    shown = look(world, name)
    assert (*settings(shown), shown["expiresAt"], until(world)) == (True, 7, "one", "2027-01-23T00:00:00Z", FOREVER)


def test_what_would_keep_it_from_renewing_itself_is_shown_while_it_is_to(world: World) -> None:
    offer(world, "m-1")
    name = world.buy(models=[model("m-1")])["subscriptionId"]
    key = {"pk": {"S": "catalogue"}, "sk": {"S": "model#m-1"}}
    world.dynamodb.delete_item(TableName=world.tables.catalogue, Key=key)
    assert look(world, name)["renewalBlockedBy"] is None
    assert update(world, name, autoRenew=True)["renewalBlockedBy"] == "unknown_model"
    (listed,) = list_subscriptions(world.deps, "acct")["subscriptions"]
    assert look(world, name)["renewalBlockedBy"] == listed["renewalBlockedBy"] == "unknown_model"
    offer(world, "m-1")
    assert look(world, name)["renewalBlockedBy"] is None
    approving = world.deps._replace(sale_approval=True)
    assert list_subscriptions(approving, "acct")["subscriptions"][0]["renewalBlockedBy"] == "sale_approval_required"
    world.cancel(name)
    assert look(world, name)["renewalBlockedBy"] is None


def test_term_that_was_to_go_on_has_gone_on_before_any_call_after_its_end(world: World) -> None:
    calls: list[Callable[[str, str], object]] = [
        lambda name, account: extend(world, name, account=account),
        lambda name, account: update(world, name, account, autoRenew=False),
        lambda name, account: refusal(renew, world, name, account) == ("subscription_not_expired", None),
    ]
    for number, call in enumerate(calls):
        account = f"acct-{number}"
        name = purchase(world, account, autoRenew=True)["subscriptionId"]
        world.clock.now_ms = world.subscription(name).expires_at_ms
        assert call(name, account)
        made = orders_of(world, name, account)["orders"]
        assert [(one["kind"], one["by"]) for one in made[-2:]] == [("renewal", "service"), ("purchase", account)]
        assert look(world, name, account)["status"] == "active"
        until_ms, row = until(world, account), world.subscription(name)
        assert until_ms == (FOREVER if row.auto_renew else row.expires_at_ms)
        world.clock.now_ms = world.subscription(name).expires_at_ms
        assert look(world, name, account)["status"] == ("active" if row.auto_renew else "expired")


@pytest.mark.parametrize("at", range(4))
def test_renewal_that_is_switched_off_while_the_term_ends_leaves_no_place_taken_for_ever(world: World, at: int) -> None:
    name = purchase(world, autoRenew=True)["subscriptionId"]
    world.clock.now_ms = world.subscription(name).expires_at_ms - 1
    ends = Interleave(world.deps.send, at, lambda: world.clock.advance(1))
    update(world.with_send(ends), name, autoRenew=False)
    row = world.subscription(name)
    assert until(world) == row.expires_at_ms
    world.clock.now_ms = row.expires_at_ms
    assert look(world, name)["status"] == "expired"
    assert world.buy()["apiKey"]


def test_settings_wait_until_all_functions_know_what_they_store(world: World) -> None:
    earlier = world.writing(schema.PREVIOUS)
    for body in ({"autoRenew": True}, {"label": "x"}, {"autoRenewMonths": 2}):
        assert refusal(purchase, earlier, **body) == ("temporarily_unavailable", None)
    name = purchase(earlier, autoRenew=False)["subscriptionId"]
    for body in ({"autoRenew": True}, {"label": "x"}, {}):
        assert refusal(update, earlier, name, **body) == ("temporarily_unavailable", None)


def test_catalogue_that_cannot_be_read_is_in_the_way_of_a_renewal_and_of_no_look(world: World) -> None:
    name = world.buy(autoRenew=True)["subscriptionId"]

    def away(operation: str, request: Json) -> Json:
        if operation in ("GetItem", "BatchGetItem") and world.tables.catalogue in str(request):
            raise StoreBusyError("timeout")
        return world.deps.send(operation, request)

    broken = world.with_send(away)
    assert look(broken, name)["renewalBlockedBy"] == "temporarily_unavailable"
    assert update(broken, name, label="still here")["renewalBlockedBy"] == "temporarily_unavailable"
    assert look(world, name)["renewalBlockedBy"] is None
