"""The audit reports no breach of subscriptions that live on: extended, changed, topped up, suspended, or waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelpass.catalogue.commands import offers
from ops import upgrade
from ops.audit.breaches import Equation
from tests.support import changing, sales
from tests.support.audit import assert_audited, audited
from tests.support.earlier import recorded
from tests.support.waiting import LAPSES_MS, Till, approving
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def used(world: World, api_key: str, name: str, units: int = 20) -> object:
    granted = world.authorize(api_key, name, units, holdSeconds=86_400)
    assert granted["allowed"], granted
    return world.settle(granted["authorizationId"], units) if units % 2 else granted


def extended(world: World) -> Iterator[object]:
    made = world.buy(models=[model(calls=9, cap=100)])
    name, key = made["subscriptionId"], made["apiKey"]
    yield used(world, key, "before")
    yield sales.extend(world, name, 2)
    world.clock.advance(32 * DAY_MS)  # the end that was sold first is over
    yield used(world, key, "after", 31)
    yield world.reset()
    yield sales.extend(world, name, 1)
    world.clock.advance(100 * DAY_MS)
    yield world.reset()
    yield world.renew(name)


def changed(world: World) -> Iterator[object]:
    made = world.buy(models=[model(calls=9, cap=100)], months=3)
    name, key = made["subscriptionId"], made["apiKey"]
    yield used(world, key, "before")
    yield changing.change(world, name, model(calls=19, cap=200), model(IMAGE_MODEL, calls=4, cap=50))
    yield used(world, key, "raised", 101)
    yield changing.change(world, name, model(calls=5, cap=60))  # the other model goes at the next window
    yield world.reset()
    world.clock.advance(31 * DAY_MS)
    yield used(world, key, "lowered", 31)
    yield world.reset()
    yield changing.change(world, name, model(calls=5, cap=60), model(IMAGE_MODEL, calls=4, cap=50))
    yield sales.extend(world, name, 1)
    world.clock.advance(31 * DAY_MS)
    yield used(world, key, "later", 31)
    yield world.cancel(name)


def topped_up(world: World) -> Iterator[object]:
    made = world.buy(models=[model(calls=9, cap=100), model(IMAGE_MODEL, calls=4, cap=50)], months=2)
    name, key = made["subscriptionId"], made["apiKey"]
    yield used(world, key, "all", 99)
    yield changing.top_up(world, name, 50)
    yield changing.top_up(world, name, 7)
    yield used(world, key, "more", 51)
    yield changing.top_up(world, name, 5, IMAGE_MODEL)
    world.clock.advance(31 * DAY_MS)
    yield used(world, key, "next", 31)
    yield changing.top_up(world, name, 3)
    world.clock.advance(31 * DAY_MS)
    yield world.reset()


def suspended(world: World) -> Iterator[object]:
    made = world.buy(models=[model(calls=9, cap=100), model(IMAGE_MODEL, calls=4, cap=50)], autoRenew=True)
    name = made["subscriptionId"]
    yield used(world, made["apiKey"], "before")
    yield world.suspend(name)
    yield changing.top_up(world, name, 5)
    yield world.resume(name)
    yield world.suspend(name)
    world.clock.advance(32 * DAY_MS)  # it does not renew itself
    yield world.reset()
    yield world.resume(name)
    again = world.buy("other")["subscriptionId"]
    yield world.suspend(again)
    yield world.cancel(again, "other")


def renewed_by_itself(world: World) -> Iterator[object]:
    made = world.buy(models=[model(calls=9, cap=100)], autoRenew=True)
    name, key = made["subscriptionId"], made["apiKey"]
    yield used(world, key, "before")
    world.clock.advance(31 * DAY_MS)
    yield None  # not decided yet
    yield used(world, key, "after", 31)
    world.clock.advance(100 * DAY_MS)
    yield world.reset()
    yield sales.update(world, name, autoRenew=False, label="team")
    world.clock.advance(32 * DAY_MS)
    yield world.reset()
    yield world.buy()


def ended_at_its_end(world: World) -> Iterator[object]:
    """A subscription that would renew itself, whose model is sold no longer."""
    made = world.buy(models=[model(calls=9, cap=100)], autoRenew=True)
    yield sales.look(world, made["subscriptionId"])
    world.clock.advance(31 * DAY_MS)
    offers.withdraw_model(world.deps, TEXT_MODEL)
    yield world.reset()


def waiting(world: World) -> Iterator[object]:
    till = Till(approving(world))
    bought = till.buy()
    yield bought
    yield till.confirm(bought["order"]["orderId"])
    name = bought["subscriptionId"]
    asked = till.extend(name)
    yield asked
    yield till.reject(asked["order"]["orderId"])
    yield till.extend(name)
    world.clock.advance(LAPSES_MS)
    yield None  # it has lapsed by the clock alone
    yield world.reset()
    yield till.cancel(name)
    withdrawn = till.buy()
    yield till.withdraw(withdrawn["order"]["orderId"])
    yield till.buy()
    world.clock.advance(LAPSES_MS)
    yield world.reset()
    yield till.buy()
    world.clock.advance(LAPSES_MS)
    yield till.buy()  # over one that has lapsed, and was not told


def waiting_renewal(world: World) -> Iterator[object]:
    name = world.buy()["subscriptionId"]
    world.clock.advance(32 * DAY_MS)
    till = Till(approving(world))
    asked = till.renew(name)
    yield asked
    yield world.reset()
    yield till.withdraw(asked["order"]["orderId"])
    asked = till.renew(name)
    yield till.confirm(asked["order"]["orderId"])


def keys_and_calls(world: World) -> Iterator[object]:
    made = world.buy(models=[model(calls=9, cap=100), model(IMAGE_MODEL, calls=4, cap=50)])
    yield used(world, made["apiKey"], "before")
    yield world.correct(made["subscriptionId"], 0, calls=-1)
    world.revoke_key(made["subscriptionId"])
    yield "revoked"
    yield world.regenerate(made["subscriptionId"])
    world.revoke_key(made["subscriptionId"], operator="anna")
    yield "revoked by an operator"


LIVES = (
    *(extended, changed, topped_up, suspended, renewed_by_itself, ended_at_its_end),
    *(waiting, waiting_renewal, keys_and_calls),
)


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.__name__)
def test_audit_is_silent_at_every_step_of_a_life(world: World, life: Callable[[World], Iterator[object]]) -> None:
    for number, step in enumerate(life(world)):
        report = audited(world)
        assert not report.breaches, f"step {number}, {step}:\n" + "\n".join(map(str, report.breaches))
    world.reset()
    assert_audited(world)


def test_audit_is_silent_after_an_upgrade_but_for_what_was_never_stored(engine: str) -> None:
    earlier = recorded(engine)
    upgrade.everything(earlier.world.dynamodb, earlier.world.tables)
    for _ in range(2):
        breaches = audited(earlier.world).breaches
        assert {breach.equation for breach in breaches} == {Equation.TERMS, Equation.SOLD, Equation.OWNED}
        assert all(earlier.id_of("ancient") in breach.subject for breach in breaches)
        earlier.world.reset()
    earlier.world.drop_tables()
