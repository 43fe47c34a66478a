"""Everything that can end an order, against everything else, on the real engine: it ends once, whatever comes between.

A call runs entirely between any two store calls of another; many run at once in threads; every store call of each fails
in every way. What is true afterwards is read from the store.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.audit import assert_conserved
from tests.support.concurrency import at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.waiting import LAPSES_MS, Till, approving
from tests.support.world import IMAGE_MODEL, model

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.world import Json, World

    MakeScene = Callable[[World, str], "Scene"]

pytestmark = pytest.mark.usefixtures("few_shards")
MOST_CALLS = 9


@dataclass(frozen=True, slots=True)
class Scene:
    """An order that waits, of a subscription with a key."""

    till: Till
    waits: Json
    api_key: str

    @property
    def order_id(self) -> str:
        return str(self.waits["order"]["orderId"])

    @property
    def subscription_id(self) -> str:
        return str(self.waits["subscriptionId"])

    def on(self, world: World) -> Scene:
        return replace(self, till=self.till.on(world))


def purchase(world: World, account: str) -> Scene:
    till = Till(approving(world), account)
    waits = till.buy(key="once")
    return Scene(till, waits, waits["apiKey"])


def renewal(world: World, account: str) -> Scene:
    bought = Till(world, account).buy()
    world.clock.now_ms = world.subscription(bought["subscriptionId"]).expires_at_ms
    till = Till(approving(world), account)
    waits = till.renew(bought["subscriptionId"], key="once")
    return Scene(till, waits, waits["apiKey"])


def extension(world: World, account: str) -> Scene:
    bought = Till(world, account).buy()
    till = Till(approving(world), account)
    return Scene(till, till.extend(bought["subscriptionId"], key="once"), bought["apiKey"])


def change(world: World, account: str) -> Scene:
    bought = Till(world, account).buy()
    till = Till(approving(world), account)
    return Scene(till, _changed(till, bought["subscriptionId"]), bought["apiKey"])


def _changed(till: Till, subscription_id: str) -> Any:
    """One line rises, and another is new."""
    return till.change(subscription_id, model(cap=2000), model(IMAGE_MODEL, "basic", 20, 200), key="once")


def top_up(world: World, account: str) -> Scene:
    bought = Till(world, account).buy()
    till = Till(approving(world), account)
    return Scene(till, till.top_up(bought["subscriptionId"], key="once"), bought["apiKey"])


def confirm(scene: Scene) -> Any:
    return scene.till.confirm(scene.order_id, "pi_1")


def confirm_other(scene: Scene) -> Any:
    return scene.till.confirm(scene.order_id, "pi_2")


def reject(scene: Scene) -> Any:
    return scene.till.reject(scene.order_id)


def withdraw(scene: Scene) -> Any:
    return scene.till.withdraw(scene.order_id)


def cancel(scene: Scene) -> Any:
    return scene.till.cancel(scene.subscription_id)


def lapse(scene: Scene) -> Any:
    scene.till.world.clock.advance(LAPSES_MS)
    return scene.till.world.reset()


def buy(scene: Scene) -> Any:
    """Another sale of the account."""
    return scene.till.buy()


def lapse_and_buy(scene: Scene) -> Any:
    scene.till.world.clock.advance(LAPSES_MS)
    return scene.till.buy()


def order_again(scene: Scene) -> Any:
    """The call that made the order, once more."""
    till, kind = scene.till, scene.waits["order"]["kind"]
    if kind == "purchase":
        return till.buy(key="once")
    return _asked(till, kind, scene.subscription_id)


def _asked(till: Till, kind: str, subscription_id: str) -> Any:
    match kind:
        case "renewal":
            return till.renew(subscription_id, key="once")
        case "extension":
            return till.extend(subscription_id, key="once")
        case "change":
            return _changed(till, subscription_id)
        case _:
            return till.top_up(subscription_id, key="once")


SCENES = (purchase, renewal, extension, change, top_up)
SOLD = {
    "purchase": "purchased",
    "renewal": "renewed",
    "extension": "extended",
    "change": "changed",
    "top_up": "topped_up",
}
ENDS = (confirm, reject, cancel)
"""What is disturbed; a withdrawal is carried out by the code of a rejection."""
OTHERS = (confirm_other, reject, cancel, lapse, buy, lapse_and_buy, order_again)
BECAME = {"confirm": "done", "confirm_other": "done", "reject": "rejected", "withdraw": "withdrawn"}


def holds(scene: Scene, answers: dict[str, Any]) -> str:
    """What is stored says that the order ended at most once, and every answer is true of it; gives how it ended.

    `answers` are those of calls that end orders, by their names.
    """
    order, row = scene.till.stored(scene.order_id), scene.till.world.subscription(scene.subscription_id)
    stored, kind = order.stored.value, order.kind.value
    own = {"done": ["confirmed"], "pending": []}.get(stored, [stored])
    assert scene.till.told_of(scene.order_id) == sorted(["pending", *own])
    waits = row.pending_order is not None and row.pending_order.number == order.number
    assert waits <= (stored in {"pending", "lapsed"})
    assert scene.till.sold(scene.subscription_id).count(SOLD[kind]) == (stored == "done")
    for name, answer in answers.items():
        if isinstance(answer, dict) and name in BECAME:
            assert (answer["status"], answer["reference"]) == (stored, order.reference)
            assert stored == BECAME[name]
        elif name in BECAME:
            assert answer == ("order_confirmed" if stored == "done" else "order_lapsed"), (name, stored)
            assert stored != BECAME[name]
    return stored


def usable(scene: Scene) -> str:
    return scene.till.uses(scene.api_key, "probe")


@pytest.mark.parametrize("other", OTHERS, ids=lambda call: call.__name__)
@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_an_order_ends_once_whatever_comes_between_two_store_calls(
    world: World, make: MakeScene, other: Callable[[Scene], Any]
) -> None:
    for first in ENDS:
        for at in range(MOST_CALLS):
            scene = make(world, f"{first.__name__}-{at}")
            between: list[Any] = []
            send = Interleave(world.deps.send, at, partial(_heard, between, other, scene))
            answer = first(scene.on(approving(world.with_send(send))))
            if not send.reached:
                break
            told = {first.__name__: answer, other.__name__: between[0]} if first is not other else {}
            ended = holds(scene, told)
            if cancel not in (first, other):
                used = usable(scene)
                assert used == "allowed" or ended != "done"
                assert used in {"subscription_pending", "invalid_api_key"} or ended == "done" or make is not purchase
        else:
            raise AssertionError("The call makes more store calls than are tried.")
    assert_conserved(world)


def _heard(between: list[Any], other: Callable[[Scene], Any], scene: Scene) -> None:
    between.append(other(scene))


@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_of_many_calls_at_once_one_ends_the_order_and_all_are_told_which(world: World, make: MakeScene) -> None:
    calls = (confirm, reject, withdraw) * 8
    for turn in range(5):
        scene = make(world, f"acct-{turn}")
        answers = at_once(len(calls), lambda n: calls[n](scene))  # noqa: B023 - they end before the next turn
        ended = {answer["status"] for answer in answers if isinstance(answer, dict)}
        assert ended == {holds(scene, {})}
        refused = {answer for answer in answers if isinstance(answer, str)}
        assert refused == {"order_confirmed" if ended == {"done"} else "order_lapsed"}
    assert_conserved(world)


@pytest.mark.parametrize("make", SCENES[:2], ids=lambda make: make.__name__)
def test_of_machines_whose_clocks_differ_at_the_lapse_one_decides_and_no_account_has_two(
    world: World, make: MakeScene
) -> None:
    """Half of them still may confirm; for the others it has lapsed, and they buy the place."""
    for turn in range(5):
        scene = make(world, f"acct-{turn}")
        lapses = scene.till.stored(scene.order_id).lapses_at_ms
        assert lapses is not None
        ahead = scene.on(_at(world, lapses))
        behind = scene.on(approving(_at(world, lapses - 1)))
        answers = at_once(16, lambda n: confirm(behind) if n % 2 else buy(ahead))  # noqa: B023 - likewise
        bought, confirmed = (sum(isinstance(answer, dict) for answer in answers[half::2]) for half in (0, 1))
        assert (bought, confirmed) in {(1, 0), (0, 8)}, answers
        world.clock.now_ms = lapses
    assert_conserved(world)


def _at(world: World, now_ms: int) -> World:
    return replace(world, deps=world.deps._replace(now_ms=lambda: now_ms))


@pytest.mark.parametrize("late", [confirm, reject, withdraw], ids=lambda call: call.__name__)
@pytest.mark.parametrize("early", [buy, cancel, order_again], ids=lambda call: call.__name__)
@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_what_a_clock_that_is_ahead_has_done_is_not_undone_by_one_that_is_behind(
    world: World, make: MakeScene, early: Callable[[Scene], Any], late: Callable[[Scene], Any]
) -> None:
    scene = make(world, "acct")
    lapses = scene.till.stored(scene.order_id).lapses_at_ms
    assert lapses is not None
    done = early(scene.on(_at(world, lapses)))
    answer = late(scene.on(approving(_at(world, lapses - 1))))
    world.clock.now_ms = lapses
    if isinstance(done, dict) and (early is buy or (early is cancel and make is not renewal)):
        assert answer == "order_lapsed"
    holds(scene, {})
    assert_conserved(world)


@pytest.mark.parametrize("kind", ["before", "after", "lost"])
@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_an_order_ends_once_whatever_store_call_fails(world: World, make: MakeScene, kind: str) -> None:
    for command in (*ENDS, order_again):
        expected = _outcome(make(world, command.__name__), command)
        for at in range(MOST_CALLS):
            scene = make(world, f"{command.__name__}-{at}")
            fault = FaultAt(world.deps.send, at, kind)
            answer = command(scene.on(approving(world.with_send(fault))))
            if not fault.reached:
                break
            again = answer == "temporarily_unavailable"
            assert again <= (kind == "lost")
            outcome = _outcome(scene, command if again else None, answer)
            assert outcome == expected, (command.__name__, at)
        else:
            raise AssertionError("The call makes more store calls than are tried.")
    assert_conserved(world)


def _outcome(scene: Scene, command: Callable[[Scene], Any] | None, answer: Any = None) -> Any:
    """What was answered, what is stored, and what the key is good for."""
    if command is not None:
        answer = command(scene)
    order = scene.till.stored(scene.order_id)
    return (
        answer if isinstance(answer, str) else answer["status"],
        (order.stored, order.reference, order.reason),
        scene.till.told_of(scene.order_id),
        scene.till.sold(scene.subscription_id),
        usable(scene),
        _left(scene),
    )


def _left(scene: Scene) -> list[Any]:
    """The cap of each model of the subscription, and what is left of its month."""
    world = scene.till.world
    stored = [item for item in world.all_items(world.tables.entitlements) if scene.subscription_id in item["pk"]["S"]]
    return sorted((item["lm"]["N"], item["ml"]["N"]) for item in stored)


@pytest.mark.parametrize("kind", ["before", "after", "lost"])
@pytest.mark.parametrize("make", SCENES, ids=lambda make: make.__name__)
def test_an_order_is_made_once_and_shows_its_key_whatever_store_call_fails(
    world: World, make: MakeScene, kind: str
) -> None:
    for at in range(MOST_CALLS):
        account = f"acct-{at}"
        bought = None if make is purchase else Till(world, account).buy()
        if make is renewal and bought:
            world.clock.now_ms = world.subscription(bought["subscriptionId"]).expires_at_ms
        fault = FaultAt(world.deps.send, at, kind)
        answer = _ask(Till(approving(world.with_send(fault)), account), make, bought)
        if not fault.reached:
            break
        if answer == "temporarily_unavailable":
            assert kind == "lost"
            answer = _ask(Till(approving(world), account), make, bought)
        else:
            assert ("apiKey" in answer) == (make in SCENES[:2])
        assert answer["order"]["status"] == "pending"
        assert Till(world).told_of(answer["order"]["orderId"]) == ["pending"]
    else:
        raise AssertionError("The call makes more store calls than are tried.")
    assert_conserved(world)


def _ask(till: Till, make: MakeScene, bought: Json | None) -> Any:
    if bought is None:
        return till.buy(key="once")
    return _asked(till, make.__name__, bought["subscriptionId"])


@pytest.mark.parametrize("ends", ["confirm", "reject", "withdraw"])
def test_place_that_a_machine_ahead_gave_to_a_plan_is_not_taken_back_by_an_order_of_a_machine_behind(
    world: World, ends: str
) -> None:
    """The term has ended by one clock, and by the other it has not: its place is another's all the same."""
    bought = Till(world).buy()
    till = Till(approving(world))
    world.clock.now_ms = world.subscription(bought["subscriptionId"]).expires_at_ms - 2000
    waits = till.extend(bought["subscriptionId"])
    ahead = replace(world, deps=world.deps._replace(now_ms=lambda: world.clock.now_ms + 4000))
    assert ahead.set_plan()["applied"]
    assert getattr(till, ends)(waits["order"]["orderId"]) == "order_lapsed"
    assert world.set_plan()["applied"]  # it has the place still, so its end can be moved
    assert world.end_plan() == {"heldBy": None}
    assert_conserved(world)
