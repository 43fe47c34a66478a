"""Situations and commands of subscriptions that live on: sold to, waited for, stopped, looked at. Rule: as `scenes`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from modelpass import order_ids
from modelpass.api.requests import page_of
from modelpass.dynamodb.transport import StoreBusyError
from modelpass.errors import Refused
from modelpass.ids import is_subscription_id
from modelpass.subscriptions.commands import looks, orders, pending_orders, queries
from tests.support import changing, damaged, sales, scenes, waiting
from tests.support.faults import FaultAt
from tests.support.scenes import Scene
from tests.support.world import DAY_MS, IMAGE_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.pages import Listing, Page
    from modelpass.dynamodb.transport import Response, Send
    from modelpass.schema import Request

Json = dict[str, Any]
MORE = (model(calls=9, cap=300), model(IMAGE_MODEL, calls=4, cap=100))
"""A list in which every line rises, with one that is new."""
LESS = (model(calls=2, cap=50),)


def first_page(listing: Listing) -> Page:
    return page_of({}, listing)


def _refusable(command: Callable[[], object]) -> Json:
    try:
        found = command()
    except Refused as refused:
        return {"refused": refused.refusal.code.code}
    return found if isinstance(found, dict) else {}


def suspended(world: World) -> Scene:
    scene = scenes.in_use(world)
    world.suspend(scene.subscription_id)
    return scene


def revoked(world: World) -> Scene:
    """There is no key."""
    scene = scenes.in_use(world)
    world.revoke_key(scene.subscription_id)
    return scene


def lowered(world: World) -> Scene:
    """A change waits for the next month, of two."""
    scene = scenes.next_month(world)
    change_to(scene, *LESS)
    return scene


def added(world: World) -> Scene:
    """A line came in the middle of the term."""
    scene = scenes.in_use(world)
    change(scene)
    return scene


def half_changed(world: World) -> Scene:
    """The store went away before any entitlement was brought to the row."""
    scene = scenes.in_use(world)
    with pytest.raises(Refused):
        changing.change(world.with_send(FaultAt(world.deps.send, 2, "lost")), scene.subscription_id, *MORE)
    return scene


def _waiting(world: World, scene: Scene, sell: Callable[[Scene], Json]) -> Scene:
    sell(scene.on(waiting.approving(world)))
    return scene


def purchase_waits(world: World) -> Scene:
    made = waiting.Till(waiting.approving(world)).buy(models=[model(calls=4, cap=100)])
    return Scene(world, made["subscriptionId"], made["apiKey"], [])


def extension_waits(world: World) -> Scene:
    return _waiting(world, scenes.in_use(world), extend)


def change_waits(world: World) -> Scene:
    return _waiting(world, scenes.in_use(world), change)


def top_up_waits(world: World) -> Scene:
    return _waiting(world, scenes.holds_expired(world), top_up)


def renewal_waits(world: World) -> Scene:
    return _waiting(world, scenes.expired(world), scenes.renew)


def renewal_waits_beside_what_cannot_be_read(world: World) -> Scene:
    scene = renewal_waits(world)
    damaged.spoil_entitlement(world, scene.subscription_id)
    return scene


def extension_lapsed(world: World) -> Scene:
    """Nobody has confirmed it in time."""
    scene = extension_waits(world)
    world.clock.advance(waiting.LAPSES_MS)
    return scene


def purchase_lapsed(world: World) -> Scene:
    scene = purchase_waits(world)
    world.clock.advance(waiting.LAPSES_MS)
    return scene


def ends_soon(world: World) -> Scene:
    """A day before the end, which nobody has told yet."""
    scene = scenes.in_use(world)
    world.clock.advance(29 * DAY_MS)
    return scene


LIVING = (suspended, revoked, lowered, added, half_changed, ends_soon)
WAITING = (
    *(purchase_waits, extension_waits, change_waits, top_up_waits, renewal_waits),
    *(renewal_waits_beside_what_cannot_be_read, extension_lapsed, purchase_lapsed),
)
"""The newest order of the subscription waits, or has lapsed."""


def extend(scene: Scene) -> Json:
    return _refusable(lambda: sales.extend(scene.world, scene.subscription_id, key="extension"))


def change_to(scene: Scene, *models: Json) -> Json:
    return _refusable(lambda: changing.change(scene.world, scene.subscription_id, *models, key=f"to {len(models)}"))


def change(scene: Scene) -> Json:
    return change_to(scene, *MORE)


def lower(scene: Scene) -> Json:
    return change_to(scene, *LESS)


def change_with_a_lost_reply(scene: Scene) -> Json:
    """The reply to the write of an entitlement is lost."""
    return change(scene.on(scene.world.with_send(_LosesOne(scene.world.deps.send, scene.world.tables.entitlements))))


def suspend_with_a_lost_reply(scene: Scene) -> Json:
    return suspend(scene.on(scene.world.with_send(_LosesOne(scene.world.deps.send, scene.world.tables.entitlements))))


@dataclass(slots=True)
class _LosesOne:
    """Loses the reply to the first update of a table's items."""

    send: Send
    table: str
    lost: bool = False

    def __call__(self, operation: str, request: Request) -> Response:
        answer = self.send(operation, request)
        if operation == "UpdateItem" and request["TableName"] == self.table and not self.lost:
            self.lost = True
            raise StoreBusyError("injected")
        return answer


