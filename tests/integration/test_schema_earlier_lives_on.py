"""What code of schema version 2 sold lives on: each command of version 3, on items that were recorded before it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from ops import upgrade
from tests.support import changing, sales
from tests.support.audit import assert_conserved
from tests.support.earlier import Earlier, recorded
from tests.support.listings import list_events
from tests.support.refused import refused_code
from tests.support.waiting import LAPSES_MS, Till, approving
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


@pytest.fixture(params=["as it was", "upgraded"])
def earlier(engine: str, request: pytest.FixtureRequest) -> Iterator[Earlier]:
    """The recorded service as it was, and after `make upgrade`: a command must not know the difference."""
    made = recorded(engine)
    if request.param == "upgraded":
        assert upgrade.everything(made.world.dynamodb, made.world.tables).left == 0
    yield made
    assert_conserved(made.world)
    made.world.drop_tables()


def code(answer: Json) -> str:
    found: str = answer["error"]["code"]
    return found


def versions_of(earlier: Earlier, name: str) -> set[str]:
    """The versions of a subscription's row and its entitlements."""
    own = (item for item in earlier.stored() if item["pk"]["S"].partition("#")[0] == earlier.id_of(name))
    return {item["v"]["N"] for item in own if item.get("sk", {"S": "subscription"})["S"] == "subscription"}


