"""An audit of a service that goes on: no false alarm whatever comes between two reads, and nothing is written."""

from __future__ import annotations

import contextlib
import itertools
import re
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

import pytest

from local.dynamodb.provisioning import client
from local.machine import ROOT
from modelpass import schema
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import EntitlementId
from modelpass.subscriptions import items as subscription_items
from ops.audit.breaches import Equation
from tests.support.audit import audited
from tests.support.world import DAY_MS, IMAGE_MODEL, World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.usefixtures("few_shards")


@contextlib.contextmanager
def watched(engine: str, before_each: Callable[[str], object]) -> Iterator[Any]:
    """A client of the audit's own that tells of each call before it is sent."""

    def hook(model: Any, **_: Any) -> None:
        before_each(model.name)

    dynamodb = own_client(engine)
    dynamodb.meta.events.register("before-call.dynamodb", hook)
    yield dynamodb
    dynamodb.meta.events.unregister("before-call.dynamodb", hook)


@cache
def own_client(engine: str) -> Any:
    return client(engine)


def in_use(world: World) -> tuple[str, str]:
    """A subscription with an open hold of yesterday and one of today; its id and its key."""
    models = [model(calls=10**6, cap=10**6), model(IMAGE_MODEL, calls=9, cap=9)]
    made = world.buy(models=models, months=2)
    world.authorize(made["apiKey"], "of-yesterday", 30, holdSeconds=86_400)
    world.clock.advance(DAY_MS)
    world.authorize(made["apiKey"], "of-today", 40, holdSeconds=60)
    return made["subscriptionId"], made["apiKey"]


def roll_and_correct(world: World, subscription_id: str, key: str) -> None:
    world.clock.advance(31 * DAY_MS)
    world.authorize(key, "of-the-next-month", 1)
    world.correct(subscription_id, 7)


def settle_late(world: World, _: str, key: str) -> None:
    granted = world.authorize(key, "late", 5, holdSeconds=1)
    world.clock.advance(DAY_MS)
    world.authorize(key, "roller", 1)
    world.settle(granted["authorizationId"], 5)


def regenerate(world: World, subscription_id: str, _: str) -> None:
    world.regenerate(subscription_id)


def cancel_and_buy(world: World, subscription_id: str, _: str) -> None:
    world.cancel(subscription_id)
    world.buy()


def expire_and_renew(world: World, subscription_id: str, _: str) -> None:
    world.clock.advance(62 * DAY_MS)
    world.renew(subscription_id)


@dataclass(slots=True)
class Before:
    """Does something before one call of the audit."""

    at: int
    command: Callable[[], object]
    seen: int = 0

    def __call__(self, _: str) -> None:
        number, self.seen = self.seen, self.seen + 1
        if number == self.at:
            self.command()


@pytest.mark.parametrize(
    "command", [roll_and_correct, settle_late, regenerate, cancel_and_buy, expire_and_renew], ids=lambda c: c.__name__
)
def test_what_comes_between_two_reads_is_no_breach(engine: str, command: Callable[[World, str, str], None]) -> None:
    for at in itertools.count():
        world = new_world(engine)
        between = Before(at, partial(command, world, *in_use(world)))
        with watched(engine, between) as dynamodb:
            report = audited(world, dynamodb)
        assert (report.breaches, report.busy) == ([], [])
        world.drop_tables()
        if between.seen <= at:
            break
    assert at > 8


def test_subscription_that_never_stands_still_is_told_as_busy_and_its_items_are_checked(
    engine: str, world: World
) -> None:
    """Every read finds the model in use changed since; the other one is damaged, which one look tells."""
    subscription_id, key = in_use(world)
    numbers = itertools.count()
    image = entitlement_items.entitlement_key(EntitlementId(subscription_id, 1, IMAGE_MODEL))
    world.dynamodb.update_item(
        TableName=world.tables.entitlements,
        Key=image,
        UpdateExpression="SET dl = :more, rc = :more",
        ExpressionAttributeValues={":more": schema.number(10)},
    )

    def use(_: str) -> None:
        granted = world.authorize(key, f"r-{next(numbers)}", 1)
        world.settle(granted["authorizationId"], 1)

    with watched(engine, use) as dynamodb:
        report = audited(world, dynamodb)
    assert report.busy == [subscription_id]
    assert [b.equation for b in report.breaches] == [Equation.DAY]  # the ticket that is not there needs two reads


def test_more_open_holds_than_the_bound_are_told(world: World) -> None:
    in_use(world)
    assert not audited(world, most_holds=2).breaches
    assert [b.equation for b in audited(world, most_holds=1).breaches] == [Equation.HOLDS]


def test_audit_reads_and_never_writes_by_the_actions_that_its_page_names(engine: str, world: World) -> None:
    in_use(world)
    world.buy("another")
    world.set_plan("gold", "a third")
    before = [world.all_items(table) for table in world.names()]
    calls: set[str] = set()
    damaged = schema.primary_key(subscription_items.slot_key("another"))
    world.dynamodb.delete_item(TableName=world.tables.subscriptions, Key=damaged)
    with watched(engine, calls.add) as dynamodb:
        assert audited(world, dynamodb).breaches
    page = (ROOT / "docs" / "audit.md").read_text("utf-8")
    assert {f"dynamodb:{call}" for call in calls} == set(re.findall(r"`(dynamodb:\w+)`", page))
    assert calls == {"Scan", "Query", "BatchGetItem"}
    before[1] = [item for item in before[1] if any(item.get(n) != v for n, v in damaged.items())]
    assert before == [world.all_items(table) for table in world.names()]
