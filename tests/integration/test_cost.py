"""What each case costs the store, counted on the real engine: requests by operation, write units, read units.

`docs/design.md` shows the same table. Refused conditions are charged by DynamoDB's rule (`tests/support/capacity.py`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.api.subscription_bodies import parse_purchase
from modelpass.catalogue.commands import offers
from modelpass.catalogue.commands.queries import ModelPages
from modelpass.catalogue.items import model_item
from modelpass.catalogue.model import Bounds, CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.entitlements.commands.tier_cache import TierCache
from modelpass.subscriptions.commands import queries as subscription_queries
from ops import catalogue_file
from tests.support import listings, sales
from tests.support.capacity import KILOBYTE, item_bytes
from tests.support.listings import list_events, list_models, list_subscriptions
from tests.support.parts import continuing
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
Cost = tuple[list[str], float, float]

LONG_REQUEST_ID = "0f8fad5b-d9cb-469f-a165-70867728950"  # one digit follows: 36 characters
WRITE: Cost = (["UpdateItem"], 1, 0)
LOOK: Cost = (["GetItem"], 0, 1)
NOTHING: Cost = ([], 0, 0)


@dataclass(slots=True)
class Customer:
    """A subscription in use: its window is current, and one request of it is settled."""

    world: World
    subscription_id: str
    key: str

    def authorize(self, request_id: str = "r-1", estimate: int = 10, **more: Any) -> Json:
        return self.world.authorize(self.key, request_id, estimate, **more)

    def settle(self, granted: Json, used: int = 3, **more: Any) -> Json:
        return self.world.settle(granted["authorizationId"], used, **more)

    def cost(self, command: Callable[[], Json], **expected: Any) -> Cost:
        """What a command costs, whose answer holds what is expected."""
        recorder = self.world.recorder
        recorder.clear()
        answer = command()
        code = answer["error"]["code"] if "error" in answer else None
        seen = {"code": code, **{name: answer.get(name) for name in expected if name != "code"}}
        assert seen == {"code": None, **expected}, answer
        return list(recorder.calls), recorder.write_units, recorder.read_units


@pytest.fixture
def customer(world: World) -> Customer:
    made = world.buy(models=[model(calls=100, cap=10_000)])
    using = Customer(world, made["subscriptionId"], made["apiKey"])
    using.settle(using.authorize("first-of-the-window"))
    return using


def test_grant_is_one_request_and_one_unit_up_to_eight_open_holds_with_long_request_ids(customer: Customer) -> None:
    for number in range(8):
        grant = customer.cost(partial(customer.authorize, f"{LONG_REQUEST_ID}{number}", 900), allowed=True)
        assert grant == WRITE
    stored = customer.world.entitlement(customer.subscription_id)
    assert len(stored.holds) == 8


def test_grant_stays_one_unit_up_to_seven_open_holds_with_the_longest_account_model_and_time_zone(world: World) -> None:
    longest = CatalogueModel("m" * 128, Kind.TEXT, {Tier.ENTERPRISE: Price("USD", "1", "1", "1")})
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=model_item(longest))
    bought = [model(longest.model_id, "enterprise", 10**9, 10**15)]
    zone = "America/Argentina/ComodRivadavia"
    made = world.buy("a" * 255, models=bought, timezone=zone, months=12)
    using = Customer(world, made["subscriptionId"], world.regenerate(made["subscriptionId"], "a" * 255)["apiKey"])
    figures = {"modelId": longest.model_id, "holdSeconds": 86_400, "calls": 10**7}
    costs = [
        using.cost(partial(using.authorize, f"{LONG_REQUEST_ID}{number}", 10**13, **figures), allowed=True)
        for number in range(7)
    ]
    assert costs[1:] == [WRITE] * 6
    (stored,) = world.all_items(world.tables.entitlements)
    assert len(stored["h"]["M"]) == 7
    assert item_bytes(stored) <= KILOBYTE


def test_replay_costs_what_a_grant_costs(customer: Customer) -> None:
    customer.authorize()
    assert customer.cost(customer.authorize, replayed=True) == WRITE


def test_settle_and_void_are_one_request_and_one_unit(customer: Customer) -> None:
    granted, failed = customer.authorize(), customer.authorize("r-2")
    assert customer.cost(lambda: customer.settle(granted), settled=True, late=False) == WRITE
    assert customer.cost(lambda: customer.settle(failed, 0, calls=0), settled=True) == WRITE


def test_replayed_settle_costs_what_a_settle_costs(customer: Customer) -> None:
    granted = customer.authorize()
    customer.settle(granted)
    assert customer.cost(lambda: customer.settle(granted), replayed=True) == WRITE


def test_part_is_one_request_and_one_unit_when_what_it_asks_fits_and_so_is_its_repeat(customer: Customer) -> None:
    granted = customer.authorize(estimate=100, calls=4)
    for used in (10, 0, 150):
        part = partial(customer.settle, granted, used, calls=1, **continuing(customer.key, 500, 9))
        assert customer.cost(part, settled=True, continued=True, heldUsage=500, heldCalls=9) == WRITE
        assert customer.cost(part, replayed=True, continued=True, heldUsage=500) == WRITE
        granted = part()
    assert customer.cost(lambda: customer.settle(granted, 5), settled=True) == WRITE


def test_part_is_two_plain_writes_where_less_is_left(customer: Customer) -> None:
    granted = customer.authorize(estimate=100)
    part = partial(customer.settle, granted, 10, calls=1, **continuing(customer.key, 10_000, 200))
    cost = customer.cost(part, continued=True, heldUsage=9987, heldCalls=98)
    assert cost[0][:2] == ["UpdateItem", "UpdateItem"]
    assert cost[1] == 2 + 2 * (len(cost[0]) - 2), "and what telling a threshold costs"


def test_part_that_may_not_go_on_is_a_look_or_a_refused_write_and_one_write(customer: Customer) -> None:
    granted, other = customer.authorize(estimate=100), customer.authorize("r-2", estimate=100)
    more = continuing(customer.key)
    customer.world.take_down(TEXT_MODEL, "stable")
    down = partial(customer.settle, granted, 10, calls=1, **more)
    assert customer.cost(down, code="tier_unavailable", settled=True) == (["GetItem", "UpdateItem"], 1, 1)
    customer.world.turn_tier(TEXT_MODEL, "stable", available=True)
    customer.world.cancel(customer.subscription_id)
    stopped = partial(customer.settle, other, 10, calls=1, **more)
    assert customer.cost(stopped, code="subscription_cancelled", settled=True) == (["UpdateItem", "UpdateItem"], 2, 0)


def test_part_of_a_reclaimed_hold_leaves_a_new_ticket_in_one_transaction(customer: Customer) -> None:
    granted = customer.authorize("left-open", 9000, holdSeconds=60)
    customer.world.clock.advance(60_000)
    customer.authorize("reclaimer", 9000)
    part = partial(customer.settle, granted, 1, calls=0, **continuing(customer.key, 0, 1))
    cost = customer.cost(part, code="authorization_not_found", late=True)
    assert cost == (["GetItem", "Query", "TransactWriteItems", "GetItem"], 6, 3)


def test_settle_that_says_where_its_figure_comes_from_is_one_request_and_one_unit(customer: Customer) -> None:
    for number, source in enumerate(("reported", "counted", "estimated")):
        granted = customer.authorize(f"r-{number}")
        assert customer.cost(partial(customer.settle, granted, usageSource=source), settled=True) == WRITE


def test_settle_after_the_hold_expired_is_one_write_while_nobody_needed_its_units(customer: Customer) -> None:
    granted = customer.authorize(holdSeconds=1)
    customer.world.clock.advance(1000)
    assert customer.cost(lambda: customer.settle(granted), late=True) == WRITE


def test_forged_and_malformed_requests_never_reach_the_store(customer: Customer) -> None:
    mistyped = customer.key[:-1] + ("A" if customer.key[-1] != "A" else "B")
    world = customer.world
    assert customer.cost(lambda: world.authorize(mistyped, "r-1"), code="invalid_api_key") == NOTHING
    assert customer.cost(lambda: customer.authorize(calls=0), code="invalid_request") == NOTHING
    forged = {"authorizationId": "auth_" + "A" * 120}
    assert customer.cost(lambda: customer.settle(forged), code="authorization_not_found") == NOTHING
    assert customer.cost(lambda: customer.settle(forged, -1), code="invalid_request") == NOTHING


def cancelled(customer: Customer) -> Json:
    customer.world.cancel(customer.subscription_id)
    return {}


def expired(customer: Customer) -> Json:
    customer.world.clock.advance(31 * DAY_MS)
    return {}


def renewed(customer: Customer) -> Json:
    customer.world.clock.advance(31 * DAY_MS)
    customer.world.renew(customer.subscription_id)
    return {}


def regenerated(customer: Customer) -> Json:
    customer.world.regenerate(customer.subscription_id)
    return {}


def regenerated_and_other_model(customer: Customer) -> Json:
    return {**regenerated(customer), **other_model(customer)}


def cancelled_and_other_model(customer: Customer) -> Json:
    return {**cancelled(customer), **other_model(customer)}


def expired_and_other_model(customer: Customer) -> Json:
    return {**expired(customer), **other_model(customer)}


def other_model(_: Customer) -> Json:
    return {"modelId": IMAGE_MODEL}


def other_tier(_: Customer) -> Json:
    return {"channelTier": "basic"}


def other_figures(customer: Customer) -> Json:
    customer.authorize(estimate=11)
    return {}


def tier_down(customer: Customer) -> Json:
    customer.world.take_down(TEXT_MODEL, "stable")
    return {}


def tier_down_and_asked_for(customer: Customer) -> Json:
    customer.world.take_down(TEXT_MODEL, "stable")
    return {"channelTier": "stable"}


def over_the_cap(_: Customer) -> Json:
    return {"estimate": 9998}


def over_the_limit(_: Customer) -> Json:
    return {"calls": 100}


WRITE_AND_LOOK: Cost = (["UpdateItem", "GetItem"], 1, 1)
REFUSALS = [
    (cancelled, "subscription_cancelled", WRITE, LOOK),
    (cancelled_and_other_model, "subscription_cancelled", WRITE_AND_LOOK, NOTHING),
    (expired, "subscription_expired", WRITE_AND_LOOK, (["GetItem", "GetItem"], 0, 2)),
    (expired_and_other_model, "subscription_expired", WRITE_AND_LOOK, LOOK),
    (renewed, "invalid_api_key", WRITE, NOTHING),
    (regenerated, "invalid_api_key", WRITE, NOTHING),
    (regenerated_and_other_model, "invalid_api_key", WRITE_AND_LOOK, NOTHING),
    (other_model, "model_not_included", WRITE_AND_LOOK, LOOK),
    (other_tier, "tier_not_included", WRITE, LOOK),
    (other_figures, "request_id_reused", WRITE, LOOK),
    (tier_down, "tier_unavailable", WRITE, LOOK),
    (tier_down_and_asked_for, "tier_unavailable", LOOK, LOOK),
    (over_the_cap, "monthly_cap_reached", WRITE, LOOK),
    (over_the_limit, "daily_call_limit_reached", WRITE, LOOK),
]


@pytest.mark.parametrize(
    ("spoil", "code", "first", "again"), REFUSALS, ids=lambda value: getattr(value, "__name__", "")
)
def test_refusal_costs_no_more_than_a_grant_and_a_flood_of_it_no_write(
    customer: Customer, spoil: Callable[[Customer], Json], code: str, first: Cost, again: Cost
) -> None:
    asked = spoil(customer)
    answers: list[Json] = []

    def authorize() -> Json:
        answers.append(customer.authorize(**asked))
        return answers[-1]

    assert customer.cost(authorize, allowed=False, code=code) == first
    for _ in range(3):
        assert customer.cost(authorize, allowed=False, code=code) == again
    assert all(answer == answers[0] for answer in answers)


def test_process_that_refused_looks_before_its_next_grant_and_then_writes_at_once_again(customer: Customer) -> None:
    customer.authorize("too-much", 9998)
    looked: Cost = (["GetItem", "UpdateItem"], 1, 1)
    assert customer.cost(partial(customer.authorize, "fits"), allowed=True) == looked
    assert customer.cost(partial(customer.authorize, "fits-too"), allowed=True) == WRITE


def test_key_that_is_tried_with_one_model_after_another_costs_a_read_each(customer: Customer) -> None:
    asked = partial(customer.authorize, "r-1")
    assert customer.cost(partial(asked, modelId="guess"), code="model_not_included") == WRITE_AND_LOOK
    for number in range(5):
        assert customer.cost(partial(asked, modelId=f"guess-{number}"), code="model_not_included") == LOOK
    assert customer.cost(asked, allowed=True) == WRITE
    customer.world.regenerate(customer.subscription_id)
    assert customer.cost(partial(asked, modelId="guess-5"), code="invalid_api_key") == LOOK
    assert customer.cost(partial(asked, modelId="guess-6"), code="invalid_api_key") == NOTHING


def test_refusal_at_the_bound_of_open_holds_is_one_request_of_the_whole_item(customer: Customer) -> None:
    """A hundred open holds make an item of 5 kilobytes: this is what the bound is for."""
    made = customer.world.buy("another account", models=[model(calls=1000, cap=10**6)])
    using = Customer(customer.world, made["subscriptionId"], made["apiKey"])
    for number in range(100):
        assert using.authorize(f"open-{number}", 1000)["allowed"]
    cost = using.cost(using.authorize, code="too_many_open_holds", retryAfter=1)
    assert cost == (["UpdateItem"], 5, 0)
    assert using.cost(using.authorize, code="too_many_open_holds", retryAfter=1) == (["GetItem"], 0, 2)


def test_every_tier_down_is_one_read(customer: Customer) -> None:
    customer.world.take_down(TEXT_MODEL, *Tier)
    assert customer.cost(customer.authorize, code="tier_unavailable", retryAfter=5) == LOOK


def test_process_reads_which_tiers_are_down_once_in_three_seconds(customer: Customer) -> None:
    """The only request besides the write, shared by all customers of a process."""
    world = customer.world
    seconds = [0.0]
    pacing = world.deps.pacing._replace(monotonic=lambda: seconds[0], random=lambda: 0.5)
    down = TierCache(world.deps._replace(pacing=pacing))
    world.fill_tiers()
    world.recorder.clear()
    for seconds[0] in (0.0, 0.1, 3.4, 3.5, 6.9):
        down.down_of(TEXT_MODEL, world.deps.retry_budget())
    assert (world.recorder.calls, world.recorder.read_units) == (["GetItem"] * 2, 2)


def test_report_that_reaches_a_threshold_tells_it_in_one_transaction_and_the_next_costs_as_ever(
    customer: Customer,
) -> None:
    crossing = customer.authorize("crosses", 9000)
    cost = customer.cost(lambda: customer.settle(crossing, 9000), settled=True)
    assert cost == (["UpdateItem", "TransactWriteItems"], 5, 0)
    assert customer.cost(partial(customer.authorize, "above", 1), allowed=True) == WRITE
    assert customer.cost(partial(customer.authorize, "full", 9000), code="monthly_cap_reached") == WRITE


def test_report_that_gives_calls_back_below_a_threshold_arms_it_again_in_one_more_write(world: World) -> None:
    made = world.buy(models=[model(calls=10)])
    using = Customer(world, made["subscriptionId"], made["apiKey"])
    granted = [using.authorize(f"r-{number}") for number in range(8)]
    cost = using.cost(lambda: using.settle(granted[0], 0, calls=0), settled=True)
    assert cost == (["UpdateItem", "UpdateItem"], 2, 0)
    assert using.cost(lambda: using.settle(granted[1], 0, calls=0), settled=True) == WRITE


def test_open_block_that_is_no_use_yet_costs_what_a_grant_costs(customer: Customer) -> None:
    assert customer.cost(partial(customer.authorize, "block", 10, calls=90), allowed=True) == WRITE


def test_grant_of_what_is_left_is_two_plain_writes_and_costs_nothing_more_where_all_fits(customer: Customer) -> None:
    fits = partial(customer.authorize, "fits", 900, minimumUsage=10)
    assert customer.cost(fits, allowed=True, heldUsage=900) == WRITE
    assert customer.cost(fits, replayed=True) == WRITE
    customer.settle(customer.authorize("most", 9000), 9000)  # is told of as 80 percent
    less = partial(customer.authorize, "less", 900, minimumUsage=10)
    assert customer.cost(less, allowed=True, heldUsage=97) == (["UpdateItem", "UpdateItem"], 2, 0)
    assert customer.cost(less, replayed=True) == WRITE
    assert customer.cost(partial(customer.authorize, "none", 900, minimumUsage=10), code="monthly_cap_reached") == WRITE


def test_first_request_of_an_untouched_window_is_two_plain_writes(world: World) -> None:
    made = world.buy()
    using = Customer(world, made["subscriptionId"], made["apiKey"])
    # The due mark of the reset enters its index: a unit more.
    assert using.cost(using.authorize, allowed=True) == (["UpdateItem", "UpdateItem"], 3, 0)


def test_first_request_after_a_used_day_archives_it_in_one_transaction(customer: Customer) -> None:
    customer.world.clock.advance(DAY_MS)
    cost = customer.cost(customer.authorize, allowed=True)
    assert cost == (["UpdateItem", "TransactWriteItems"], 5, 0)


def test_reclaim_is_three_requests(customer: Customer) -> None:
    customer.authorize("left-open", 9000, holdSeconds=60)
    customer.world.clock.advance(60_000)
    cost = customer.cost(lambda: customer.authorize(estimate=9000), allowed=True)
    assert cost == (["UpdateItem", "TransactWriteItems", "GetItem"], 5, 1)


def test_settle_of_a_closed_window_adds_to_its_row_in_one_transaction(customer: Customer) -> None:
    granted = customer.authorize()
    customer.world.clock.advance(DAY_MS)
    customer.authorize("next-day")
    cost = customer.cost(lambda: customer.settle(granted), late=True)
    assert cost == (["UpdateItem", "TransactWriteItems", "GetItem"], 5, 1)


def test_settle_of_a_reclaimed_hold_spends_its_ticket(customer: Customer) -> None:
    granted = customer.authorize("left-open", 9000, holdSeconds=60)
    customer.world.clock.advance(60_000)
    customer.authorize("reclaimer", 9000)
    cost = customer.cost(lambda: customer.settle(granted), late=True)
    assert cost == (["UpdateItem", "GetItem", "TransactWriteItems", "GetItem"], 5, 2)


def test_settle_served_in_another_tier_writes_its_event_in_one_transaction(customer: Customer) -> None:
    granted = customer.authorize()
    cost = customer.cost(lambda: customer.settle(granted, servedTier="basic"), tierBreached=True)
    assert cost == (["GetItem", "TransactWriteItems", "GetItem"], 4, 2)


def test_report_far_above_its_estimate_writes_its_event_in_one_transaction(customer: Customer) -> None:
    granted = customer.authorize("far", 10)
    cost = customer.cost(lambda: customer.world.settle(granted["authorizationId"], 100), late=False)
    assert cost == (["GetItem", "TransactWriteItems", "GetItem"], 4, 2)
    both = customer.authorize("far-and-elsewhere", 10)
    cost = customer.cost(lambda: customer.world.settle(both["authorizationId"], 100, servedTier="basic"))
    assert cost == (["GetItem", "TransactWriteItems", "GetItem"], 6, 2)


def offer_many(world: World, count: int) -> None:
    """Let the catalogue have so many more models, called m-0, m-1 and so on."""
    price = Price("USD", "1.00", "0.000001", "0.01")
    for number in range(count):
        offered = CatalogueModel(f"m-{number}", Kind.TEXT, {Tier.STABLE: price})
        world.quick.put_item(TableName=world.tables.catalogue, Item=model_item(offered))


def test_purchase_and_renewal_of_forty_models_are_three_requests(world: World) -> None:
    offer_many(world, 40)
    world.recorder.clear()
    made = world.buy(models=[model(f"m-{n}") for n in range(40)])
    assert world.recorder.calls == ["TransactGetItems", "BatchGetItem", "TransactWriteItems"]
    assert (world.recorder.write_units, world.recorder.read_units) == (111, 44)
    assert world.authorize(made["apiKey"], "r-1", modelId="m-39")["allowed"]
    world.clock.advance(31 * DAY_MS)
    world.recorder.clear()
    assert world.renew(made["subscriptionId"])["apiKey"]
    assert world.recorder.calls == ["TransactGetItems", "BatchGetItem", "TransactWriteItems"]
    assert (world.recorder.write_units, world.recorder.read_units) == (194, 46)


def test_quote_purchase_and_renewal_cost_the_same_in_a_catalogue_of_ten_and_of_a_thousand_models(engine: str) -> None:
    costs = []
    for size in (10, 1000):
        world = new_world(engine)
        offer_many(world, size)
        wanted = [model(f"m-{n}") for n in range(10)]
        found: list[Cost] = []

        def count(command: Callable[[], object], of: World = world, into: list[Cost] = found) -> None:
            of.recorder.clear()
            command()
            into.append((list(of.recorder.calls), of.recorder.write_units, of.recorder.read_units))

        count(partial(subscription_queries.quote, world.deps, parse_purchase({"models": wanted})))
        count(partial(world.buy, models=wanted))
        (made,) = list_subscriptions(world.deps, "acct")["subscriptions"]
        count(partial(sales.quote, world, made["subscriptionId"], renew={}))
        world.clock.advance(31 * DAY_MS)
        count(partial(world.renew, made["subscriptionId"]))
        costs.append(found)
        world.drop_tables()
    assert costs[0] == costs[1]
    assert [read for _, _, read in costs[0]] == [10, 14, 11, 16]


def test_models_are_read_page_by_page_and_by_a_process_once_in_two_seconds(world: World) -> None:
    offer_many(world, 250)
    seconds = [0.0]
    deps = world.deps._replace(pacing=world.deps.pacing._replace(monotonic=lambda: seconds[0]))
    kept = ModelPages(deps.pacing.monotonic)
    costs = []
    for seconds[0] in (0.0, 1.9, 2.0):
        world.recorder.clear()
        assert len(list_models(deps, {}, kept)["models"]) == 100
        costs.append((list(world.recorder.calls), world.recorder.read_units))
    page = (["Query", "GetItem"], 3)
    assert costs == [page, ([], 0), page]
    world.recorder.clear()
    list_models(deps)
    assert (world.recorder.calls, world.recorder.read_units) == (["Query", "GetItem"], 6)  # as an operator


def test_new_key_and_cancellation_are_a_write_per_model_and_two_of_the_row(customer: Customer) -> None:
    world, name = customer.world, customer.subscription_id
    assert customer.cost(lambda: world.regenerate(name), status="active") == (
        ["GetItem", "TransactWriteItems", "UpdateItem", "UpdateItem"],
        10,
        1,
    )
    assert customer.cost(lambda: world.cancel(name), status="cancelled") == (
        ["GetItem", "UpdateItem", "UpdateItem", "GetItem", "TransactWriteItems"],
        11,
        2,
    )


def test_operators_calls_read_a_few_small_items_and_write_what_changes_with_its_event(customer: Customer) -> None:
    world = customer.world
    offer = catalogue_file.offers_of(catalogue_file.PATH)[0]
    other = replace(offer, model=replace(offer.model, calls=Bounds(1, 9)))
    put = customer.cost(lambda: offers.put_model(world.deps, other).body, modelId=TEXT_MODEL)
    assert put == (["TransactGetItems", "TransactWriteItems"], 8, 6)
    again = customer.cost(lambda: offers.put_model(world.deps, other).body, modelId=TEXT_MODEL)
    assert again == (["TransactGetItems"], 0, 6)
    down = partial(world.turn_tier, TEXT_MODEL, "basic", available=False, reason="it is failing")
    assert customer.cost(down, available=False) == (["TransactGetItems", "TransactWriteItems"], 6, 6)
    assert customer.cost(down, available=False) == (["TransactGetItems"], 0, 6)
    world.recorder.clear()
    offers.withdraw_model(world.deps, TEXT_MODEL)
    assert (world.recorder.calls, world.recorder.write_units) == (["TransactGetItems", "TransactWriteItems"], 4)


def test_quote_is_one_read_of_the_models_it_names(customer: Customer) -> None:
    body = parse_purchase({"models": [model()]})
    cost = customer.cost(partial(subscription_queries.quote, customer.world.deps, body), currency="USD")
    assert cost == (["BatchGetItem"], 0, 1)


def test_plan_is_one_read_and_one_transaction_and_nothing_when_it_is_so_already(world: World) -> None:
    for command, expected in (
        (world.set_plan, (["GetItem", "TransactWriteItems"], 5, 1)),
        (world.set_plan, (["GetItem"], 0, 1)),
        (world.end_plan, (["GetItem", "TransactWriteItems"], 5, 1)),
        (world.end_plan, (["GetItem"], 0, 1)),
    ):
        world.recorder.clear()
        command()
        assert (world.recorder.calls, world.recorder.write_units, world.recorder.read_units) == expected


def test_correction_is_four_reads_and_one_transaction(customer: Customer) -> None:
    cost = customer.cost(lambda: customer.world.correct(customer.subscription_id, -1), units=-1)
    assert cost == (["GetItem"] * 4 + ["TransactWriteItems", "GetItem"], 6, 5)


def test_release_is_two_reads_and_one_transaction_and_one_read_where_nothing_is_held(customer: Customer) -> None:
    name, granted = customer.subscription_id, customer.authorize("r-1")["authorizationId"]

    def release() -> Json:
        customer.world.release(name, granted)
        return {}

    assert customer.cost(release) == (["GetItem", "TransactWriteItems", "GetItem"], 6, 2)
    assert customer.cost(release) == (["GetItem"], 0, 1)


def test_pages_and_history_are_a_few_reads(customer: Customer) -> None:
    deps, name = customer.world.deps, customer.subscription_id
    customer.world.clock.advance(DAY_MS)
    customer.authorize("next-day")

    def reads(command: Callable[[], Json]) -> Cost:
        recorder = customer.world.recorder
        recorder.clear()
        command()
        return list(recorder.calls), recorder.write_units, recorder.read_units

    assert reads(lambda: list_subscriptions(deps, "acct")) == (["Query", "BatchGetItem"], 0, 2)
    assert reads(lambda: list_events(deps, "acct", name)) == (["GetItem", "Query"], 0, 2)
    history = ["GetItem", "Query", "BatchGetItem", "Query"]
    assert reads(lambda: listings.history(deps, "acct", name)) == (history, 0, 4)


def test_size_of_an_item_is_what_the_engine_charges_for(customer: Customer) -> None:
    """Holds of different lengths, across the first kilobytes: the figures of refused writes rest on this."""
    for number in range(60):
        cost = customer.cost(partial(customer.authorize, f"r-{number}", 1), allowed=True)
        (stored,) = customer.world.all_items(customer.world.tables.entitlements)
        assert cost[1] == -(-item_bytes(stored) // KILOBYTE), number
