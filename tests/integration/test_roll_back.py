"""While version 2 is written, its code may come back: it goes on with all that is stored, and no new call stores more.

What code of version 2 stores in some months was recorded from it. The same months are lived through here by the code
of now while it writes version 2: every item has the form that was recorded, but for what that code ignores.
"""

from __future__ import annotations

import random
from collections import defaultdict
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import schema
from modelpass.api.quote_bodies import parse_quote
from modelpass.errors import Refused
from modelpass.subscriptions.commands import confirm, order_ends, quotes
from tests.support import changing, recording, sales
from tests.support.earlier import RECORDED
from tests.support.waiting import Till, approving
from tests.support.world import World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
IGNORED = {
    "subscription": {"on", "sm", "en"},
    "slot": {"sn"},
    "correction": {"calls"},
    "month": {"topUp"},
}
"""By kind of item, the attributes that code of version 2 passes over, and may drop."""
UNKNOWN_KINDS = {"order", "sale"}
"""The kinds of items that code of version 2 never looks at."""


@pytest.fixture(scope="module")
def lived(engine: str) -> Iterator[Json]:
    """What the code of now stores in the recorded months, while it writes version 2."""
    world = new_world(engine, random.Random(3).randbytes)
    for item in world.all_items(world.tables.catalogue):
        world.dynamodb.put_item(TableName=world.tables.catalogue, Item={**item, "v": schema.number(schema.PREVIOUS)})
    before = world.writing(schema.PREVIOUS)
    yield recording.recording(recording.until_now(before), schema.PREVIOUS)
    world.drop_tables()


def kind_of(item: Json) -> str:
    """What an item is: by its sort key, of which entitlements have none, and events one that begins with a time."""
    kind: str = item.get("sk", {"S": "entitlement"})["S"].partition("#")[0]
    return "event" if kind.isdecimal() else kind


def forms(recorded: Json) -> dict[str, dict[str, str]]:
    """By kind of item, the attributes that there are, with their types."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for items in recorded["tables"].values():
        for item in items:
            found[kind_of(item)].update({name: next(iter(value)) for name, value in item.items()})
    return found


def test_nothing_of_version_3_is_stored_while_version_2_is_written(lived: Json) -> None:
    assert {item["v"]["N"] for items in lived["tables"].values() for item in items} == {str(schema.PREVIOUS)}


def test_every_item_has_the_form_that_version_2_knows_but_for_what_it_ignores(lived: Json) -> None:
    known, stored = forms(RECORDED), forms(lived)
    assert set(stored) - set(known) == UNKNOWN_KINDS
    for kind, form in known.items():
        more = set(stored[kind]) - set(form)
        assert more <= IGNORED.get(kind, set()), kind
        assert {name: stored[kind][name] for name in form} == form, kind


def test_what_callers_see_is_what_version_2_showed(lived: Json) -> None:
    known = {name: usage for name, usage in RECORDED["usage"].items() if name != "ancient"}
    shown = {name: {**usage, "subscriptionId": known[name]["subscriptionId"]} for name, usage in lived["usage"].items()}
    assert shown == known


def test_figures_of_every_subscription_are_what_version_2_stored(lived: Json) -> None:
    """Entitlements, their windows, rows and due marks, by what was bought: secrets and random parts aside."""
    assert figures(lived) == figures(RECORDED)


def figures(recorded: Json) -> dict[tuple[str, str, str], Json]:
    names = {known["subscriptionId"]: name for name, known in recorded["subscriptions"].items() if name != "ancient"}
    found = {}
    for kind, items in recorded["tables"].items():
        if kind not in ("entitlements", "history", "subscriptions"):
            continue
        for item in items:
            pk, _, rest = item["pk"]["S"].partition("#")
            if pk in names and kind_of(item) not in UNKNOWN_KINDS | {"hold", "correction"}:
                dropped = IGNORED.get(kind_of(item), set()) | {"pk", "sk", "kh", "kt", "h", "dp", "rd", "ttl"}
                sk = item.get("sk", {"S": ""})["S"]
                found[names[pk], rest, sk] = {n: v for n, v in item.items() if n not in dropped}
    return found


def _quote(world: World, name: str, body: Json) -> object:
    return quotes.quote_sale(world.deps, "acct", name, parse_quote(body))


NEW_CALLS: dict[str, Callable[[World, str, str], object]] = {
    "purchase that renews itself": lambda world, _, __: sales.purchase(world, "other", autoRenew=True),
    "purchase with months to renew": lambda world, _, __: sales.purchase(world, "other", autoRenewMonths=2),
    "purchase with a label": lambda world, _, __: sales.purchase(world, "other", label="team"),
    "extend": lambda world, name, _: sales.extend(world, name),
    "extend again": lambda world, name, _: sales.extend(world, name, key="extended-before"),
    "change": lambda world, name, _: changing.change(world, name, model(calls=60, cap=2000)),
    "top up": lambda world, name, _: changing.top_up(world, name, 5),
    "settings": lambda world, name, _: sales.update(world, name, label="team"),
    "suspend": lambda world, name, _: world.suspend(name),
    "resume": lambda world, name, _: world.resume(name),
    "revoke the key": lambda world, name, _: world.revoke_key(name),
    "revoke the key as an operator": lambda world, name, _: world.revoke_key(name, operator="anna"),
    "confirm": lambda world, _, order: confirm.confirm(world.deps, order, "pi_1"),
    "reject": lambda world, _, order: order_ends.reject(world.deps, order, "no money"),
    "withdraw": lambda world, _, order: order_ends.withdraw(world.deps, "waits", order),
    "purchase under approval": lambda world, _, __: sales.purchase(approving(world), "other"),
    "quote of an extension": lambda world, name, _: _quote(world, name, {"extend": {"months": 1}}),
    "quote of a top-up": lambda world, name, _: _quote(world, name, {"topUp": {"modelId": "m", "units": 1}}),
}
"""Calls that store what version 2 has no place for, or that tell of it."""


@pytest.mark.parametrize("call", NEW_CALLS.values(), ids=NEW_CALLS)
def test_new_call_is_refused_until_version_3_is_written_and_stores_nothing(
    world: World, call: Callable[[World, str, str], object]
) -> None:
    name = world.buy()["subscriptionId"]
    sales.extend(world, name, key="extended-before")
    order = Till(approving(world), "waits").buy()["order"]["orderId"]
    before = [world.all_items(table) for table in world.names()]
    with pytest.raises(Refused) as caught:
        call(world.writing(schema.PREVIOUS), name, order)
    assert caught.value.refusal.code.code == "temporarily_unavailable"
    assert caught.value.refusal.retry_after is not None
    assert [world.all_items(table) for table in world.names()] == before


def test_what_version_3_has_stored_is_kept_up_after_the_parameter_is_back_at_2(world: World) -> None:
    made = sales.purchase(world, autoRenew=True)
    name, key = made["subscriptionId"], made["apiKey"]
    changing.top_up(world, name, 50)
    world.suspend(name)
    world.resume(name)
    back = world.writing(schema.PREVIOUS)
    assert back.authorize(key, "new", 1040)["allowed"]
    world.clock.advance(31 * 86_400_000)
    granted = back.authorize(key, "next", 1000)
    assert (granted["allowed"], granted["monthly"]["limit"]) == (True, 1000)
    back.reset()
    row = world.subscription(name)
    assert (row.version, row.orders, row.auto_renew) == (schema.NEWEST, 3, True)
    assert back.cancel(name)["status"] == "cancelled"
    assert back.buy()["apiKey"]
