"""While functions of the release before may run, new items get the version that those know; little else differs."""

from __future__ import annotations

import contextlib
import re
from itertools import cycle
from typing import TYPE_CHECKING

import pytest

from modelpass import schema
from modelpass.errors import Refused
from tests.support import changing, sales
from tests.support.audit import assert_audited, assert_conserved
from tests.support.faults import Interleave
from tests.support.scenes import (
    COMMANDS,
    NEED_A_GRANT,
    PLACE_COMMANDS,
    SCENES,
    WITHOUT_A_GRANT,
    Scene,
    authorize,
    buy,
    cancel,
    in_use,
    next_day,
    plan,
    reclaimed,
    regenerate,
    renew,
    reset,
    settle,
    shown,
    stored,
)
from tests.support.world import World, model, new_world

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.scenes import Command, Json, MakeScene

pytestmark = pytest.mark.usefixtures("few_shards")
OLD, NEW = schema.PREVIOUS, schema.NEWEST


def content(world: World) -> list[str]:
    """All that is stored, but for its versions, and for when subscriptions are due: reminders come with version 3."""
    rows = (re.sub(r'"v": \{"N": "[23]"\}', "", row) for row in stored(world))
    return sorted(re.sub(r'"da": \{"N": "\d+"\}, ', "", row) if '"sk": "subscription"' in row else row for row in rows)


def versions(world: World) -> set[str]:
    """Those of all items but the catalogue's, which the tests seed."""
    tables = (name for name in world.names() if name != world.tables.catalogue)
    return {item["v"]["N"] for table in tables for item in world.all_items(table)}


def told(engine: str, scene: MakeScene, turns: Iterator[int]) -> tuple[list[Json], list[str], set[str]]:
    """What comes of every command after a scene, each carried out by functions that write the version of its turn."""
    world = new_world(engine)
    made = scene(world.writing(next(turns)))
    found = versions(world)
    commands = dict.fromkeys((*COMMANDS, *PLACE_COMMANDS))
    suited = [c for c in commands if scene not in WITHOUT_A_GRANT or c not in NEED_A_GRANT]
    answers = [shown(command(made.on(world.writing(next(turns))))) for command in suited]
    assert_conserved(world)
    outcome = answers, content(world), found | versions(world)
    world.drop_tables()
    return outcome


@pytest.mark.parametrize("scene", SCENES, ids=lambda s: s.__name__)
def test_what_is_stored_under_either_version_differs_in_its_number_alone(engine: str, scene: MakeScene) -> None:
    answers, rows, newest = told(engine, scene, cycle([NEW]))
    assert newest == {str(NEW)}
    assert told(engine, scene, cycle([OLD])) == (answers, rows, {str(OLD)})
    for turns in ([OLD, NEW], [NEW, OLD]):
        assert told(engine, scene, cycle(turns))[:2] == (answers, rows)


PAIRS = (
    (authorize, settle),
    (settle, renew),
    (reset, authorize),
    (regenerate, authorize),
    (cancel, reset),
    (buy, plan),
)


@pytest.mark.parametrize("scene", [next_day, reclaimed], ids=lambda s: s.__name__)
@pytest.mark.parametrize(("one", "other"), PAIRS, ids=lambda c: c.__name__)
def test_command_of_one_version_in_between_those_of_the_other_is_as_if_both_were_one(
    engine: str, scene: MakeScene, one: Command, other: Command
) -> None:
    for at in range(12):
        outcomes = []
        for between in (NEW, OLD):
            world = new_world(engine)
            made = scene(world.writing(OLD))
            send = Interleave(world.deps.send, at, lambda: other(made.on(world.writing(between))))  # noqa: B023
            answer = shown(one(made.on(world.with_send(send).writing(NEW))))
            assert_conserved(world)
            outcomes.append((answer, content(world)))
            world.drop_tables()
        assert outcomes[0] == outcomes[1], at
        if not send.reached:
            return
    raise AssertionError("a command made more calls than are tried")


LIVING: dict[str, Callable[[Scene], object]] = {
    "extend": lambda scene: sales.extend(scene.world, scene.subscription_id),
    "change": lambda scene: changing.change(scene.world, scene.subscription_id, model(calls=9, cap=300)),
    "top up": lambda scene: changing.top_up(scene.world, scene.subscription_id, 50),
    "suspend": lambda scene: scene.world.suspend(scene.subscription_id),
    "let renew": lambda scene: sales.update(scene.world, scene.subscription_id, autoRenew=True),
    "revoke": lambda scene: scene.world.revoke_key(scene.subscription_id),
    "release": lambda scene: scene.world.release(scene.subscription_id, scene.authorization_ids[0]),
}


@pytest.mark.parametrize("one", [authorize, reset, regenerate, cancel], ids=lambda c: c.__name__)
@pytest.mark.parametrize("living", LIVING.values(), ids=LIVING)
def test_call_that_stores_version_3_in_between_those_of_functions_that_write_2_breaks_no_equation(
    engine: str, one: Command, living: Callable[[Scene], object]
) -> None:
    """While the parameter is being raised, functions of either value run side by side."""
    for at in range(8):
        world = new_world(engine)
        made = in_use(world.writing(OLD))

        def lives(made: Scene = made) -> None:
            with contextlib.suppress(Refused):
                living(made.on(world.writing(NEW)))  # noqa: B023

        send = Interleave(world.deps.send, at, lives)
        one(made.on(world.with_send(send).writing(OLD)))
        world.reset()  # what a crash would have left for it
        assert_audited(world)
        world.drop_tables()
        if not send.reached:
            return
    assert at == 7