def test_extended_term_goes_on_with_key_usage_and_hold(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("renewed")
    answer = sales.extend(world, name, 2, "renewed", "an-extension")
    assert (answer["term"], answer["expiresAt"]) == (2, "2027-03-25T10:00:00Z")
    assert (answer["order"]["kind"], answer["order"]["price"]["total"]) == ("extension", "28.006")
    assert sales.extend(world, name, 2, "renewed", "an-extension")["replayed"]
    world.clock.set(datetime.fromisoformat("2027-01-25T10:00:00Z"))  # the first millisecond after the end that was sold
    granted = earlier.authorize("renewed", "new", 1000)
    assert (granted["allowed"], granted["monthly"]["resetsAt"]) == (True, "2027-02-25T10:00:00Z")
    assert earlier.settle("renewed", "renewed-again", 12)["late"]
    world.clock.set(datetime.fromisoformat("2027-03-25T10:00:00Z"))
    assert code(earlier.authorize("renewed", "late")) == "subscription_expired"
    assert versions_of(earlier, "renewed") >= {str(schema.NEWEST)}


def test_months_of_an_extension_are_counted_from_the_first_day(earlier: Earlier) -> None:
    assert refused_code(lambda: sales.extend(earlier.world, earlier.id_of("yearly"), 4, "yearly")) == "term_too_long"
    answer = sales.extend(earlier.world, earlier.id_of("yearly"), 3, "yearly")
    assert answer["expiresAt"] == "2027-11-30T11:00:00Z"
    assert answer["timezone"] == "America/New_York"


def test_list_is_changed_beside_open_holds(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("busy")
    lines = [model(calls=20, cap=2000), model("veo-3", "basic", calls=2, cap=3)]
    assert (
        refused_code(lambda: changing.change(world, name, *lines, account="busy")) == "unknown_model"
    )  # it was withdrawn
    answer = changing.change(world, name, lines[0], account="busy")
    assert [line["modelId"] for line in answer["pendingChange"]["models"]] == [TEXT_MODEL]
    granted = earlier.authorize("busy", "new", 1005)
    assert (granted["allowed"], granted["monthly"]["limit"], granted["daily"]["limit"]) == (True, 2000, 20)
    assert earlier.settle("busy", "busy-open", 700, calls=1)["monthly"]["used"] == 765
    assert earlier.authorize("busy", "image", 1, modelId=IMAGE_MODEL)["allowed"]
    world.clock.set(datetime.fromisoformat("2027-01-25T10:00:00Z"))
    assert code(earlier.authorize("busy", "gone", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    assert earlier.authorize("busy", "next", 2000)["allowed"]
    assert sales.extend(world, name, 1, "busy")["order"]["price"]["monthlyTotal"] == "12.806"


def test_month_is_topped_up_and_the_next_is_not(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("overrun")
    assert code(earlier.authorize("overrun", "new", 0)) == "monthly_cap_reached"
    assert changing.top_up(world, name, 350, account="overrun")["order"]["kind"] == "top_up"
    granted = earlier.authorize("overrun", "new", 50)
    assert (granted["allowed"], granted["monthly"]["topUp"], granted["monthly"]["remaining"]) == (True, 350, 0)
    world.clock.set(datetime.fromisoformat("2027-01-25T09:00:00Z"))
    sales.extend(world, name, 1, "overrun")
    world.clock.advance(3_600_000)
    granted = earlier.authorize("overrun", "next", 100)
    assert (granted["allowed"], granted["monthly"].get("topUp", 0)) == (True, 0)


def test_term_renews_itself_once_that_is_asked_for(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("thrice")
    shown = sales.update(world, name, "thrice", autoRenew=True, label="team")
    assert (shown["autoRenew"], shown["autoRenewMonths"], shown["label"]) == (True, 1, "team")
    world.clock.set(datetime.fromisoformat("2027-01-01T08:00:00Z"))
    assert earlier.authorize("thrice", "new", 1000)["allowed"]
    assert refused_code(lambda: world.buy("thrice")) == "active_subscription_exists"
    shown = sales.look(world, name, "thrice")
    assert (shown["term"], shown["status"], shown["expiresAt"]) == (3, "active", "2027-02-01T08:00:00Z")
    newest = sales.orders_of(world, name, "thrice")["orders"][0]
    assert (newest["kind"], newest["label"]) == ("renewal", "team")


def test_subscription_without_a_known_price_is_extended_and_changed(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("ancient")
    assert sales.look(world, name, "ancient")["price"] is None
    assert sales.extend(world, name, 1, "ancient")["order"]["price"]["total"] == "14.003"
    assert changing.change(world, name, model(calls=50, cap=2000), account="ancient")["order"]["kind"] == "change"
    assert earlier.authorize("ancient", "new", 1900)["allowed"]


def test_suspension_binds_at_once_and_is_taken_back(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("busy")
    assert world.suspend(name)["status"] == "suspended"
    for model_id in (TEXT_MODEL, IMAGE_MODEL):
        assert code(earlier.authorize("busy", "new", modelId=model_id)) == "subscription_suspended"
    assert earlier.settle("busy", "busy-open", 700)["settled"]
    assert world.resume(name)["status"] == "active"
    assert earlier.authorize("busy", "new", 5)["allowed"]


@pytest.mark.parametrize("request_id", ["busy-open", "busy-yesterday", "busy-reclaimed"])
def test_hold_is_released_and_its_report_still_booked_once(earlier: Earlier, request_id: str) -> None:
    world, name = earlier.world, earlier.id_of("busy")
    opened = len(world.entitlement(name).holds)
    world.release(name, earlier.authorization("busy", request_id))
    assert len(world.entitlement(name).holds) == opened - (request_id != "busy-reclaimed")
    assert world.events().count("hold.released") == (request_id != "busy-reclaimed")
    assert earlier.settle("busy", request_id, 7)["late"] is True
    assert earlier.settle("busy", request_id, 7) == {"settled": True, "replayed": True}
    assert_conserved(world)


def test_key_is_revoked_and_another_made(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("rekeyed")
    world.revoke_key(name, "rekeyed")
    assert code(earlier.authorize("rekeyed", "new")) == "invalid_api_key"
    assert world.authorize(world.regenerate(name, "rekeyed")["apiKey"], "new")["allowed"]


def test_calls_are_given_back_in_open_and_closed_days(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("busy")
    assert world.correct(name, 0, calls=-2)["daily"]["used"] == 1
    world.correct(name, 0, "ticket-2", calls=-1, at="2026-12-25T12:00:00Z")
    stored = world.all_items(world.tables.history)
    (day,) = (i for i in stored if (i["pk"]["S"], i["sk"]["S"]) == (name, f"day#2026-12-25#1#{TEXT_MODEL}"))
    assert day["calls"]["N"] == "2"


def test_sales_wait_lapse_and_are_confirmed(earlier: Earlier) -> None:
    world = earlier.world
    till = Till(approving(world), "expired")
    asked = till.renew(earlier.id_of("expired"))
    assert (asked["status"], asked["order"]["status"]) == ("expired", "pending")
    assert till.confirm(asked["order"]["orderId"])["status"] == "done"
    assert sales.look(world, earlier.id_of("expired"), "expired")["term"] == 2
    till = Till(approving(world), "busy")
    asked = till.extend(earlier.id_of("busy"))
    world.clock.advance(LAPSES_MS)
    assert till.confirm(asked["order"]["orderId"]) == "order_lapsed"
    world.reset()
    assert world.subscription(earlier.id_of("busy")).term.months == 2


def test_orders_are_numbered_after_those_of_the_terms_and_listed_with_them_once_they_are_made(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("thrice")
    made_before = len(sales.orders_of(world, name, "thrice")["orders"])
    extension = sales.extend(world, name, 1, "thrice")["order"]
    upgrade.everything(world.dynamodb, world.tables)
    listed = sales.orders_of(world, name, "thrice")["orders"]
    assert made_before in (0, 3)
    assert [order["kind"] for order in listed] == ["extension", "renewal", "renewal", "purchase"]
    assert [order["price"]["total"] for order in listed] == ["14.003", "14.003", "47.003", "14.003"]
    assert listed[0]["orderId"] == extension["orderId"]
    assert sales.orders(world, "thrice")["orders"] == listed
    assert all(sales.order(world, order["orderId"], "thrice") == order for order in listed)
    assert world.subscription(name).orders == 4


def test_what_callers_and_operators_see_is_brought_up(earlier: Earlier) -> None:
    world, name = earlier.world, earlier.id_of("busy")
    shown = sales.look(world, name, "busy")
    assert (shown["autoRenew"], shown["label"], shown["pendingChange"]) == (False, None, None)
    assert shown["price"]["total"] == "34.886"
    assert sales.quote(world, name, "busy", extend={"months": 1})["total"] == "17.443"
    assert list_events(world.deps, "busy", name)["events"][-1]["type"] == "subscription.purchased"


def test_reminders_are_told_of_what_was_upgraded(earlier: Earlier) -> None:
    world, upgraded = earlier.world, versions_of(earlier, "untouched") == {str(schema.NEWEST)}
    world.clock.set(datetime.fromisoformat("2027-01-18T10:00:00Z"))
    world.reset()
    world.clock.advance(6 * DAY_MS)
    world.reset()
    told = [event["type"] for event in list_events(world.deps, "untouched", earlier.id_of("untouched"))["events"]]
    assert told.count("subscription.expiring") == (2 if upgraded else 0)
