"""A top-up: units beside the cap of the current month, there for the very next request and gone with the month."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.catalogue.items import model_item
from modelpass.catalogue.model import Bounds, CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.errors import Refused
from tests.support.audit import assert_audited, assert_conserved
from tests.support.changing import change, top_up
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

MONTH = 31 * DAY_MS
BOUNDED = "m-bounded"


def bought(world: World, *models: Any, months: int = 2) -> tuple[str, str]:
    made = world.buy(models=list(models) or [model(cap=100)], months=months)
    return made["subscriptionId"], made["apiKey"]


def code_of(answer: Any) -> str:
    code: str = "granted" if answer["allowed"] else answer["error"]["code"]
    return code


def refusal(world: World, name: str, units: int, model_id: str = TEXT_MODEL, **more: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        top_up(world, name, units, model_id, **more)
    return caught.value.refusal.code.code, caught.value.refusal.param


def bound(world: World, most: int) -> None:
    """Offer a model of which a month may have so many units at most."""
    price = Price("USD", "7.00", "0.01", "0")
    offered = CatalogueModel(BOUNDED, Kind.TEXT, {Tier.STABLE: price}, cap=Bounds(1, most))
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=model_item(offered))


def test_units_are_there_at_once_and_are_shown_beside_the_cap(world: World) -> None:
    name, key = bought(world)
    world.authorize(key, "r-1", 100)
    assert code_of(world.authorize(key, "r-2", 1)) == "monthly_cap_reached"
    assert code_of(world.authorize(key, "r-3", 150)) == "request_exceeds_limit"
    told = top_up(world, name, 60)
    assert (told["price"]["total"], told["order"]["topUp"]) == ("0.00018", {"modelId": TEXT_MODEL, "units": 60})
    monthly = world.authorize(key, "r-4", 40)["monthly"]
    assert {n: monthly[n] for n in ("limit", "topUp", "held", "remaining")} == {
        "limit": 100,
        "topUp": 60,
        "held": 140,
        "remaining": 20,
    }
    assert code_of(world.authorize(key, "r-5", 150)) == "monthly_cap_reached"
    assert code_of(world.authorize(key, "r-6", 161)) == "request_exceeds_limit"
    assert_audited(world)


def test_units_are_gone_with_the_month_and_its_row_keeps_them(world: World) -> None:
    name, key = bought(world)
    world.settle(world.authorize(key, "r-1", 30)["authorizationId"], 30)
    top_up(world, name, 60)
    top_up(world, name, 5)
    world.clock.advance(MONTH)
    assert code_of(world.authorize(key, "r-2", 101)) == "request_exceeds_limit"
    monthly = world.authorize(key, "r-3", 100)["monthly"]
    assert (monthly["remaining"], "topUp" in monthly) == (0, False)
    (row,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#"))
    figures = {n: int(row[n]["N"]) for n in ("cap", "topUp", "left", "held", "used")}
    assert figures == {"cap": 100, "topUp": 65, "left": 135, "held": 0, "used": 30}
    assert_audited(world)


def test_units_are_bought_for_the_month_of_now_though_the_item_has_an_earlier_one(world: World) -> None:
    name, key = bought(world)
    world.settle(world.authorize(key, "r-1", 30)["authorizationId"], 30)
    world.clock.advance(MONTH)
    top_up(world, name, 60)
    assert world.authorize(key, "r-2", 160)["monthly"]["remaining"] == 0
    assert_audited(world)


def test_an_unused_top_up_is_closed_by_the_reset_in_its_month(world: World) -> None:
    name, _ = bought(world)
    top_up(world, name, 60)
    world.clock.advance(MONTH)
    world.reset()
    (row,) = (r for r in world.all_items(world.tables.history) if r["sk"]["S"].startswith("month#"))
    assert {n: int(row[n]["N"]) for n in ("cap", "topUp", "left")} == {"cap": 100, "topUp": 60, "left": 160}
    assert world.entitlement(name).top_up == 0
    assert_audited(world)


def test_a_unit_costs_its_rate_alone_and_counts_in_the_price_of_the_term(world: World) -> None:
    bound(world, 1000)
    name, _ = bought(world, model(BOUNDED, cap=100))
    assert top_up(world, name, 50, BOUNDED)["price"] == {
        "currency": "USD",
        "lines": [{"modelId": BOUNDED, "channelTier": "stable", "monthly": "0.50", "total": "0.50"}],
        "monthlyTotal": "0.50",
        "months": 1,
        "total": "0.50",
    }
    sale = world.subscription(name).sale
    assert sale is not None
    assert (sale.monthly, sale.totals) == (("8.00",), ("16.50",))
    assert_audited(world)


def test_cap_and_top_ups_of_a_month_stay_within_what_may_be_bought(world: World) -> None:
    bound(world, 150)
    name, _ = bought(world, model(BOUNDED, cap=100))
    top_up(world, name, 30, BOUNDED)
    assert refusal(world, name, 21, BOUNDED) == ("invalid_request", "units")
    with pytest.raises(Refused) as caught:
        change(world, name, model(BOUNDED, cap=121))
    assert caught.value.refusal.param == "models[0].monthlyTokenCap"
    top_up(world, name, 20, BOUNDED)
    assert refusal(world, name, 1, BOUNDED) == ("invalid_request", "units")
    world.clock.advance(MONTH)
    top_up(world, name, 50, BOUNDED)
    assert_audited(world)


def test_what_is_not_in_force_or_not_sold_any_more_is_refused_by_name(world: World) -> None:
    name, _ = bought(world)
    assert refusal(world, name, 5, IMAGE_MODEL) == ("invalid_request", "modelId")
    assert refusal(world, name, 5, account="somebody") == ("not_found", None)
    bound(world, 1000)
    other = world.buy("other", models=[model(BOUNDED, cap=100)], months=1)["subscriptionId"]
    world.dynamodb.delete_item(TableName=world.tables.catalogue, Key={k: model_item(_any())[k] for k in ("pk", "sk")})
    assert refusal(world, other, 5, BOUNDED, account="other") == ("unknown_model", "modelId")
    world.clock.advance(MONTH)
    assert refusal(world, other, 5, BOUNDED, account="other") == ("subscription_expired", None)


def _any() -> CatalogueModel:
    return CatalogueModel(BOUNDED, Kind.TEXT, {Tier.STABLE: Price("USD", "7.00", "0.01", "0")})


def test_a_repeat_adds_nothing_and_another_body_under_its_key_is_refused(world: World) -> None:
    name, _ = bought(world)
    first = top_up(world, name, 60, key="k-1")
    again = top_up(world, name, 60, key="k-1")
    assert (again["replayed"], again["order"]["orderId"]) == (True, first["order"]["orderId"])
    assert world.entitlement(name).top_up == 60
    assert refusal(world, name, 61, key="k-1") == ("idempotency_key_reused", "Idempotency-Key")
    assert refusal(world, name, 61, expectedTotal="9.00") == ("price_changed", "expectedTotal")
    assert_audited(world)


def test_it_is_told_once_with_its_order_and_the_end_of_its_month(world: World) -> None:
    name, _ = bought(world)
    order = top_up(world, name, 60, key="k-1")["order"]
    top_up(world, name, 60, key="k-1")
    (event,) = (e for e in world.all_items(world.tables.events) if e["type"]["S"] == "subscription.topped_up")
    data = json.loads(event["data"]["S"])
    assert {n: data[n] for n in ("modelId", "units", "orderId", "windowEndsAt")} == {
        "modelId": TEXT_MODEL,
        "units": 60,
        "orderId": order["orderId"],
        "windowEndsAt": order["endsAt"],
    }


@pytest.mark.parametrize("lift", [lambda w, n: top_up(w, n, 100), lambda w, n: change(w, n, model(cap=200))])
def test_a_share_is_told_again_though_the_very_next_report_jumps_over_it(world: World, lift: Any) -> None:
    name, key = bought(world)
    first, second = (world.authorize(key, f"r-{n}", 50)["authorizationId"] for n in range(2))
    world.settle(first, 80)
    lift(world, name)
    world.settle(second, 80)
    assert world.events().count("limit.threshold_reached") == 2
    assert_audited(world)


def test_thresholds_are_of_the_limit_with_its_top_ups_and_are_told_again(world: World) -> None:
    name, key = bought(world)

    def use(request_id: str, units: int) -> None:
        world.settle(world.authorize(key, request_id, units)["authorizationId"], units)

    def told() -> list[tuple[int, str]]:
        found = [json.loads(e["data"]["S"]) for e in world.all_items(world.tables.events) if "threshold" in str(e)]
        return sorted((d["percent"], d["limit"]) for d in found)

    use("r-1", 80)
    assert told() == [(80, "monthly")]
    top_up(world, name, 100)
    use("r-2", 79)
    assert told() == [(80, "monthly")]
    use("r-3", 1)
    assert told() == [(80, "monthly"), (80, "monthly")]
    change(world, name, model(cap=200))
    use("r-4", 80)
    assert told() == [(80, "monthly")] * 3
    assert_conserved(world)
