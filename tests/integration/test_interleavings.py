"""Another command, or a move of the clock, falls between any two store calls of a command.

Whatever runs in between runs entirely. What both answer, and what is stored in the end, must be what one order of
the two would have given; every equation holds in any case. Chance decides nothing here: all places are tried.
"""

from __future__ import annotations

import re
from itertools import combinations_with_replacement, product
from typing import TYPE_CHECKING

import pytest

from tests.support.audit import assert_conserved
from tests.support.faults import Interleave
from tests.support.scenes import (
    AT_THE_END,
    COMMANDS,
    CORRECTIONS,
    GONE_ON,
    LIFE,
    LIVING,
    MEET_A_PART,
    MEET_A_RELEASE,
    MEET_LIFE,
    MOVE_A_DAY,
    MOVE_A_MONTH,
    NEED_A_GRANT,
    OPERATORS,
    PARTS,
    PLACE_COMMANDS,
    PLACES,
    PLAN_NEWS,
    RELEASABLE,
    SCENES,
    THRESHOLD_COMMANDS,
    WITHOUT_A_GRANT,
    Scene,
    authorize,
    authorize_what_fits,
    breach,
    buy,
    cancel_briefly,
    change_up,
    change_waits,
    cross,
    crossed,
    expired,
    extend,
    goes_on,
    holds_expired,
    in_use,
    let_end,
    long_in_use,
    next_day,
    one_call_left,
    overshoot,
    part,
    reclaimed,
    refused,
    release,
    released,
    renew,
    repeat,
    replaced,
    reset,
    resume,
    rolled,
    settle,
    shown,
    shown_items,
    suspend,
    suspended,
    take_back,
    tier_is_down,
    top_up,
)
from tests.support.stage import Stage, stage_of
from tests.support.world import DAY_MS, World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.scenes import Command, Json, MakeScene

    Outcome = tuple[list[Json], list[Json], list[str]]

pytestmark = pytest.mark.usefixtures("few_shards")
MOST_CALLS = 40
AT_AN_END_THAT_IS_NONE = (authorize, extend, change_up, let_end, buy, cancel_briefly, suspend, reset)
"""Those that come first or second after the end of a term that renews itself."""
_REVISION = re.compile(r'"rv": \{"N": "\d+"\}, ')
"""How often a place was written; who brings it up that another has brought up already writes it once more."""
_FIGURES = (("daily", "monthly"), ("openHolds",))


def ended(stage: Stage, world: World, *answers: Json) -> Outcome:
    """What was answered, and what is stored once all that may wait is done: lazy or not, it is the same state."""
    windows: list[Json] = [{n: a.pop(n) for n in names if n in a} for a in answers for names in _FIGURES]
    world.make_all_due()
    world.reset()  # conserving: what did not add up before does not add up after it
    left = stage.read()
    assert_conserved(world, left)
    return (
        list(answers),
        windows,
        [row if stage.revisions else _REVISION.sub("", row) for row in shown_items(world, left)],
    )


def in_turn(stage: Stage, first: Command, second: Command) -> Outcome:
    made = stage.set_up()
    return ended(stage, made.world, shown(first(made)), shown(second(made)))


def interleaved(stage: Stage, command: Command, other: Command) -> Iterator[Outcome]:
    """What comes of running `other` before each store call of `command`."""
    for at in range(MOST_CALLS):
        made = stage.set_up()
        others: list[Json] = []
        send = Interleave(made.world.deps.send, at, lambda: others.append(shown(other(made))))  # noqa: B023 - run at once
        answer = shown(command(made.on(made.world.with_send(send))))
        if not send.reached:
            return
        yield ended(stage, made.world, answer, others[0])
    raise AssertionError("a command made more calls than are tried")


def named(*values: Callable[..., object]) -> object:
    return pytest.param(*values, id="-".join(v.__name__ for v in values))


