"""The catalogue as operators keep it, on the real engine: one currency, one kind per model, one event per change."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass import schema
from modelpass.api import catalogue_bodies
from modelpass.api.subscription_bodies import parse_purchase
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue.commands import offers
from modelpass.catalogue.tiers import tiers_down_key
from modelpass.errors import Refused
from modelpass.subscriptions.commands import queries as subscription_queries
from tests.support.concurrency import at_once
from tests.support.faults import Interleave
from tests.support.listings import list_models
from tests.support.refused import refusal
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, json, model

Json = dict[str, Any]
MANY = 16


def body(*tiers: str, currency: str = "USD", kind: str = "text", **more: Any) -> Json:
    price = {"currency": currency, "base": "1.00", "perUnit": "0.001", "perDailyCall": "0"}
    return {"kind": kind, "tiers": [{"channelTier": t, "price": price} for t in tiers or ("stable",)], **more}


def put(world: World, model_id: str, raw: Json) -> Json:
    """Offer a model whatever its prices were."""
    offer = catalogue_bodies.parse_model(model_id, {**raw, "confirm": True})
    return offers.put_model(world.deps, offer).body


def withdraw(world: World, model_id: str) -> None:
    offers.withdraw_model(world.deps, model_id)


def shown(world: World) -> dict[str, Json]:
    return {m["modelId"]: m for m in list_models(world.deps)["models"]}


def quoted(world: World, *wanted: Json) -> Json:
    return subscription_queries.quote(world.deps, parse_purchase({"models": list(wanted)}))


def change(world: World, pair: tuple[str, str], **values: Any) -> None:
    """Change a stored item of the catalogue behind everybody's back."""
    world.dynamodb.update_item(
        TableName=world.tables.catalogue,
        Key=schema.primary_key(pair),
        UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in values),
        ExpressionAttributeValues={f":{name}": value for name, value in values.items()},
    )


@pytest.fixture
def empty(world: World) -> World:
    """A world whose catalogue was never filled."""
    for stored in world.all_items(world.tables.catalogue):
        world.dynamodb.delete_item(TableName=world.tables.catalogue, Key={"pk": stored["pk"], "sk": stored["sk"]})
    return world


def test_model_is_answered_and_listed_as_it_was_put(empty: World) -> None:
    limits = {"dailyCallLimit": {"min": 2, "max": 9}, "monthlyTokenCap": {"min": 3, "max": 8}}
    answer = put(empty, "m-1", body("stable", "basic", limits=limits))
    assert answer == {
        "modelId": "m-1",
        "kind": "text",
        "unit": "tokens",
        "tiers": [{**t, "available": True} for t in body("basic", "stable")["tiers"]],
        "limits": limits,
    }
    assert shown(empty) == {"m-1": answer}
    assert put(empty, "m-1", answer) == answer


def test_put_replaces_the_whole_of_a_model(world: World) -> None:
    put(world, "m-1", body("basic", "stable", limits={"dailyCallLimit": {"max": 9}}))
    put(world, "m-1", body("enterprise"))
    listed = shown(world)["m-1"]
    assert [t["channelTier"] for t in listed["tiers"]] == ["enterprise"]
    assert listed["limits"]["dailyCallLimit"] == {"min": 1, "max": 10**9}
    assert refusal(lambda: world.buy(models=[model("m-1")])) == ("tier_not_offered", "models[0].channelTier")


def test_kind_of_a_model_is_for_good_even_after_it_was_withdrawn(world: World) -> None:
    before = world.all_items(world.tables.catalogue)
    assert refusal(lambda: put(world, TEXT_MODEL, body(kind="image"))) == ("invalid_request", "kind")
    assert world.all_items(world.tables.catalogue) == before
    withdraw(world, TEXT_MODEL)
    assert refusal(lambda: put(world, TEXT_MODEL, body(kind="video"))) == ("invalid_request", "kind")
    assert put(world, TEXT_MODEL, body())["kind"] == "text"


def test_first_model_brings_the_currency_and_a_second_one_is_refused(empty: World) -> None:
    put(empty, "m-1", body(currency="EUR"))
    before = empty.all_items(empty.tables.catalogue)
    assert refusal(lambda: put(empty, "m-2", body())) == ("invalid_request", "tiers[0].price.currency")
    assert refusal(lambda: put(empty, "m-1", body())) == ("invalid_request", "tiers[0].price.currency")
    assert empty.all_items(empty.tables.catalogue) == before


def test_of_models_put_at_once_in_two_currencies_only_one_currency_lands(empty: World) -> None:
    def task(number: int) -> str:
        try:
            put(empty, f"m-{number}", body(currency=("USD", "EUR")[number % 2]))
        except Refused as refused:
            return refused.refusal.code.code
        return "ok"

    results = at_once(MANY, task)
    listed = shown(empty)
    assert len({tier["price"]["currency"] for m in listed.values() for tier in m["tiers"]}) == 1
    assert "ok" in results
    assert len(listed) == results.count("ok")
    # Those of the other currency are refused; writers that met each other may have to be sent again.
    assert set(results) <= {"ok", "invalid_request", "temporarily_unavailable"}
    assert all(results[n] == "ok" for n in range(MANY) if f"m-{n}" in listed)


