"""Lists, history and events over the store: complete, in order, the caller's own, and true while things change."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

import pytest

from modelpass.times import rfc3339
from tests.support import listings
from tests.support.faults import Interleave
from tests.support.listings import list_events, list_subscriptions
from tests.support.refused import refusal
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

Json = dict[str, Any]


def subscriptions(world: World, account: str = "acct", **query: str) -> Json:
    return list_subscriptions(world.deps, account, query)


def history(world: World, name: str, account: str = "acct", **query: str) -> Json:
    query = {key.rstrip("_"): value for key, value in query.items()}
    return listings.history(world.deps, account, name, query)


def events(world: World, name: str, account: str = "acct", **query: str) -> Json:
    return list_events(world.deps, account, name, query)


def bought_and_cancelled(world: World, count: int) -> list[str]:
    """Subscriptions, the newest first."""
    made = []
    for _ in range(count):
        made.append(world.buy()["subscriptionId"])
        world.cancel(made[-1])
        world.clock.advance(1 if len(made) % 3 == 0 else 0)  # some of the same millisecond
    return made[::-1]


def paged(command: Any, world: World, *args: Any, limit: int) -> list[Json]:
    """Every page, from the first to the last."""
    pages = [command(world, *args, limit=str(limit))]
    while pages[-1]["next"]:
        pages.append(command(world, *args, limit=str(limit), cursor=pages[-1]["next"]))
    return pages


def test_list_is_newest_first_complete_and_of_this_account(world: World) -> None:
    made = bought_and_cancelled(world, 5)
    made.insert(0, world.buy()["subscriptionId"])
    world.buy("another account")
    shown = subscriptions(world)
    assert [s["subscriptionId"] for s in shown["subscriptions"]] == made
    assert shown["next"] is None
    assert [s["status"] for s in shown["subscriptions"]] == ["active"] + ["cancelled"] * 5
    assert all("apiKey" not in s for s in shown["subscriptions"])
    assert subscriptions(world, "who bought nothing") == {"subscriptions": [], "next": None}


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7])
def test_pages_show_each_subscription_once(world: World, limit: int) -> None:
    made = bought_and_cancelled(world, 6)
    pages = paged(subscriptions, world, limit=limit)
    shown = [s["subscriptionId"] for page in pages for s in page["subscriptions"]]
    assert Counter(shown) == Counter(made)
    assert shown == [s["subscriptionId"] for s in subscriptions(world)["subscriptions"]]
    assert len(pages) == -(-6 // limit)


def test_page_survives_what_is_bought_in_between(world: World) -> None:
    bought_and_cancelled(world, 4)
    before = [s["subscriptionId"] for s in subscriptions(world)["subscriptions"]]
    first = subscriptions(world, limit="2")
    world.buy()  # of the same millisecond as the newest before it
    rest = subscriptions(world, limit="2", cursor=first["next"])
    assert [s["subscriptionId"] for s in rest["subscriptions"]] == before[2:]


@pytest.mark.parametrize("limit", ["0", "101", "-1", "1.5", "", "many", "٣", "0x1", "1 ", "9" * 50])
def test_limit_out_of_range_is_named(world: World, limit: str) -> None:
    name = world.buy()["subscriptionId"]
    assert refusal(subscriptions, world, limit=limit) == ("invalid_request", "limit")
    assert refusal(events, world, name, limit=limit) == ("invalid_request", "limit")


@pytest.mark.parametrize("cursor", ["", "x", "YQ", "é", "A" * 300, "c2xvdA", "=", "Ym91Z2h0Iw"])
def test_cursor_that_no_page_gave_is_named(world: World, cursor: str) -> None:
    name = world.buy()["subscriptionId"]
    assert refusal(subscriptions, world, cursor=cursor) == ("invalid_request", "cursor")
    assert refusal(events, world, name, cursor=cursor) == ("invalid_request", "cursor")


def test_cursor_of_another_account_shows_nothing_of_it(world: World) -> None:
    bought_and_cancelled(world, 2)
    theirs = subscriptions(world, limit="1")["next"]
    world.clock.advance(-10)
    mine = world.buy("another account")["subscriptionId"]
    shown = subscriptions(world, "another account", cursor=theirs)["subscriptions"]
    assert [s["subscriptionId"] for s in shown] == [mine]


def test_events_tell_what_happened_newest_first_in_pages(world: World) -> None:
    made = world.buy(models=[model(calls=1)])
    name = made["subscriptionId"]
    world.clock.advance(1000)
    world.authorize(made["apiKey"], "r-1")
    world.clock.advance(1000)
    world.regenerate(name)
    world.clock.advance(31 * DAY_MS)
    world.reset()
    world.renew(name)
    world.cancel(name)
    shown = [e for page in paged(events, world, name, limit=2) for e in page["events"]]
    assert shown == events(world, name)["events"]
    assert [e["type"] for e in shown] == [
        "subscription.cancelled",
        "subscription.renewed",
        "subscription.expired",
        "key.regenerated",
        "limit.threshold_reached",
        "limit.threshold_reached",
        "subscription.purchased",
    ]
    assert all(set(e) == {"id", "type", "version", "at", "data"} for e in shown)
    purchased = shown[-1]
    assert (purchased["version"], purchased["at"]) == (1, "2026-11-23T00:00:00Z")
    assert purchased["data"]["price"]["total"] == "12.043"  # 12.00 + 1,000 x 0.000003 + 1 x 0.04
    assert all(e["id"].startswith("evt_") for e in shown)


def test_history_shows_every_day_and_model_with_gaps_as_zero_and_today_open(world: World) -> None:
    bought = [model(cap=1000), model(IMAGE_MODEL, "basic", cap=100)]
    made = world.buy(models=bought, timezone="America/New_York")  # 2026-11-22 there
    settled = world.authorize(made["apiKey"], "r-1", 40)
    world.settle(settled["authorizationId"], 30)
    world.clock.advance(2 * DAY_MS)
    world.authorize(made["apiKey"], "r-2", 1)
    world.settle(world.authorize(made["apiKey"], "r-3", 5, modelId=IMAGE_MODEL)["authorizationId"], 4)
    days = history(world, made["subscriptionId"])["days"]
    assert days == [
        {"date": f"2026-11-{d}", "modelId": m, "calls": calls, "units": units, "closed": d < 24}
        for d, m, calls, units in (
            (22, TEXT_MODEL, 1, 30),
            (22, IMAGE_MODEL, 0, 0),
            (23, TEXT_MODEL, 0, 0),
            (23, IMAGE_MODEL, 0, 0),
            (24, TEXT_MODEL, 1, 0),
            (24, IMAGE_MODEL, 1, 4),
        )
    ]


def test_late_report_is_shown_in_the_day_of_its_request(world: World) -> None:
    made = world.buy()
    late = world.authorize(made["apiKey"], "r-1", 40)
    world.clock.advance(DAY_MS)
    world.settle(world.authorize(made["apiKey"], "r-2", 5)["authorizationId"], 5)
    world.settle(late["authorizationId"], 33)
    figures = [(d["calls"], d["units"], d["closed"]) for d in history(world, made["subscriptionId"])["days"]]
    assert figures == [(1, 33, True), (1, 5, False)]


def test_history_goes_over_terms_adds_what_falls_on_one_day_and_shows_what_each_was_sold_for(world: World) -> None:
    made = world.buy(models=[model(cap=10**6)])
    name = made["subscriptionId"]
    world.clock.advance(30 * DAY_MS - 1000)  # the last day of the term
    world.settle(world.authorize(made["apiKey"], "r-1", 10)["authorizationId"], 7)
    world.clock.advance(1000)
    again = world.renew(name)
    world.settle(world.authorize(again["apiKey"], "r-1", 10)["authorizationId"], 5)
    world.clock.advance(DAY_MS)
    shown = history(world, name, from_="2026-12-22", to="2026-12-24")
    assert [(d["date"], d["calls"], d["units"]) for d in shown["days"]] == [
        ("2026-12-22", 1, 7),
        ("2026-12-23", 1, 5),
        ("2026-12-24", 0, 0),
    ]
    assert [(t["term"], t["startsAt"], t["expiresAt"]) for t in shown["terms"]] == [
        (1, "2026-11-23T00:00:00Z", "2026-12-23T00:00:00Z"),
        (2, "2026-12-23T00:00:00Z", "2027-01-23T00:00:00Z"),
    ]
    assert {t["price"]["total"] for t in shown["terms"]} == {"17.00"}
    assert [t["term"] for t in history(world, name, from_="2026-12-24")["terms"]] == [2]


def test_two_terms_of_one_day_are_one_figure(world: World) -> None:
    world.clock.advance(DAY_MS // 2)
    made = world.buy()
    world.clock.advance(30 * DAY_MS - 1000)
    world.authorize(made["apiKey"], "r-1", 10)
    world.clock.advance(1000)
    again = world.renew(made["subscriptionId"])
    world.authorize(again["apiKey"], "r-1", 10)
    (last,) = history(world, made["subscriptionId"], from_="2026-12-23")["days"]
    assert (last["calls"], last["closed"]) == (2, False)


def test_days_before_the_purchase_and_after_today_or_the_term_are_left_out(world: World) -> None:
    name = world.buy()["subscriptionId"]
    world.clock.advance(DAY_MS)
    shown = history(world, name, from_="2026-11-01", to="2027-02-01")["days"]
    assert [d["date"] for d in shown] == ["2026-11-23", "2026-11-24"]
    assert history(world, name, from_="2026-12-01") == {"days": [], "terms": [], "next": None}
    assert history(world, name, to="2026-11-22") == {"days": [], "terms": [], "next": None}
    assert history(world, name, to="0001-01-01") == {"days": [], "terms": [], "next": None}
    world.clock.advance(60 * DAY_MS)
    assert history(world, name)["days"][-1]["date"] == "2026-12-22"
    assert history(world, name)["days"][0]["date"] == "2026-11-23"
    assert [d["date"] for d in history(world, name, to="2027-01-22")["days"]] == [
        f"2026-12-{day:02}" for day in range(1, 23)
    ]


def test_usage_of_the_first_of_a_month_is_shown_on_its_last_day_and_of_its_rest_on_the_first_of_the_next(
    world: World,
) -> None:
    made = world.buy(months=2)
    for day, used in (("2026-12-01", 7), ("2026-12-02", 5)):
        world.clock.set(datetime.fromisoformat(f"{day}T00:00:00Z"))
        world.settle(world.authorize(made["apiKey"], f"r-{used}", 10)["authorizationId"], used)
    for today, query, units in (
        ("2026-12-31", {}, [7, 5]),
        ("2026-12-31", {"to": "2026-12-31"}, [7, 5]),
        ("2026-12-31", {"to": "2027-01-01"}, [7, 5]),  # it is tomorrow already where the caller is
        ("2027-01-01", {}, [5]),
        ("2027-01-01", {"to": "2026-12-31"}, [7, 5]),
    ):
        world.clock.set(datetime.fromisoformat(f"{today}T00:00:00Z"))
        shown = history(world, made["subscriptionId"], **query)["days"]
        assert [d["units"] for d in shown if d["units"]] == units, (today, query)


@pytest.mark.parametrize("name", ["from_", "to"])
@pytest.mark.parametrize(
    "value", ["", "today", "2026-02-30", "2026-1-1", "20261124", "2026-W52-1", "2026-11-24T00:00:00Z"]
)
def test_date_that_is_none_is_named(world: World, name: str, value: str) -> None:
    made = world.buy()["subscriptionId"]
    assert refusal(history, world, made, **{name: value}) == ("invalid_request", name.rstrip("_"))


def test_span_of_more_than_366_days_or_none_is_refused(world: World) -> None:
    name = world.buy()["subscriptionId"]
    assert history(world, name, from_="2026-01-01", to="2027-01-01")["days"]
    assert refusal(history, world, name, from_="2026-01-01", to="2027-01-02") == ("invalid_request", "from")
    assert refusal(history, world, name, from_="2024-01-01") == ("invalid_request", "from")
    assert refusal(history, world, name, from_="2026-11-24", to="2026-11-23") == ("invalid_request", "from")


@pytest.mark.parametrize("at", range(4))
def test_day_that_is_closed_while_it_is_looked_at_counts_once(world: World, at: int) -> None:
    made = world.buy()
    world.settle(world.authorize(made["apiKey"], "r-1", 10)["authorizationId"], 6)
    world.clock.advance(DAY_MS)
    send = Interleave(world.deps.send, at, lambda: world.authorize(made["apiKey"], "r-2", 10))
    days = history(world.with_send(send), made["subscriptionId"])["days"]
    assert send.reached
    assert (days[0]["calls"], days[0]["units"]) == (1, 6)
    assert days[1]["calls"] in (0, 1)


def test_year_of_history_is_told_of_all_its_terms(world: World) -> None:
    made = world.buy()
    name, key, starts = made["subscriptionId"], made["apiKey"], world.clock.now_ms
    for number in range(12):
        world.authorize(key, f"r-{number}", 1)
        world.clock.advance(32 * DAY_MS)
        key = world.renew(name)["apiKey"]
    shown = history(world, name, from_=rfc3339(world.clock.now_ms - 365 * DAY_MS)[:10])
    assert sum(d["calls"] for d in shown["days"]) == 11
    assert world.clock.now_ms - starts == 384 * DAY_MS
    assert len(shown["days"]) == 366


@pytest.mark.parametrize("command", [history, events])
def test_another_accounts_id_answers_and_costs_as_an_unknown_one(world: World, command: Any) -> None:
    theirs = world.buy()["subscriptionId"]
    answers = []
    for name in (theirs, "sub_" + "a" * 24):
        world.recorder.clear()
        answers.append(refusal(command, world, name, "another account"))
        assert (world.recorder.calls, world.recorder.read_units) == (["GetItem"], 1)
    assert answers == [("not_found", None)] * 2
