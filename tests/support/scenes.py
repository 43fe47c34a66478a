"""Situations and commands that the fault and interleaving suites combine. Rule: built by the service's own commands."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.api.subscription_bodies import parse_purchase
from modelpass.catalogue.changes import tag_of
from modelpass.catalogue.commands import offers
from modelpass.catalogue.model import ListedModel, Offer
from modelpass.entitlements.commands.authorize import Caches
from modelpass.errors import Refused
from modelpass.preconditions import Preconditions, Tags
from modelpass.router import authorize as authorize_door
from modelpass.subscriptions.commands import queries as subscription_queries
from modelpass.subscriptions.commands.key_view import get_key, list_models_of_key
from modelpass.times import rfc3339
from ops import catalogue_file
from tests.support import changing, listings, sales, stored_items
from tests.support.faults import FaultAt
from tests.support.listings import list_all_models, list_events, list_models, list_subscriptions
from tests.support.parts import continuing
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from tests.support.stored_items import Items

Json = dict[str, Any]
MakeScene = Callable[[World], "Scene"]
Command = Callable[["Scene"], Json]


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


def cancelled(world: World) -> Scene:
    scene = in_use(world)
    world.cancel(scene.subscription_id)
    return scene


def half_cancelled(world: World) -> Scene:
    """The store went away once one of two models was stopped."""
    made = world.buy(models=[model(calls=4, cap=100), model(IMAGE_MODEL, calls=4, cap=100)])
    scene = Scene(world, made["subscriptionId"], made["apiKey"], [])
    _break_off(world, 3, lambda broken: broken.cancel(scene.subscription_id))
    return scene


def half_regenerated(world: World) -> Scene:
    """The store went away once one of two models knew the new key."""
    made = world.buy(models=[model(calls=4, cap=100), model(IMAGE_MODEL, calls=4, cap=100)])
    scene = Scene(world, made["subscriptionId"], made["apiKey"], [])
    _break_off(world, 2, lambda broken: broken.regenerate(scene.subscription_id))
    return scene


def _break_off(world: World, at: int, command: Callable[[World], object]) -> None:
    with pytest.raises(Refused):
        command(world.with_send(FaultAt(world.deps.send, at, "lost")))


def crossed(world: World) -> Scene:
    """A report has brought the month to 85 of 100 units, which was told."""
    scene = in_use(world)
    world.settle(scene.authorization_ids[0], 85)
    return scene


def one_call_left(world: World) -> Scene:
    """The next call brings the day to its limit, from below the first share that is told."""
    scene = in_use(world)
    assert world.authorize(scene.api_key, "third", 1, holdSeconds=60)["allowed"]
    return scene


THRESHOLD_SCENES = (crossed, one_call_left)


def gone_on(world: World) -> Scene:
    """The first hold was reported in part, and has gone on with all that was left but 5 units."""
    scene = in_use(world)
    answer = world.settle(scene.authorization_ids[0], 20, calls=1, **continuing(scene.api_key, 35, 1))
    scene.authorization_ids[0] = answer["authorizationId"]
    return scene


def gone_on_expired(world: World) -> Scene:
    scene = gone_on(world)
    world.clock.advance(61_000)
    return scene


def gone_on_reclaimed(world: World) -> Scene:
    """The ticket is that of a hold which has gone on, reported once more since."""
    scene = gone_on_expired(world)
    assert world.authorize(scene.api_key, "reclaimer", 80, holdSeconds=60)["allowed"]
    return scene


def gone_on_rolled(world: World) -> Scene:
    """The hold has gone on in a day that is closed."""
    scene = gone_on(world)
    world.clock.advance(DAY_MS)
    assert world.authorize(scene.api_key, "roller", 1, holdSeconds=60)["allowed"]
    return scene


def released(world: World) -> Scene:
    """An operator has released the first hold, whose router goes on."""
    scene = in_use(world)
    world.release(scene.subscription_id, scene.authorization_ids[0])
    return scene


GONE_ON = (gone_on, gone_on_expired, gone_on_reclaimed, gone_on_rolled)


def refused(world: World) -> Scene:
    """The process has refused this key and model, so that it looks before it writes."""
    scene = in_use(world)
    assert not world.authorize(scene.api_key, "too-much", 31)["allowed"]
    return scene


def replaced(world: World) -> Scene:
    """The process has refused this key for good."""
    scene = in_use(world)
    world.regenerate(scene.subscription_id)
    assert not world.authorize(scene.api_key, "too-late")["allowed"]
    return scene


def long_in_use(world: World) -> Scene:
    """Two models for two months, in use, with nothing that comes to its end."""
    made = world.buy(models=[model(calls=4, cap=100), model(IMAGE_MODEL, calls=4, cap=100)], months=2)
    scene = Scene(world, made["subscriptionId"], made["apiKey"], [])
    for number, estimate in enumerate((30, 40)):
        granted = world.authorize(scene.api_key, f"open-{number}", estimate, holdSeconds=60)
        scene.authorization_ids.append(granted["authorizationId"])
    return scene


def long_of_yesterday(world: World) -> Scene:
    """The same on the next day, with nobody having asked yet."""
    scene = long_in_use(world)
    world.clock.advance(DAY_MS)
    return scene


def change_waits(world: World) -> Scene:
    """The month is over in which a fall and a removal were bought, and nobody has asked since."""
    scene = long_in_use(world)
    changing.change(world, scene.subscription_id, model(calls=3, cap=60))
    world.clock.advance(31 * DAY_MS)
    return scene


def goes_on(world: World) -> Scene:
    """A term that renews itself is over, and nobody has decided it yet."""
    scene = in_use(world)
    sales.update(world, scene.subscription_id, autoRenew=True)
    world.clock.advance(31 * DAY_MS)
    return scene


def suspended(world: World) -> Scene:
    scene = long_in_use(world)
    world.suspend(scene.subscription_id)
    return scene


LIVING = (long_in_use, long_of_yesterday, change_waits, goes_on, suspended)
"""Situations that only a subscription comes into that lives on."""

SCENES = (
    *(fresh, in_use, holds_expired, next_day, rolled, reclaimed, next_month, expired),
    *(cancelled, half_cancelled, half_regenerated),
)


def place_never_taken(world: World) -> Scene:
    return Scene(world, "sub_" + "a" * 24, "", [])


def place_of_a_plan(world: World) -> Scene:
    world.set_plan("gold")
    return place_never_taken(world)


def place_of_a_plan_that_ended(world: World) -> Scene:
    """An expired subscription, then a plan whose end nobody has noticed yet."""
    made = world.buy()
    world.clock.advance(31 * DAY_MS)
    world.reset()
    world.set_plan("gold", days=1)
    world.clock.advance(DAY_MS)
    return Scene(world, made["subscriptionId"], made["apiKey"], [])


PLACES = (fresh, expired, cancelled, place_never_taken, place_of_a_plan, place_of_a_plan_that_ended)
WITHOUT_A_GRANT = {fresh, half_cancelled, half_regenerated}


def renews_itself(world: World) -> Scene:
    """The term is over, and nobody has decided yet that it goes on."""
    made = world.buy(models=[model(calls=4, cap=100)], autoRenew=True)
    scene = Scene(world, made["subscriptionId"], made["apiKey"], [])
    granted = world.authorize(scene.api_key, "open-0", 30, holdSeconds=86_400)
    scene.authorization_ids.append(granted["authorizationId"])
    world.clock.advance(30 * DAY_MS)
    return scene


def renews_no_more(world: World) -> Scene:
    """The same, of a model that was withdrawn meanwhile: the term has ended at its end."""
    scene = renews_itself(world)
    withdraw(scene)
    return scene


def renewed(world: World) -> Scene:
    """The key and the holds are of the term before, whose last windows nobody has closed."""
    scene = expired(world)
    world.renew(scene.subscription_id)
    return scene


UNDECIDED = (renews_itself, renews_no_more)
"""Whoever comes decides what becomes of the term."""


def tier_is_down(world: World) -> Scene:
    """A tier that nobody here has bought."""
    scene = fresh(world)
    world.take_down(TEXT_MODEL, "enterprise")
    return scene


def authorize(scene: Scene) -> Json:
    return scene.world.authorize(scene.api_key, "new", 35)


def authorize_what_fits(scene: Scene) -> Json:
    """Asks for the whole month, and takes what is left of it."""
    return scene.world.authorize(scene.api_key, "rest", 100, minimumUsage=5)


def cross(scene: Scene) -> Json:
    """Brings a month in which nothing is used yet to 80 percent of its cap."""
    if not scene.authorization_ids:
        return {}
    return scene.world.settle(scene.authorization_ids[0], 80)


def take_last_call(scene: Scene) -> Json:
    return scene.world.authorize(scene.api_key, "last", 1)


def settle_last(scene: Scene) -> Json:
    return scene.world.settle(scene.authorization_ids[-1], 14)


def repeat(scene: Scene) -> Json:
    return scene.world.authorize(scene.api_key, "open-0", 30, holdSeconds=60)


def authorize_anew(scene: Scene) -> Json:
    """The first authorize of a process, which does not know yet which tiers are down, for a model not bought."""
    deps = scene.world.deps
    payload = {"apiKey": scene.api_key, "modelId": IMAGE_MODEL, "requestId": "new", "estimatedUsage": 1}
    return authorize_door.handle_authorize(deps, Caches.empty(deps), payload, "req-test")


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


def overshoot(scene: Scene) -> Json:
    """Reports ten times its estimate, served in another tier: both are told."""
    if not scene.authorization_ids:
        return {}
    return scene.world.settle(scene.authorization_ids[-1], 400, servedTier="basic")


def part(scene: Scene) -> Json:
    """Reports a part, and asks for less than the hold has."""
    return _part(scene, 5, 25)


def part_for_more(scene: Scene) -> Json:
    """Reports a part, and asks for more than the month has."""
    return _part(scene, 5, 200)


def part_crosses(scene: Scene) -> Json:
    """Reports a part that brings the month to 80 percent of its cap."""
    return _part(scene, 85, 10)


def _part(scene: Scene, used: int, units: int) -> Json:
    if not scene.authorization_ids:
        return {}
    more = continuing(scene.api_key, units, 1, 90)
    return scene.world.settle(scene.authorization_ids[0], used, calls=1, **more)


def settle_estimated(scene: Scene) -> Json:
    """Reports what it estimates itself."""
    if not scene.authorization_ids:
        return {}
    return scene.world.settle(scene.authorization_ids[0], 20, usageSource="estimated")


def reset(scene: Scene) -> Json:
    scene.world.reset()  # its counts say what this run happened to find, which depends on what ran before it
    return {}


def renew(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.renew(scene.subscription_id, key="renewal"))


def correct(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.correct(scene.subscription_id, 12))


def take_back(scene: Scene) -> Json:
    """As much as one report of 20 leaves."""
    return _refusable(lambda: scene.world.correct(scene.subscription_id, -15, "ticket-2"))


def correct_earlier(scene: Scene) -> Json:
    at = rfc3339(scene.world.clock.now_ms - DAY_MS)
    return _refusable(lambda: scene.world.correct(scene.subscription_id, 9, "ticket-3", at=at))


def release(scene: Scene) -> Json:
    """Gives back what the first grant holds, by the id that is the newest then."""
    if not scene.authorization_ids:
        return {}

    def command() -> Json:
        scene.world.release(scene.subscription_id, scene.authorization_ids[0])
        return {}

    return _refusable(command)


def cancel(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.cancel(scene.subscription_id))


def regenerate(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.regenerate(scene.subscription_id))


def buy(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.buy(key="purchase", models=[model(calls=4, cap=100)]))


def look(scene: Scene) -> Json:
    deps, id_ = scene.world.deps, scene.subscription_id
    return _refusable(
        lambda: {
            **subscription_queries.get_subscription(deps, "acct", id_),
            **subscription_queries.get_usage(deps, "acct", id_),
        }
    )


def describe_key(scene: Scene) -> Json:
    return scene.world.describe_key(scene.api_key)


def view_key(scene: Scene) -> Json:
    deps, api_key = scene.world.deps, scene.api_key
    return _refusable(lambda: {**get_key(deps, api_key), **list_models_of_key(deps, api_key)})


def list_all(scene: Scene) -> Json:
    def command() -> Json:
        deps, id_ = scene.world.deps, scene.subscription_id
        listed = list_subscriptions(deps, "acct")["subscriptions"]
        told = list_events(deps, "acct", id_)["events"]
        history = listings.history(deps, "acct", id_)
        return {"statuses": [s["status"] for s in listed], "types": [e["type"] for e in told], **history}

    return _refusable(command)


def models(scene: Scene) -> Json:
    return _refusable(lambda: list_models(scene.world.deps))


def plan(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.set_plan("gold"))


def longer_plan(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.set_plan("gold", days=60))


def other_plan(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.set_plan("silver"))


def no_plan(scene: Scene) -> Json:
    return _refusable(scene.world.end_plan)


def plan_of_now(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.set_plan("gold", days=50, as_of_ms=scene.world.clock.now_ms))


def older_plan(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.set_plan("gold", days=40, as_of_ms=scene.world.clock.now_ms - 2))


def older_end(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.end_plan("gold", as_of_ms=scene.world.clock.now_ms - 1))


def end_of_another_plan(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.end_plan("silver", as_of_ms=scene.world.clock.now_ms - 1))


def quote(scene: Scene) -> Json:
    body = parse_purchase({"models": [model(calls=4, cap=100)]})
    return _refusable(lambda: subscription_queries.quote(scene.world.deps, body))


def quote_renewal(scene: Scene) -> Json:
    return _refusable(lambda: sales.quote(scene.world, scene.subscription_id, renew={}))


def offer_at(base: str) -> Offer:
    """The first model of the catalogue file, with another base in every tier."""
    listed = catalogue_file.offers_of(catalogue_file.PATH)[0]
    prices = {tier: replace(price, base=base) for tier, price in listed.model.tiers.items()}
    return replace(listed, model=replace(listed.model, tiers=prices))


def offer(scene: Scene) -> Json:
    """Other prices than before."""
    return _refusable(lambda: offers.put_model(scene.world.deps, offer_at("45.00"), "operator").body)


def offer_as_seen(scene: Scene) -> Json:
    """Other prices still, if the model is as the catalogue file has it."""
    seen = catalogue_file.offers_of(catalogue_file.PATH)[0].model
    tag = tag_of(ListedModel(seen, frozenset(), withdrawn=False))
    only_if = Preconditions(if_match=Tags(strong=frozenset({tag})))
    return _refusable(lambda: offers.put_model(scene.world.deps, offer_at("46.00"), "operator", only_if).body)


def look_at_all_models(scene: Scene) -> Json:
    return _refusable(lambda: list_all_models(scene.world.deps))


def look_at_model(scene: Scene) -> Json:
    return _refusable(lambda: offers.get_model(scene.world.deps, TEXT_MODEL).body)


def withdraw(scene: Scene) -> Json:
    def command() -> Json:
        offers.withdraw_model(scene.world.deps, TEXT_MODEL, "operator")
        return {}

    return _refusable(command)


def take_down(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.turn_tier(TEXT_MODEL, "basic", available=False, reason="it is failing"))


def bring_back(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.turn_tier(TEXT_MODEL, "enterprise", available=True))


def extend(scene: Scene) -> Json:
    return _essentials(lambda: sales.extend(scene.world, scene.subscription_id, key="extension"))


def change_up(scene: Scene) -> Json:
    """One line rises, and another is removed."""
    lines = [model(calls=6, cap=150)]
    return _essentials(lambda: changing.change(scene.world, scene.subscription_id, *lines, key="raise"))


def change_down(scene: Scene) -> Json:
    """One line falls, and another is new or stays."""
    lines = [model(calls=3, cap=80), model(IMAGE_MODEL, calls=4, cap=100)]
    return _essentials(lambda: changing.change(scene.world, scene.subscription_id, *lines, key="lower"))


def top_up(scene: Scene) -> Json:
    return _essentials(lambda: changing.top_up(scene.world, scene.subscription_id, 25, key="top-up"))


def let_renew(scene: Scene) -> Json:
    return _essentials(lambda: sales.update(scene.world, scene.subscription_id, autoRenew=True, autoRenewMonths=2))


def let_end(scene: Scene) -> Json:
    return _essentials(lambda: sales.update(scene.world, scene.subscription_id, autoRenew=False))


def suspend(scene: Scene) -> Json:
    return _essentials(lambda: scene.world.suspend(scene.subscription_id))


def resume(scene: Scene) -> Json:
    return _essentials(lambda: scene.world.resume(scene.subscription_id))


def revoke_key(scene: Scene) -> Json:
    def command() -> Json:
        scene.world.revoke_key(scene.subscription_id)
        return {}

    return _essentials(command)


def give_calls_back(scene: Scene) -> Json:
    return _essentials(lambda: scene.world.correct(scene.subscription_id, None, "ticket-4", calls=-1))


def cancel_briefly(scene: Scene) -> Json:
    return _essentials(lambda: scene.world.cancel(scene.subscription_id))


def regenerate_briefly(scene: Scene) -> Json:
    return _essentials(lambda: scene.world.regenerate(scene.subscription_id))


THRESHOLD_COMMANDS = (cross, authorize, repeat, settle, breach, reset, cancel)
MOVE_A_DAY = (take_last_call, void, settle, breach, reset)
MOVE_A_MONTH = (take_back, correct, settle_last, cross, reset)
"""Those that move usage over a threshold, upwards and downwards, and those that look."""
CORRECTIONS = (correct, take_back, correct_earlier)
PLACE_COMMANDS = (plan, longer_plan, other_plan, no_plan, buy, renew, cancel, reset)
"""Those that contend for an account's one place."""
PLAN_NEWS = (plan_of_now, older_plan, older_end, end_of_another_plan)
"""Those that say from when they are."""
AT_THE_END = (authorize_what_fits, authorize, repeat, settle, void, reset, cancel, regenerate, renew)
"""Those that an authorize meets which takes what is left."""
COMMANDS = (authorize, repeat, settle, void, breach, reset, renew, buy, cancel, regenerate)
READS = (
    authorize_anew,
    describe_key,
    view_key,
    look,
    list_all,
    models,
    look_at_model,
    look_at_all_models,
    quote,
    quote_renewal,
)
"""Commands that change nothing, whatever comes between."""
LIFE = (extend, change_up, change_down, top_up, let_renew, let_end, suspend, resume, revoke_key, give_calls_back)
"""What becomes of a subscription that lives on."""
MEET_LIFE = (authorize, repeat, settle, void, breach, reset, renew, buy, cancel_briefly, regenerate_briefly)
"""Those that meet it."""
OPERATORS = (offer, offer_as_seen, withdraw, take_down, bring_back)
"""Commands about the catalogue, whatever a subscription is like."""
NEED_A_GRANT = {settle, void, breach}
PARTS = (part, part_for_more, part_crosses)
MEET_A_PART = (part, part_for_more, authorize, repeat, settle, void, breach, reset, cancel, regenerate, renew)
"""Those that meet a part on its way."""
RELEASABLE = (in_use, holds_expired, next_day, rolled, reclaimed, next_month, cancelled, expired, released, *GONE_ON)
"""Situations in which something is held, or was."""
MEET_A_RELEASE = (*MEET_A_PART, correct, take_back)
"""Those that meet a release on its way."""