@pytest.mark.parametrize("at", [0, 1])
def test_of_two_puts_that_make_one_model_of_two_kinds_the_first_to_land_decides(world: World, at: int) -> None:
    late = world.with_send(Interleave(world.deps.send, at, lambda: put(world, "m-1", body(kind="image"))))
    assert refusal(lambda: put(late, "m-1", body(kind="text"))) == ("invalid_request", "kind")
    assert shown(world)["m-1"]["kind"] == "image"


@pytest.mark.parametrize("said", [True, False])
def test_availability_that_is_said_must_be_what_is_so(world: World, said: bool) -> None:  # noqa: FBT001
    raw = body("basic", "stable")
    raw["tiers"][1]["available"] = said
    if not said:
        assert refusal(lambda: put(world, TEXT_MODEL, raw)) == ("invalid_request", "tiers[1].available")
    world.take_down(TEXT_MODEL, "stable")
    if said:
        assert refusal(lambda: put(world, TEXT_MODEL, raw)) == ("invalid_request", "tiers[1].available")
    else:
        assert [t["available"] for t in put(world, TEXT_MODEL, raw)["tiers"]] == [True, False]


def test_withdrawn_model_is_not_listed_quoted_bought_or_renewed_until_it_is_put_again(world: World) -> None:
    bought = world.buy()
    withdraw(world, TEXT_MODEL)
    assert TEXT_MODEL not in shown(world)
    unknown = ("unknown_model", "models[0].modelId")
    assert refusal(lambda: quoted(world, model())) == unknown
    assert refusal(lambda: world.buy("another")) == unknown
    world.clock.advance(31 * DAY_MS)
    assert refusal(lambda: world.renew(bought["subscriptionId"])) == unknown
    put(world, TEXT_MODEL, body("stable"))
    assert world.renew(bought["subscriptionId"])["apiKey"]


def test_subscription_keeps_its_contract_when_its_model_is_changed_or_withdrawn(world: World) -> None:
    key = world.buy()["apiKey"]
    put(world, TEXT_MODEL, body("basic", limits={"dailyCallLimit": {"max": 1}}))
    assert world.authorize(key, "r-1", channelTier="stable")["daily"]["limit"] == 50
    withdraw(world, TEXT_MODEL)
    assert world.authorize(key, "r-2", channelTier="stable")["allowed"]


def test_withdrawing_what_is_not_there_or_twice_changes_nothing(world: World) -> None:
    before = world.all_items(world.tables.catalogue)
    for nothing in ("m-none", "a b", "", "m" * 129):
        withdraw(world, nothing)
    assert world.all_items(world.tables.catalogue) == before
    withdraw(world, TEXT_MODEL)
    once = world.all_items(world.tables.catalogue)
    world.clock.advance(1000)
    withdraw(world, TEXT_MODEL)
    assert world.all_items(world.tables.catalogue) == once


@pytest.mark.parametrize(
    ("calls", "cap", "param"),
    [
        (4, 10, "dailyCallLimit"),
        (21, 10, "dailyCallLimit"),
        (5, 9, "monthlyTokenCap"),
        (20, 101, "monthlyTokenCap"),
        (5, 10, None),
        (20, 100, None),
    ],
)
def test_limits_are_bought_and_quoted_within_the_models_bounds(
    world: World, calls: int, cap: int, param: str | None
) -> None:
    limits = {"dailyCallLimit": {"min": 5, "max": 20}, "monthlyTokenCap": {"min": 10, "max": 100}}
    put(world, "m-1", body(limits=limits))
    wanted = [model(), model("m-1", calls=calls, cap=cap)]
    if param is None:
        assert quoted(world, *wanted)["lines"][1]["modelId"] == "m-1"
        assert world.buy(models=wanted)["apiKey"]
    else:
        expected = ("invalid_request", f"models[1].{param}")
        assert refusal(lambda: quoted(world, *wanted)) == expected
        assert refusal(lambda: world.buy(models=wanted)) == expected
        assert world.all_items(world.tables.subscriptions) == []


def test_bounds_are_asked_after_the_replay_and_not_of_a_renewal(world: World) -> None:
    first = world.buy(key="k")
    put(world, TEXT_MODEL, body("stable", limits={"dailyCallLimit": {"max": 10}}))
    assert world.buy(key="k") == {**first, "apiKey": None, "replayed": True}
    other = lambda: world.buy(key="k", models=[model(calls=49)])  # noqa: E731 - said once, asked here
    assert refusal(other) == ("idempotency_key_reused", "Idempotency-Key")
    world.clock.advance(31 * DAY_MS)
    renewed = world.renew(first["subscriptionId"])
    assert world.authorize(renewed["apiKey"], "r-1")["daily"]["limit"] == 50


