"""Every event that the commands write is as docs/events.md promises, and can go through the pipe.

`WRITERS` lists what writes events, each with the types that it writes.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import ValidationError

from contract.event_schemas import SCHEMAS
from modelpass.catalogue.commands import offers
from modelpass.outbox import EventType
from tests.support import sales, scenes
from tests.support.changing import change, top_up
from tests.support.scenes import Scene
from tests.support.waiting import LAPSES_MS, Till, approving
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, model, template_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import World

Json = dict[str, Any]


def purchase(world: World) -> None:
    world.buy(timezone="Europe/Berlin", months=12)


def renewal(world: World) -> None:
    bought = world.buy()
    world.clock.advance(31 * 86_400_000)
    world.renew(bought["subscriptionId"])


def expiry(world: World) -> None:
    world.buy()
    world.clock.advance(31 * 86_400_000)
    world.reset()


def breach(world: World) -> None:
    granted = world.authorize(world.buy()["apiKey"], "r-1")
    world.clock.advance(1)
    world.settle(granted["authorizationId"], 5, servedTier="enterprise")


def report_in_another_unit(world: World) -> None:
    granted = world.authorize(world.buy()["apiKey"], "r-1", 10)
    world.settle(granted["authorizationId"], 100)


def new_key_and_cancellation(world: World) -> None:
    made = world.buy()
    world.regenerate(made["subscriptionId"])
    world.cancel(made["subscriptionId"])


def thresholds(world: World) -> None:
    made = world.buy(models=[model(calls=1, cap=10)])
    granted = world.authorize(made["apiKey"], "r-1", 10)
    world.settle(granted["authorizationId"], 10)


def plans(world: World) -> None:
    world.set_plan("gold", days=1)
    world.end_plan()
    world.set_plan("silver", days=1)
    world.clock.advance(86_400_000)
    world.reset()


def tiers(world: World) -> None:
    world.turn_tier(TEXT_MODEL, "basic", available=False, reason="it is failing")
    world.turn_tier(TEXT_MODEL, "basic", available=True)


def offers_of_models(world: World) -> None:
    scene = Scene(world, "", "", [])
    scenes.offer(scene)
    scenes.withdraw(scene)
    offers.put_model(world.deps, scenes.offer_at("5.00"))


def correction(world: World) -> None:
    world.correct(world.buy()["subscriptionId"], 5)


def release(world: World) -> None:
    made = world.buy()
    world.release(made["subscriptionId"], world.authorize(made["apiKey"], "r-1", 10)["authorizationId"])


def suspension(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.suspend(name)
    world.resume(name)


def revocation(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.revoke_key(name)
    world.clock.advance(1)
    world.regenerate(name)
    world.revoke_key(name, operator="anna")


def life(world: World) -> None:
    """What lives on: extended, changed, topped up, near its end, and going on by itself."""
    name = world.buy(autoRenew=True)["subscriptionId"]
    sales.extend(world, name)
    change(world, name, model(), model(IMAGE_MODEL))
    top_up(world, name, 5)
    world.clock.advance(60 * 86_400_000)
    world.make_all_due()
    world.reset()
    world.clock.advance(3 * 86_400_000)
    world.reset()


def orders(world: World) -> None:
    """One order that is confirmed, one rejected, one withdrawn, and one that lapses."""
    till = Till(approving(world))
    bought = till.buy()
    till.confirm(bought["order"]["orderId"])
    till.reject(till.extend(bought["subscriptionId"])["order"]["orderId"])
    till.withdraw(till.extend(bought["subscriptionId"])["order"]["orderId"])
    till.extend(bought["subscriptionId"])
    world.clock.advance(LAPSES_MS)
    till.world.reset()


WRITERS: dict[Callable[[World], None], set[EventType]] = {
    purchase: {EventType.PURCHASED},
    renewal: {EventType.PURCHASED, EventType.EXPIRED, EventType.RENEWED},
    expiry: {EventType.PURCHASED, EventType.EXPIRED},
    breach: {EventType.PURCHASED, EventType.TIER_BREACHED},
    report_in_another_unit: {EventType.PURCHASED, EventType.USAGE_FAR_ABOVE_ESTIMATE},
    new_key_and_cancellation: {EventType.PURCHASED, EventType.KEY_REGENERATED, EventType.CANCELLED},
    thresholds: {EventType.PURCHASED, EventType.THRESHOLD_REACHED},
    correction: {EventType.PURCHASED, EventType.USAGE_CORRECTED},
    release: {EventType.PURCHASED, EventType.HOLD_RELEASED},
    suspension: {EventType.PURCHASED, EventType.SUSPENDED, EventType.RESUMED},
    revocation: {EventType.PURCHASED, EventType.KEY_REVOKED, EventType.KEY_REGENERATED},
    plans: {EventType.PLAN_STARTED, EventType.PLAN_ENDED},
    tiers: {EventType.TIER_DOWN, EventType.TIER_UP},
    offers_of_models: {EventType.MODEL_CHANGED},
    life: {EventType.PURCHASED, EventType.EXTENDED, EventType.CHANGED, EventType.TOPPED_UP, EventType.EXPIRING},
    orders: {
        *(EventType.PURCHASED, EventType.ORDER_PENDING, EventType.ORDER_CONFIRMED),
        *(EventType.ORDER_REJECTED, EventType.ORDER_WITHDRAWN, EventType.ORDER_LAPSED),
    },
}


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)
def test_events_are_as_promised_and_can_be_told(world: World, write: Callable[[World], None]) -> None:
    write(world)
    rows = world.all_items(world.tables.events)
    assert {row["type"]["S"] for row in rows} == WRITERS[write]
    pipe = template_of("").pipe
    assert pipe is not None
    for row in rows:
        version, schema = SCHEMAS[EventType(row["type"]["S"])]
        told = pipe.put({"eventName": "INSERT", "dynamodb": {"NewImage": row}})
        assert (told["detail-type"], told["detail"]["version"]) == (row["type"]["S"], str(version))
        schema.model_validate_json(told["detail"]["data"])


def test_every_type_is_written_by_something() -> None:
    assert set().union(*WRITERS.values()) == set(EventType)


LINE: Json = {"modelId": "m-1", "channelTier": "stable", "monthly": "12.00", "total": "24.00"}
QUOTE: Json = {
    "currency": "USD",
    "lines": [LINE],
    "monthlyTotal": "12.00",
    "months": 2,
    "total": "24.00",
}
TERM: Json = {"term": 1, "startsAt": "2026-11-24T16:11:00Z", "expiresAt": "2026-12-24T16:11:00Z", "models": ["m-1"]}
MODEL: Json = {"modelId": "m-1", "term": 1}
AT: str = "2026-11-24T16:11:00.338Z"
FIGURES: Json = {
    "kind": "text",
    "unit": "tokens",
    "tiers": [
        {"channelTier": "basic", "price": {"currency": "USD", "base": "1", "perUnit": "0.5", "perDailyCall": "0"}}
    ],
    "limits": {"dailyCallLimit": {"min": 1, "max": 9}, "monthlyTokenCap": {"min": 1, "max": 9}},
}
CHANGED: Json = {"modelId": "m-1", "old": FIGURES, "new": FIGURES, "operatorId": "operator"}
MAY_BE_NULL = {"old", "new", "operatorId"}
PLAN: Json = {"planId": "gold", "expiresAt": AT}
PROMISED: list[tuple[EventType, Json]] = [
    (EventType.PURCHASED, {**TERM, "price": QUOTE}),
    (EventType.RENEWED, {**TERM, "price": QUOTE}),
    (EventType.RENEWED, {**TERM, "price": {**QUOTE, "lines": [{n: v for n, v in LINE.items() if n != "total"}]}}),
    (EventType.EXPIRED, TERM),
    (EventType.CANCELLED, TERM),
    (EventType.KEY_REGENERATED, {"term": 2}),
    (EventType.THRESHOLD_REACHED, {**MODEL, "limit": "daily", "percent": 80, "windowEndsAt": AT}),
    (EventType.KEY_REVOKED, {"term": 2, "by": "customer"}),
    (EventType.KEY_REVOKED, {"term": 2, "by": "operator", "operatorId": "anna"}),
    (EventType.SUSPENDED, {"term": 2, "operatorId": "anna", "reason": "card stolen"}),
    (EventType.RESUMED, {"term": 2, "operatorId": "anna", "reason": "card stolen", "suspendedAt": AT}),
    (EventType.USAGE_CORRECTED, {**MODEL, "units": -5, "calls": -2, "at": AT, "reason": "bytes for tokens"}),
    (EventType.USAGE_CORRECTED, {**MODEL, "units": -5, "at": AT, "reason": "bytes for tokens"}),
    (EventType.HOLD_RELEASED, {**MODEL, "units": 0, "calls": 1, "grantedAt": AT, "operatorId": "anna"}),
    (EventType.TIER_DOWN, {"modelId": "m-1", "channelTier": "basic", "reason": "upstream"}),
    (EventType.TIER_UP, {"modelId": "m-1", "channelTier": "basic"}),
    (EventType.TIER_UP, {"modelId": "m-1", "channelTier": "basic", "reason": "mended"}),
    (EventType.TIER_BREACHED, {**MODEL, "channelTier": "stable", "servedTier": "basic", "grantedAt": AT}),
    (EventType.MODEL_CHANGED, CHANGED),
    (EventType.MODEL_CHANGED, {**CHANGED, **dict.fromkeys(MAY_BE_NULL)}),
    (EventType.PLAN_STARTED, PLAN),
    (EventType.PLAN_ENDED, {**PLAN, "reason": "expired"}),
]


@pytest.mark.parametrize(("kind", "data"), PROMISED)
def test_a_schema_takes_what_is_promised_and_nothing_beside_it(kind: EventType, data: Json) -> None:
    _, schema = SCHEMAS[kind]
    schema.model_validate_json(json.dumps(data))
    nulls = [name for name in data if name not in MAY_BE_NULL]
    for other in ({**data, "more": 1}, *({**data, name: None} for name in nulls)):
        with pytest.raises(ValidationError):
            schema.model_validate_json(json.dumps(other))
