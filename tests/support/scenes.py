"""Situations and commands that the fault and interleaving suites combine. Rule: built by the service's own commands."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from local import catalogue_file
from modelpass import commands_catalogue, commands_quote, commands_read, purchase_body, router
from modelpass.availability import TiersDown
from modelpass.errors import Refused
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]


@dataclass(slots=True)
class Scene:
    """A subscription in some state, and what commands need to act on it."""

    world: World
    subscription_id: str
    api_key: str
    authorization_ids: list[str]

    def on(self, world: World) -> Scene:
        return Scene(world, self.subscription_id, self.api_key, self.authorization_ids)


def fresh(world: World) -> Scene:
    made = world.buy(models=[model(calls=4, cap=100)])
    return Scene(world, made["subscriptionId"], made["apiKey"], [])


def in_use(world: World) -> Scene:
    scene = fresh(world)
    for number, estimate in enumerate((30, 40)):
        granted = world.authorize(scene.api_key, f"open-{number}", estimate, holdSeconds=60)
        scene.authorization_ids.append(granted["authorizationId"])
    return scene


def holds_expired(world: World) -> Scene:
    scene = in_use(world)
    world.clock.advance(61_000)
    return scene


def next_day(world: World) -> Scene:
    scene = in_use(world)
    world.clock.advance(DAY_MS)
    return scene


def rolled(world: World) -> Scene:
    """The holds are of a day that is closed, and stand in the item of the next."""
    scene = next_day(world)
    assert world.authorize(scene.api_key, "roller", 1, holdSeconds=60)["allowed"]
    return scene


def reclaimed(world: World) -> Scene:
    scene = holds_expired(world)
    assert world.authorize(scene.api_key, "reclaimer", 90, holdSeconds=60)["allowed"]
    return scene


def next_month(world: World) -> Scene:
    made = world.buy(models=[model(calls=4, cap=100)], months=2)
    scene = Scene(world, made["subscriptionId"], made["apiKey"], [])
    world.clock.advance(30 * DAY_MS - 30_000)
    for number, estimate in enumerate((30, 40)):
        granted = world.authorize(scene.api_key, f"open-{number}", estimate, holdSeconds=60)
        scene.authorization_ids.append(granted["authorizationId"])
    world.clock.advance(40_000)
    return scene


def expired(world: World) -> Scene:
    scene = in_use(world)
    world.clock.advance(31 * DAY_MS)
    return scene


def tier_is_down(world: World) -> Scene:
    """A tier that nobody here has bought."""
    scene = fresh(world)
    world.take_down(TEXT_MODEL, "enterprise")
    return scene


SCENES = (fresh, in_use, holds_expired, next_day, rolled, reclaimed, next_month, expired)


def authorize(scene: Scene) -> Json:
    return scene.world.authorize(scene.api_key, "new", 35)


def repeat(scene: Scene) -> Json:
    return scene.world.authorize(scene.api_key, "open-0", 30, holdSeconds=60)


def authorize_anew(scene: Scene) -> Json:
    """The first authorize of a process, which does not know yet which tiers are down, for a model not bought."""
    deps = scene.world.deps
    payload = {"apiKey": scene.api_key, "modelId": IMAGE_MODEL, "requestId": "new", "estimatedUsage": 1}
    return router.handle_authorize(deps, TiersDown(deps), payload, "req-test")


def settle(scene: Scene) -> Json:
    if not scene.authorization_ids:
        return {}
    return scene.world.settle(scene.authorization_ids[0], 20)


def void(scene: Scene) -> Json:
    if not scene.authorization_ids:
        return {}
    return scene.world.settle(scene.authorization_ids[0], 0, calls=0)


def breach(scene: Scene) -> Json:
    if not scene.authorization_ids:
        return {}
    return scene.world.settle(scene.authorization_ids[-1], 5, servedTier="basic")


def reset(scene: Scene) -> Json:
    scene.world.reset()  # its counts tell what fell to this run, which is nobody's right
    return {}


def renew(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.renew(scene.subscription_id, key="renewal"))


def buy(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.buy(key="purchase", models=[model(calls=4, cap=100)]))


def look(scene: Scene) -> Json:
    deps, id_ = scene.world.deps, scene.subscription_id
    return _refusable(
        lambda: {**commands_read.get_subscription(deps, "acct", id_), **commands_read.get_usage(deps, "acct", id_)}
    )


def models(scene: Scene) -> Json:
    return _refusable(lambda: commands_read.get_models(scene.world.deps))


def quote(scene: Scene) -> Json:
    body = purchase_body.parse({"models": [model(calls=4, cap=100)]})
    return _refusable(lambda: commands_quote.quote(scene.world.deps, body))


def offer(scene: Scene) -> Json:
    """A price that is twice what it was."""
    listed = catalogue_file.offers_of(catalogue_file.PATH)[0]
    prices = {tier: replace(price, base="99.00") for tier, price in listed.model.tiers.items()}
    changed = replace(listed, model=replace(listed.model, tiers=prices))
    return _refusable(lambda: commands_catalogue.put_model(scene.world.deps, changed))


def withdraw(scene: Scene) -> Json:
    def command() -> Json:
        commands_catalogue.withdraw_model(scene.world.deps, TEXT_MODEL)
        return {}

    return _refusable(command)


def take_down(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.turn_tier(TEXT_MODEL, "basic", available=False, reason="it is failing"))


def bring_back(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.turn_tier(TEXT_MODEL, "enterprise", available=True))


COMMANDS = (authorize, repeat, settle, void, breach, reset, renew, buy)
READS = (authorize_anew, look, models, quote)
"""Commands that change nothing, whatever comes between."""
OPERATORS = (offer, withdraw, take_down, bring_back)
"""Commands about the catalogue, whatever a subscription is like."""
NEED_A_GRANT = {settle, void, breach}


def _refusable(command: Callable[[], Json]) -> Json:
    try:
        return command()
    except Refused as refused:
        return {"refused": refused.refusal.code.code}


def shown(answer: Json) -> Json:
    """An answer without what chance decides."""
    hidden = ("authorizationId", "apiKey", "apiKeyMasked", "subscriptionId")
    return {name: value is not None if name in hidden else value for name, value in answer.items()}


def stored(world: World) -> list[str]:
    """All that is stored, without what chance decides: nonces, ids and hashes are named in order of appearance."""
    rows = []
    tables = (world.tables.entitlements, world.tables.subscriptions, world.tables.history, world.tables.catalogue)
    for table in tables:
        rows += [_row(table.partition("-")[2], item) for item in world.all_items(table)]
    return sorted(rows) + world.events()


def _row(table: str, item: Json) -> str:
    shown_item: Json = {}
    for name, value in item.items():
        if name in ("kh", "kt", "dp", "bd", "rd", "pk", "id"):
            continue
        if name == "h":
            holds = [h["S"].split(".")[2:] for h in value["M"].values()]
            shown_item[name] = sorted(map(str, holds))
        elif name == "hold":
            shown_item[name] = value["S"].split(".")[2:]
        elif name == "sk" and value["S"].startswith("hold#"):
            shown_item[name] = "hold"
        else:
            shown_item[name] = value
    return f"{table} {json.dumps(shown_item, sort_keys=True, default=str)}"
