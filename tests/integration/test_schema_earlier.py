"""What code of schema version 2 stored, this code goes on with: every command, on items that were recorded from it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.catalogue.commands import offers
from modelpass.subscriptions.commands import queries as subscription_queries
from ops import catalogue_file
from tests.support import listings
from tests.support.audit import assert_conserved
from tests.support.earlier import RECORDED, Earlier, recorded
from tests.support.listings import list_events, list_models, list_subscriptions
from tests.support.parts import continuing
from tests.support.refused import refused_code
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
NAMES = sorted(RECORDED["subscriptions"])
TABLES = sorted(RECORDED["tables"])


@pytest.fixture
def earlier(engine: str) -> Iterator[Earlier]:
    made = recorded(engine)
    yield made
    assert_conserved(made.world)
    made.world.drop_tables()


def code(answer: Json) -> str:
    found: str = answer["error"]["code"]
    return found


def row(earlier: Earlier, sk: str, name: str = "busy") -> dict[str, int]:
    """The figures of a closed day or month."""
    wanted = (earlier.id_of(name), sk)
    stored = earlier.world.all_items(earlier.world.tables.history)
    (found,) = (item for item in stored if (item["pk"]["S"], item["sk"]["S"]) == wanted)
    return {figure: int(value["N"]) for figure, value in found.items() if "N" in value and figure != "v"}


def test_recording_has_every_kind_of_item_and_only_what_version_2_had() -> None:
    stored = {kind: RECORDED["tables"][kind] for kind in TABLES}
    assert {item["v"]["N"] for items in stored.values() for item in items} == {"2"}
    names = {kind: {name for item in items for name in item} for kind, items in stored.items()}
    assert {"ta", "tl", "kg", "uc", "ue", "xc", "rc"} < names["entitlements"]
    assert not names["entitlements"] & {"tu", "xs", "cn"}
    assert {"xi", "kp", "xc", "rd", "rb", "nd", "ao", "ae"} < names["subscriptions"]
    assert not names["subscriptions"] & {"sm", "ar", "am", "lb", "pc", "cn", "cw", "su", "on", "po", "rm", "wd"}
    kinds = {kind: {item["sk"]["S"].partition("#")[0] for item in stored[kind]} for kind in TABLES if kind[:3] != "ent"}
    assert kinds["subscriptions"] == {"subscription", "slot", "bought"}
    assert kinds["history"] == {"day", "month", "term", "hold", "correction"}
    assert kinds["catalogue"] == {"model", "settings", "down"}
    assert kinds["tiers"] == {"down"}


def test_usage_is_what_it_was(earlier: Earlier) -> None:
    deps = earlier.world.deps
    assert {name: subscription_queries.get_usage(deps, name, earlier.id_of(name)) for name in NAMES} == RECORDED[
        "usage"
    ]
    statuses = {
        name: subscription_queries.get_subscription(deps, name, earlier.id_of(name))["status"] for name in NAMES
    }
    ended = {"cancelled": "cancelled", "expired": "expired", "told": "expired"}
    assert statuses == {**dict.fromkeys(NAMES, "active"), **ended}


def test_open_hold_is_answered_again_and_settled_in_one_write(earlier: Earlier) -> None:
    granted = earlier.authorize("busy", "busy-open", 880, holdSeconds=1800, calls=2)
    assert (granted["replayed"], granted["authorizationId"]) == (True, earlier.authorization("busy", "busy-open"))
    beside = Earlier(earlier.world.another_process())
    reused = beside.authorize("busy", "busy-open", 870, holdSeconds=1800, calls=2)
    assert code(reused) == "request_id_reused"
    earlier.world.recorder.clear()
    settled = earlier.settle("busy", "busy-open", 700, calls=1)
    assert earlier.world.recorder.calls == ["UpdateItem"]
    assert (settled["late"], settled["daily"]["used"], settled["monthly"]["used"]) == (False, 2, 765)
    assert earlier.settle("busy", "busy-open", 1) == {"settled": True, "replayed": True}
    earlier.world.recorder.clear()
    granted = earlier.authorize("busy", "new", 5)
    assert earlier.world.recorder.calls == ["UpdateItem"]
    earlier.world.recorder.clear()
    assert earlier.world.settle(granted["authorizationId"], 5)["settled"]
    assert earlier.world.recorder.calls == ["UpdateItem"]


def test_hold_of_a_closed_day_is_booked_in_that_day(earlier: Earlier) -> None:
    assert row(earlier, f"day#2026-12-25#1#{TEXT_MODEL}") == {"calls": 3, "units": 60}
    assert earlier.settle("busy", "busy-yesterday", 45, calls=0)["daily"]["used"] == 3
    assert row(earlier, f"day#2026-12-25#1#{TEXT_MODEL}") == {"calls": 2, "units": 105}
    assert earlier.settle("busy", "busy-yesterday", 9) == {"settled": True, "replayed": True}


def test_reclaimed_hold_is_booked_late_once(earlier: Earlier) -> None:
    settled = earlier.settle("busy", "busy-reclaimed", 41)
    assert (settled["late"], settled["monthly"]["used"]) == (True, 106)
    assert earlier.settle("busy", "busy-reclaimed", 41) == {"settled": True, "replayed": True}
    assert row(earlier, f"day#2026-12-25#1#{TEXT_MODEL}") == {"calls": 3, "units": 101}
    assert earlier.world.entitlement(earlier.id_of("busy")).tickets == 0


def test_open_hold_goes_on_from_its_random_nonce_and_each_report_is_booked_once(earlier: Earlier) -> None:
    used = earlier.world.entitlement(earlier.id_of("busy")).counters.month_used
    more = continuing(earlier.key_of("busy"), 20, 1)
    first = earlier.settle("busy", "busy-open", 30, calls=1, **more)
    assert (first["continued"], first["heldUsage"]) == (True, 20)
    assert earlier.settle("busy", "busy-open", 30, calls=1, **more) == {**first, "replayed": True}
    second = earlier.world.settle(first["authorizationId"], 5, calls=0, **more)
    assert earlier.settle("busy", "busy-open", 30, calls=1, **more)["authorizationId"] == second["authorizationId"]
    assert earlier.world.settle(second["authorizationId"], 7)["monthly"]["used"] == used + 42
    assert earlier.settle("busy", "busy-open", 30) == {"settled": True, "replayed": True}


def test_part_of_a_reclaimed_hold_is_booked_late_once(earlier: Earlier) -> None:
    more = continuing(earlier.key_of("busy"), 20, 1)
    first = earlier.settle("busy", "busy-reclaimed", 40, calls=0, **more)
    assert (first["continued"], first["late"], first["heldUsage"], first["heldCalls"]) == (False, True, 0, 1)
    again = earlier.settle("busy", "busy-reclaimed", 40, calls=0, **more)
    assert (again["replayed"], again["authorizationId"]) == (True, first["authorizationId"])
    assert earlier.world.settle(first["authorizationId"], 1)["late"]
    assert row(earlier, f"day#2026-12-25#1#{TEXT_MODEL}") == {"calls": 3, "units": 101}
    assert earlier.world.entitlement(earlier.id_of("busy")).tickets == 0


def test_hold_of_a_closed_month_and_of_earlier_terms_are_booked_there(earlier: Earlier) -> None:
    before = row(earlier, f"month#1#00#{TEXT_MODEL}", "long")
    assert (before["cap"], before["used"], before["held"]) == (1000, 90, 0)
    assert earlier.settle("long", "long-forgotten", 33)["late"]
    assert row(earlier, f"month#1#00#{TEXT_MODEL}", "long")["used"] == 123
    for name, request_id in (("renewed", "renewed-open"), ("expired", "expired-open")):
        assert earlier.settle(name, request_id, 12)["late"]
        assert earlier.settle(name, request_id, 12)["replayed"]
    assert earlier.settle("renewed", "renewed-again", 12)["settled"]
    assert earlier.settle("cancelled", "cancelled-open", 12)["settled"]
    used = [earlier.world.entitlement(earlier.id_of("renewed"), term).counters.month_used for term in (1, 2)]
    assert used == [42, 12]


def test_breach_is_told_and_settled(earlier: Earlier) -> None:
    assert earlier.settle("busy", "busy-open", 800, servedTier="basic")["tierBreached"]
    assert "tier.breached" in earlier.world.events()


@pytest.mark.parametrize(
    ("name", "expected"),
    [("cancelled", "subscription_cancelled"), ("expired", "subscription_expired"), ("told", "subscription_expired")],
)
def test_what_has_ended_grants_nothing(earlier: Earlier, name: str, expected: str) -> None:
    assert code(earlier.authorize(name, "new")) == expected


def test_limits_and_former_keys_refuse(earlier: Earlier) -> None:
    assert code(earlier.authorize("busy", "new", 6)) == "monthly_cap_reached"
    assert code(earlier.authorize("busy", "new", 1, calls=8)) == "daily_call_limit_reached"
    assert code(earlier.authorize("untouched", "new", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    former = RECORDED["subscriptions"]["renewed"]["formerKey"]
    assert code(earlier.world.authorize(former, "new")) == "invalid_api_key"


def test_thresholds_reached_before_are_told_once_and_forgotten_with_their_window(earlier: Earlier) -> None:
    world = earlier.world
    before = world.events().count("limit.threshold_reached")
    assert earlier.settle("busy", "busy-open", 800)["settled"]
    for request_id in ("a", "b"):
        assert earlier.authorize("busy", request_id, 1)["allowed"]
        assert world.events().count("limit.threshold_reached") == before + 1
    granted = earlier.authorize("untouched", "c", 1, calls=50)
    assert world.settle(granted["authorizationId"], 1)["settled"]
    assert world.events().count("limit.threshold_reached") == before + 3
    world.clock.advance(31 * DAY_MS)
    world.reset()
    granted = earlier.authorize("busy", "d", 1000)
    assert world.settle(granted["authorizationId"], 1000)["settled"]
    assert world.events().count("limit.threshold_reached") == before + 5


def test_thresholds_told_before_are_told_again_only_after_they_were_undone(earlier: Earlier) -> None:
    world, told = earlier.world, "limit.threshold_reached"
    before = world.events().count(told)
    assert code(earlier.authorize("crossed", "new")) == "daily_call_limit_reached"
    world.correct(earlier.id_of("crossed"), 3, "up")
    assert world.events().count(told) == before
    world.correct(earlier.id_of("crossed"), -40, "down")
    world.correct(earlier.id_of("crossed"), 40, "up-again")
    assert world.events().count(told) == before + 1
    assert code(earlier.authorize("overrun", "new", 0)) == "monthly_cap_reached"
    world.correct(earlier.id_of("overrun"), -300, "overrun")
    assert code(earlier.authorize("overrun", "new", 0)) == "monthly_cap_reached"
    world.correct(earlier.id_of("overrun"), -50, "overrun-2")
    assert earlier.authorize("overrun", "new", 50)["allowed"]


def test_repeated_renewal_with_a_body_shows_what_there_is(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("thrice")
    again = world.renew(subscription_id, "thrice", "thrice-3", expectedTotal="14.003")
    assert again == {"apiKey": None, "replayed": True}
    other = lambda: world.renew(subscription_id, "thrice", "thrice-3", expectedTotal="14.0030")  # noqa: E731
    assert refused_code(other) == "idempotency_key_reused"


def test_repeated_purchase_and_renewal_show_what_there_is(earlier: Earlier) -> None:
    world = earlier.world
    wanted = {"models": [model(calls=10), model(IMAGE_MODEL, "basic", calls=4, cap=100)], "months": 2}
    again = world.buy("busy", "purchase-busy", **wanted, timezone="Europe/Berlin")
    assert (again["replayed"], again["subscriptionId"]) == (True, earlier.id_of("busy"))
    assert refused_code(lambda: world.buy("busy", "purchase-busy", **wanted)) == "idempotency_key_reused"
    assert world.renew(earlier.id_of("renewed"), "renewed", "renewal-1") == {"apiKey": None, "replayed": True}
    assert refused_code(lambda: world.renew(earlier.id_of("renewed"), "renewed", "other")) == "subscription_not_expired"


def test_place_is_kept_freed_and_taken(earlier: Earlier) -> None:
    world = earlier.world
    assert refused_code(lambda: world.buy("busy")) == "active_subscription_exists"
    assert refused_code(lambda: world.set_plan("gold", "untouched")) == "active_subscription_exists"
    world.set_plan("gold", "told")
    assert refused_code(lambda: world.buy("told")) == "active_subscription_exists"
    world.end_plan("gold", "told")
    assert world.buy("told")["apiKey"]
    assert world.buy("expired")["apiKey"]
    assert refused_code(lambda: world.renew(earlier.id_of("expired"), "expired")) == "active_subscription_exists"


@pytest.mark.parametrize(("name", "announced"), [("expired", 1), ("told", 0)])
def test_expired_subscription_is_renewed_at_the_price_of_now(earlier: Earlier, name: str, announced: int) -> None:
    world, subscription_id = earlier.world, earlier.id_of(name)
    before = world.events().count("subscription.expired")
    new_key = world.renew(subscription_id, name, "renewal-2")["apiKey"]
    assert world.renew(subscription_id, name, "renewal-2")["replayed"]
    assert world.authorize(new_key, "new")["allowed"]
    assert code(earlier.authorize(name, "new")) == "invalid_api_key"
    assert world.events().count("subscription.expired") == before + announced
    first, second = listings.history(world.deps, name, subscription_id)["terms"]
    assert [(t["term"], t["price"]["total"]) for t in (first, second)] == [(1, "14.003"), (2, "14.003")]


def test_key_is_replaced_twice(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("busy")
    first, second = (world.regenerate(subscription_id, "busy")["apiKey"] for _ in range(2))
    for replaced in (earlier.key_of("busy"), first):
        assert code(world.authorize(replaced, "new", modelId=IMAGE_MODEL)) == "invalid_api_key"
    assert world.authorize(second, "new", modelId=IMAGE_MODEL)["monthly"]["used"] == 1
    assert earlier.settle("busy", "busy-open", 880, calls=2)["settled"]


def test_former_keys_are_refused_and_current_ones_go_on(earlier: Earlier) -> None:
    world = earlier.world
    for name in ("rekeyed", "renewed", "thrice"):
        assert code(world.authorize(RECORDED["subscriptions"][name]["formerKey"], "new")) == "invalid_api_key"
        assert earlier.authorize(name, "new")["allowed"]
    assert code(world.authorize(RECORDED["subscriptions"]["twice"]["formerKey"], "new")) == "subscription_cancelled"
    assert world.subscription(earlier.id_of("rekeyed")).new_keys == 2
    assert world.regenerate(earlier.id_of("rekeyed"), "rekeyed")["status"] == "active"
    assert world.subscription(earlier.id_of("rekeyed")).key_generation == 3


@pytest.mark.parametrize("finish", ["reset", "repeat"])
def test_what_a_crash_has_left_half_done_is_finished(earlier: Earlier, finish: str) -> None:
    world = earlier.world
    assert code(earlier.authorize("stopping", "new")) == "subscription_cancelled"
    assert code(earlier.authorize("keying", "new")) == "invalid_api_key"
    if finish == "reset":
        world.reset()
    else:
        assert world.cancel(earlier.id_of("stopping"), "stopping")["status"] == "cancelled"
        assert world.authorize(world.regenerate(earlier.id_of("keying"), "keying")["apiKey"], "new")["allowed"]
    assert code(earlier.authorize("stopping", "new", modelId=IMAGE_MODEL)) == "subscription_cancelled"
    assert code(earlier.authorize("keying", "new", modelId=IMAGE_MODEL)) == "invalid_api_key"
    assert world.subscription(earlier.id_of("stopping")).cancelled_at_ms is not None
    assert not world.subscription(earlier.id_of("keying")).key_pending
    assert world.buy("stopping")["apiKey"]


def test_hold_that_has_gone_on_goes_on_from_its_step_and_each_report_is_booked_once(earlier: Earlier) -> None:
    used = earlier.world.entitlement(earlier.id_of("streaming")).counters.month_used
    more = continuing(earlier.key_of("streaming"), 30, 1)
    third = earlier.settle("streaming", "streaming-open", 20, calls=0, **more)
    assert (third["continued"], third["heldUsage"]) == (True, 30)
    assert earlier.settle("streaming", "streaming-open", 20, calls=0, **more) == {**third, "replayed": True}
    assert earlier.world.settle(third["authorizationId"], 9)["monthly"]["used"] == used + 29
    late = earlier.settle("streaming", "streaming-reclaimed", 33)
    assert (late["late"], late["monthly"]["used"]) == (True, used + 62)
    assert earlier.settle("streaming", "streaming-reclaimed", 33) == {"settled": True, "replayed": True}
    assert not earlier.settle("streaming", "streaming-yesterday", 5, calls=0, **more)["continued"]
    assert row(earlier, f"day#2026-12-25#1#{TEXT_MODEL}", "streaming") == {"calls": 4, "units": 78}


def test_months_go_on_from_their_first_day(earlier: Earlier) -> None:
    world = earlier.world
    granted = earlier.authorize("yearly", "new", 1000)
    assert granted["monthly"]["resetsAt"] == "2026-12-31T11:00:00Z"
    world.clock.set(datetime.fromisoformat("2027-02-28T11:00:00Z"))
    granted = earlier.authorize("yearly", "new", 1000)
    assert (granted["monthly"]["used"], granted["monthly"]["resetsAt"]) == (0, "2027-03-31T10:00:00Z")


def test_places_of_plans_are_kept_freed_and_told(earlier: Earlier) -> None:
    world = earlier.world
    assert refused_code(lambda: world.buy("planned")) == "active_subscription_exists"
    world.set_plan("silver", "plan-ended")
    assert world.buy("plan-over")["apiKey"]
    assert world.events().count("plan.ended") == 2  # that of the place which was over, in the purchase
    world.end_plan("gold", "planned", as_of_ms=world.clock.now_ms)
    assert world.buy("planned")["apiKey"]
    assert refused_code(lambda: world.buy("twice")) == "active_subscription_exists"
    assert world.cancel(earlier.id_of("twice"), "twice")["status"] == "cancelled"
    assert world.buy("twice")["apiKey"]
    listed = [one["status"] for one in list_subscriptions(world.deps, "twice")["subscriptions"]]
    assert listed == ["active", "cancelled", "cancelled"]


def test_cancellation_stops_every_model_and_frees_the_place(earlier: Earlier) -> None:
    world = earlier.world
    assert world.cancel(earlier.id_of("busy"), "busy")["status"] == "cancelled"
    for model_id in (TEXT_MODEL, IMAGE_MODEL):
        assert code(earlier.authorize("busy", "new", modelId=model_id)) == "subscription_cancelled"
    assert earlier.settle("busy", "busy-open", 880, calls=2)["settled"]
    assert world.buy("busy")["apiKey"]


def test_reset_closes_tells_and_gives_back_once(earlier: Earlier) -> None:
    world = earlier.world
    done = world.reset()
    assert (done["subscriptionsExpired"], done["more"]) == (1, False)
    assert done["windowsRolled"] > 0
    assert done["holdsReleased"] == 4  # `expired-open`, `renewed-open`, that of `ancient`, `twice-former`
    stopped = {"stopping": {**RECORDED["usage"]["stopping"], "status": "cancelled"}}  # and nothing else has changed
    shown = {n: subscription_queries.get_usage(world.deps, n, earlier.id_of(n)) for n in NAMES}
    assert shown == RECORDED["usage"] | stopped
    world.clock.advance(2 * DAY_MS)
    assert world.reset()["holdsReleased"] == 7
    assert world.reset() == {"windowsRolled": 0, "subscriptionsExpired": 0, "holdsReleased": 0, "more": False}


def test_usage_is_corrected_in_open_and_closed_windows(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("busy")
    assert world.correct(subscription_id, -5)["monthly"]["used"] == 60
    assert world.correct(subscription_id, -5)["replayed"]
    world.correct(subscription_id, -7, "ticket-2", at="2026-12-25T12:00:00Z")
    assert row(earlier, f"day#2026-12-25#1#{TEXT_MODEL}") == {"calls": 3, "units": 53}
    corrected = earlier.id_of("corrected")
    assert world.correct(corrected, 5, "of-november", at="2026-11-23T12:00:00Z")["replayed"]
    assert world.correct(corrected, 7, "of-december")["replayed"]
    world.correct(corrected, -9, "of-november-2", at="2026-11-23T12:00:00Z")
    assert row(earlier, f"month#1#00#{TEXT_MODEL}", "corrected")["used"] == 56


def test_history_has_the_days_of_every_term(earlier: Earlier) -> None:
    deps = earlier.world.deps
    shown = listings.history(deps, "busy", earlier.id_of("busy"))
    days = [(d["date"], d["calls"], d["units"]) for d in shown["days"] if d["modelId"] == TEXT_MODEL]
    assert days == [("2026-12-25", 3, 60), ("2026-12-26", 3, 5)]
    shown = listings.history(deps, "renewed", earlier.id_of("renewed"), {"from": "2026-11-01"})
    used = [(d["date"], d["calls"], d["units"]) for d in shown["days"] if d["calls"]]
    assert used == [("2026-11-25", 1, 30), ("2026-12-24", 1, 0), ("2026-12-25", 1, 0)]
    assert [(term["term"], term["price"]["total"]) for term in shown["terms"]] == [(1, "14.003"), (2, "14.003")]
    shown = listings.history(deps, "thrice", earlier.id_of("thrice"), {"from": "2026-09-01"})
    assert [term["price"]["total"] for term in shown["terms"]] == ["14.003", "47.003", "14.003"]
    shown = listings.history(deps, "ancient", earlier.id_of("ancient"), {"from": "2026-11-01"})
    assert [(term["term"], term["price"]) for term in shown["terms"]] == [(1, None), (2, None)]


def test_events_are_paged_across_versions(earlier: Earlier) -> None:
    world, subscription_id = earlier.world, earlier.id_of("told")
    world.renew(subscription_id, "told")
    seen, query = [], {"limit": "1"}
    while query.get("cursor", "") is not None:
        page = list_events(world.deps, "told", subscription_id, query)
        seen += [event["type"] for event in page["events"]]
        query["cursor"] = page["next"]
    assert seen == ["subscription.renewed", "subscription.expired", "subscription.purchased"]


def test_catalogue_goes_on_in_its_currency_and_remembers_its_tiers(earlier: Earlier) -> None:
    world = earlier.world
    before = list_models(world.deps)["models"]
    assert [shown["limits"]["dailyCallLimit"] for shown in before] == [{"min": 1, "max": 10**9}] * 2
    (listed,) = (o for o in catalogue_file.offers_of(catalogue_file.PATH) if o.model.model_id == TEXT_MODEL)
    one_tier = dict([next(iter(listed.model.tiers.items()))])
    euros = {tier: replace(price, currency="EUR") for tier, price in one_tier.items()}
    other = replace(listed, model=replace(listed.model, tiers=euros), currency="EUR")
    assert refused_code(lambda: offers.put_model(world.deps, other)) == "invalid_request"
    offers.put_model(world.deps, replace(listed, model=replace(listed.model, tiers=one_tier)))
    for tier in ("basic", "stable", "enterprise"):
        world.turn_tier(TEXT_MODEL, tier, available=False, reason="a test")
    assert code(earlier.authorize("untouched", "new")) == "tier_unavailable"
    offers.withdraw_model(world.deps, IMAGE_MODEL)
    assert [shown["modelId"] for shown in list_models(world.deps)["models"]] == [TEXT_MODEL]
    assert refused_code(lambda: offers.put_model(world.deps, other)) == "invalid_request"


def test_items_that_are_there_keep_their_version_and_new_ones_get_the_newest(earlier: Earlier) -> None:
    world = earlier.world
    world.clock.advance(DAY_MS)
    assert earlier.authorize("untouched", "new")["allowed"]
    assert earlier.settle("busy", "busy-reclaimed", 41)["late"]  # adds to a closed day
    world.reset()
    stored = earlier.stored()
    recorded_keys = {_key(item) for items in RECORDED["tables"].values() for item in items}
    there = [item for item in stored if _key(item) in recorded_keys]
    assert {item["v"]["N"] for item in there} == {"2", "3"}
    anew = {_key(item) for item in there if item["v"]["N"] == "3"}  # what is written as a whole, and what ends a term
    places = {("account#plan-over", "slot"), ("account#stopping", "slot")}
    assert anew == {*places, (earlier.id_of("expired"), "subscription")}
    assert {item["v"]["N"] for item in stored if _key(item) not in recorded_keys} == {str(schema.NEWEST)}


def _key(item: Json) -> tuple[str, str]:
    return item["pk"]["S"], item.get("sk", {"S": ""})["S"]
