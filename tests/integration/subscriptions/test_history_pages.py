"""The history page by page: the pages are the whole, what each reads is bounded, and nothing bad spoils the rest."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.entitlements import history as rows
from modelpass.entitlements.model import EntitlementId
from modelpass.errors import Refused
from modelpass.subscriptions import items
from tests.support import damaged
from tests.support.changing import change
from tests.support.faults import Interleave
from tests.support.lines import recorded
from tests.support.listings import history
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
FORTY = 40


def pages(world: World, name: str, **query: str) -> list[Json]:
    """Every page, from the first to the last."""
    found = [history(world.deps, "acct", name, query)]
    while found[-1]["next"]:
        found.append(history(world.deps, "acct", name, {**query, "cursor": found[-1]["next"]}))
    return found


def used_for_days(world: World, days: int) -> str:
    """A subscription of two models that was used on most days, through a renewal, with some days not closed yet."""
    made = world.buy(models=[model(calls=9, cap=10**6), model(IMAGE_MODEL, calls=9, cap=10**6)])
    name: str = made["subscriptionId"]
    key = made["apiKey"]
    for number in range(days):
        if world.clock.now_ms >= world.subscription(name).expires_at_ms:
            key = world.renew(name)["apiKey"]
        if number % 4 != 3:
            granted = world.authorize(key, f"r-{number}", 9, modelId=(TEXT_MODEL, IMAGE_MODEL)[number % 2])
            world.settle(granted["authorizationId"], number + 1)
        world.clock.advance(DAY_MS)
    return name


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 19, 81, 82, 83])
def test_pages_are_the_whole_whatever_their_limit(world: World, limit: int) -> None:
    name = used_for_days(world, 40)
    query = {"from": "2026-11-01"}
    whole = history(world.deps, "acct", name, query)
    assert (len(whole["days"]), whole["next"]) == (82, None)
    assert sum(day["units"] for day in whole["days"]) == sum(n + 1 for n in range(40) if n % 4 != 3)
    found = pages(world, name, limit=str(limit), **query)
    assert [day for page in found for day in page["days"]] == whole["days"]
    assert [len(page["days"]) for page in found[:-1]] == [limit] * (len(found) - 1)
    assert len(found) == -(-82 // limit)
    terms = [term for page in found for term in page["terms"]]
    assert [term for n, term in enumerate(terms) if term not in terms[:n]] == whole["terms"]
    for page in found:
        first, last = page["days"][0]["date"], page["days"][-1]["date"]
        assert all(t["startsAt"][:10] <= last and first <= t["expiresAt"][:10] for t in page["terms"])


def test_days_that_close_and_begin_while_pages_are_read_move_no_page_and_count_once(world: World) -> None:
    name = used_for_days(world, 6)
    key = world.regenerate(name)["apiKey"]
    whole = history(world.deps, "acct", name)
    first = history(world.deps, "acct", name, {"limit": "5"})
    assert world.authorize(key, "closer", 1)["allowed"]
    world.clock.advance(3 * DAY_MS)
    rest = pages(world, name, cursor=first["next"], limit="4")
    shown = first["days"] + [day for page in rest for day in page["days"]]
    figures = [[day[field] for field in ("date", "modelId", "units")] for day in whole["days"]]
    assert [[day[field] for field in ("date", "modelId", "units")] for day in shown] == figures
    assert [day["closed"] for day in shown[-2:]] == [True, True]


@pytest.mark.parametrize("at", range(5))
def test_day_that_is_closed_while_its_page_is_read_counts_once(world: World, at: int) -> None:
    made = world.buy()
    world.settle(world.authorize(made["apiKey"], "r-1", 10)["authorizationId"], 6)
    world.clock.advance(2 * DAY_MS)
    before = history(world.deps, "acct", made["subscriptionId"], {"limit": "1"})
    send = Interleave(world.deps.send, at, lambda: world.authorize(made["apiKey"], "r-2", 10))
    page = history(world.with_send(send).deps, "acct", made["subscriptionId"], {"limit": "1"})
    assert page["days"] == before["days"]
    assert page["days"][0]["units"] == 6


def a_year_of_forty_models(world: World) -> str:
    """A subscription of a year with forty models, and a row for each day and model, as they would have been closed."""
    ids = [f"m-{number:02}" for number in range(FORTY)]
    offered = world.dynamodb.get_item(
        TableName=world.tables.catalogue, Key={"pk": {"S": "catalogue"}, "sk": {"S": f"model#{TEXT_MODEL}"}}
    )["Item"]
    for one in ids:
        item = {**offered, "sk": {"S": f"model#{one}"}, "id": {"S": one}}
        world.dynamodb.put_item(TableName=world.tables.catalogue, Item=item)
    name: str = world.buy(models=[model(one) for one in ids], months=12)["subscriptionId"]
    puts = []
    for day in range(365):
        for number, one in enumerate(ids):
            key = rows.day_key(EntitlementId(name, 1, one), (date(2026, 11, 23) + timedelta(days=day)).isoformat())
            figures = {"calls": schema.number(1), "units": schema.number(day * FORTY + number)}
            puts.append({"PutRequest": {"Item": {**schema.primary_key(key), "v": schema.number(2), **figures}}})
    for begin in range(0, len(puts), 25):
        world.dynamodb.batch_write_item(RequestItems={world.tables.history: puts[begin : begin + 25]})
    world.clock.advance(365 * DAY_MS)
    return name


def test_largest_history_works_page_by_page_and_each_page_reads_a_bounded_amount(world: World) -> None:
    name = a_year_of_forty_models(world)
    shown, query = [], {"from": "2026-11-23"}
    world.recorder.clear()
    while True:
        page = history(world.deps, "acct", name, query)
        shown += page["days"]
        assert len(page["days"]) <= 1000
        assert world.recorder.calls == ["GetItem", "Query", "BatchGetItem", "Query"]
        assert world.recorder.read_units <= 90
        world.recorder.clear()
        if page["next"] is None:
            break
        query = {"cursor": page["next"]}
    assert [day["units"] for day in shown] == list(range(365 * FORTY))
    history(world.deps, "acct", name, {"limit": "1"})
    assert world.recorder.read_units <= 8


def spoil(world: World, name: str, sort_key: str, form: Callable[[Json], Json]) -> Json:
    key = schema.primary_key((name, sort_key))
    item = world.dynamodb.get_item(TableName=world.tables.history, Key=key)["Item"]
    return damaged.put(world, world.tables.history, form(item))


def reported(world: World, name: str, **query: str) -> tuple[Json, set[str]]:
    with recorded() as output:
        found = history(world.deps, "acct", name, query)
    return found, {line["item"] for line in output.lines()}


def test_day_that_cannot_be_read_is_left_out_and_reported_and_the_pages_end(world: World) -> None:
    name = used_for_days(world, 5)
    whole = history(world.deps, "acct", name)
    key = f"day#2026-11-23#1#{TEXT_MODEL}"
    spoil(world, name, key, damaged.of_later_version)
    found, told = reported(world, name)
    assert found == {**whole, "days": whole["days"][1:]}
    assert told == {f"{name} {key}"}
    one_by_one = pages(world, name, limit="1")
    assert [day for page in one_by_one for day in page["days"]] == whole["days"][1:]
    assert (one_by_one[0]["days"], len(one_by_one)) == ([], len(whole["days"]))


@pytest.mark.parametrize("number", [1, 2])
def test_term_that_cannot_be_read_costs_no_figure(world: World, number: int) -> None:
    """What it was sold for is known of the current term by its subscription, and of an earlier one no more."""
    name = used_for_days(world, 40)
    whole = history(world.deps, "acct", name, {"from": "2026-11-23"})
    spoil(world, name, items.term_key(name, number)[1], lambda item: {**item, "ms": {"BOOL": True}})
    found, told = reported(world, name, **{"from": "2026-11-23"})
    assert told == {f"{name} term#{number:06d}"}
    assert found["days"] == whole["days"]
    kept = dict(whole["terms"][number - 1]) if number == 2 else {**whole["terms"][0], "price": None}
    assert found["terms"] == [*whole["terms"][: number - 1], kept, *whole["terms"][number:]]


def test_entitlement_that_cannot_be_read_hides_what_only_it_knows_and_never_shows_none(world: World) -> None:
    name = used_for_days(world, 5)
    whole = history(world.deps, "acct", name)
    damaged.spoil_entitlement(world, name)
    found, told = reported(world, name)
    assert told == {f"{name}#1#{TEXT_MODEL}"}
    stored = [item["sk"]["S"] for item in world.all_items(world.tables.history)]
    closed = {key.split("#")[1] for key in stored if key.startswith("day#") and key.endswith(TEXT_MODEL)}
    assert closed
    kept = [day for day in whole["days"] if day["modelId"] == IMAGE_MODEL or day["date"] in closed]
    assert found["days"] == kept
    assert found["terms"] == whole["terms"]


def test_another_subscriptions_cursor_and_one_that_no_page_gave_are_refused(world: World) -> None:
    name = used_for_days(world, 3)
    cursor = history(world.deps, "acct", name, {"limit": "1"})["next"]
    later = world.buy("other", models=[model()])["subscriptionId"]
    for given in (cursor, "", "x", "A" * 300, "\u00e9"):
        with pytest.raises(Refused) as caught:
            history(world.deps, "other", later, {"cursor": given})
        assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", "cursor")


@pytest.mark.parametrize("limit", ["0", "1001", "-1", "1.5", "", "many", "\u0663", "1 "])
def test_limit_out_of_range_is_named(world: World, limit: str) -> None:
    name = world.buy()["subscriptionId"]
    with pytest.raises(Refused) as caught:
        history(world.deps, "acct", name, {"limit": limit})
    assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", "limit")
    assert history(world.deps, "acct", name, {"limit": "1000"})["days"]


def test_what_a_model_used_that_left_the_list_or_joined_it_stays_in_the_history(world: World) -> None:
    made = world.buy(models=[model(calls=9, cap=100), model(IMAGE_MODEL, calls=9, cap=100)], months=3)
    name, key = made["subscriptionId"], made["apiKey"]
    world.settle(world.authorize(key, "image", 9, modelId=IMAGE_MODEL)["authorizationId"], 3)
    change(world, name, model(calls=9, cap=100))
    world.clock.advance(40 * DAY_MS)
    world.settle(world.authorize(key, "text", 9)["authorizationId"], 5)
    assert world.authorize(key, "gone", 9, modelId=IMAGE_MODEL)["error"]["code"] == "model_not_included"
    days = [day for page in pages(world, name, **{"from": "2026-11-23", "limit": "7"}) for day in page["days"]]
    used = [(day["date"], day["modelId"], day["units"]) for day in days if day["units"]]
    assert used == [("2026-11-23", IMAGE_MODEL, 3), ("2027-01-02", TEXT_MODEL, 5)]
    assert len(days) == 2 * 41
