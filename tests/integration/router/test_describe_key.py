"""What a key is good for: told as it is at the moment of asking, to the holder of the current key, without a write."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import damaged
from tests.support.faults import FaultAt
from tests.support.world import DAY_MS, IMAGE_MODEL, STORE_CLIENTS, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from tests.support.handlers import Service

Json = dict[str, Any]
BOTH = [model(calls=50, cap=1000), model(IMAGE_MODEL, "basic", calls=20, cap=200)]
DAY_ENDS, MONTH_ENDS = "2026-11-24T00:00:00Z", "2026-12-23T00:00:00Z"


@pytest.fixture
def bought(world: World) -> Json:
    return world.buy(models=BOTH)


def everything(world: World) -> dict[str, list[Any]]:
    return {name: sorted(world.all_items(name), key=lambda i: str((i["pk"], i.get("sk")))) for name in world.names()}


def code(answer: Json) -> str:
    found: str = answer["error"]["code"]
    return found


@pytest.mark.parametrize("world", STORE_CLIENTS, indirect=True)
def test_key_is_told_with_its_subscription_models_and_what_is_left(world: World, bought: Json) -> None:
    world.authorize(bought["apiKey"], "r-1", 40)
    settled = world.authorize(bought["apiKey"], "r-2", 40, calls=3)
    world.settle(settled["authorizationId"], 7, calls=2)
    assert world.describe_key(bought["apiKey"]) == {
        "status": "active",
        "accountId": "acct",
        "subscriptionId": bought["subscriptionId"],
        "term": 1,
        "startsAt": "2026-11-23T00:00:00Z",
        "expiresAt": MONTH_ENDS,
        "timezone": "UTC",
        "models": [
            {
                "modelId": TEXT_MODEL,
                "channelTier": "stable",
                "unit": "tokens",
                "dailyCallLimit": 50,
                "monthlyTokenCap": 1000,
                "daily": {"limit": 50, "used": 3, "remaining": 47, "resetsAt": DAY_ENDS},
                "monthly": {
                    "limit": 1000,
                    "used": 7,
                    "held": 40,
                    "remaining": 953,
                    "overrun": 0,
                    "resetsAt": MONTH_ENDS,
                },
                "openHolds": 1,
            },
            {
                "modelId": IMAGE_MODEL,
                "channelTier": "basic",
                "unit": "generations",
                "dailyCallLimit": 20,
                "monthlyTokenCap": 200,
                "daily": {"limit": 20, "used": 0, "remaining": 20, "resetsAt": DAY_ENDS},
                "monthly": {"limit": 200, "used": 0, "held": 0, "remaining": 200, "overrun": 0, "resetsAt": MONTH_ENDS},
                "openHolds": 0,
            },
        ],
    }


def test_answer_costs_two_reads_and_writes_nothing(world: World, bought: Json) -> None:
    world.authorize(bought["apiKey"], "r-1", 40, holdSeconds=1)
    world.clock.advance(2 * DAY_MS)  # a window has ended and a hold expired: both are told, and neither is tidied up
    before = everything(world)
    world.recorder.clear()
    shown = world.describe_key(bought["apiKey"])["models"][0]
    assert (world.recorder.calls, world.recorder.write_units) == (["GetItem", "BatchGetItem"], 0)
    assert world.recorder.read_units == 3
    assert everything(world) == before
    assert (shown["daily"]["used"], shown["daily"]["resetsAt"]) == (0, "2026-11-26T00:00:00Z")
    assert (shown["monthly"]["held"], shown["monthly"]["remaining"], shown["openHolds"]) == (0, 1000, 0)


def test_expired_hold_is_open_until_its_last_millisecond(world: World, bought: Json) -> None:
    world.authorize(bought["apiKey"], "r-1", 40, holdSeconds=60)
    world.clock.advance(59_999)
    assert world.describe_key(bought["apiKey"])["models"][0]["openHolds"] == 1
    world.clock.advance(1)
    shown = world.describe_key(bought["apiKey"])["models"][0]
    assert (shown["openHolds"], shown["monthly"]["held"]) == (0, 0)


def test_current_key_of_an_ended_subscription_is_told_with_its_status_and_last_windows(world: World) -> None:
    first = world.buy()
    world.cancel(first["subscriptionId"])
    shown = world.describe_key(first["apiKey"])
    assert (shown["status"], shown["models"][0]["monthly"]["remaining"]) == ("cancelled", 1000)
    second = world.buy()
    world.clock.advance(30 * DAY_MS - 1)
    assert world.describe_key(second["apiKey"])["status"] == "active"
    world.clock.advance(1)
    shown = world.describe_key(second["apiKey"])
    assert shown["status"] == "expired"
    assert shown["models"][0]["monthly"]["resetsAt"] == shown["expiresAt"] == MONTH_ENDS


def test_key_that_was_replaced_is_refused_and_the_new_one_told(world: World, bought: Json) -> None:
    newer = world.regenerate(bought["subscriptionId"])["apiKey"]
    refused = world.describe_key(bought["apiKey"])
    assert set(refused) == {"allowed", "statusCode", "error"}
    assert (refused["allowed"], refused["statusCode"], code(refused)) == (False, 401, "invalid_api_key")
    assert refused["error"]["param"] == "apiKey"
    assert world.describe_key(newer)["status"] == "active"
    world.clock.advance(31 * DAY_MS)
    renewed = world.renew(bought["subscriptionId"])["apiKey"]
    assert code(world.describe_key(newer)) == "invalid_api_key"
    assert world.describe_key(renewed)["term"] == 2


def test_key_whose_subscription_does_not_exist_is_refused(world: World, bought: Json) -> None:
    for item in world.all_items(world.tables.subscriptions):
        world.dynamodb.delete_item(TableName=world.tables.subscriptions, Key={n: item[n] for n in ("pk", "sk")})
    assert code(world.describe_key(bought["apiKey"])) == "invalid_api_key"


@pytest.mark.parametrize("text", ["", "sk-custom-", "sk-custom-" + "A" * 60, "x" * 10_000, "é"])
def test_text_that_is_no_key_is_refused_without_a_look_at_the_store(world: World, text: str) -> None:
    world.recorder.clear()
    assert code(world.describe_key(text)) == "invalid_api_key"
    assert world.recorder.calls == []


def test_key_with_its_bearer_prefix_is_refused_with_a_hint(world: World, bought: Json) -> None:
    assert "Bearer" in world.describe_key(f"Bearer {bought['apiKey']}")["error"]["message"]


def test_model_that_cannot_be_read_is_left_out(world: World, bought: Json) -> None:
    damaged.spoil_entitlement(world, bought["subscriptionId"])
    assert [m["modelId"] for m in world.describe_key(bought["apiKey"])["models"]] == [IMAGE_MODEL]


@pytest.mark.parametrize("at", [0, 1])
@pytest.mark.parametrize("kind", ["before", "after"])
def test_read_that_fails_once_is_tried_again(world: World, bought: Json, kind: str, at: int) -> None:
    whole = world.describe_key(bought["apiKey"])
    fault = FaultAt(world.deps.send, at, kind)
    assert world.with_send(fault).describe_key(bought["apiKey"]) == whole
    assert fault.reached


@pytest.mark.parametrize("at", [0, 1])
def test_store_that_goes_away_is_told_as_temporary(world: World, bought: Json, at: int) -> None:
    answer = world.with_send(FaultAt(world.deps.send, at, "lost")).describe_key(bought["apiKey"])
    assert (answer["allowed"], answer["statusCode"], answer["retryAfter"]) == (False, 503, 1)
    assert code(answer) == "temporarily_unavailable"


@pytest.mark.parametrize(
    ("event", "param"),
    [
        (None, None),
        ([], None),
        ("sk", None),
        ({}, "apiKey"),
        ({"apiKey": None}, "apiKey"),
        ({"apiKey": 1}, "apiKey"),
        ({"apiKey": ["sk"]}, "apiKey"),
        ({"apiKey": "sk", "modelId": "m"}, "modelId"),
    ],
)
def test_malformed_question_is_refused_by_name(service: Service, event: object, param: str | None) -> None:
    answer = service.invoke("DescribeKeyFunction", event)
    assert (answer["allowed"], answer["statusCode"], code(answer)) == (False, 400, "invalid_request")
    assert answer["error"]["param"] == param


def test_sample_is_answered_for_a_key_that_was_sold(service: Service, account: str) -> None:
    sold = service.buy(account)
    shown = service.describe_key(sold["apiKey"])
    assert (shown["accountId"], shown["status"]) == (account, "active")
    assert [m["modelId"] for m in shown["models"]] == [m["modelId"] for m in sold["models"]]
