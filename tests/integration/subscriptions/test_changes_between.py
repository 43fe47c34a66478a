"""A change or a top-up between any two store calls of another command, and the other way round, and many at once.

Whatever comes first, once both have answered the key of now opens every model of the list and no other key does, a
cancelled subscription grants nothing, and everything stored is conserved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.errors import Refused
from tests.support import sales
from tests.support.audit import assert_audited
from tests.support.changing import change, top_up
from tests.support.concurrency import at_once
from tests.support.faults import FaultAt, Interleave
from tests.support.world import DAY_MS, IMAGE_MODEL, model

if TYPE_CHECKING:
    from tests.support.world import World

Command = Callable[["World", str], Any]
pytestmark = pytest.mark.usefixtures("few_shards")

MOST_CALLS = 30
VIDEO = "veo-3"


def image(cap: int = 100) -> Any:
    return model(IMAGE_MODEL, "stable", 20, cap)


def bought(world: World) -> tuple[str, str]:
    made = world.buy(models=[model(calls=60), image()], months=3)
    return made["subscriptionId"], made["apiKey"]


def raise_all(world: World, name: str) -> Any:
    """Raise one line, add one, remove one."""
    return change(world, name, model(calls=70, cap=1500), model(VIDEO, "stable", 5, 50))


def lower(world: World, name: str) -> Any:
    return change(world, name, model(calls=60, cap=500), image())


def add_units(world: World, name: str) -> Any:
    return top_up(world, name, 40)


def regenerate(world: World, name: str) -> Any:
    return world.regenerate(name)


def cancel(world: World, name: str) -> Any:
    return world.cancel(name)


def extend(world: World, name: str) -> Any:
    return sales.extend(world, name, 2)


def reset(world: World, _: str) -> Any:
    return world.reset()


CHANGES = (raise_all, lower, add_units)
OTHERS = (regenerate, cancel, extend, reset, raise_all, add_units)


def answered(command: Command, world: World, name: str) -> Any:
    try:
        return command(world, name) or {}
    except Refused as refused:
        return {"refused": refused.refusal.code.code}


def keys_of(*answers: Any) -> list[str]:
    return [a["apiKey"] for a in answers if a.get("apiKey")]


def assert_sound(world: World, name: str, old_key: str, *answers: Any) -> None:
    """The list is what the row says, under the key of now alone; a cancelled subscription grants nothing."""
    row = world.subscription(name)
    assert not row.change_pending
    assert_audited(world)
    keys = keys_of(*answers)
    newest = keys[-1] if keys else old_key
    for limits in row.at(world.clock.now_ms).models:
        for key in {old_key, *keys}:
            asked = world.another_process().authorize(key, f"q-{limits.model_id}", 1, modelId=limits.model_id)
            if row.cancelled_at_ms is not None:
                assert not asked["allowed"], limits.model_id
            elif key == newest:
                assert asked["allowed"], (limits.model_id, asked)
                stored = world.entitlement(name, 1, limits.model_id)
                assert stored.limits == limits
            else:
                assert asked["error"]["code"] == "invalid_api_key", limits.model_id


@pytest.mark.parametrize("other", OTHERS, ids=lambda c: c.__name__)
@pytest.mark.parametrize("command", CHANGES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("inner", ["other", "change"])
def test_whatever_comes_between_leaves_what_one_order_of_the_two_would(
    world: World, command: Command, other: Command, inner: str
) -> None:
    outer, within = (command, other) if inner == "other" else (other, command)
    for at in range(MOST_CALLS):
        name, key = bought(world)
        came: list[Any] = []
        send = Interleave(world.deps.send, at, lambda: came.append(answered(within, world, name)))  # noqa: B023 - run at once
        answer = answered(outer, world.with_send(send), name)
        if not send.reached:
            return
        assert_sound(world, name, key, answer, *came)
        world.cancel(name)
        world.clock.advance(DAY_MS)  # another day of purchases
    raise AssertionError("a command made more calls than are tried")


# --- every store call fails once


KEYED: dict[Command, Command] = {
    raise_all: lambda w, n: change(w, n, model(calls=70, cap=1500), model(VIDEO, "stable", 5, 50), key="k-1"),
    lower: lambda w, n: change(w, n, model(calls=60, cap=500), image(), key="k-1"),
    add_units: lambda w, n: top_up(w, n, 40, key="k-1"),
}
"""Each with an Idempotency-Key."""


@pytest.mark.parametrize("command", CHANGES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("kind", ["before", "after"])
def test_it_is_sold_once_and_binds_whatever_call_fails(world: World, command: Command, kind: str) -> None:
    for at in range(MOST_CALLS):
        name, key = bought(world)
        fault = FaultAt(world.deps.send, at, kind)
        answer = command(world.with_send(fault), name)
        if not fault.reached:
            return
        assert not answer["replayed"]
        assert_sound(world, name, key, answer)
        assert (world.subscription(name).orders, world.entitlement(name).top_up) == (2, 40 * (command is add_units))
        world.cancel(name)
        world.clock.advance(DAY_MS)
    raise AssertionError("a command made more calls than are tried")


@pytest.mark.parametrize("finisher", ["repeat", "reset"])
@pytest.mark.parametrize("command", CHANGES, ids=lambda c: c.__name__)
def test_what_a_crash_leaves_is_finished_by_a_repeat_or_by_the_reset(
    world: World, command: Command, finisher: str
) -> None:
    def ask(to: World, of: str) -> Any:
        return KEYED[command](to, of)

    for at in range(MOST_CALLS):
        name, key = bought(world)
        fault = FaultAt(world.deps.send, at, "lost")
        broken = answered(ask, world.with_send(fault), name)
        if not fault.reached:
            return
        assert broken == {"refused": "temporarily_unavailable"}
        if finisher == "reset":
            world.reset()
            world.reset()
            assert not world.subscription(name).change_pending
        again = ask(world, name)
        assert_sound(world, name, key, again)
        assert (world.subscription(name).orders, world.entitlement(name).top_up) == (2, 40 * (command is add_units))
        world.cancel(name)
        world.clock.advance(DAY_MS)
    raise AssertionError("a command made more calls than are tried")


# --- many at once


def test_requests_reports_and_changes_at_once_lose_nothing_and_overshoot_nothing(world: World) -> None:
    name, key = bought(world)

    def do(number: int) -> Any:
        if number % 8 == 0:
            return answered(
                lambda w, n: change(w, n, model(calls=60 + number, cap=1000 + 10 * number), image()), world, name
            )
        if number % 8 == 1:
            return answered(add_units, world, name)
        granted = world.authorize(key, f"r-{number}", 40)
        if granted["allowed"] and number % 2:
            world.settle(granted["authorizationId"], 30)
        return granted

    answers = at_once(24, do)
    stored, row = world.entitlement(name), world.subscription(name)
    assert not row.change_pending
    topped_up = sum("order" in a and a["order"]["kind"] == "top_up" for a in answers)
    assert stored.top_up == 40 * topped_up
    assert stored.limits == row.models[0]
    assert stored.counters.day_calls == sum(a.get("allowed") is True for a in answers)
    assert_audited(world)


def test_of_changes_at_once_each_is_priced_on_the_one_before(world: World) -> None:
    name, _ = bought(world)
    answers = at_once(6, lambda n: answered(lambda w, i: change(w, i, model(cap=2000 + n), image()), world, name))
    assert all("order" in a for a in answers)
    row = world.subscription(name)
    assert row.orders == 7
    assert world.entitlement(name).limits == row.models[0]
    assert_audited(world)


def test_of_top_ups_at_once_all_are_there_and_none_is_beyond_the_bound(world: World) -> None:
    made = world.buy("veo", models=[model(VIDEO, "stable", 5, 4900)], months=1)
    name = made["subscriptionId"]
    answers = at_once(5, lambda _: answered(lambda w, i: top_up(w, i, 30, VIDEO, account="veo"), world, name))
    assert sum("order" in a for a in answers) == 3
    assert world.entitlement(name, 1, VIDEO).top_up == 90
    assert_audited(world)


# --- the clock moves in between


@pytest.mark.parametrize("days", [1, 31, 93], ids=["a day", "a month", "the term"])
@pytest.mark.parametrize("command", CHANGES, ids=lambda c: c.__name__)
def test_a_clock_that_moves_in_between_sells_whole_or_refuses(world: World, command: Command, days: int) -> None:
    for at in range(MOST_CALLS):
        name, key = bought(world)
        world.settle(world.authorize(key, "r-1", 30)["authorizationId"], 30)
        send = Interleave(world.deps.send, at, lambda: world.clock.advance(days * DAY_MS))
        answer = answered(command, world.with_send(send), name)
        if not send.reached:
            return
        row = world.subscription(name)
        assert row.orders == (1 if "refused" in answer else 2)
        assert not row.change_pending
        if "order" in answer and command is add_units:
            top_ups = row.at(world.clock.now_ms).top_ups
            assert top_ups is None or world.entitlement(name).top_up == 40
        world.reset()
        assert_audited(world)
        world.cancel(name)
        world.clock.advance(DAY_MS)
    raise AssertionError("a command made more calls than are tried")


def use(world: World, name: str) -> Any:
    """A request of the current key, which is told by the test."""
    return world.authorize(_KEYS[name], f"u-{world.clock.now_ms}", 5)


_KEYS: dict[str, str] = {}


@pytest.mark.parametrize("command", CHANGES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("inner", ["request", "change"])
def test_a_request_that_opens_the_month_meets_a_change_and_both_hold(
    world: World, command: Command, inner: str
) -> None:
    outer, within = (command, use) if inner == "request" else (use, command)
    for at in range(MOST_CALLS):
        name, key = bought(world)
        _KEYS[name] = key
        world.settle(world.authorize(key, "r-1", 30)["authorizationId"], 30)
        world.clock.advance(31 * DAY_MS)
        came: list[Any] = []
        send = Interleave(world.deps.send, at, lambda: came.append(answered(within, world, name)))  # noqa: B023 - run at once
        answers = [answered(outer, world.with_send(send), name), *came]
        if not send.reached:
            return
        assert [a["allowed"] for a in answers if "allowed" in a] == [True]
        assert sum("order" in a for a in answers) == 1
        stored, line = world.entitlement(name), world.subscription(name).models[0]
        assert (stored.month, stored.limits, stored.top_up) == (1, line, 40 * (command is add_units))
        assert stored.counters.month_left == line.monthly_cap + stored.top_up - 5
        assert_audited(world)
        world.cancel(name)
        world.clock.advance(DAY_MS)
    raise AssertionError("a command made more calls than are tried")
