"""Sales that wait for approval, on the real engine: what waits, what each end leaves, and what everybody is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.api.catalogue_bodies import parse_model
from modelpass.catalogue.commands import offers
from modelpass.dynamodb.pages import Page
from modelpass.subscriptions.commands import queries
from modelpass.subscriptions.commands.suspend import resume, suspend
from modelpass.times import to_ms
from tests.support.audit import assert_conserved
from tests.support.waiting import LAPSES_MS, Till, approving
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Json, World


@pytest.fixture
def till(world: World) -> Till:
    return Till(approving(world))


@pytest.fixture
def running(world: World) -> tuple[Till, Json]:
    """A subscription that runs since before sales needed approval."""
    bought = Till(world).buy()
    return Till(approving(world)), bought


def expire(till: Till, bought: Json) -> None:
    till.world.clock.now_ms = till.world.subscription(bought["subscriptionId"]).expires_at_ms


def test_a_purchase_that_waits_has_its_key_and_its_price_and_nothing_to_use(till: Till) -> None:
    waits = till.buy()
    assert (waits["status"], waits["startsAt"], waits["expiresAt"]) == ("pending", None, None)
    order = waits["order"]
    assert (order["kind"], order["status"]) == ("purchase", "pending")
    assert (order["startsAt"], order["endsAt"]) == (None, None)
    assert order["price"] == waits["price"]
    assert till.look(waits["subscriptionId"])["status"] == "pending"
    assert till.uses(waits["apiKey"]) == "subscription_pending"
    assert till.uses(waits["apiKey"], "again") == "subscription_pending"
    assert till.shows(waits["apiKey"]) == "subscription_pending"
    described = till.world.describe_key(waits["apiKey"])
    assert (described["status"], described["startsAt"], described["models"]) == ("pending", None, [])
    assert till.world.all_items(till.world.tables.entitlements) == []
    assert till.told_of() == ["pending"]
    assert till.sold(waits["subscriptionId"]) == []
    assert_conserved(till.world)


def test_a_term_begins_with_its_confirmation_and_binds_before_that_answers(till: Till) -> None:
    waits = till.buy()
    assert till.uses(waits["apiKey"]) == "subscription_pending"  # and the process may remember that
    till.world.clock.advance(LAPSES_MS - 1)
    done = till.confirm(waits["order"]["orderId"], "pi_7")
    assert (done["status"], done["reference"]) == ("done", "pi_7")
    assert till.uses(waits["apiKey"]) == "allowed"
    shown = till.look(waits["subscriptionId"])
    assert (shown["status"], shown["startsAt"]) == ("active", done["startsAt"])
    assert done["startsAt"] == "2026-11-23T00:59:59Z"
    assert shown["expiresAt"] == done["endsAt"] == "2026-12-23T00:59:59Z"
    assert till.told_of() == ["confirmed", "pending"]
    assert till.sold(waits["subscriptionId"]) == ["purchased"]
    assert_conserved(till.world)


def test_the_first_reference_stands_and_again_is_the_same_answer(till: Till) -> None:
    order_id = till.buy()["order"]["orderId"]
    first = till.confirm(order_id, "pi_1")
    till.world.clock.advance(LAPSES_MS)  # long after it would have lapsed
    assert [till.confirm(order_id, reference) for reference in ("pi_1", "pi_2")] == [first] * 2
    assert till.told_of() == ["confirmed", "pending"]


def test_a_purchase_lapses_with_its_last_millisecond_and_has_never_been(till: Till) -> None:
    waits = till.buy(key="once")
    till.world.clock.advance(LAPSES_MS - 1)
    assert till.look(waits["subscriptionId"])["status"] == "pending"
    assert till.buy(key="once")["replayed"]
    assert till.buy() == "order_pending"
    till.world.clock.advance(1)
    assert till.status(waits["order"]["orderId"]) == "lapsed"
    never_was(till, waits)
    assert till.confirm(waits["order"]["orderId"]) == "order_lapsed"
    assert till.buy(key="once") == "order_lapsed"
    assert till.buy(key="once", models=[model(calls=7)]) == "idempotency_key_reused"
    assert till.buy(key="another")["status"] == "pending"


def never_was(till: Till, waits: Json) -> None:
    """Nobody sees a purchase any more that was not confirmed."""
    subscription_id = waits["subscriptionId"]
    assert till.look(subscription_id) == "not_found"
    assert till.uses(waits["apiKey"]) == till.shows(waits["apiKey"]) == "invalid_api_key"
    assert till.world.describe_key(waits["apiKey"])["error"]["code"] == "invalid_api_key"
    page = queries.list_subscriptions(till.deps, till.account, Page(20, None))
    assert subscription_id not in [one["subscriptionId"] for one in page["subscriptions"]]
    assert till.extend(subscription_id) == "not_found"
    assert till.renew(subscription_id) == "not_found"


@pytest.mark.parametrize("how", ["reject", "withdraw", "cancel"])
def test_a_purchase_that_is_ended_by_a_call_has_never_been_and_its_place_is_free_at_once(till: Till, how: str) -> None:
    waits = till.buy(key="once")
    order_id, subscription_id = waits["order"]["orderId"], waits["subscriptionId"]
    ends: dict[str, Callable[[], Any]] = {
        "reject": lambda: till.reject(order_id, "No money."),
        "withdraw": lambda: till.withdraw(order_id),
        "cancel": lambda: till.cancel(subscription_id),
    }
    first = ends[how]()
    assert first["status"] == {"reject": "rejected", "withdraw": "withdrawn", "cancel": "cancelled"}[how]
    assert ends[how]() == first
    never_was(till, waits)
    assert till.buy(key="once") == "order_lapsed"
    assert till.told_of() == sorted(["pending", {"reject": "rejected"}.get(how, "withdrawn")])
    assert till.buy()["status"] == "pending"


ENDS = ("confirm", "reject", "withdraw", "lapse")


def end(till: Till, how: str, order_id: str) -> Any:
    if how == "lapse":
        till.world.clock.advance(LAPSES_MS)
        return None
    return {"confirm": till.confirm, "reject": till.reject, "withdraw": till.withdraw}[how](order_id)


@pytest.mark.parametrize("ended", ENDS)
@pytest.mark.parametrize("call", ENDS[:3])
def test_an_order_ends_once_and_whoever_comes_later_is_told_how(till: Till, ended: str, call: str) -> None:
    order_id = till.buy()["order"]["orderId"]
    first = end(till, ended, order_id)
    became = till.status(order_id)
    told = end(till, call, order_id)
    if ended == call:
        assert told == first
    else:
        assert told == ("order_confirmed" if ended == "confirm" else "order_lapsed")
    assert till.status(order_id) == became


def test_what_names_no_order_or_another_accounts_is_not_found(till: Till) -> None:
    order_id = till.buy()["order"]["orderId"]
    for other in ("", "ord_", "no such order", order_id[:-1] + ("a" if order_id[-1] != "a" else "i"), order_id.upper()):
        assert [end(till, call, other) for call in ENDS[:3]] == ["not_found"] * 3
    assert till.withdraw(order_id, "somebody else") == "not_found"
    assert till.status(order_id) == "pending"


def test_the_reset_tells_a_lapse_once_and_of_its_very_instant(till: Till) -> None:
    waits = till.buy()
    till.world.clock.advance(LAPSES_MS - 1)
    till.world.reset()
    assert till.told_of() == ["pending"]
    till.world.clock.advance(DAY_MS)
    answers = [till.world.reset() for _ in range(2)]
    assert till.told_of() == ["lapsed", "pending"]
    assert all(answer["subscriptionsExpired"] == 0 for answer in answers)
    (told,) = (e for e in till.world.all_items(till.world.tables.events) if e["type"]["S"] == "order.lapsed")
    assert told["at"]["S"] == waits["order"]["lapsesAt"]
    assert not any("da" in item for item in till.world.all_items(till.world.tables.subscriptions))
    never_was(till, waits)
    assert till.confirm(waits["order"]["orderId"]) == "order_lapsed"


def test_no_plan_takes_the_place_of_a_purchase_that_waits(till: Till) -> None:
    till.buy()
    with pytest.raises(Exception, match="active_subscription_exists"):
        till.world.set_plan()
    till.world.clock.advance(LAPSES_MS)
    till.world.set_plan()


def test_a_renewal_that_waits_stays_expired_with_both_keys_and_begins_with_the_new_one(
    running: tuple[Till, Json],
) -> None:
    till, bought = running
    expire(till, bought)
    waits = till.renew(bought["subscriptionId"])
    assert (waits["status"], waits["term"], waits["order"]["kind"]) == ("expired", 1, "renewal")
    assert till.look(bought["subscriptionId"])["status"] == "expired"
    for key in (bought["apiKey"], waits["apiKey"]):
        assert till.uses(key) == till.shows(key) == "subscription_expired"
    till.world.clock.advance(LAPSES_MS // 2)
    done = till.confirm(waits["order"]["orderId"])
    assert till.look(bought["subscriptionId"])["startsAt"] == done["startsAt"] == "2026-12-23T00:30:00Z"
    assert [till.uses(key) for key in (bought["apiKey"], waits["apiKey"])] == ["invalid_api_key", "allowed"]
    assert_conserved(till.world)


@pytest.mark.parametrize("how", ENDS[1:])
def test_the_key_of_a_renewal_that_came_to_nothing_was_never_one(running: tuple[Till, Json], how: str) -> None:
    till, bought = running
    expire(till, bought)
    waits = till.renew(bought["subscriptionId"])
    assert till.uses(waits["apiKey"]) == "subscription_expired"
    end(till, how, waits["order"]["orderId"])
    assert [till.uses(key) for key in (bought["apiKey"], waits["apiKey"])] == [
        "subscription_expired",
        "invalid_api_key",
    ]
    again = till.renew(bought["subscriptionId"])
    assert till.confirm(again["order"]["orderId"])["status"] == "done"
    assert till.uses(again["apiKey"]) == "allowed"
    assert till.uses(waits["apiKey"]) == "invalid_api_key"


@pytest.mark.parametrize("how", ENDS[1:])
def test_orders_that_came_to_nothing_count_among_the_sales_of_their_day(till: Till, how: str) -> None:
    for number in range(10):
        waits = till.buy(models=[model(calls=number + 1)])
        end(till, how, waits["order"]["orderId"])
    assert till.buy() == "too_many_purchases"
    till.world.clock.now_ms += DAY_MS
    assert till.buy()["status"] == "pending"


def test_nothing_waits_until_items_are_stored_that_can_say_so(till: Till) -> None:
    earlier = till.on(till.world.writing(2))
    assert earlier.buy() == "temporarily_unavailable"
    assert till.world.all_items(till.world.tables.subscriptions) == []
    order_id = till.buy()["order"]["orderId"]
    assert [end(earlier, call, order_id) for call in ENDS[:3]] == ["temporarily_unavailable"] * 3


def test_a_lapse_is_told_also_where_another_order_was_made_before_the_reset(running: tuple[Till, Json]) -> None:
    till, bought = running
    till.extend(bought["subscriptionId"])
    till.world.clock.advance(LAPSES_MS)
    assert till.extend(bought["subscriptionId"])["order"]["status"] == "pending"
    till.world.reset()
    assert till.told_of() == ["lapsed", "pending", "pending"]


def test_one_order_of_an_account_waits_and_the_place_is_kept(running: tuple[Till, Json]) -> None:
    till, bought = running
    waits = till.extend(bought["subscriptionId"])
    assert waits["order"]["status"] == "pending"
    assert till.extend(bought["subscriptionId"], 2) == "order_pending"
    assert till.buy() == "order_pending"
    assert till.withdraw(waits["order"]["orderId"])["status"] == "withdrawn"
    assert till.buy() == "active_subscription_exists"
    assert till.extend(bought["subscriptionId"], 2)["order"]["status"] == "pending"


def test_an_extension_that_waits_changes_nothing_and_moves_the_end_once_it_is_confirmed(
    running: tuple[Till, Json],
) -> None:
    till, bought = running
    granted = till.world.authorize(bought["apiKey"], "open")
    before = till.look(bought["subscriptionId"])
    waits = till.extend(bought["subscriptionId"], 2)
    assert {name: waits[name] for name in waits if name not in ("order", "price")}.items() <= before.items()
    assert till.look(bought["subscriptionId"]) == before
    done = till.confirm(waits["order"]["orderId"])
    assert done["price"] == waits["order"]["price"]
    assert till.look(bought["subscriptionId"])["expiresAt"] == done["endsAt"] == "2027-02-23T00:00:00Z"
    assert till.world.settle(granted["authorizationId"], 3)["settled"]
    till.world.clock.now_ms += 40 * DAY_MS
    assert till.uses(bought["apiKey"], "beyond-the-old-end") == "allowed"
    assert_conserved(till.world)


def test_an_extension_lapses_with_the_term_it_was_priced_in(running: tuple[Till, Json]) -> None:
    till, bought = running
    ends = till.world.subscription(bought["subscriptionId"]).expires_at_ms
    till.world.clock.now_ms = ends - 1000
    waits = till.extend(bought["subscriptionId"])
    assert waits["order"]["lapsesAt"] == bought["expiresAt"]
    till.world.clock.now_ms = ends
    assert till.confirm(waits["order"]["orderId"]) == "order_lapsed"
    assert till.look(bought["subscriptionId"])["status"] == "expired"
    assert till.renew(bought["subscriptionId"])["order"]["status"] == "pending"


def test_a_repeat_of_an_order_that_waits_shows_what_became_of_it(running: tuple[Till, Json]) -> None:
    till, bought = running
    first = till.extend(bought["subscriptionId"], key="once")
    again = till.extend(bought["subscriptionId"], key="once")
    assert (again["order"], again["replayed"]) == (first["order"], True)
    till.confirm(first["order"]["orderId"])
    assert till.extend(bought["subscriptionId"], key="once")["order"]["status"] == "done"
    assert till.extend(bought["subscriptionId"], 2, key="once") == "idempotency_key_reused"


def test_cancelling_withdraws_the_order_that_waits_with_the_subscription(running: tuple[Till, Json]) -> None:
    till, bought = running
    waits = till.extend(bought["subscriptionId"])
    assert till.cancel(bought["subscriptionId"])["status"] == "cancelled"
    assert till.status(waits["order"]["orderId"]) == "withdrawn"
    assert till.confirm(waits["order"]["orderId"]) == "order_lapsed"
    assert till.uses(bought["apiKey"]) == "subscription_cancelled"
    assert till.buy()["status"] == "pending"
    assert till.told_of() == ["pending", "pending", "withdrawn"]


def test_a_change_that_waits_changes_nothing_and_binds_in_every_process_once_it_is_confirmed(
    running: tuple[Till, Json],
) -> None:
    till, bought = running
    subscription_id, key = bought["subscriptionId"], bought["apiKey"]
    image = model(IMAGE_MODEL, "basic", 20, 200)
    others = [till.world.another_process() for _ in range(2)]
    before = till.look(subscription_id)
    waits = till.change(subscription_id, model(cap=5000), image)
    assert waits["order"]["status"] == "pending"
    assert till.look(subscription_id) == before
    for process in (till.world, *others):  # each may remember why it refused
        assert process.authorize(key, "large", 4000)["error"]["code"] == "request_exceeds_limit"
        assert process.authorize(key, "image", 1, modelId=IMAGE_MODEL)["error"]["code"] == "model_not_included"
    till.world.clock.advance(LAPSES_MS - 1)
    assert till.confirm(waits["order"]["orderId"])["price"] == waits["order"]["price"]
    for number, process in enumerate((till.world, *others)):
        assert process.authorize(key, f"large-{number}", 1500)["allowed"]
        assert process.authorize(key, f"image-{number}", 1, modelId=IMAGE_MODEL)["allowed"]
    assert [line["monthlyTokenCap"] for line in till.look(subscription_id)["models"]] == [5000, 200]
    assert_conserved(till.world)


@pytest.mark.parametrize("kind", ["change", "top_up"])
def test_what_is_priced_in_a_month_window_lapses_with_it(running: tuple[Till, Json], kind: str) -> None:
    till, _ = running
    bought = Till(replace(till.world, deps=till.deps._replace(sale_approval=False)), "acct-2").buy(months=2)
    till = replace(till, account="acct-2")

    def order() -> Any:
        subscription_id = bought["subscriptionId"]
        return till.change(subscription_id, model(cap=5000)) if kind == "change" else till.top_up(subscription_id)

    window_ends = to_ms(datetime(2026, 12, 23, tzinfo=UTC))
    till.world.clock.now_ms = window_ends - 1000
    first = order()
    assert first["order"]["lapsesAt"] == "2026-12-23T00:00:00Z"
    till.world.clock.now_ms = window_ends
    assert till.confirm(first["order"]["orderId"]) == "order_lapsed"
    second = order()
    till.world.clock.now_ms += LAPSES_MS - 1
    assert till.confirm(second["order"]["orderId"])["status"] == "done"
    assert_conserved(till.world)


def test_a_top_up_is_there_once_it_is_confirmed_and_not_before(running: tuple[Till, Json]) -> None:
    till, bought = running
    waits = till.top_up(bought["subscriptionId"], 500)
    assert till.world.authorize(bought["apiKey"], "r-1", 1200)["error"]["code"] == "request_exceeds_limit"
    for _ in range(3):
        assert till.confirm(waits["order"]["orderId"])["status"] == "done"
    granted = till.world.authorize(bought["apiKey"], "r-1", 1200)
    assert (granted["monthly"]["topUp"], granted["monthly"]["remaining"]) == (500, 300)
    assert_conserved(till.world)


@pytest.mark.parametrize("kind", ["purchase", "renewal", "extension", "change", "top_up"])
def test_an_order_is_carried_out_at_its_price_whatever_the_catalogue_says_by_then(
    running: tuple[Till, Json], kind: str
) -> None:
    till, bought = running
    subscription_id = bought["subscriptionId"]
    orders: dict[str, Callable[[], Any]] = {
        "purchase": lambda: replace(till, account="another").buy(),
        "renewal": lambda: till.renew(subscription_id),
        "extension": lambda: till.extend(subscription_id),
        "change": lambda: till.change(subscription_id, model(cap=5000)),
        "top_up": lambda: till.top_up(subscription_id),
    }
    if kind == "renewal":
        expire(till, bought)
    waits = orders[kind]()
    offers.withdraw_model(till.deps, TEXT_MODEL, "operator")
    done = till.confirm(waits["order"]["orderId"])
    assert (done["status"], done["price"]) == ("done", waits["order"]["price"])
    assert_conserved(till.world)


def test_a_total_of_nothing_needs_no_approval(till: Till) -> None:
    make_free(till)
    bought = till.buy()
    assert (bought["status"], bought["order"]["status"], bought["order"]["lapsesAt"]) == ("active", "done", None)
    assert till.uses(bought["apiKey"]) == "allowed"
    assert till.told_of() == []


def test_nothing_is_sold_beside_an_order_that_waits_not_even_for_nothing(running: tuple[Till, Json]) -> None:
    till, bought = running
    till.extend(bought["subscriptionId"])
    make_free(till)
    assert till.extend(bought["subscriptionId"]) == "order_pending"


def make_free(till: Till) -> None:
    price = {"currency": "USD", "base": "0", "perUnit": "0", "perDailyCall": "0"}
    tiers = [{"channelTier": "stable", "price": price}]
    offers.put_model(till.deps, parse_model(TEXT_MODEL, {"kind": "text", "tiers": tiers, "confirm": True}), "operator")


@pytest.mark.parametrize("kind", ["renewal", "extension"])
def test_while_it_is_suspended_a_term_goes_on_by_a_confirmation_but_none_begins(
    running: tuple[Till, Json], kind: str
) -> None:
    till, bought = running
    subscription_id = bought["subscriptionId"]
    if kind == "renewal":
        expire(till, bought)
    waits = till.renew(subscription_id) if kind == "renewal" else till.extend(subscription_id)
    order_id = waits["order"]["orderId"]
    suspend(till.deps, "op", subscription_id, "a test")
    if kind == "renewal":
        assert till.confirm(order_id) == "subscription_suspended"
        assert till.status(order_id) == "pending"
        resume(till.deps, "op", subscription_id)
    assert till.confirm(order_id)["status"] == "done"
    assert till.uses(waits.get("apiKey") or bought["apiKey"]) == (
        "allowed" if kind == "renewal" else "subscription_suspended"
    )
    assert_conserved(till.world)


def test_orders_that_wait_are_carried_out_also_once_sales_need_no_approval_any_more(till: Till) -> None:
    waits = till.buy()
    after = till.on(replace(till.world, deps=till.deps._replace(sale_approval=False)))
    assert after.buy() == "order_pending"
    assert after.confirm(waits["order"]["orderId"])["status"] == "done"
    assert after.uses(waits["apiKey"]) == "allowed"


def test_key_of_a_renewal_that_waits_can_be_revoked_and_is_good_for_nothing_once_it_is_confirmed(
    running: tuple[Till, Json],
) -> None:
    till, bought = running
    expire(till, bought)
    waits, name = till.renew(bought["subscriptionId"]), bought["subscriptionId"]
    for _ in range(2):  # the second finds nothing to do
        till.world.revoke_key(name)
    assert (till.uses(waits["apiKey"]), till.shows(waits["apiKey"])) == ("invalid_api_key", "invalid_api_key")
    assert till.world.events().count("key.revoked") == 1
    assert till.confirm(waits["order"]["orderId"])["status"] == "done"
    assert till.uses(waits["apiKey"]) == "invalid_api_key"
    assert till.look(name)["apiKeyMasked"] is None
    assert till.uses(till.world.regenerate(name)["apiKey"]) == "allowed"
    assert_conserved(till.world)
