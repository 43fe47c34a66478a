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
from tests.support.scenes import PLACE_COMMANDS, SCENES, Scene, shown, shown_items
from tests.support.stage import Stage, stage_of
from tests.support.world import STORE_CLIENT, STORE_CLIENTS

if TYPE_CHECKING:
    from tests.support.scenes import Command, Json, MakeScene

pytestmark = pytest.mark.usefixtures("few_shards")
MOST_CALLS = 40
GROUPS = (
    (SCENES, (scenes.cross, *scenes.CORRECTIONS, *scenes.COMMANDS, *scenes.READS)),
    (SCENES, (scenes.overshoot, scenes.authorize_what_fits, *scenes.PARTS, scenes.settle_estimated)),
    (scenes.GONE_ON, (*scenes.PARTS, *scenes.MEET_A_PART, scenes.settle_estimated)),
    (scenes.RELEASABLE, (scenes.release,)),
    ((scenes.released,), (*scenes.PARTS, *scenes.MEET_A_RELEASE, scenes.overshoot, scenes.settle_estimated)),
    (scenes.THRESHOLD_SCENES, tuple(dict.fromkeys((*scenes.MOVE_A_DAY, *scenes.MOVE_A_MONTH)))),
    (scenes.PLACES, PLACE_COMMANDS),
    (scenes.LIVING, (*scenes.LIFE, scenes.authorize, scenes.settle, scenes.reset, scenes.cancel, scenes.regenerate)),
    ((scenes.tier_is_down,), scenes.OPERATORS),
    ((scenes.refused, scenes.replaced), (scenes.authorize, scenes.authorize_what_fits, scenes.cross, scenes.repeat)),
)
ALL = [
    (scene, command)
    for situations, commands in GROUPS
    for scene in situations
    for command in dict.fromkeys(commands)
    if commands is not PLACE_COMMANDS or scene not in SCENES or command not in scenes.COMMANDS
    # A settle whose reply was lost finds itself done, and need not know what the row says of the month.
    if command is not scenes.settle or scene not in (scenes.goes_on, scenes.change_waits)
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


def undisturbed(stage: Stage, command: Command) -> tuple[Json, list[str]]:
    made = stage.set_up()
    return shown(command(made)), shown_items(made.world, stage.read())


@CASES
def test_a_command_is_carried_out_once_whatever_call_fails(
    engine: str, scene: MakeScene, command: Command, store_client: str
) -> None:
    with stage_of(engine, scene, store_client) as stage:
        expected_answer, expected_store = undisturbed(stage, command)
        for kind in ("before", "after"):
            for at in range(MOST_CALLS):
                made = stage.set_up()
                fault = FaultAt(made.world.deps.send, at, kind)
                answer = shown(command(made.on(made.world.with_send(fault))))
                if not fault.reached:
                    break
                if command.__name__ == "reset":
                    assert_conserved(made.world)
                    made.world.reset()  # a fault leaves work for the next run
                left = stage.read()
                assert_conserved(made.world, left)
                assert shown_items(made.world, left) == expected_store, (kind, at)
                assert _same(answer, expected_answer, kind, command.__name__), (kind, at, answer, expected_answer)


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
    with stage_of(engine, scene, store_client) as stage:
        expected_answer, expected_store = undisturbed(stage, command)
        for at in range(MOST_CALLS):
            made = stage.set_up()
            world = made.world
            fault = FaultAt(world.deps.send, at, "lost")
            first = command(made.on(world.with_send(fault)))
            if not fault.reached:
                break
            code = first.get("error", {}).get("code") or first.get("refused")
            left = stage.read()
            if command.__name__ != "reset" and code != "temporarily_unavailable":
                # What is answered is done: only that a threshold was crossed may still have to be told or noted.
                assert _as_far_as_known(shown(first), scene, command) == _as_far_as_known(
                    expected_answer, scene, command
                )
                without_thresholds = _without_thresholds(shown_items(world, left))
                assert without_thresholds == _without_thresholds(expected_store), at
            assert_conserved(world, left)
            if command.__name__ == "regenerate":
                made.world.reset()  # a repeat makes another key: what is begun is finished by the reset
                assert_keys_agree(made)
            else:
                command(made)
                left = stage.read()
                assert_conserved(world, left)
                assert shown_items(world, left) == expected_store, at


def _as_far_as_known(answer: Json, scene: MakeScene, command: Command) -> Json:
    """An answer without what only the row can tell: the windows after the month of a report that is booked by then."""
    if scene.__name__ != "next_month" or command.__name__ not in {*SETTLES, *PARTS}:
        return answer
    return {name: value for name, value in answer.items() if name not in ("daily", "monthly")}


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
