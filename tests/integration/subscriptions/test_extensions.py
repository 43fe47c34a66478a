"""A running term gets more months: same key, same usage, a later end; sold once, at the price of the moment."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.errors import Refused
from modelpass.subscriptions.commands import cancel as cancel_command
from tests.support import listings
from tests.support.audit import assert_audited, assert_conserved
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.listings import list_events
from tests.support.prices import offer, told
from tests.support.refused import refusal
from tests.support.sales import extend, look, order, orders_of, purchase, quote, renew
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
CALLS = 3
"""How many calls to the store an extension makes: its read, the catalogue, its transaction."""


def stored(world: World) -> list[Json]:
    """All that is stored but the catalogue."""
    return [item for name in world.names() if name != world.tables.catalogue for item in world.all_items(name)]


def at(world: World, text: str) -> None:
    world.clock.set(datetime.fromisoformat(text))


def test_extension_moves_the_end_by_months_counted_from_the_first_day_and_changes_nothing_else(world: World) -> None:
    at(world, "2027-01-31T10:00:00Z")
    bought = purchase(world)
    granted = world.authorize(bought["apiKey"], "r-1", 300)
    before = world.entitlement(bought["subscriptionId"])
    extended = extend(world, bought["subscriptionId"], 2)
    assert (bought["expiresAt"], extended["expiresAt"]) == ("2027-02-28T10:00:00Z", "2027-04-30T10:00:00Z")
    same = ("subscriptionId", "status", "term", "startsAt", "timezone", "models", "apiKeyMasked")
    assert [extended[name] for name in same] == [bought[name] for name in same]
    assert "apiKey" not in extended
    assert world.entitlement(bought["subscriptionId"]) == before
    assert world.settle(granted["authorizationId"], 200)["settled"]
    assert look(world, bought["subscriptionId"])["expiresAt"] == "2027-04-30T10:00:00Z"
    assert_conserved(world)


def test_key_works_from_the_first_millisecond_after_the_old_end_to_the_last_before_the_new_one(world: World) -> None:
    bought = purchase(world, models=[model(calls=9, cap=100)])
    name, key = bought["subscriptionId"], bought["apiKey"]
    ended_ms = world.subscription(name).expires_at_ms
    world.clock.now_ms = ended_ms - 1
    assert world.authorize(key, "last", 100)["allowed"]
    other = world.another_process()
    assert other.authorize(key, "full", 1)["error"]["code"] == "monthly_cap_reached"
    extend(world, name)
    world.clock.now_ms = ended_ms
    granted = [one.authorize(key, f"next-{n}", 50) for n, one in enumerate((other, world, world.another_process()))]
    assert [answer["allowed"] for answer in granted] == [True, True, False]  # a month sold grants exactly one cap
    assert granted[2]["error"]["code"] == "monthly_cap_reached"
    assert granted[0]["monthly"]["resetsAt"] == "2027-01-23T00:00:00Z"
    world.clock.now_ms = world.subscription(name).expires_at_ms - 1
    assert world.authorize(key, "very-last", 100)["allowed"]  # what was held and not settled came back
    world.clock.advance(1)
    assert world.authorize(key, "too-late", 1)["error"]["code"] == "subscription_expired"
    assert_conserved(world)


def test_months_may_be_added_up_to_twelve_from_the_current_window_on(world: World) -> None:
    bought = world.buy(months=12)["subscriptionId"]
    assert refusal(extend, world, bought, 1) == ("term_too_long", "months")
    world.clock.advance(31 * DAY_MS)  # the second window has begun
    assert refusal(extend, world, bought, 2) == ("term_too_long", "months")
    assert extend(world, bought, 1)["expiresAt"] == "2027-12-23T00:00:00Z"
    assert refusal(extend, world, bought, 1) == ("term_too_long", "months")


def test_what_ended_is_not_extended_and_says_why(world: World) -> None:
    bought = world.buy()["subscriptionId"]
    world.clock.advance(30 * DAY_MS - 1)
    extend(world, bought)
    world.clock.set(datetime.fromisoformat("2027-01-23T00:00:00Z"))
    before = stored(world)
    assert refusal(extend, world, bought) == ("subscription_expired", None)
    other = world.buy("another")["subscriptionId"]
    world.cancel(other, "another")
    assert refusal(extend, world, other, account="another") == ("subscription_cancelled", None)
    assert refusal(extend, world, bought, account="another") == ("not_found", None)
    assert refusal(extend, world, "sub_" + "a" * 24) == ("not_found", None)
    assert refusal(extend, world, "no id at all") == ("not_found", None)
    assert [item for item in before if item not in stored(world)] == []


def test_half_cancelled_subscription_is_cancelled_for_an_extension(world: World) -> None:
    bought = world.buy()["subscriptionId"]
    with pytest.raises(Refused, match="temporarily_unavailable"):  # breaks off when the first model is stopped
        cancel_command.cancel(world.with_send(FaultAt(world.deps.send, 3, "lost")).deps, "acct", bought)
    assert refusal(extend, world, bought) == ("subscription_cancelled", None)


def test_extension_is_an_order_at_the_price_of_its_moment_for_the_months_it_adds(world: World) -> None:
    offer(world, "m-1", base="1.00", per_unit="0", per_daily_call="0")
    bought = purchase(world, models=[model("m-1")], months=2, label="team a")
    offer(world, "m-1", base="2.50", per_unit="0", per_daily_call="0")
    world.clock.advance(1234)
    extended = extend(world, bought["subscriptionId"], 3)
    price = {
        "currency": "USD",
        "lines": [{"modelId": "m-1", "channelTier": "stable", "monthly": "2.50", "total": "7.50"}],
        "monthlyTotal": "2.50",
        "months": 3,
        "total": "7.50",
    }
    assert extended["price"] == price
    assert extended["order"] == {
        "orderId": extended["order"]["orderId"],
        "kind": "extension",
        "status": "done",
        "subscriptionId": bought["subscriptionId"],
        "label": "team a",
        "price": price,
        "at": "2026-11-23T00:00:01.234Z",
        "by": "acct",
        "startsAt": "2027-01-23T00:00:00Z",
        "endsAt": "2027-04-23T00:00:00Z",
        "topUp": None,
        "lapsesAt": None,
        "reference": None,
        "reason": None,
    }
    assert order(world, extended["order"]["orderId"]) == extended["order"]
    shown = look(world, bought["subscriptionId"])["price"]
    assert (shown["months"], shown["monthlyTotal"], shown["total"]) == (5, "2.50", "9.50")
    (event,) = told(world, "subscription.extended")
    assert event == {
        "term": 1,
        "startsAt": "2026-11-23T00:00:00Z",
        "expiresAt": "2027-04-23T00:00:00Z",
        "models": ["m-1"],
        "orderId": extended["order"]["orderId"],
        "price": price,
        "months": 3,
        "by": "customer",
    }


def test_quote_of_an_extension_is_what_it_is_sold_at_and_says_from_when(world: World) -> None:
    bought = world.buy()["subscriptionId"]
    world.recorder.clear()
    before = stored(world)
    quoted = quote(world, bought, extend={"months": 2})
    assert stored(world) == before
    assert quoted.pop("bindsAt") == "2026-12-23T00:00:00Z"
    extended = extend(world, bought, 2, expectedTotal=quoted["total"])
    assert extended["price"] == quoted
    assert refusal(quote, world, bought, extend={"months": 12}) == ("term_too_long", "extend.months")
    world.cancel(bought)
    assert refusal(quote, world, bought, extend={"months": 1}) == ("subscription_cancelled", None)


def test_extension_at_another_total_than_expected_sells_nothing(world: World) -> None:
    bought = world.buy()["subscriptionId"]
    before = stored(world)
    assert refusal(extend, world, bought, key="order-1", expectedTotal="1") == ("price_changed", "expectedTotal")
    assert stored(world) == before
    total = quote(world, bought, extend={"months": 1})["total"]
    assert extend(world, bought, key="order-1", expectedTotal=total)["order"]["status"] == "done"


def test_model_or_tier_that_is_sold_no_longer_is_named(world: World) -> None:
    offer(world, "m-1")
    bought = world.buy(models=[model(TEXT_MODEL), model("m-1")])["subscriptionId"]
    key = {"pk": {"S": "catalogue"}, "sk": {"S": "model#m-1"}}
    world.dynamodb.delete_item(TableName=world.tables.catalogue, Key=key)
    assert refusal(extend, world, bought, expectedTotal="1") == ("unknown_model", "models[1].modelId")


def test_repeat_under_the_same_key_sells_nothing_and_shows_the_first_order(world: World) -> None:
    bought = world.buy()["subscriptionId"]
    first = extend(world, bought, key="order-1")
    world.clock.advance(DAY_MS)
    before = stored(world)
    again = extend(world, bought, key="order-1")
    assert (again.pop("replayed"), again) == (True, first)
    assert refusal(extend, world, bought, 2, key="order-1") == ("idempotency_key_reused", "Idempotency-Key")
    assert stored(world) == before
    assert extend(world, bought, key="order-2")["order"]["orderId"] != first["order"]["orderId"]


def test_repeat_shows_the_subscription_as_it_is_now_even_once_it_has_ended(world: World) -> None:
    bought = world.buy()["subscriptionId"]
    first = extend(world, bought, key="order-1")
    extend(world, bought, key="order-2")
    world.cancel(bought)
    again = extend(world, bought, key="order-1")
    assert (again["status"], again["expiresAt"]) == ("cancelled", "2027-02-23T00:00:00Z")
    assert again["order"] == first["order"]


def test_key_of_an_extension_is_another_key_for_a_renewal_a_purchase_and_another_subscription(world: World) -> None:
    bought = world.buy(key="same")["subscriptionId"]
    other = world.buy("another", key="same")["subscriptionId"]
    assert "replayed" not in extend(world, bought, key="same")
    assert "replayed" not in extend(world, other, account="another", key="same")
    world.clock.advance(70 * DAY_MS)
    renewed = renew(world, bought, key="same")
    assert renewed["term"] == 2
    assert extend(world, bought, key="same")["replayed"]


@pytest.mark.parametrize("key", ["order-1", None])
@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("at", range(CALLS))
def test_fault_at_any_call_of_an_extension_sells_it_once(world: World, at: int, kind: str, key: str | None) -> None:
    bought = world.buy()["subscriptionId"]
    extended = extend(world.with_send(FaultAt(world.deps.send, at, kind)), bought, key=key)
    assert (extended["expiresAt"], "replayed" in extended) == ("2027-01-23T00:00:00Z", False)
    assert [one["kind"] for one in orders_of(world, bought)["orders"]] == ["extension", "purchase"]
    assert len(told(world, "subscription.extended")) == 1


@pytest.mark.parametrize("at", range(CALLS))
def test_extension_whose_reply_is_lost_for_good_is_told_by_a_repeat(world: World, at: int) -> None:
    bought = world.buy()["subscriptionId"]
    with pytest.raises(Refused, match="temporarily_unavailable"):
        extend(world.with_send(FaultAt(world.deps.send, at, "lost")), bought, key="order-1")
    again = extend(world, bought, key="order-1")
    assert (again["expiresAt"], "replayed" in again) == ("2027-01-23T00:00:00Z", at == CALLS - 1)
    assert len(orders_of(world, bought)["orders"]) == 2


OTHERS: dict[str, Callable[[World, str], object]] = {
    "extension": lambda world, name: extend(world, name, key="other"),
    "cancellation": lambda world, name: world.cancel(name),
    "new key": lambda world, name: world.regenerate(name),
    "reset": lambda world, name: world.reset(),  # noqa: ARG005 - as the others
}


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("at", range(CALLS))
def test_extension_meets_another_command_at_any_call_and_one_order_of_the_two_is_told(
    world: World, at: int, other: Callable[[World, str], object]
) -> None:
    bought = world.buy()
    name = bought["subscriptionId"]
    world.clock.advance(25 * DAY_MS)
    between = Interleave(world.deps.send, at, lambda: other(world, name))
    with suppress(Refused):  # the cancellation came first
        extend(world.with_send(between), name)
    assert between.reached
    extensions = [one for one in orders_of(world, name)["orders"] if one["kind"] == "extension"]
    shown = look(world, name)
    months = {0: "2026-12-23", 1: "2027-01-23", 2: "2027-02-23"}[len(extensions)]
    assert shown["expiresAt"] == f"{months}T00:00:00Z"
    assert len(told(world, "subscription.extended")) == len(extensions)
    assert_conserved(world)


def _settle(world: World, bought: Json) -> object:
    return world.settle(bought["granted"], 7)


OLD: dict[str, Callable[[World, Json], object]] = {
    "authorize": lambda world, bought: world.authorize(bought["apiKey"], "r-2", 10),
    "settle": _settle,
    "new key": lambda world, bought: world.regenerate(bought["subscriptionId"]),
    "cancellation": lambda world, bought: world.cancel(bought["subscriptionId"]),
    "renewal": lambda world, bought: world.renew(bought["subscriptionId"]),
    "purchase": lambda world, _: world.buy(),
    "plan": lambda world, _: world.set_plan(),
    "correction": lambda world, bought: world.correct(bought["subscriptionId"], 1),
    "reset": lambda world, _: world.reset(),
}


@dataclass(slots=True)
class Extending:
    """Extends when it is called, and keeps what it is answered or refused with."""

    world: World
    name: str
    answers: list[Json] = field(default_factory=list)
    refusals: list[str] = field(default_factory=list)

    def __call__(self) -> None:
        try:
            self.answers.append(extend(self.world, self.name))
        except Refused as refused:
            self.refusals.append(refused.refusal.code.code)


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("command", OLD.values(), ids=OLD)
@pytest.mark.parametrize("before_end_ms", [1, 9 * DAY_MS])
def test_command_of_before_meets_an_extension_at_any_call_and_both_hold(
    world: World, command: Callable[[World, Json], object], before_end_ms: int
) -> None:
    for at in range(12):
        bought = world.buy(key=f"purchase-{at}")
        name = bought["subscriptionId"]
        world.clock.now_ms = world.subscription(name).expires_at_ms - before_end_ms
        bought["granted"] = world.authorize(bought["apiKey"], "r-1", 10)["authorizationId"]
        extending = Extending(world, name)
        between = Interleave(world.deps.send, at, extending)
        with suppress(Refused):
            command(world.with_send(between), bought)
        extensions = [one for one in orders_of(world, name)["orders"] if one["kind"] == "extension"]
        assert len(extensions) == len(extending.answers)
        assert world.subscription(name).term.months == 1 + len(extensions)
        assert set(extending.refusals) <= {"subscription_cancelled"}
        assert_audited(world)
        world.cancel(name)
        if not between.reached:
            return
    pytest.fail("the command makes more calls than were tried")


def test_of_many_extensions_at_once_under_one_key_one_is_sold(world: World) -> None:
    name = world.buy()["subscriptionId"]
    results = at_once(24, lambda _: extend(world, name, key="same"))
    assert sum("replayed" not in one for one in results if isinstance(one, dict)) == 1
    assert len(orders_of(world, name)["orders"]) == 2
    assert look(world, name)["expiresAt"] == "2027-01-23T00:00:00Z"


def test_of_many_extensions_at_once_each_is_sold_in_full_up_to_the_longest_term(world: World) -> None:
    name = world.buy()["subscriptionId"]
    results = at_once(24, lambda _: extend(world, name))
    done = [one for one in results if isinstance(one, dict)]
    assert {one for one in results if not isinstance(one, dict)} <= {"term_too_long", "temporarily_unavailable"}
    spans = sorted((one["order"]["startsAt"], one["order"]["endsAt"]) for one in done)
    assert all(before[1] == after[0] for before, after in pairwise(spans))
    assert look(world, name)["expiresAt"] == spans[-1][1]
    assert len({one["order"]["orderId"] for one in done}) == len(done) == len(orders_of(world, name)["orders"]) - 1


@pytest.mark.parametrize("at", range(CALLS + 2))
def test_extension_during_which_a_term_ends_that_renews_itself_is_not_refused_as_expired(world: World, at: int) -> None:
    name = purchase(world, autoRenew=True)["subscriptionId"]
    world.clock.now_ms = world.subscription(name).expires_at_ms - 1
    ends = Interleave(world.deps.send, at, lambda: world.clock.advance(1))
    assert extend(world.with_send(ends), name)["status"] == "active"
    world.clock.advance(1)
    assert look(world, name)["status"] == "active"
    kinds = [one["kind"] for one in orders_of(world, name)["orders"]]
    assert kinds in (["extension", "purchase"], ["extension", "renewal", "purchase"])


def test_extension_races_the_end_and_no_second_subscription_is_ever_active(world: World) -> None:
    for turn in range(6):
        extends_beside_a_purchase_in_the_last_millisecond(world, f"acct-{turn}")


def extends_beside_a_purchase_in_the_last_millisecond(world: World, account: str) -> None:
    name = world.buy(account)["subscriptionId"]
    world.clock.now_ms = world.subscription(name).expires_at_ms - 1
    tasks: list[Callable[[], Json]] = [partial(extend, world, name, account=account), partial(world.buy, account)]
    results = at_once(2, lambda n: tasks[n]())
    assert isinstance(results[0], dict)
    assert results[1] == "active_subscription_exists"
    world.clock.advance(1)
    assert look(world, name, account)["status"] == "active"


def test_place_stays_taken_to_the_new_end_and_is_free_from_there_on(world: World) -> None:
    name = world.buy()["subscriptionId"]
    extend(world, name)
    at(world, "2027-01-22T23:59:59Z")
    assert refusal(world.buy) == ("active_subscription_exists", None)
    at(world, "2027-01-23T00:00:00Z")
    assert world.buy()["apiKey"]


@pytest.mark.usefixtures("few_shards")
def test_end_is_told_once_at_the_new_end_and_the_old_end_is_told_by_nobody(world: World) -> None:
    name = world.buy()["subscriptionId"]
    extend(world, name)
    at(world, "2026-12-24T00:00:00Z")
    assert world.reset()["subscriptionsExpired"] == 0
    at(world, "2027-01-24T00:00:00Z")
    assert [world.reset()["subscriptionsExpired"] for _ in range(2)] == [1, 0]
    (ended,) = told(world, "subscription.expired")
    assert ended["expiresAt"] == "2027-01-23T00:00:00Z"
    listed = [event["type"] for event in list_events(world.deps, "acct", name)["events"]]
    assert listed[-2:] == ["subscription.extended", "subscription.purchased"]


def test_history_shows_the_term_to_its_new_end_at_the_price_it_began_with(world: World) -> None:
    bought = purchase(world)
    extend(world, bought["subscriptionId"], 2)
    (row,) = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("term#")]
    assert (row["mo"], row["sm"]) == (schema.number(3), schema.number(1))
    extend(world, bought["subscriptionId"], 1)
    (row,) = [r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("term#")]
    assert (row["mo"], row["sm"], row["xa"]) == (
        schema.number(4),
        schema.number(1),
        schema.number(world.subscription(bought["subscriptionId"]).expires_at_ms),
    )


def test_usage_after_the_old_end_is_in_the_history_of_the_same_term(world: World) -> None:
    bought = purchase(world)
    name = bought["subscriptionId"]
    extend(world, name)
    world.clock.advance(40 * DAY_MS)
    granted = world.authorize(bought["apiKey"], "r-1", 30)
    world.settle(granted["authorizationId"], 25)
    shown = listings.history(world.deps, "acct", name, {"from": "2026-12-20", "to": "2027-01-02"})
    assert [day["units"] for day in shown["days"]] == [*[0] * 13, 25]
    assert [(term["term"], term["expiresAt"]) for term in shown["terms"]] == [(1, "2027-01-23T00:00:00Z")]
    world.clock.advance(30 * DAY_MS)
    shown = listings.history(world.deps, "acct", name, {"from": "2027-01-01"})
    assert (shown["days"][-1]["date"], sum(day["units"] for day in shown["days"])) == ("2027-01-22", 25)


def test_renewal_sells_the_months_that_were_bought_by_hand_and_not_those_of_the_extension(world: World) -> None:
    name = world.buy(months=2)["subscriptionId"]
    extend(world, name, 3)
    quoted = quote(world, name, renew={})
    assert (quoted["months"], quoted["bindsAt"]) == (2, "2027-04-23T00:00:00Z")
    world.clock.advance(200 * DAY_MS)
    renewed = renew(world, name)
    assert (renewed["price"]["months"], renewed["term"]) == (2, 2)


def test_forty_models_are_extended_in_one_small_transaction(world: World) -> None:
    for number in range(40):
        offer(world, f"m-{number}")
    name = world.buy(models=[model(f"m-{n}") for n in range(40)])["subscriptionId"]
    world.recorder.clear()
    extend(world, name, 11)
    assert world.recorder.calls == ["TransactGetItems", "BatchGetItem", "TransactWriteItems"]
    (sale,) = (request for operation, request in world.recorder.requests if operation == "TransactWriteItems")
    assert len(sale["TransactItems"]) == 7


def test_new_calls_wait_until_all_functions_know_what_they_store(world: World) -> None:
    earlier = world.writing(schema.PREVIOUS)
    name = earlier.buy(models=[model(), model(IMAGE_MODEL, "basic", 20, 200)])["subscriptionId"]
    before = stored(world)
    assert refusal(extend, earlier, name) == ("temporarily_unavailable", None)
    assert refusal(quote, earlier, name, extend={"months": 1}) == ("temporarily_unavailable", None)
    assert stored(world) == before
    assert extend(world, name)["expiresAt"] == "2027-01-23T00:00:00Z"
