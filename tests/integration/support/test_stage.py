"""Scenes that are set up again, and tables that go from one world to the next: nothing of what was before is left."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import scenes, stored_items
from tests.support.plain import Plain
from tests.support.stage import stage_of
from tests.support.world import DAY_MS, STORE_CLIENTS, new_world

if TYPE_CHECKING:
    from modelpass.schema import Item
    from tests.support.scenes import MakeScene
    from tests.support.world import World

pytestmark = pytest.mark.usefixtures("few_shards")
ALL = (*scenes.SCENES, *scenes.PLACES, *scenes.GONE_ON, scenes.refused, scenes.replaced, scenes.tier_is_down)


def by_key(world: World) -> dict[tuple[str, str], Item]:
    items = stored_items.read(world.quick, world.template)
    return {
        (table, f"{item['pk']} {item.get('sk')}"): {
            name: {"SS": sorted(value["SS"])} if "SS" in value else value for name, value in item.items()
        }
        for table, found in items.items()
        for item in found
    }


@pytest.mark.parametrize("scene", dict.fromkeys(ALL), ids=lambda scene: scene.__name__)
def test_a_scene_that_is_set_up_again_is_what_it_was(engine: str, scene: MakeScene) -> None:
    with stage_of(engine, scene) as stage:
        first = stage.set_up()
        was, at_ms, answer = by_key(first.world), first.world.clock.now_ms, scenes.shown(scenes.authorize(first))
        for command in (scenes.settle, scenes.buy, scenes.cancel, scenes.take_down):
            command(first)
        first.world.clock.advance(40 * DAY_MS)
        first.authorization_ids.clear()
        for command in (scenes.renew, scenes.reset, scenes.withdraw):
            command(first)
        assert by_key(first.world) != was
        again = stage.set_up()
        assert (by_key(again.world), again.world.clock.now_ms) == (was, at_ms)
        assert scenes.shown(scenes.authorize(again)) == answer
        stage.read()
        scenes.authorize(stage.set_up())
        assert by_key(stage.set_up().world) == was


def test_what_a_process_has_refused_it_remembers_when_its_scene_is_set_up_again(engine: str) -> None:
    with stage_of(engine, scenes.replaced) as stage:
        for _ in range(2):
            made = stage.set_up()
            made.world.recorder.clear()
            assert not scenes.authorize(made)["allowed"]
            assert made.world.recorder.calls == []  # it knows
            made.world.refusals._kept.clear()


@pytest.mark.parametrize("store_client", STORE_CLIENTS)
def test_a_world_begins_with_nothing_of_the_one_that_had_its_tables_before(engine: str, store_client: str) -> None:
    worlds = []
    for _ in range(2):
        world = new_world(engine, store_client=store_client)
        worlds.append(by_key(world))
        made = scenes.rolled(world)
        scenes.settle(made)
        scenes.offer(made)
        scenes.take_down(made)
        world.drop_tables()
    assert isinstance(world.quick, Plain)
    assert [item for _, item in sorted(worlds[0].items())] == [item for _, item in sorted(worlds[1].items())]
    assert {table for table, _ in worlds[1]} == {world.tables.catalogue}
