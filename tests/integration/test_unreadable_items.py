"""What is shown or done beside an item that cannot be read: all the rest, and the item is reported."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.router import settle as settle_door
from modelpass.runtime import telemetry
from modelpass.subscriptions import items
from modelpass.subscriptions.commands import queries
from tests.support import damaged
from tests.support.lines import recorded
from tests.support.listings import history, list_events, list_subscriptions
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
BOTH = [model(calls=9, cap=100), model(IMAGE_MODEL, calls=9, cap=100)]

pytestmark = pytest.mark.usefixtures("few_shards")


def reported(command: Callable[[], Any]) -> tuple[Any, list[str]]:
    """What a command gives, and the keys of the items that it has reported."""
    with recorded() as output:
        given = command()
    return given, [line["item"] for line in output.lines() if line["message"] == "unreadable_item"]


def two_subscriptions(world: World) -> list[str]:
    """The second is active and in use, with a day that is closed; the newest first."""
    first = world.buy(models=BOTH)["subscriptionId"]
    world.cancel(first)
    made = world.buy(models=BOTH)
    for number in range(2):
        granted = world.authorize(made["apiKey"], f"r-{number}", 5)
        world.settle(granted["authorizationId"], 4)
        world.clock.advance(DAY_MS)
    world.reset()
    return [made["subscriptionId"], first]


def shown(world: World, name: str) -> dict[str, Any]:
    """What each way of looking at one subscription answers; None where it fails."""
    deps = world.deps
    looks: dict[str, Callable[[], Json]] = {
        "subscription": lambda: queries.get_subscription(deps, "acct", name),
        "usage": lambda: queries.get_usage(deps, "acct", name),
        "history": lambda: history(deps, "acct", name),
        "events": lambda: list_events(deps, "acct", name),
    }
    found: dict[str, Any] = {}
    for look, ask in looks.items():
        try:
            found[look] = ask()
        except Exception:
            found[look] = None
    return found


def ids(answer: Json) -> list[str]:
    return [one["subscriptionId"] for one in answer["subscriptions"]]


@pytest.mark.parametrize("table", ["subscriptions", "entitlements", "history", "events"])
def test_whatever_is_broken_in_one_item_all_else_is_shown_as_before(world: World, table: str) -> None:
    newest, other = two_subscriptions(world)
    before, listed = {name: shown(world, name) for name in (newest, other)}, list_subscriptions(world.deps, "acct")
    name = getattr(world.tables, table)
    tried = 0
    for item in world.all_items(name):
        whose = newest if newest in str(schema.key_of(item)) else other
        spared = other if whose == newest else newest
        if item.get("sk") == {"S": "slot"}:
            spared = newest
        for form, broken in (("version", damaged.of_later_version(item)), *damaged.broken_forms(item)):
            damaged.put(world, name, broken)
            assert shown(world, spared) == before[spared], form
            found = shown(world, whose)
            needs_the_row = item.get("sk") == {"S": "subscription"}
            assert needs_the_row or all(answer is not None for answer in found.values()), (form, found)
            answer = list_subscriptions(world.deps, "acct")
            assert answer["next"] is None
            assert spared in ids(answer), form
            tried += 1
        damaged.put(world, name, item)
    assert tried > 20
    assert {name: shown(world, name) for name in before} == before
    assert list_subscriptions(world.deps, "acct") == listed


def test_list_without_what_cannot_be_read_is_in_order_and_its_pages_end(world: World) -> None:
    made: list[str] = []
    for _ in range(5):
        made.insert(0, world.buy()["subscriptionId"])
        world.cancel(made[0])
        world.clock.advance(1)
    table = world.tables.subscriptions
    damaged.put(world, table, damaged.of_later_version(damaged.row(world, made[1])))
    entries = {item["id"]["S"]: item for item in world.all_items(table) if item["sk"]["S"].startswith(items.BOUGHT)}
    bad = damaged.put(world, table, {**entries[made[3]], "id": {"S": "nothing of ours"}})
    pages, told = [], set()
    query: Json = {"limit": "1"}
    while True:
        page, keys = reported(lambda query=query: list_subscriptions(world.deps, "acct", query))  # type: ignore[misc]
        pages.append(ids(page))
        told |= set(keys)
        if page["next"] is None:
            break
        query = {"limit": "1", "cursor": page["next"]}
    assert pages == [[made[0]], [], [made[2]], [], [made[4]]]
    assert told == {f"{made[1]} subscription", f"account#acct {bad['sk']['S']}"}


def test_entry_that_names_another_accounts_subscription_or_one_twice_shows_nothing_that_is_not_the_callers(
    world: World,
) -> None:
    mine, theirs = world.buy()["subscriptionId"], world.buy("other")["subscriptionId"]
    pk = items.slot_key("acct")[0]
    for number, named in enumerate((theirs, mine, "sub_" + "a" * 24)):
        key = schema.primary_key((pk, f"bought#00000000000000{number}#000000001#{named}"))
        damaged.put(world, world.tables.subscriptions, {**key, "v": schema.number(2), "id": schema.text(named)})
    assert ids(list_subscriptions(world.deps, "acct")) == [mine]


@pytest.mark.parametrize("limit", ["1", "2", "20"])
def test_entry_whose_key_is_none_is_passed_over_and_no_page_is_lost(world: World, limit: str) -> None:
    made: list[str] = []
    for _ in range(3):
        made.insert(0, world.buy()["subscriptionId"])
        world.cancel(made[0])
        world.clock.advance(1)
        pk, at = items.slot_key("acct")[0], f"{world.clock.now_ms - 1:015d}"
        odd = {**schema.primary_key((pk, f"bought#{at}#zzz")), "v": schema.number(2), "id": schema.text(made[0])}
        damaged.put(world, world.tables.subscriptions, odd)
    found: list[str] = []
    cursor: Json = {}
    while True:
        page = list_subscriptions(world.deps, "acct", {"limit": limit, **cursor})
        found += ids(page)
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == made


def test_usage_shows_the_other_models(world: World) -> None:
    made = world.buy(models=BOTH)
    whole = queries.get_usage(world.deps, "acct", made["subscriptionId"])
    damaged.spoil_entitlement(world, made["subscriptionId"])
    found, told = reported(lambda: queries.get_usage(world.deps, "acct", made["subscriptionId"]))
    assert found == {**whole, "models": whole["models"][1:]}
    assert told == [f"{made['subscriptionId']}#1#{TEXT_MODEL}"]


def test_events_show_the_others_in_pages(world: World) -> None:
    name = world.buy()["subscriptionId"]
    for _ in range(4):
        world.clock.advance(1)
        world.regenerate(name)
    whole = list_events(world.deps, "acct", name)["events"]
    row = sorted(world.all_items(world.tables.events), key=lambda item: item["sk"]["S"])[2]
    damaged.put(world, world.tables.events, {**row, "data": {"S": "[1]"}})
    first, told = reported(lambda: list_events(world.deps, "acct", name, {"limit": "3"}))
    rest = list_events(world.deps, "acct", name, {"limit": "3", "cursor": first["next"]})
    assert (first["events"], rest["events"]) == (whole[:2], whole[3:])
    assert told == [f"{name} {row['sk']['S']}"]
    assert rest["next"] is None


def test_message_of_a_batch_about_a_bad_entitlement_is_given_back_alone_and_booked_once_it_can_be_read(
    world: World,
) -> None:
    made = world.buy(models=BOTH)
    held = [world.authorize(made["apiKey"], f"r-{n}", 5, modelId=m["modelId"]) for n, m in enumerate(BOTH * 2)]
    before = damaged.spoil_entitlement(world, made["subscriptionId"])
    bodies = [json.dumps({"authorizationId": one["authorizationId"], "actualUsage": 4}) for one in held]
    event = {"Records": [{"messageId": str(n), "body": body} for n, body in enumerate(bodies)]}
    answer, told = reported(
        lambda: settle_door.handle_settle(world.deps, world.caches.tiers, event, "req", float("inf"))
    )
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0"}, {"itemIdentifier": "2"}]}
    assert set(told) == {f"{made['subscriptionId']}#1#{TEXT_MODEL}"}
    damaged.put(world, world.tables.entitlements, before)
    assert settle_door.handle_settle(world.deps, world.caches.tiers, event, "req", float("inf")) == {
        "batchItemFailures": []
    }
    models = queries.get_usage(world.deps, "acct", made["subscriptionId"])["models"]
    assert [shown["monthly"]["used"] for shown in models] == [8, 8]


def test_authorize_of_a_bad_entitlement_is_reported_and_all_others_are_granted(world: World) -> None:
    made, another = world.buy(models=BOTH), world.buy("other")
    damaged.spoil_entitlement(world, made["subscriptionId"])
    answer, told = reported(lambda: world.authorize(made["apiKey"], "r-1"))
    assert (answer["statusCode"], answer["error"]["code"]) == (500, "internal_error")
    assert told == [f"{made['subscriptionId']}#1#{TEXT_MODEL}"]
    assert world.authorize(made["apiKey"], "r-2", 1, modelId=IMAGE_MODEL)["allowed"]
    assert world.authorize(another["apiKey"], "r-3")["allowed"]


def test_due_items_that_cannot_be_read_are_no_lag_no_failure_and_hold_up_none_behind_them(world: World) -> None:
    bad = [world.buy(f"bad-{number}") for number in range(3)]
    for made in bad:
        world.authorize(made["apiKey"], "r-1", holdSeconds=60)
    world.set_plan(account="plan", days=1)
    world.clock.advance(61_000)
    good = world.buy("good")
    world.authorize(good["apiKey"], "r-1", holdSeconds=60)
    for made in bad:  # they stand before the good one in the index
        damaged.spoil_entitlement(world, made["subscriptionId"])
        row = damaged.row(world, made["subscriptionId"])
        damaged.put(world, world.tables.subscriptions, damaged.of_later_version({**row, "da": schema.number(0)}))
    damaged.put(world, world.tables.subscriptions, {**damaged.place(world, "plan"), "kd": {"S": "neither"}})
    world.clock.advance(2 * DAY_MS)
    unread = [f"{made['subscriptionId']}{part}" for made in bad for part in (f"#1#{TEXT_MODEL}", " subscription")]
    unread = sorted([*unread, "account#plan slot"])
    for run in (1, 2):
        with recorded() as output, telemetry.Line("reset", "function-1"):
            answer = world.reset()
            telemetry.decided("ok")
        lines = output.lines()
        assert {line["message"] for line in lines if line["level"] == "ERROR"} == {"unreadable_item"}
        assert sorted(line["item"] for line in lines if line["message"] == "unreadable_item") == unread
        left = 2 - run
        assert answer == {"windowsRolled": left, "subscriptionsExpired": 0, "holdsReleased": left, "more": False}
        assert (lines[-1]["ResetLagSeconds"] > 0, lines[-1]["UnreadableItems"]) == (run == 1, len(unread))
