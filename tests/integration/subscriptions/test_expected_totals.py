"""A sale at another price than was shown is refused: what is expected is what is paid, or nothing is sold at all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from modelpass.errors import Refused
from tests.support.concurrency import refused_or_done_at_once as at_once
from tests.support.faults import FaultAt, Interleave, SlowReply
from tests.support.prices import RISEN, SHOWN, buy_for_a_year, expired_after_a_year, price, price_shown, terms, told
from tests.support.refused import refusal
from tests.support.world import DAY_MS, World

Json = dict[str, Any]
Sell = Callable[..., Json]
CALLS = 3
"""How many calls to the store a sale makes: its reads of what is there and of the catalogue, and its transaction."""


def purchase_of(_: World) -> Sell:
    return buy_for_a_year


def renewal_of(world: World) -> Sell:
    subscription_id = expired_after_a_year(world)
    return lambda on, **more: on.renew(subscription_id, **more)


SALES = pytest.mark.parametrize("prepare", [purchase_of, renewal_of], ids=lambda prepare: prepare.__name__)


@pytest.fixture(autouse=True)
def catalogue(world: World) -> None:
    price(world, "1.00")


def rise(world: World) -> None:
    price(world, "9.00")


def stored(world: World) -> list[Json]:
    """All that is stored but the catalogue."""
    return [item for name in world.names() if name != world.tables.catalogue for item in world.all_items(name)]


def prices(world: World, made: int) -> set[str]:
    """What the newest of so many terms was sold at, by its row, its history and its event."""
    newest = terms(world)[-1]
    assert newest.number == made
    event = told(world, "subscription.purchased" if made == 1 else "subscription.renewed")[-1]
    rows = [item for item in world.all_items(world.tables.subscriptions) if item["sk"]["S"] == "subscription"]
    row = world.subscription(rows[0]["pk"]["S"]).sold_term()
    shown = [price_shown(newest), event["price"], price_shown(row)]
    return {price["total"] for price in shown if price}


@SALES
@pytest.mark.parametrize("expected", [SHOWN, "18", "18.0", "18.000", None])
def test_sale_at_the_total_that_is_expected_is_made(world: World, prepare: Any, expected: str | None) -> None:
    sell = prepare(world)
    assert sell(world, expectedTotal=expected)["apiKey"]
    assert prices(world, len(terms(world))) == {SHOWN}


@SALES
@pytest.mark.parametrize("base", ["9.00", "0.50"], ids=["dearer", "cheaper"])
def test_sale_at_another_total_than_expected_is_refused_and_changes_nothing(
    world: World, prepare: Any, base: str
) -> None:
    sell = prepare(world)
    price(world, base)
    before = stored(world)
    with pytest.raises(Refused) as caught:
        sell(world, key="order-1", expectedTotal=SHOWN)
    total = {"9.00": RISEN, "0.50": "12.00"}[base]
    assert caught.value.refusal.error() == {
        "message": f"The total is {total} USD now.",
        "type": "conflict_error",
        "code": "price_changed",
        "param": "expectedTotal",
    }
    assert stored(world) == before
    # A refusal is not remembered: the same key buys at the total that it told.
    assert sell(world, key="order-1", expectedTotal=total)["apiKey"]
    assert prices(world, len(terms(world))) == {total}


@SALES
def test_sale_without_an_expected_total_takes_the_price_of_its_moment(world: World, prepare: Any) -> None:
    sell = prepare(world)
    rise(world)
    assert sell(world)["apiKey"]
    assert prices(world, len(terms(world))) == {RISEN}


@SALES
def test_repeat_after_the_price_rose_is_the_first_sale_at_its_price(world: World, prepare: Any) -> None:
    sell = prepare(world)
    sell(world, key="order-1", expectedTotal=SHOWN)
    rise(world)
    before = stored(world)
    again = sell(world, key="order-1", expectedTotal=SHOWN)
    assert (again["replayed"], again["apiKey"]) == (True, None)
    assert stored(world) == before
    assert prices(world, len(terms(world))) == {SHOWN}


@SALES
@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"expectedTotal": SHOWN}),
        ({"expectedTotal": SHOWN}, {}),
        *[({"expectedTotal": SHOWN}, {"expectedTotal": "1"})],
    ],
    ids=["added", "left out", "another"],
)
def test_key_is_good_for_one_content_of_which_the_expected_total_is_a_part(
    world: World, prepare: Any, first: Json, second: Json
) -> None:
    sell = prepare(world)
    sell(world, key="order-1", **first)
    before = stored(world)
    assert refusal(sell, world, key="order-1", **second) == ("idempotency_key_reused", "Idempotency-Key")
    assert sell(world, key="order-1", **first)["replayed"]
    assert stored(world) == before


@SALES
def test_price_is_compared_after_what_is_offered_and_before_the_place(world: World, prepare: Any) -> None:
    sell = prepare(world)
    world.set_plan("gold")
    assert refusal(sell, world, expectedTotal="1") == ("price_changed", "expectedTotal")
    assert refusal(sell, world, expectedTotal=SHOWN) == ("active_subscription_exists", None)
    world.dynamodb.delete_item(
        TableName=world.tables.catalogue, Key={"pk": {"S": "catalogue"}, "sk": {"S": "model#m-1"}}
    )
    assert refusal(sell, world, expectedTotal="1") == ("unknown_model", "models[0].modelId")


@SALES
@pytest.mark.parametrize("at", range(CALLS))
def test_price_that_changes_before_any_call_of_a_sale_is_refused_or_comes_too_late(
    world: World, prepare: Any, at: int
) -> None:
    sell = prepare(world)
    before, sold = stored(world), len(terms(world))
    between = Interleave(world.deps.send, at, lambda: rise(world))
    on = world.with_send(between)
    if at == CALLS - 1:  # the price was read and compared: at this price it is sold
        assert sell(on, expectedTotal=SHOWN)["apiKey"]
        assert prices(world, sold + 1) == {SHOWN}
    else:
        assert refusal(sell, on, expectedTotal=SHOWN) == ("price_changed", "expectedTotal")
        assert stored(world) == before
    assert between.reached


@SALES
def test_sale_that_begins_again_after_a_lost_race_compares_the_price_again(world: World, prepare: Any) -> None:
    sell = prepare(world)
    sold = len(terms(world))

    def meanwhile() -> None:
        world.set_plan("gold")
        world.end_plan()
        rise(world)

    on = world.with_send(Interleave(world.deps.send, CALLS - 1, meanwhile))
    assert refusal(sell, on, expectedTotal=SHOWN) == ("price_changed", "expectedTotal")
    assert len(terms(world)) == sold


@SALES
def test_sale_whose_reply_is_lost_while_the_price_rises_is_told_as_sold(world: World, prepare: Any) -> None:
    sell = prepare(world)
    sold = len(terms(world))
    on = world.with_send(SlowReply(world.deps.send, CALLS - 1, lambda: rise(world), lost=True))
    assert sell(on, expectedTotal=SHOWN)["apiKey"]
    assert prices(world, sold + 1) == {SHOWN}


@SALES
@pytest.mark.parametrize("kind", ["before", "after"])
@pytest.mark.parametrize("at", range(CALLS))
def test_fault_at_any_call_of_a_sale_leaves_its_price_as_expected(
    world: World, prepare: Any, at: int, kind: str
) -> None:
    sell = prepare(world)
    sold = len(terms(world))
    made = sell(world.with_send(FaultAt(world.deps.send, at, kind)), key="order-1", expectedTotal=SHOWN)
    assert made["apiKey"]
    assert prices(world, sold + 1) == {SHOWN}
    assert sell(world, key="order-1", expectedTotal=SHOWN)["replayed"]


def test_of_many_buyers_while_the_price_goes_up_and_down_each_pays_what_it_expects(world: World) -> None:
    def either(number: int) -> Any:
        if number % 3 == 0:
            return price(world, "9.00" if number % 2 else "1.00")
        expected = SHOWN if number % 3 == 1 else RISEN
        return buy_for_a_year(world, account=f"acct-{number}", expectedTotal=expected)["subscriptionId"]

    results = at_once(48, either)
    for number, result in enumerate(results):
        if number % 3 and result != "price_changed":
            sold = price_shown(world.subscription(result).sold_term())
            assert sold is not None
            assert sold["total"] == (SHOWN if number % 3 == 1 else RISEN)


def test_of_many_renewals_under_one_key_one_content_wins_and_the_other_is_refused(world: World) -> None:
    subscription_id = expired_after_a_year(world)
    contents: list[Json] = [{}, {"expectedTotal": SHOWN}]
    results = at_once(32, lambda n: world.renew(subscription_id, key="same", **contents[n % 2]))
    assert sum(isinstance(r, dict) and r["apiKey"] is not None for r in results) == 1
    assert results.count("idempotency_key_reused") == 16
    assert len(terms(world)) == 2


def test_body_of_an_earlier_renewal_is_forgotten_with_its_term(world: World) -> None:
    subscription_id = expired_after_a_year(world)
    world.renew(subscription_id, key="first", expectedTotal=SHOWN)
    world.clock.advance(366 * DAY_MS)
    world.renew(subscription_id, key="second")
    assert world.renew(subscription_id, key="second")["replayed"]
    assert refusal(world.renew, subscription_id, key="second", expectedTotal=SHOWN)[0] == "idempotency_key_reused"
    world.clock.advance(366 * DAY_MS)
    world.renew(subscription_id, expectedTotal=SHOWN)
    assert world.subscription(subscription_id).renewal_body is None


def renew_by_code_of_before(world: World, subscription_id: str, key: str) -> Json:
    """What functions leave behind that know nothing of a renewal's body or mark: `rb` stays as it was."""
    table, row = world.tables.subscriptions, {"pk": {"S": subscription_id}, "sk": {"S": "subscription"}}

    def forget() -> None:
        for item in world.all_items(table):
            if item["sk"]["S"].startswith(("sale#", "order#")):
                world.dynamodb.delete_item(TableName=table, Key={name: item[name] for name in ("pk", "sk")})

    (before,) = [item for item in world.all_items(table) if "rb" in item]
    forget()
    renewed = world.renew(subscription_id, key=key)
    forget()
    values = {":rb": before["rb"]}
    world.dynamodb.update_item(
        TableName=table, Key=row, UpdateExpression="SET rb = :rb", ExpressionAttributeValues=values
    )
    return renewed


@pytest.mark.parametrize("key", ["first", "second"])
def test_renewal_by_code_of_before_had_no_body_whatever_an_earlier_one_had(world: World, key: str) -> None:
    subscription_id = expired_after_a_year(world)
    world.renew(subscription_id, key="first", expectedTotal=SHOWN)
    for following in ("another", key):  # a key may come again once a term lies in between
        world.clock.advance(366 * DAY_MS)
        assert renew_by_code_of_before(world, subscription_id, following)["apiKey"]
    rows = [item for item in world.all_items(world.tables.subscriptions) if "rb" in item]
    assert [item["rb"]["M"]["tn"]["N"] for item in rows] == ["2"]
    assert world.renew(subscription_id, key=key)["replayed"]
    assert refusal(world.renew, subscription_id, key=key, expectedTotal=SHOWN)[0] == "idempotency_key_reused"
    world.clock.advance(366 * DAY_MS)
    assert world.renew(subscription_id, key="third", expectedTotal=SHOWN)["apiKey"]
    assert world.renew(subscription_id, key="third", expectedTotal=SHOWN)["replayed"]
