"""A change of a running list: what rises binds at once and everywhere, what falls at the next month window.

Open holds are undisturbed, and everything stored is conserved in every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.errors import Refused
from modelpass.subscriptions import answers
from modelpass.subscriptions.commands import suspend
from modelpass.subscriptions.commands.regenerate import regenerate
from modelpass.times import rfc3339
from tests.support import sales
from tests.support.audit import assert_audited, assert_conserved
from tests.support.changing import change, top_up
from tests.support.listings import history
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

OTHER = "veo-3"
MONTH = 31 * DAY_MS


def bought(world: World, *models: Any, months: int = 3) -> tuple[str, str]:
    """The id and the key of a subscription to the text model, or to these."""
    made = world.buy(models=list(models) or [model()], months=months)
    return made["subscriptionId"], made["apiKey"]


def image(calls: int = 20, cap: int = 100, tier: str = "stable") -> Any:
    return model(IMAGE_MODEL, tier, calls, cap)


def refusal(world: World, name: str, *models: Any, **more: Any) -> tuple[str, str | None]:
    with pytest.raises(Refused) as caught:
        change(world, name, *models, **more)
    return caught.value.refusal.code.code, caught.value.refusal.param


def code_of(answer: Any) -> str:
    code: str = "granted" if answer["allowed"] else answer["error"]["code"]
    return code


# --- what rises binds at once


def test_a_raised_cap_and_limit_are_there_for_the_very_next_request(world: World) -> None:
    name, key = bought(world, model(calls=2, cap=100))
    world.authorize(key, "r-1", 100)
    assert code_of(world.authorize(key, "r-2", 1)) == "monthly_cap_reached"
    told = change(world, name, model(calls=3, cap=150))
    assert (told["models"][0]["monthlyTokenCap"], told["pendingChange"]) == (150, None)
    granted = world.authorize(key, "r-3", 50)
    assert code_of(granted) == "granted"
    assert (granted["monthly"]["limit"], granted["monthly"]["held"], granted["monthly"]["remaining"]) == (150, 150, 0)
    assert (granted["daily"]["limit"], granted["daily"]["remaining"]) == (3, 1)
    assert_audited(world)


def test_a_higher_tier_is_there_at_once_and_the_lower_one_is_not(world: World) -> None:
    name, key = bought(world)
    assert code_of(world.authorize(key, "r-1", channelTier="enterprise")) == "tier_not_included"
    change(world, name, model(tier="enterprise"))
    assert world.authorize(key, "r-2", channelTier="enterprise")["channelTier"] == "enterprise"
    assert code_of(world.authorize(key, "r-3", channelTier="stable")) == "tier_not_included"
    assert_audited(world)


def test_a_new_model_is_there_at_once_though_the_process_remembers_that_it_was_not_included(world: World) -> None:
    name, key = bought(world)
    for attempt in range(3):
        assert code_of(world.authorize(key, f"r-{attempt}", modelId=IMAGE_MODEL)) == "model_not_included"
    told = change(world, name, model(), image())
    assert [one["modelId"] for one in told["models"]] == [TEXT_MODEL, IMAGE_MODEL]
    for attempt in range(3):
        assert code_of(world.authorize(key, f"n-{attempt}", 1, modelId=IMAGE_MODEL)) == "granted"
    assert_audited(world)


def test_a_new_model_costs_a_process_that_refused_it_no_more_once_it_was_granted(world: World) -> None:
    name, key = bought(world)
    world.authorize(key, "r-1", modelId=IMAGE_MODEL)
    change(world, name, model(), image())
    world.authorize(key, "r-2", 1, modelId=IMAGE_MODEL)
    world.recorder.clear()
    assert code_of(world.authorize(key, "r-3", 1, modelId=IMAGE_MODEL)) == "granted"
    assert [operation for operation, _ in world.recorder.requests] == ["UpdateItem"]


def test_open_holds_are_undisturbed_and_settle_as_ever(world: World) -> None:
    name, key = bought(world)
    held = world.authorize(key, "r-1", 400)
    change(world, name, model(cap=2000, tier="enterprise"))
    for named in ({}, {"channelTier": "stable"}, {"channelTier": "enterprise"}):
        again = world.authorize(key, "r-1", 400, **named)
        assert (again["authorizationId"], again["replayed"]) == (held["authorizationId"], True)
        assert again["channelTier"] == "stable"
    settled = world.settle(held["authorizationId"], 150)
    assert (settled["settled"], settled["late"]) == (True, False)
    assert (settled["monthly"]["used"], settled["monthly"]["remaining"]) == (150, 1850)
    assert_audited(world)


# --- what falls binds at the next month window


def test_what_falls_and_what_is_removed_stays_until_the_month_ends_and_goes_by_the_clock_alone(world: World) -> None:
    name, key = bought(world, model(), image())
    told = change(world, name, model(cap=300))
    assert [one["monthlyTokenCap"] for one in told["models"]] == [1000, 100]
    assert [one["monthlyTokenCap"] for one in told["pendingChange"]["models"]] == [300]
    ends_ms = world.subscription(name).pending_change.binds_at_ms  # type: ignore[union-attr]
    world.clock.now_ms = ends_ms - 1
    assert code_of(world.authorize(key, "r-1", 1000)) == "granted"
    assert code_of(world.authorize(key, "r-2", 100, modelId=IMAGE_MODEL)) == "granted"
    world.clock.now_ms = ends_ms
    assert code_of(world.authorize(key, "r-3", 301)) == "request_exceeds_limit"
    assert world.authorize(key, "r-4", 300)["monthly"]["limit"] == 300
    assert code_of(world.authorize(key, "r-5", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    assert_audited(world)


def test_a_change_replaces_what_waits_and_undoes_it(world: World) -> None:
    name, key = bought(world)
    change(world, name, model(cap=300))
    told = change(world, name, model())
    assert (told["pendingChange"], told["price"]["total"]) == (None, "0.0042")  # two months, 700 units at 0.000003
    world.clock.advance(MONTH)
    assert code_of(world.authorize(key, "r-1", 1000)) == "granted"
    assert_audited(world)


def test_a_line_removed_and_added_again_goes_on_with_its_counters(world: World) -> None:
    name, key = bought(world, model(), image())
    held = world.authorize(key, "r-1", 40, modelId=IMAGE_MODEL, holdSeconds=86_400)
    world.settle(world.authorize(key, "r-2", 7, modelId=IMAGE_MODEL)["authorizationId"], 7)
    change(world, name, model())
    told = change(world, name, model(), image(cap=150))
    assert told["pendingChange"] is None
    monthly = world.authorize(key, "r-3", 1, modelId=IMAGE_MODEL)["monthly"]
    assert {n: monthly[n] for n in ("limit", "used", "held", "remaining")} == {
        "limit": 150,
        "used": 7,
        "held": 41,
        "remaining": 102,
    }
    assert world.settle(held["authorizationId"], 40)["settled"]
    assert_audited(world)


def test_a_line_that_was_gone_comes_back_with_its_holds_and_its_history_under_the_current_key(world: World) -> None:
    name, key = bought(world, model(), image())
    held = world.authorize(key, "r-1", 40, modelId=IMAGE_MODEL, holdSeconds=86_400)
    change(world, name, model())
    world.clock.now_ms = world.subscription(name).pending_change.binds_at_ms  # type: ignore[union-attr]
    assert code_of(world.authorize(key, "r-2", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    change(world, name, model(cap=1100))  # from here on the row has the line no more
    key_of_now = world.regenerate(name)["apiKey"]
    assert code_of(world.authorize(key_of_now, "r-3", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    assert code_of(world.another_process().authorize(key, "r-3", 1, modelId=IMAGE_MODEL)) == "invalid_api_key"
    change(world, name, model(cap=1100), image(cap=60))
    assert code_of(world.authorize(key_of_now, "r-4", 60, modelId=IMAGE_MODEL)) == "granted"
    assert code_of(world.authorize(key, "r-5", 1, modelId=IMAGE_MODEL)) == "invalid_api_key"
    assert world.settle(held["authorizationId"], 40)["late"]
    assert_audited(world)


def test_the_reset_changes_nothing_of_it_run_late_or_twice(world: World) -> None:
    name, key = bought(world, model(), image())
    world.settle(world.authorize(key, "r-1", 30)["authorizationId"], 30)
    world.settle(world.authorize(key, "r-2", 9, modelId=IMAGE_MODEL)["authorizationId"], 9)
    change(world, name, model(cap=300))
    world.clock.advance(MONTH + DAY_MS)
    for _ in range(2):
        world.reset()
        assert_conserved(world)
    monthly = world.authorize(key, "r-3", 1)["monthly"]
    assert (monthly["limit"], monthly["used"]) == (300, 0)
    assert code_of(world.authorize(key, "r-4", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    assert_audited(world)


def test_a_line_that_came_or_went_while_suspended_is_stopped_and_resumed_with_the_others(world: World) -> None:
    name, key = bought(world, model(), image())
    change(world, name, model())
    suspend.suspend(world.deps, "operator", name, "a test")
    change(world, name, model(), model(OTHER, "stable", 5, 50))
    stored = world.entitlement(name, 1, OTHER)
    assert (stored.suspended, stored.cancelled_at_ms) == (True, world.clock.now_ms)
    world.clock.now_ms = world.subscription(name).pending_change.binds_at_ms  # type: ignore[union-attr]
    assert code_of(world.authorize(key, "r-1", 1, modelId=OTHER)) == "subscription_suspended"
    suspend.resume(world.deps, "operator", name)
    assert world.entitlement(name, 1, IMAGE_MODEL).suspended  # it is in the list no more
    change(world, name, model(), model(OTHER, "stable", 5, 50), image())
    for model_id in (TEXT_MODEL, OTHER, IMAGE_MODEL):
        assert code_of(world.authorize(key, "r-2", 1, modelId=model_id)) == "granted"
    assert_audited(world)


# --- what it costs, and what is kept of it


def test_a_change_is_an_order_at_its_price_and_is_told_with_it(world: World) -> None:
    name, _ = bought(world)
    told = change(world, name, model(cap=1_001_000), image(), key="k-1")
    total = "37.20"  # 1,000,000 units at 0.000003 and an image model at 6.00 + 3.00 + 0.40, three months of both
    assert told["price"]["total"] == total == told["order"]["price"]["total"]
    assert (told["order"]["kind"], told["order"]["status"]) == ("change", "done")
    (event,) = (e for e in world.all_items(world.tables.events) if e["type"]["S"] == "subscription.changed")
    assert told["order"]["orderId"] in event["data"]["S"]
    assert world.subscription(name).orders == 2
    assert_audited(world)


def test_a_repeat_changes_nothing_and_another_body_under_its_key_is_refused(world: World) -> None:
    name, _ = bought(world)
    first = change(world, name, model(cap=2000), key="k-1")
    change(world, name, model(cap=3000), key="k-2")
    again = change(world, name, model(cap=2000), key="k-1")
    assert (again["replayed"], again["order"]["orderId"]) == (True, first["order"]["orderId"])
    assert again["models"][0]["monthlyTokenCap"] == 3000
    assert refusal(world, name, model(cap=2500), key="k-1") == ("idempotency_key_reused", "Idempotency-Key")


def test_another_total_than_the_one_expected_changes_nothing(world: World) -> None:
    name, _ = bought(world)
    before = [world.all_items(table) for table in world.names()]
    assert refusal(world, name, model(cap=2000), expectedTotal="0.01") == ("price_changed", "expectedTotal")
    assert [world.all_items(table) for table in world.names()] == before
    assert change(world, name, model(cap=2000), expectedTotal="0.009")["price"]["total"] == "0.009"


def test_what_was_never_anybody_s_and_what_has_ended_is_refused(world: World) -> None:
    name, _ = bought(world, months=1)
    assert refusal(world, name, model(cap=2000), account="somebody") == ("not_found", None)
    world.clock.advance(MONTH)
    assert refusal(world, name, model(cap=2000)) == ("subscription_expired", None)
    other = world.buy("other")["subscriptionId"]
    world.cancel(other, "other")
    assert refusal(world, other, model(cap=2000), account="other") == ("subscription_cancelled", None)


def test_nothing_is_changed_while_new_items_get_the_version_before(world: World) -> None:
    name, _ = bought(world)
    older = world.writing(2)
    assert refusal(older, name, model(cap=2000)) == ("temporarily_unavailable", None)
    with pytest.raises(Refused, match="temporarily_unavailable"):
        top_up(older, name, 5)


def test_a_sum_of_models_above_the_bound_is_refused_by_name(world: World) -> None:
    name, _ = bought(world)
    assert refusal(world, name, model("nobody-has-it")) == ("unknown_model", "models[0].modelId")
    assert refusal(world, name, model(), model(OTHER, calls=5, cap=5001)) == (
        "invalid_request",
        "models[1].monthlyTokenCap",
    )
    assert refusal(world, name, model(), model()) == ("duplicate_model", "models[1].modelId")


# --- across terms


def test_what_waits_at_the_end_of_the_term_is_what_a_renewal_sells(world: World) -> None:
    name, _ = bought(world, model(), image(), months=1)
    change(world, name, model(cap=300))
    world.clock.advance(MONTH)
    key = world.renew(name)["apiKey"]
    assert world.authorize(key, "r-1", 300)["monthly"]["limit"] == 300
    assert code_of(world.authorize(key, "r-2", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    assert_audited(world)


# --- what is looked at


def test_history_has_the_days_of_models_that_came_and_went(world: World) -> None:
    name, key = bought(world, model(), image())
    world.settle(world.authorize(key, "r-1", 9, modelId=IMAGE_MODEL)["authorizationId"], 9)
    change(world, name, model(), model(OTHER, "stable", 5, 50))
    world.settle(world.authorize(key, "r-2", 4, modelId=OTHER)["authorizationId"], 4)
    world.clock.advance(MONTH)
    change(world, name, model())
    world.clock.advance(MONTH)
    for reset in (False, True):
        if reset:
            world.reset()
        query = {"from": day_of(world, -62), "to": day_of(world, 0)}
        used = {d["modelId"]: d["units"] for d in history(world.deps, "acct", name, query)["days"] if d["units"]}
        assert used == {IMAGE_MODEL: 9, OTHER: 4}


def day_of(world: World, days: int) -> str:
    return rfc3339(world.clock.now_ms + days * DAY_MS)[:10]


@pytest.mark.parametrize("call", ["regenerate", "cancel", "suspend", "resume"])
def test_every_answer_shows_the_list_in_force_once_a_change_has_bound(world: World, call: str) -> None:
    name, _ = bought(world, model(), image())
    if call == "suspend":
        world.suspend(name)
    change(world, name, model(cap=500))
    world.clock.advance(MONTH)
    if call == "regenerate":
        told = regenerate(world.deps, "acct", name)
        shown = answers.subscription(told.subscription, told.status)
    else:
        shown = getattr(world, call)(name)
    assert (shown["pendingChange"], [m["monthlyTokenCap"] for m in shown["models"]]) == (None, [500])


# --- months that are sold later


def test_whoever_lowers_extends_and_raises_again_pays_for_the_months_in_between(world: World) -> None:
    name, key = bought(world, model(cap=1_001_000), months=1)
    change(world, name, model(cap=1000))
    assert sales.extend(world, name, 2)["price"]["total"] == "28.006"  # 12.00 + 2.00 + 0.003 a month: the list to come
    told = change(world, name, model(cap=1_001_000))
    assert told["price"]["total"] == "6.00"  # a million units at 0.000003, in each of the two months
    world.clock.advance(MONTH)
    assert code_of(world.authorize(key, "r-1", 1_001_000)) == "granted"
    assert_audited(world)


def test_what_waits_at_the_end_of_the_term_holds_from_then_on_once_it_is_extended_or_renews_itself(
    world: World,
) -> None:
    name, key = bought(world, model(), image(), months=1)
    other = world.buy("other", models=[model(), image()], months=1, autoRenew=True)
    for account, subscription_id in (("acct", name), ("other", other["subscriptionId"])):
        change(world, subscription_id, model(cap=300), account=account)
    sales.extend(world, name, 1)
    world.clock.now_ms = world.subscription(name).pending_change.binds_at_ms - 1  # type: ignore[union-attr]
    assert code_of(world.authorize(key, "r-1", 900)) == "granted"
    world.clock.now_ms += 1
    for api_key in (key, other["apiKey"]):
        assert code_of(world.authorize(api_key, "r-2", 301)) == "request_exceeds_limit"
        assert world.authorize(api_key, "r-3", 300)["monthly"]["limit"] == 300
        assert code_of(world.authorize(api_key, "r-4", 1, modelId=IMAGE_MODEL)) == "model_not_included"
    assert_audited(world)


def test_a_change_or_a_top_up_after_the_end_of_a_term_that_renews_itself_is_of_the_term_that_goes_on(
    world: World,
) -> None:
    made = world.buy(models=[model()], months=1, autoRenew=True)
    name, key = made["subscriptionId"], made["apiKey"]
    world.clock.advance(MONTH)
    told = change(world, name, model(cap=3000))
    assert (told["term"], told["status"], told["order"]["price"]["total"]) == (1, "active", "0.006")
    world.clock.advance(MONTH)
    top_up(world, name, 500)
    assert world.authorize(key, "r-1", 3500)["monthly"]["remaining"] == 0
    assert_audited(world)


# --- what it costs the store


def test_a_change_costs_three_requests_and_one_write_for_each_line_and_the_row(world: World) -> None:
    name, _ = bought(world, model(), image())
    world.recorder.clear()
    change(world, name, model(cap=2000), image())
    selling = ["TransactGetItems", "BatchGetItem", "TransactWriteItems"]
    assert world.recorder.calls == [*selling, "BatchGetItem", "UpdateItem", "UpdateItem", "UpdateItem"]
    world.recorder.clear()
    change(world, name, model(cap=2000), image(), model(OTHER, "stable", 5, 50))
    assert world.recorder.calls == [*selling, "BatchGetItem", *["UpdateItem"] * 3]  # the new line has it with the sale


def test_a_top_up_costs_four_requests(world: World) -> None:
    name, _ = bought(world)
    world.recorder.clear()
    top_up(world, name, 50)
    assert world.recorder.calls == ["TransactGetItems", "BatchGetItem", "GetItem", "TransactWriteItems"]


def test_after_a_change_a_request_costs_what_it_did_before(world: World) -> None:
    name, key = bought(world)
    change(world, name, model(cap=2000, tier="enterprise"))
    top_up(world, name, 50)
    world.authorize(key, "r-1", 1)
    world.recorder.clear()
    granted = world.authorize(key, "r-2", 1)
    world.settle(granted["authorizationId"], 1)
    assert world.recorder.calls == ["UpdateItem", "UpdateItem"]
    assert world.recorder.write_units == 2
