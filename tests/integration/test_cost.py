"""What each case costs the store, counted on the real engine: requests by operation, and write units."""

from __future__ import annotations

import pytest

from tests.support.world import DAY_MS, IMAGE_MODEL, World, model

LONG_REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950"  # one digit follows: 36 characters


@pytest.fixture
def bought(world: World) -> tuple[World, str, str]:
    made = world.buy(models=[model(calls=100, cap=10_000)])
    world.authorize(made["apiKey"], "first-of-the-window")
    world.recorder.clear()
    return world, made["apiKey"], made["subscriptionId"]


def test_grant_is_one_request_and_one_unit_up_to_eight_open_holds_with_long_request_ids(
    bought: tuple[World, str, str],
) -> None:
    world, key, _ = bought
    for number in range(1, 8):  # with the first of the window, the item then has 2 to 8 open holds
        world.recorder.clear()
        assert world.authorize(key, f"{LONG_REQUEST_ID}{number}", 1000)["allowed"]
        assert (world.recorder.calls, world.recorder.units) == (["UpdateItem"], 1.0)


def test_grant_stays_one_unit_with_the_longest_account_model_and_time_zone(world: World) -> None:
    account = "a" * 255
    made = world.buy(account, timezone="America/Argentina/ComodRivadavia", months=12)
    for number in range(8):
        world.recorder.clear()
        assert world.authorize(made["apiKey"], f"{LONG_REQUEST_ID}{number}", 1)["allowed"]
    assert (world.recorder.calls, world.recorder.units) == (["UpdateItem"], 1.0)


def test_settle_is_one_request_and_one_unit(bought: tuple[World, str, str]) -> None:
    world, key, _ = bought
    granted = world.authorize(key, "r-1")
    world.recorder.clear()
    assert world.settle(granted["authorizationId"], 3)["settled"]
    assert (world.recorder.calls, world.recorder.units) == (["UpdateItem"], 1.0)


def test_replays_cost_one_request(bought: tuple[World, str, str]) -> None:
    world, key, _ = bought
    granted = world.authorize(key, "r-1")
    world.recorder.clear()
    assert world.authorize(key, "r-1")["replayed"]
    assert world.recorder.calls == ["UpdateItem"]
    world.settle(granted["authorizationId"], 3)
    world.recorder.clear()
    assert world.settle(granted["authorizationId"], 3)["replayed"]
    assert world.recorder.calls == ["UpdateItem"]


@pytest.mark.parametrize(
    ("case", "code", "calls"),
    [
        ("mistyped key", "invalid_api_key", []),
        ("malformed", "invalid_request", []),
        ("cancelled", "subscription_cancelled", ["UpdateItem"]),
        ("expired", "subscription_expired", ["UpdateItem"]),
        ("replaced", "invalid_api_key", ["UpdateItem"]),
        ("model", "model_not_included", ["UpdateItem", "GetItem"]),
        ("tier", "tier_not_included", ["UpdateItem"]),
        ("request id", "request_id_reused", ["UpdateItem"]),
        ("tier down", "tier_unavailable", ["UpdateItem"]),
        ("tier asked for down", "tier_unavailable", ["GetItem"]),
        ("cap", "monthly_cap_reached", ["UpdateItem"]),
        ("limit", "daily_call_limit_reached", ["UpdateItem"]),
    ],
)
def test_each_refusal_costs_no_more_than_it_must(
    bought: tuple[World, str, str], case: str, code: str, calls: list[str]
) -> None:
    world, key, subscription_id = bought
    asked: dict[str, object] = {}
    estimate = 10
    match case:
        case "mistyped key":
            key = key[:-1] + ("A" if key[-1] != "A" else "B")
        case "malformed":
            asked["calls"] = 0
        case "cancelled":
            world.cancel(subscription_id)
        case "expired":
            world.clock.advance(31 * DAY_MS)
        case "replaced":
            world.clock.advance(31 * DAY_MS)
            world.renew(subscription_id)
        case "model":
            asked["modelId"] = IMAGE_MODEL
        case "tier":
            asked["channelTier"] = "basic"
        case "request id":
            world.authorize(key, "r-1", estimate=11)
        case "tier down" | "tier asked for down":
            world.take_down("claude-opus-4-6", "stable")
            if case == "tier asked for down":
                asked["channelTier"] = "stable"
        case "cap":
            estimate = 9_991
        case "limit":
            asked["calls"] = 100
    world.recorder.clear()
    refused = world.authorize(key, "r-1", estimate, **asked)
    assert refused["error"]["code"] == code
    assert world.recorder.calls == calls


def test_open_holds_refusal_costs_one_request(world: World) -> None:
    made = world.buy(models=[model(calls=1000)])
    for number in range(100):
        assert world.authorize(made["apiKey"], f"r-{number}", 1)["allowed"]
    world.recorder.clear()
    refused = world.authorize(made["apiKey"], "r-100", 1)
    assert (refused["error"]["code"], refused["retryAfter"]) == ("too_many_open_holds", 1)
    assert world.recorder.calls == ["UpdateItem"]


def test_first_request_of_an_untouched_window_is_two_plain_writes(world: World) -> None:
    key = world.buy()["apiKey"]
    world.recorder.clear()
    assert world.authorize(key, "r-1")["allowed"]
    assert world.recorder.calls == ["UpdateItem", "UpdateItem"]


def test_first_request_after_a_used_day_archives_it_in_one_transaction(bought: tuple[World, str, str]) -> None:
    world, key, _ = bought
    world.clock.advance(DAY_MS)
    world.recorder.clear()
    assert world.authorize(key, "r-1")["allowed"]
    assert world.recorder.calls == ["UpdateItem", "TransactWriteItems"]


def test_reclaim_is_three_requests(world: World) -> None:
    key = world.buy(models=[model(cap=100)])["apiKey"]
    world.authorize(key, "r-1", 100, holdSeconds=60)
    world.clock.advance(60_000)
    world.recorder.clear()
    assert world.authorize(key, "r-2", 100)["allowed"]
    assert world.recorder.calls == ["UpdateItem", "TransactWriteItems", "GetItem"]


def test_purchase_of_forty_models_is_three_requests(world: World) -> None:
    models = [model(f"m-{n}") for n in range(40)]
    for wanted in models:
        item = {
            "pk": {"S": "catalogue"},
            "sk": {"S": f"model#{wanted['modelId']}"},
            "v": {"N": "1"},
            "id": {"S": wanted["modelId"]},
            "kind": {"S": "text"},
            "tiers": {"M": {"stable": {"M": {n: {"S": "1"} for n in ("currency", "base", "perUnit", "perDailyCall")}}}},
        }
        world.dynamodb.put_item(TableName=world.tables.catalogue, Item=item)
    world.recorder.clear()
    made = world.buy(models=models)
    assert world.recorder.calls == ["TransactGetItems", "Query", "TransactWriteItems"]
    assert world.authorize(made["apiKey"], "r-1", modelId="m-39")["allowed"]
    world.clock.advance(31 * DAY_MS)
    world.recorder.clear()
    assert world.renew(made["subscriptionId"])["apiKey"]
    assert world.recorder.calls == ["TransactGetItems", "Query", "TransactWriteItems"]