@pytest.mark.parametrize(
    ("scene", "one", "another"),
    [
        *(
            named(scene, *pair)
            for scene in SCENES
            for pair in combinations_with_replacement(COMMANDS, 2)
            if scene not in WITHOUT_A_GRANT or not {*pair} & NEED_A_GRANT
        ),
        *(
            named(scene, authorize_what_fits, other)
            for scene in SCENES
            for other in AT_THE_END
            if scene not in WITHOUT_A_GRANT or other not in NEED_A_GRANT
        ),
        *(named(in_use, authorize_what_fits, correction) for correction in CORRECTIONS),
        *(named(scene, cross, other) for scene in (in_use, rolled, next_day) for other in THRESHOLD_COMMANDS),
        *(
            named(scene, overshoot, other)
            for scene in (in_use, next_day, reclaimed)
            for other in (overshoot, breach, settle, authorize, reset)
        ),
        *(
            named(scene, *pair)
            for scene in (in_use, holds_expired, next_day, rolled, reclaimed, *GONE_ON)
            for pair in product(PARTS[:2], MEET_A_PART)
        ),
        *(named(scene, release, other) for scene in RELEASABLE for other in (release, *MEET_A_RELEASE)),
        *(named(released, *pair) for pair in product(PARTS[:2], MEET_A_PART)),
        *(named(suspended, release, other) for other in (release, resume, settle, part)),
        *(named(one_call_left, *pair) for pair in combinations_with_replacement(MOVE_A_DAY, 2)),
        *(named(crossed, *pair) for pair in combinations_with_replacement(MOVE_A_MONTH, 2)),
        *(
            named(scene, *pair)
            for scene in (in_use, next_day, rolled, reclaimed)
            for pair in product(CORRECTIONS, (*CORRECTIONS, authorize, settle, reset))
            # What is taken back between a settle's write and its look is reached for a moment only, and not told.
            if (scene, *pair) != (reclaimed, take_back, settle)
        ),
        *(
            named(scene, *pair)
            for scene in PLACES
            for pair in combinations_with_replacement(PLACE_COMMANDS, 2)
            if scene not in SCENES or not {*pair} <= {*COMMANDS}
        ),
        *(
            named(scene, *pair)
            for scene in PLACES
            for pair in (*product(PLAN_NEWS, PLACE_COMMANDS), *combinations_with_replacement(PLAN_NEWS, 2))
        ),
        *(named(long_in_use, *pair) for pair in (*combinations_with_replacement(LIFE, 2), *product(LIFE, MEET_LIFE))),
        *(named(goes_on, *pair) for pair in combinations_with_replacement(AT_AN_END_THAT_IS_NONE, 2)),
        *(named(change_waits, *pair) for pair in product((change_up, top_up, extend), (authorize, settle, reset))),
        *(named(suspended, resume, other) for other in (*LIFE, *MEET_LIFE)),
        *(named(refused, *pair) for pair in product((authorize, repeat), COMMANDS)),
        *(named(replaced, authorize, other) for other in COMMANDS),
        *(named(tier_is_down, *pair) for pair in combinations_with_replacement(OPERATORS, 2)),
        *(named(expired, *pair) for pair in product((buy, renew), OPERATORS)),
    ],
)
def test_command_in_between_gives_what_one_order_of_the_two_gives(
    engine: str, scene: MakeScene, one: Command, another: Command
) -> None:
    with stage_of(engine, scene, revisions=scene not in LIVING) as stage:
        answers, windows, store = in_turn(stage, one, another)
        later_answers, later_windows, later_store = in_turn(stage, another, one)
        for command, other, turned in ((one, another, 1), (another, one, -1))[: 1 if one is another else 2]:
            orders = (answers[::turned], store), (later_answers[::-turned], later_store)
            for at, (came, seen, left) in enumerate(interleaved(stage, command, other)):
                assert (came, left) in orders, (command.__name__, at)
                # Figures are those of the moment of answering, by when both may have counted.
                assert all(each in windows + later_windows for each in seen), (command.__name__, at)


def to_the_next_day(scene: Scene) -> Json:
    scene.world.clock.advance(DAY_MS)
    return {}


def past_every_hold(scene: Scene) -> Json:
    scene.world.clock.advance(61_000)
    return {}


def past_the_term(scene: Scene) -> Json:
    scene.world.clock.advance(62 * DAY_MS)
    return {}


@pytest.mark.parametrize("move", [to_the_next_day, past_every_hold, past_the_term], ids=lambda c: c.__name__)
@pytest.mark.parametrize(
    ("command", "scene"),
    [
        named(*pair)
        for pair in (
            *product(COMMANDS, SCENES),
            *product(PARTS, (in_use, rolled, reclaimed, *GONE_ON)),
            *product((release,), RELEASABLE),
        )
    ],
)
def test_clock_that_moves_in_between_stores_what_it_would_before_or_after(
    engine: str, scene: MakeScene, command: Command, move: Command
) -> None:
    with stage_of(engine, scene) as stage:
        stores = [in_turn(stage, *order)[2] for order in ((command, move), (move, command))]
        for at, (_, _, store) in enumerate(interleaved(stage, command, move)):
            assert store in stores, at
