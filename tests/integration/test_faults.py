"""Every store call of every command fails once: before it, after it, and with its reply lost for good.

After a fault that passes, the command answers as without it. After a store that went away, the command refuses or
fails closed, and repeating it gives what one undisturbed run gives. The equations hold in every case.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.support import scenes
from tests.support.audit import assert_conserved
from tests.support.faults import FaultAt
from tests.support.scenes import PLACE_COMMANDS, SCENES, Scene, shown, stored
from tests.support.world import STORE_CLIENT, STORE_CLIENTS, new_world

if TYPE_CHECKING:
    from tests.support.scenes import Command, Json, MakeScene

pytestmark = pytest.mark.usefixtures("few_shards")
MOST_CALLS = 8
GROUPS = (
    (SCENES, (scenes.cross, *scenes.CORRECTIONS, *scenes.COMMANDS, *scenes.READS)),
    (SCENES, (scenes.overshoot, scenes.authorize_what_fits, *scenes.PARTS, scenes.settle_estimated)),
    (scenes.GONE_ON, (*scenes.PARTS, *scenes.MEET_A_PART, scenes.settle_estimated)),
    (scenes.THRESHOLD_SCENES, tuple(dict.fromkeys((*scenes.MOVE_A_DAY, *scenes.MOVE_A_MONTH)))),
    (scenes.PLACES, PLACE_COMMANDS),
    ((scenes.tier_is_down,), scenes.OPERATORS),
    ((scenes.refused, scenes.replaced), (scenes.authorize, scenes.authorize_what_fits, scenes.cross, scenes.repeat)),
)
ALL = [
    (scene, command)
    for situations, commands in GROUPS
    for scene in situations
    for command in dict.fromkeys(commands)
    if commands is not PLACE_COMMANDS or scene not in SCENES or command not in scenes.COMMANDS
]
SETTLES = ("settle", "void", "breach", "overshoot", "cross", "settle_last", "settle_estimated")
PARTS = ("part", "part_for_more", "part_crosses")
SAMPLE = ALL[::9]
"""For the other client; `make faults` goes through all of them with it."""
OTHER_CLIENT = next(name for name in STORE_CLIENTS if name != STORE_CLIENT)
CASES = pytest.mark.parametrize(
    ("scene", "command", "store_client"),
    [
        pytest.param(scene, command, store_client, id=f"{scene.__name__}-{command.__name__}-{store_client}")
        for cases, store_client in ((ALL, STORE_CLIENT), (SAMPLE, OTHER_CLIENT))
        for scene, command in cases
    ],
)


def undisturbed(engine: str, scene: MakeScene, command: Command, store_client: str) -> tuple[Json, list[str]]:
    world = new_world(engine, store_client=store_client)
    outcome = shown(command(scene(world))), stored(world)
    world.drop_tables()  # an engine that holds thousands of them is slow
    return outcome


@CASES
def test_a_command_is_carried_out_once_whatever_call_fails(
    engine: str, scene: MakeScene, command: Command, store_client: str
) -> None:
    expected_answer, expected_store = undisturbed(engine, scene, command, store_client)
    for kind in ("before", "after"):
        for at in range(MOST_CALLS):
            world = new_world(engine, store_client=store_client)
            made = scene(world)
            fault = FaultAt(world.deps.send, at, kind)
            answer = shown(command(made.on(world.with_send(fault))))
            if not fault.reached:
                break
            assert_conserved(world)
            if command.__name__ == "reset":
                made.world.reset()  # a fault leaves work for the next run
            assert stored(world) == expected_store, (kind, at)
            assert _same(answer, expected_answer, kind, command.__name__), (kind, at, answer, expected_answer)
            world.drop_tables()


def _same(answer: Json, expected: Json, kind: str, command: str) -> bool:
    if answer == expected:
        return True
    # A settle whose reply was lost is not told apart from one made before: its repeat is a replay.
    if command in PARTS:
        return kind == "after" and answer == {**expected, "replayed": True}
    return kind == "after" and command in SETTLES and answer == {"settled": True, "replayed": True}


@CASES
def test_a_store_that_goes_away_is_refused_and_a_repeat_completes(
    engine: str, scene: MakeScene, command: Command, store_client: str
) -> None:
    expected_answer, expected_store = undisturbed(engine, scene, command, store_client)
    for at in range(MOST_CALLS):
        world = new_world(engine, store_client=store_client)
        made = scene(world)
        fault = FaultAt(world.deps.send, at, "lost")
        first = command(made.on(world.with_send(fault)))
        if not fault.reached:
            break
        code = first.get("error", {}).get("code") or first.get("refused")
        if command.__name__ != "reset" and code != "temporarily_unavailable":
            # What is answered is done: only that a threshold was crossed may still have to be told or noted.
            assert shown(first) == expected_answer, at
            assert _without_thresholds(stored(world)) == _without_thresholds(expected_store), at
        assert_conserved(world)
        if command.__name__ == "regenerate":
            made.world.reset()  # a repeat makes another key: what is begun is finished by the reset
            assert_keys_agree(made)
            world.drop_tables()
            continue
        command(made)
        assert_conserved(world)
        assert stored(world) == expected_store, at
        world.drop_tables()


def _without_thresholds(rows: list[str]) -> list[str]:
    kept = [re.sub(r'"t[al]": {"N": "\d+"}', "", row) for row in rows]
    return [row for row in kept if row != "limit.threshold_reached"]


def assert_keys_agree(scene: Scene) -> None:
    """No entitlement knows another key than the row does, and nothing is left to be done."""
    world = scene.world
    row = world.subscription(scene.subscription_id)
    known = {world.entitlement_of(i).key_hash for i in row.entitlement_ids()}
    assert known == {row.key_hash}
    assert not row.key_pending