def _essentials(command: Callable[[], Json]) -> Json:
    """What a command came to; the subscription is shown as it is at the moment of answering, whoever came between."""
    answer = _refusable(command)
    order = answer.get("order")
    sold = {} if order is None else {"sold": [order["kind"], order["status"], order["price"], order["at"]]}
    return {**sold, **{name: answer[name] for name in ("refused",) if name in answer}}


def _refusable(command: Callable[[], Json]) -> Json:
    try:
        return command()
    except Refused as refused:
        return {"refused": refused.refusal.code.code}


def shown(answer: Json) -> Json:
    """An answer without what chance decides."""
    hidden = ("authorizationId", "apiKey", "apiKeyMasked", "subscriptionId", "heldBy")
    return {name: value is not None if name in hidden else value for name, value in answer.items()}


def stored(world: World) -> list[str]:
    """All that is stored, without what chance decides: nonces, ids and hashes are named in order of appearance."""
    return shown_items(world, stored_items.read(world.quick, world.template))


def shown_items(world: World, items: Items) -> list[str]:
    """The same of what was read."""
    events = sorted(item["type"]["S"] for item in items[world.tables.events])
    others = [name for name in items if name != world.tables.events]
    return sorted(_row(name.partition("-")[2], item) for name in others for item in items[name]) + events


_CHANCE = ("kh", "kt", "dp", "bd", "rd", "rb", "pk", "nonce", "nc")


def _row(table: str, item: Json) -> str:
    shown_item: Json = {}
    for name, value in item.items():
        if name in _CHANCE or (name == "id" and item.get("kd") != {"S": "plan"}):
            continue
        if name == "h":
            holds = [h["S"].split(".")[2:] for h in value["M"].values()]
            shown_item[name] = sorted(map(str, holds))
        elif name == "hold":
            shown_item[name] = value["S"].split(".")[2:]
        elif name == "sk" and value["S"].startswith("hold#"):
            shown_item[name] = "hold"
        elif name == "sk":
            shown_item[name] = re.sub("#sub_.*|(?<=sale#).*|correction#.*", "", value["S"])
        else:
            shown_item[name] = value
    return f"{table} {json.dumps(shown_item, sort_keys=True, default=str)}"