def told(world: World) -> list[tuple[str, Json]]:
    """Type and data of every event of a tier, in the order of the keys."""
    rows = sorted(world.all_items(world.tables.events), key=lambda e: (e["pk"]["S"], e["sk"]["S"]))
    return [(e["type"]["S"], json.loads(e["data"]["S"])) for e in rows if e["type"]["S"].startswith("tier.")]


def test_each_change_of_a_tier_is_one_event_with_its_reason(world: World) -> None:
    down = world.turn_tier(TEXT_MODEL, "stable", available=False, reason="it is failing")
    pair = {"modelId": TEXT_MODEL, "channelTier": "stable"}
    assert down == {**pair, "available": False, "reason": "it is failing"}
    assert [t["available"] for t in shown(world)[TEXT_MODEL]["tiers"]] == [True, False, True]
    world.clock.advance(1)
    up = world.turn_tier(TEXT_MODEL, "stable", available=True)
    assert up == {**pair, "available": True, "reason": None}
    assert all(t["available"] for t in shown(world)[TEXT_MODEL]["tiers"])
    assert told(world) == [("tier.down", {**pair, "reason": "it is failing"}), ("tier.up", pair)]
    rows = world.all_items(world.tables.events)
    assert {row["pk"]["S"] for row in rows} == {f"model#{TEXT_MODEL}"}
    assert {row["accountId"]["S"] for row in rows} == {""}


def test_state_that_is_so_already_is_answered_and_neither_written_nor_told(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    before = world.all_items(world.tables.catalogue)
    again = world.turn_tier(TEXT_MODEL, "stable", available=False, reason="once more")
    assert (again["available"], again["reason"]) == (False, "once more")
    world.turn_tier(TEXT_MODEL, "basic", available=True, reason="it was never down")
    assert world.all_items(world.tables.catalogue) == before
    assert world.events() == ["tier.down"]


def test_of_many_operators_who_take_one_tier_down_one_changes_it(world: World) -> None:
    answers = at_once(MANY, lambda n: world.turn_tier(TEXT_MODEL, "stable", available=False, reason=f"n{n}"))
    assert [a["available"] for a in answers] == [False] * MANY
    assert world.events() == ["tier.down"]


def test_tiers_taken_down_at_once_are_all_down_with_an_event_each(world: World) -> None:
    pairs = [(m, t) for m in (TEXT_MODEL, IMAGE_MODEL) for t in ("basic", "stable", "enterprise")]
    at_once(len(pairs), lambda n: world.turn_tier(*pairs[n], available=False, reason="all of it"))
    listed = shown(world)
    assert [t["available"] for m in (TEXT_MODEL, IMAGE_MODEL) for t in listed[m]["tiers"]] == [False] * 6
    assert sorted((data["modelId"], data["channelTier"]) for _, data in told(world)) == sorted(pairs)
    assert world.events() == ["tier.down"] * 6


def test_tier_that_goes_down_and_up_and_down_again_in_one_millisecond_is_told_thrice(world: World) -> None:
    for available in (False, True, False):
        world.turn_tier(TEXT_MODEL, "stable", available=available, reason="to and fro")
    assert world.events() == ["tier.down", "tier.down", "tier.up"]


def test_tier_can_be_taken_down_for_those_who_hold_what_is_offered_no_longer(world: World) -> None:
    key = world.buy()["apiKey"]
    put(world, TEXT_MODEL, body("basic"))
    world.take_down(TEXT_MODEL, "stable")
    assert world.authorize(key, "r-1")["error"]["code"] == "tier_unavailable"
    withdraw(world, TEXT_MODEL)
    world.turn_tier(TEXT_MODEL, "stable", available=True)
    assert world.authorize(key, "r-1")["allowed"]


@pytest.mark.parametrize(
    ("model_id", "tier", "expected"),
    [
        ("m-none", "stable", ("not_found", None)),
        ("a b", "stable", ("not_found", None)),
        (TEXT_MODEL, "gold", ("invalid_request", "tier")),
        ("m-none", "gold", ("invalid_request", "tier")),
        ("veo-3", "basic", ("tier_not_offered", "tier")),
    ],
)
def test_tier_that_there_never_was_is_refused_and_nothing_is_told(
    world: World, model_id: str, tier: str, expected: tuple[str, str | None]
) -> None:
    assert refusal(lambda: world.turn_tier(model_id, tier, available=False, reason="x")) == expected
    assert world.events() == []


def test_tier_is_turned_whatever_the_settings_are_like(world: World) -> None:
    change(world, catalogue_items.settings_key(), v=schema.number(3))
    world.take_down(TEXT_MODEL, "stable")
    assert world.events() == ["tier.down"]


def test_model_is_put_while_what_is_down_cannot_be_read(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    change(world, tiers_down_key(), v=schema.number(3))
    assert [t["available"] for t in put(world, TEXT_MODEL, body("basic", "stable"))["tiers"]] == [True, False]
