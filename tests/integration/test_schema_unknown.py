"""An item of a version that is not understood is never changed: each command, with each kind of item in its way.

But for what operators change: the two items that name the tiers that are down stop nothing, and what lies under a model
or the settings is in nobody's way. An operator's own call replaces each of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.catalogue.commands import offers
from modelpass.catalogue.tiers import CATALOGUE
from modelpass.errors import Refused
from modelpass.order_ids import order_id_of
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions.commands import queries as subscription_queries
from tests.support import audit, changing, damaged, listings, sales, scenes
from tests.support.lines import recorded
from tests.support.listings import list_events, list_models, list_subscriptions
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.scenes import Scene

Json = dict[str, Any]
LATER = schema.NEWEST + 1


@dataclass(frozen=True, slots=True)
class Life:
    """A subscription with something of everything behind it, and what its router still has to report."""

    scene: Scene
    bought: Json
    granted: dict[str, str]


def life(world: World) -> Life:
    """A closed day and its open hold, a hold that was given back, one of today; a correction, a tier that is down."""
    bought = world.buy(models=[model(calls=9, cap=100), model(IMAGE_MODEL, calls=9, cap=100)], months=2)
    granted = {}

    def authorize(name: str, estimate: int, seconds: int) -> None:
        answer = world.authorize(bought["apiKey"], name, estimate, holdSeconds=seconds)
        granted[name] = answer["authorizationId"]

    authorize("given-back", 20, 60)
    world.clock.advance(7_200_000)
    authorize("yesterday", 10, 86_400)
    world.correct(bought["subscriptionId"], 3)
    world.clock.advance(DAY_MS - 7_200_000)
    authorize("today", 75, 7200)  # takes what was given back
    world.clock.advance(3_600_000)
    sales.extend(world, bought["subscriptionId"], key="extended")
    world.buy("other", models=[model(calls=9, cap=100)])
    world.authorize(bought["apiKey"], "image", 1, modelId=IMAGE_MODEL)
    world.take_down(IMAGE_MODEL, "basic")
    world.reset()
    scene = scenes.Scene(world, bought["subscriptionId"], bought["apiKey"], list(granted.values()))
    return Life(scene, bought, granted)


def commands(of: Life) -> dict[str, Callable[[], object]]:
    """Every command there is, in an order in which none takes the way from another."""
    world, name, key = of.scene.world, of.bought["subscriptionId"], of.bought["apiKey"]
    reads = {
        "subscription": lambda: subscription_queries.get_subscription(world.deps, "acct", name),
        "usage": lambda: subscription_queries.get_usage(world.deps, "acct", name),
        "history": lambda: listings.history(world.deps, "acct", name),
        "events": lambda: list_events(world.deps, "acct", name),
        "list": lambda: list_subscriptions(world.deps, "acct"),
        "models": lambda: list_models(world.deps),
        "model": lambda: offers.get_model(world.deps, TEXT_MODEL).body,
    }
    living = {
        "orders": lambda: sales.orders(world),
        "orders of it": lambda: sales.orders_of(world, name),
        "its order": lambda: sales.order(world, order_id_of(name, 1)),
        "quote of months": lambda: sales.quote(world, name, extend={"months": 1}),
        "extend": lambda: sales.extend(world, name),
        "extend again": lambda: sales.extend(world, name, key="extended"),
        "settings": lambda: sales.update(world, name, label="team"),
        "change": lambda: changing.change(world, name, model(calls=10, cap=200), model(IMAGE_MODEL, calls=9, cap=100)),
        "top up": lambda: changing.top_up(world, name, 5),
        "suspend": lambda: world.suspend(name),
        "resume": lambda: world.resume(name),
    }
    operators = (scenes.offer, scenes.take_down, scenes.bring_back, scenes.quote)
    return {
        **reads,
        "authorize": lambda: world.authorize(key, "new", 1),
        "replay": lambda: world.authorize(key, "yesterday", 10, holdSeconds=86_400),
        "too much": lambda: world.authorize(key, "more", 500),
        "settle late": lambda: world.settle(of.granted["given-back"], 21),
        "settle of yesterday": lambda: world.settle(of.granted["yesterday"], 8, calls=0),
        "release": lambda: world.release(name, of.granted["today"]),
        "settle": lambda: world.settle(of.granted["today"], 8, servedTier="basic"),
        "correct": lambda: world.correct(name, 2, "ticket-2"),
        "correct again": lambda: world.correct(name, 3),
        "correct yesterday": lambda: world.correct(name, -1, "ticket-3", at="2026-11-23T12:00:00Z"),
        **{command.__name__: partial(command, of.scene) for command in operators},
        **living,
        "renew": lambda: world.renew(name),
        "renewal's price": lambda: sales.quote(world, name, renew={}),
        "buy": lambda: world.buy(key="another"),
        "plan": world.set_plan,
        "end plan": world.end_plan,
        "regenerate": lambda: world.regenerate(name),
        "cancel": lambda: world.cancel(name),
        "reset": world.reset,
        "expire": lambda: _at_the_end(world),
        "authorize after all": lambda: world.authorize(key, "last", 1),
        "withdraw": partial(scenes.withdraw, of.scene),
    }


def _at_the_end(world: World) -> Json:
    world.clock.advance(70 * DAY_MS)
    return world.reset()


def fails(command: Callable[[], object]) -> bool:
    """Whether a command ends in a failure of ours, not in an answer or in a refusal with its reason."""
    try:
        answer = command()
    except Refused as refused:
        return refused.refusal.code.code == "temporarily_unavailable"
    except Exception:
        return True
    refused_code = answer.get("error", {}).get("code") if isinstance(answer, dict) else None
    return refused_code in ("internal_error", "temporarily_unavailable")


BOOKED = {"settle late", "settle of yesterday", "settle", "correct", "correct again", "correct yesterday"}
SOLD = {"extend", "extend again", "settings", "change", "top up"}
KINDS = {
    "entitlement": (
        "entitlements",
        "",
        BOOKED | {"release", "authorize", "replay", "too much", "authorize after all", "top up"},
    ),
    "subscription": (
        "subscriptions",
        "subscription",
        {"subscription", "usage", "history", "events", "correct", "correct again", "correct yesterday", "renew"}
        | {"renewal's price", "regenerate", "cancel", "authorize after all", "orders of it", "quote of months", *SOLD}
        | {"suspend", "resume"},
    ),
    "place": ("subscriptions", "slot", {"buy", "plan", "end plan", "renew", *SOLD}),
    "entry": ("subscriptions", "bought#", set()),
    "order": ("subscriptions", "order#000001", {"its order"}),
    "entry of an order": ("subscriptions", "order#0017", set()),
    "mark": ("subscriptions", "sale#", {"extend again"}),
    "day": ("history", "day#2026-11-23#1#claude", {"settle late", "settle of yesterday", "correct yesterday"}),
    "ticket": ("history", "hold#", {"settle late"}),
    "term": ("history", "term#", {"extend"}),
    "correction": ("history", "correction#", {"correct again"}),
    "event": ("events", "", set()),
    "model": ("catalogue", f"model#{TEXT_MODEL}", set()),
    "settings": ("catalogue", "settings", set()),
}
"""By kind of item: its table, how its sort key begins, and the commands that need that very item, and so fail."""
REPLACE = {"model": {"offer", "withdraw"}, "settings": {"offer"}}
"""The commands by which an operator puts an item that is understood in the place of such a one."""


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize(
    ("kind", "ended"),
    [*((kind, False) for kind in KINDS), *((kind, True) for kind in ("entitlement", "subscription", "place", "day"))],
)
def test_item_of_a_later_version_is_left_byte_for_byte(world: World, kind: str, ended: bool) -> None:  # noqa: FBT001
    of = life(world)
    table_name, prefix, expected = KINDS[kind]
    table = getattr(world.tables, table_name)
    later = damaged.of_later_version(found(of, table, prefix))
    later.pop("un", None)  # and it may lack what this one needs
    damaged.put(world, table, later)
    if ended:
        world.clock.advance(70 * DAY_MS)
    failed, reported = set(), set()
    for name, command in commands(of).items():
        with recorded() as output:
            if fails(command):
                failed.add(name)
        if name in REPLACE.get(kind, ()):
            (now,) = (item for item in world.all_items(table) if item["sk"] == later["sk"])
            assert (now["v"], "zz" in now) == (schema.number(schema.NEWEST), False), name
            damaged.put(world, table, later)
        assert later in world.all_items(table), name
        reported |= {(line["table"], line["item"]) for line in output.lines() if line["message"] == "unreadable_item"}
    if ended and kind == "subscription":
        expected = expected | {"authorize", "replay", "too much"}  # whose month is over, which the row alone can tell
    assert failed == expected or (ended and failed <= expected), sorted(failed ^ expected)
    assert ended or reported == {(table, " ".join(value["S"] for value in schema.key_of(later).values()))}
    assert not failed & {"reset", "expire"}
    assert _status(world, "other") == "expired"
    assert "subscription.expired" in world.events()


FORMS = {
    "entitlement": ("no ml", "another h", "garbage h", "garbage ta", "another we", "garbage kh", "garbage tz"),
    "subscription": ("no ac", "another ms", "garbage ms", "garbage tz", "garbage xa", "no kh"),
    "place": ("no rv", "another un", "garbage kd"),
    "entry": ("no id", "another id", "garbage id"),
    "order": ("no os", "another pl", "garbage kd", "garbage ms"),
    "mark": ("no on", "another bd", "garbage nc"),
    "day": ("no calls", "another units", "garbage units"),
    "ticket": ("another hold",),
    "term": ("no ms", "garbage cu", "garbage ms", "garbage tz", "garbage st"),
    "correction": ("no body", "another units", "garbage term"),
    "event": ("no data", "another type", "garbage data", "garbage version"),
}
"""By kind, items of a version that is understood which have not its form."""


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize(("kind", "form"), [(kind, form) for kind, forms in FORMS.items() for form in forms])
def test_item_without_the_form_of_its_version_spoils_nothing_but_itself(world: World, kind: str, form: str) -> None:
    of = life(world)
    table_name, prefix, expected = KINDS[kind]
    table = getattr(world.tables, table_name)
    damaged.put(world, table, dict(damaged.broken_forms(found(of, table, prefix)))[form])
    failed = {name for name, command in commands(of).items() if fails(command)}
    assert failed <= expected, sorted(failed - expected)
    assert _status(world, "other") == "expired"
    assert "subscription.expired" in str(world.all_items(world.tables.events))
    audit.audited(world)  # comes to its end, whatever it finds


def found(of: Life, table: str, prefix: str) -> Json:
    """The first stored item of a kind that belongs to a life."""
    items = of.scene.world.all_items(table)
    return next(item for item in items if _is_it(item, of.bought["subscriptionId"], prefix))


@pytest.mark.parametrize("table_name", ["tiers", "catalogue"])
def test_what_is_down_stops_nothing_in_a_later_version_and_is_replaced_by_the_next_switch(
    world: World, table_name: str
) -> None:
    of = life(world)
    table = getattr(world.tables, table_name)
    (stored,) = (item for item in world.all_items(table) if item["sk"]["S"] == "down")
    later = {**stored, "v": schema.number(LATER), "zz": schema.text("what only a later version knows")}
    world.dynamodb.put_item(TableName=table, Item=later)
    for name, command in commands(of).items():
        assert not fails(command), name
        if name == "take_down":
            assert [item["v"]["N"] for item in world.all_items(table) if item["sk"]["S"] == "down"] == [
                str(schema.NEWEST)
            ]


def _is_it(item: schema.Item, subscription_id: str, prefix: str) -> bool:
    sk = item.get("sk", {"S": ""})["S"]
    mine = item["pk"]["S"] in ("account#acct", CATALOGUE) or item["pk"]["S"].startswith(subscription_id)
    return mine and sk.startswith(prefix) and not item["pk"]["S"].endswith(IMAGE_MODEL)


def _status(world: World, account: str) -> str:
    (shown,) = list_subscriptions(world.deps, account)["subscriptions"]
    status: str = shown["status"]
    return status


@pytest.mark.parametrize("version", [None, {"S": "1"}, {"N": "0"}, {"N": "1.5"}, {"N": str(LATER)}])
@pytest.mark.parametrize("key", [{}, *({"sk": {"S": sk}} for sk in ("subscription", "slot", "day#1", "model#m"))])
def test_only_two_versions_are_understood(key: Json, version: Any) -> None:
    item = {"pk": {"S": "x"}, **key, **({} if version is None else {"v": version})}
    with pytest.raises(UnreadableItemError):
        schema.current(item)


def test_newest_form_is_left_as_it_is_and_an_earlier_item_is_not_changed() -> None:
    newest = {"pk": {"S": "x"}, "v": {"N": str(schema.NEWEST)}}
    assert schema.current(newest) is newest
    earlier = {"pk": {"S": "x"}, "v": {"N": str(schema.PREVIOUS)}, "ta": {"N": "5"}}
    kept = dict(earlier)
    assert schema.current(earlier)["ta"] == {"N": "5"}
    assert earlier == kept