def top_up(scene: Scene) -> Json:
    return _refusable(lambda: changing.top_up(scene.world, scene.subscription_id, 50, key="top-up"))


def update(scene: Scene) -> Json:
    return _refusable(lambda: sales.update(scene.world, scene.subscription_id, autoRenew=True, label="Team"))


def update_back(scene: Scene) -> Json:
    return _refusable(lambda: sales.update(scene.world, scene.subscription_id, autoRenew=False))


def list_orders(scene: Scene) -> Json:
    def command() -> Json:
        return {
            **sales.orders(scene.world),
            **sales.orders_of(scene.world, scene.subscription_id),
            **sales.order(scene.world, newest_order(scene)),
        }

    return _refusable(command)


def newest_order(scene: Scene) -> str:
    """The id of the order that the subscription has made last, by its row."""
    if not is_subscription_id(scene.subscription_id):
        return "none"
    key = {"pk": {"S": scene.subscription_id}, "sk": {"S": "subscription"}}
    found = scene.world.dynamodb.get_item(TableName=scene.world.tables.subscriptions, Key=key).get("Item", {})
    return order_ids.order_id_of(scene.subscription_id, int(found.get("on", {"N": "1"})["N"]))


def confirm(scene: Scene) -> Json:
    told: Json = {"told": waiting.Till(scene.world).confirm(newest_order(scene))}
    return told


def reject(scene: Scene) -> Json:
    return {"told": waiting.Till(scene.world).reject(newest_order(scene))}


def withdraw_order(scene: Scene) -> Json:
    return {"told": waiting.Till(scene.world).withdraw(newest_order(scene))}


def suspend(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.suspend(scene.subscription_id))


def resume(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.resume(scene.subscription_id))


def revoke(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.revoke_key(scene.subscription_id))


def revoke_as_operator(scene: Scene) -> Json:
    return _refusable(lambda: scene.world.revoke_key(scene.subscription_id, operator="anna"))


def look_as_operator(scene: Scene) -> Json:
    """All that operators may look at."""
    deps, id_ = scene.world.deps, scene.subscription_id

    def command() -> Json:
        return {
            **looks.find_key(deps, scene.api_key),
            **looks.look_at_subscription(deps, id_),
            **looks.look_at_subscriptions(deps, "acct", first_page(queries.SUBSCRIPTIONS)),
            **looks.look_at_orders_of_account(deps, "acct", first_page(orders.OF_ACCOUNT)),
            **looks.look_at_plan(deps, "acct"),
            **pending_orders.look_at_pending_orders(deps, first_page(pending_orders.LISTING)),
            **looks.look_at_orders(deps, id_, first_page(orders.OF_SUBSCRIPTION)),
            **looks.look_at_order(deps, newest_order(scene)),
            **looks.look_at_usage(deps, id_),
            **looks.look_at_history(deps, id_, {}, 100),
            **looks.look_at_events(deps, id_, first_page(queries.EVENTS)),
            **looks.look_at_holds(deps, id_),
        }

    return _refusable(command)
