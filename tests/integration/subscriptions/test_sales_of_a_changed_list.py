"""What is quoted and sold of a list that changes: the months of an extension, and what a quote of each promises."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.audit import assert_audited
from tests.support.changing import change, top_up
from tests.support.prices import offer
from tests.support.refused import refusal
from tests.support.sales import extend, look, purchase, quote, renew
from tests.support.world import DAY_MS, World, model

Json = dict[str, Any]
CENT = {"base": "0", "per_unit": "0.01", "per_daily_call": "0"}
"""A unit of a cap costs a cent: a cap of 1,000 is 10.00 a month."""


@pytest.fixture(autouse=True)
def catalogue(world: World) -> None:
    for name in ("m-1", "m-2"):
        offer(world, name, **CENT)


def line(model_id: str = "m-1", cap: int = 1000) -> Json:
    return model(model_id, cap=cap)


def bought_for(world: World, months: int, *lines: Json) -> str:
    subscription_id: str = purchase(world, models=list(lines or (line(),)), months=months)["subscriptionId"]
    return subscription_id


def test_extension_sells_the_list_that_will_be_in_force_in_its_months(world: World) -> None:
    name = bought_for(world, 2, line(), line("m-2"))
    change(world, name, line(cap=400))  # one line falls and one goes with the next month
    extended = extend(world, name)
    assert [(one["modelId"], one["total"]) for one in extended["price"]["lines"]] == [("m-1", "4.00")]
    shown = look(world, name)
    assert [one["total"] for one in shown["price"]["lines"]] == ["20.00", "20.00"]
    world.clock.advance(31 * DAY_MS)
    shown = look(world, name)
    assert [(one["modelId"], one["monthly"], one["total"]) for one in shown["price"]["lines"]] == [
        ("m-1", "4.00", "24.00")
    ]
    assert (shown["price"]["months"], shown["pendingChange"]) == (3, None)
    assert_audited(world)


def test_change_that_waits_at_the_end_of_the_term_binds_with_the_first_month_of_an_extension(world: World) -> None:
    bought = purchase(world, models=[line()])
    name = bought["subscriptionId"]
    change(world, name, line(cap=400))
    quoted = quote(world, name, extend={"months": 2})
    assert (quoted["total"], quoted["bindsAt"]) == ("8.00", "2026-12-23T00:00:00Z")
    extend(world, name, 2, expectedTotal="8.00")
    assert world.authorize(bought["apiKey"], "r-1", 900, modelId="m-1")["allowed"]
    world.clock.advance(30 * DAY_MS)
    granted = world.authorize(bought["apiKey"], "r-2", 400, modelId="m-1")
    assert (granted["allowed"], granted["monthly"]["limit"]) == (True, 400)
    assert world.authorize(bought["apiKey"], "r-3", 1, modelId="m-1")["error"]["code"] == "monthly_cap_reached"
    assert_audited(world)


def test_extension_after_a_raise_sells_the_raised_list(world: World) -> None:
    name = bought_for(world, 1)
    change(world, name, line(cap=3000))
    assert extend(world, name)["price"]["total"] == "30.00"
    assert look(world, name)["price"]["lines"][0]["total"] == "60.00"  # 10, the raise of 20, and 30
    assert_audited(world)


def test_suspended_subscription_is_extended_and_stays_suspended(world: World) -> None:
    bought = purchase(world, models=[line()])
    world.suspend(bought["subscriptionId"])
    extended = extend(world, bought["subscriptionId"])
    assert (extended["status"], extended["expiresAt"]) == ("suspended", "2027-01-23T00:00:00Z")
    refused = world.authorize(bought["apiKey"], "r-1", 1, modelId="m-1")
    assert refused["error"]["code"] == "subscription_suspended"
    world.clock.advance(40 * DAY_MS)
    world.resume(bought["subscriptionId"])
    assert world.authorize(bought["apiKey"], "r-1", 1, modelId="m-1")["allowed"]
    world.suspend(bought["subscriptionId"])
    world.clock.advance(40 * DAY_MS)
    assert refusal(extend, world, bought["subscriptionId"]) == ("subscription_expired", None)
    assert refusal(renew, world, bought["subscriptionId"]) == ("subscription_suspended", None)


def test_quote_of_a_change_is_what_it_is_sold_at_and_says_when_all_of_it_binds(world: World) -> None:
    name = bought_for(world, 2)
    world.clock.advance(1000)
    rising, falling, less = [line(cap=2000), line("m-2")], [line(cap=500), line("m-2")], [line("m-2")]
    for lines, binds_at in (
        (rising, "2026-11-23T00:00:01Z"),
        (falling, "2026-12-23T00:00:00Z"),
        (less, "2026-12-23T00:00:00Z"),
    ):
        quoted = quote(world, name, change={"models": lines})
        assert quoted.pop("bindsAt") == binds_at
        assert change(world, name, *lines, expectedTotal=quoted["total"])["price"] == quoted


def test_quote_of_a_top_up_is_what_it_is_sold_at_and_binds_at_once(world: World) -> None:
    name = bought_for(world, 2)
    quoted = quote(world, name, topUp={"modelId": "m-1", "units": 250})
    assert (quoted.pop("bindsAt"), quoted["total"]) == ("2026-11-23T00:00:00Z", "2.50")
    assert top_up(world, name, 250, "m-1", expectedTotal="2.50")["price"] == quoted
    world.cancel(name)
    for asked in ({"topUp": {"modelId": "m-1", "units": 1}}, {"change": {"models": [line()]}}):
        assert refusal(quote, world, name, **asked) == ("subscription_cancelled", None)
