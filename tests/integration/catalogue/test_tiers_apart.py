"""The tiers that are down have a table of their own, which no customer's request touches; its copy is what is shown.

So an upgrade, a roll-back and both versions side by side lose no operator's switch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass.catalogue.tiers import MOST_TIERS_DOWN, Tier, entry_of
from modelpass.entitlements.commands.tier_cache import TierCache
from modelpass.errors import Refused
from tests.support import scenes
from tests.support.faults import FaultAt, Interleave
from tests.support.lines import recorded
from tests.support.listings import list_models
from tests.support.tiers import (
    both,
    busy,
    damage,
    gone,
    read_by_the_version_before,
    stored_in,
    tables_of,
    turned_by_the_version_before,
    without,
)
from tests.support.world import TEXT_MODEL, World

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
BASIC, STABLE = entry_of(TEXT_MODEL, Tier.BASIC), entry_of(TEXT_MODEL, Tier.STABLE)
pytestmark = pytest.mark.usefixtures("few_shards")


def down(world: World) -> set[str]:
    """Which tiers of a model are down for an authorize of a process that has just started."""
    return {tier.value for tier in TierCache(world.deps).down_of(TEXT_MODEL, world.deps.retry_budget())}


def shown_down(world: World) -> set[str]:
    """Which of its tiers are shown to be down."""
    (listed,) = (m for m in list_models(world.deps)["models"] if m["modelId"] == TEXT_MODEL)
    return {tier["channelTier"] for tier in listed["tiers"] if not tier["available"]}


def asked(world: World, command: Callable[[], object]) -> set[str]:
    """The tables that a command asks for."""
    world.recorder.clear()
    command()
    return {table for request in world.recorder.requests for table in tables_of(*request)}


CUSTOMERS = (*scenes.READS, scenes.buy, scenes.renew, scenes.regenerate, scenes.cancel)


@pytest.mark.parametrize("command", [c for c in CUSTOMERS if c is not scenes.authorize_anew], ids=lambda c: c.__name__)
@pytest.mark.parametrize("situation", [scenes.in_use, scenes.expired], ids=lambda s: s.__name__)
def test_no_request_of_a_customer_touches_the_table_of_the_tiers(
    world: World, situation: scenes.MakeScene, command: scenes.Command
) -> None:
    scene = situation(world)
    assert world.tables.tiers not in asked(world, lambda: command(scene))


@pytest.mark.parametrize("turned", [False, True])
def test_authorize_asks_nothing_of_the_catalogue_once_the_reset_has_run(world: World, *, turned: bool) -> None:
    if turned:
        world.take_down(TEXT_MODEL, "stable")
        world.dynamodb.delete_item(TableName=world.tables.tiers, Key={"pk": {"S": "catalogue"}, "sk": {"S": "down"}})
    expected = {"stable"} if turned else set()
    assert down(world) == expected
    assert asked(world, lambda: down(world)) == {world.tables.tiers, world.tables.catalogue}
    world.reset()
    assert asked(world, lambda: down(world)) == {world.tables.tiers}
    assert down(world.with_send(without(world.deps.send, world.tables.catalogue, gone))) == expected


def test_switch_writes_both_items_and_one_event(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable", "basic")
    world.turn_tier(TEXT_MODEL, "stable", available=True)
    assert both(world) == [(3, [BASIC])] * 2
    assert world.events() == ["tier.down", "tier.down", "tier.up"]


def test_upgrade_takes_over_what_is_down(world: World) -> None:
    turned_by_the_version_before(world, TEXT_MODEL, "stable", available=False)
    assert (down(world), shown_down(world)) == ({"stable"}, {"stable"})
    world.reset()
    assert both(world) == [(1, [STABLE])] * 2
    turned_by_the_version_before(world, TEXT_MODEL, "basic", available=False)
    world.turn_tier(TEXT_MODEL, "stable", available=True)
    assert both(world) == [(3, [BASIC])] * 2
    assert (down(world), shown_down(world)) == ({"basic"}, {"basic"})


def test_switch_of_the_version_before_binds_with_the_next_reset(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    turned_by_the_version_before(world, TEXT_MODEL, "stable", available=True)
    turned_by_the_version_before(world, TEXT_MODEL, "basic", available=False)
    assert (down(world), shown_down(world)) == ({"stable"}, {"basic"})
    world.reset()
    assert both(world) == [(3, [BASIC])] * 2
    assert down(world) == {"basic"}


def test_switch_of_the_version_before_binds_with_the_next_call_of_an_operator(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    turned_by_the_version_before(world, TEXT_MODEL, "basic", available=False)
    before = world.events()
    world.turn_tier(TEXT_MODEL, "basic", available=False, reason="to be sure")
    assert both(world) == [(3, [BASIC, STABLE])] * 2
    assert world.events() == before  # nothing was turned


def test_roll_back_reads_every_switch_and_coming_forward_again_loses_none(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable", "basic")
    assert read_by_the_version_before(world) == {(TEXT_MODEL, "stable"), (TEXT_MODEL, "basic")}
    turned_by_the_version_before(world, TEXT_MODEL, "stable", available=True)
    turned_by_the_version_before(world, TEXT_MODEL, "basic", available=True)
    turned_by_the_version_before(world, TEXT_MODEL, "enterprise", available=False)
    world.reset()
    assert down(world) == shown_down(world) == {"enterprise"}
    world.turn_tier(TEXT_MODEL, "enterprise", available=True)
    assert (down(world), read_by_the_version_before(world)) == (set(), set())


@pytest.mark.parametrize("at", range(3))
@pytest.mark.parametrize("filled", [False, True])
def test_reset_that_meets_an_operator_undoes_nothing(world: World, at: int, *, filled: bool) -> None:
    turned_by_the_version_before(world, TEXT_MODEL, "basic", available=False)
    if filled:
        world.reset()
        turned_by_the_version_before(world, TEXT_MODEL, "enterprise", available=False)
    between = Interleave(world.deps.send, at, lambda: world.turn_tier(TEXT_MODEL, "basic", available=True))
    world.with_send(between).reset()
    assert between.reached
    world.reset()
    expected = {"enterprise"} if filled else set()
    assert down(world) == shown_down(world) == expected
    assert both(world)[0] == both(world)[1]


@pytest.mark.parametrize("at", range(2))
@pytest.mark.parametrize("by_the_version_before", [False, True])
def test_operator_that_meets_another_or_the_reset_loses_neither_switch(
    world: World, at: int, *, by_the_version_before: bool
) -> None:
    turned_by_the_version_before(world, TEXT_MODEL, "basic", available=False)

    def other() -> None:
        if by_the_version_before:
            turned_by_the_version_before(world, TEXT_MODEL, "enterprise", available=False)
        else:
            world.turn_tier(TEXT_MODEL, "enterprise", available=False, reason="another")
        world.reset()

    between = Interleave(world.deps.send, at, other)
    world.with_send(between).take_down(TEXT_MODEL, "stable")
    assert between.reached
    assert down(world) == shown_down(world) == {"basic", "stable", "enterprise"}
    assert both(world)[0] == both(world)[1]


@pytest.mark.parametrize("table", ["tiers", "catalogue"])
def test_switch_that_cannot_be_written_changes_nothing(world: World, table: str) -> None:
    world.take_down(TEXT_MODEL, "basic")
    before = both(world)
    broken = world.with_send(without(world.deps.send, getattr(world.tables, table), busy))
    with pytest.raises(Refused, match="temporarily_unavailable"):
        broken.turn_tier(TEXT_MODEL, "stable", available=False, reason="a test")
    with pytest.raises(Refused, match="temporarily_unavailable"):
        world.with_send(FaultAt(world.deps.send, 0, "lost")).turn_tier(TEXT_MODEL, "basic", available=True)
    assert both(world) == before
    assert world.events() == ["tier.down"]


@pytest.mark.parametrize("table", ["tiers", "catalogue"])
@pytest.mark.parametrize("fail", [busy, gone], ids=lambda f: f.__name__)
def test_reset_does_what_else_is_due_while_neither_can_be_read(
    world: World, table: str, fail: Callable[[], None]
) -> None:
    world.buy()
    world.clock.advance(32 * 86_400_000)
    done = world.with_send(without(world.deps.send, getattr(world.tables, table), fail)).reset()
    assert (done["subscriptionsExpired"], done["more"]) == (1, False)
    assert stored_in(world, world.tables.tiers) is None


DAMAGES: dict[str, Json] = {
    "an unknown version": {"v": {"N": "9"}},
    "no version": {"v": None},
    "no revision": {"rev": None},
    "a revision that is text": {"rev": {"S": "many"}},
    "a list for a set": {"tiers": {"L": [{"S": STABLE}]}},
    "a text for a set": {"tiers": {"S": STABLE}},
    "all of it": {"v": None, "rev": {"BOOL": True}, "tiers": {"NULL": True}},
}


@pytest.mark.parametrize("table", ["tiers", "catalogue"])
@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("available", [True, False])
def test_item_that_cannot_be_read_is_replaced_by_an_operators_call(
    world: World, table: str, kind: str, *, available: bool
) -> None:
    world.take_down(TEXT_MODEL, "stable", "basic")
    damage(world, getattr(world.tables, table), **DAMAGES[kind])
    world.turn_tier(TEXT_MODEL, "stable", available=available, reason="a test")
    assert both(world)[0] == both(world)[1]
    assert read_by_the_version_before(world) == {(TEXT_MODEL, "basic")} | (
        set() if available else {(TEXT_MODEL, "stable")}
    )
    assert world.events() == ["tier.down", "tier.down", *(["tier.up"] if available else [])]
    with recorded() as output:
        assert down(world) == {tier for _, tier in read_by_the_version_before(world)} == shown_down(world)
    assert output.lines() == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_items_that_both_cannot_be_read_are_replaced_by_what_can_be_read_of_one(world: World, kind: str) -> None:
    world.take_down(TEXT_MODEL, "stable")
    for table in world.tier_tables():
        damage(world, table, **DAMAGES[kind])
    legible = "tiers" not in DAMAGES[kind]
    assert down(world) == ({"stable"} if legible else set())
    world.turn_tier(TEXT_MODEL, "basic", available=False, reason="a test")
    assert [entries for _, entries in both(world)] == [[BASIC, STABLE] if legible else [BASIC]] * 2


def test_item_is_replaced_only_as_it_was_read(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    table = world.tables.tiers
    damage(world, table, v={"N": "9"})
    both_at_once = {"SS": [STABLE, entry_of(TEXT_MODEL, Tier.ENTERPRISE)]}
    between = Interleave(world.deps.send, 1, lambda: damage(world, table, tiers=both_at_once, rev={"N": "7"}))
    world.with_send(between).turn_tier(TEXT_MODEL, "basic", available=False, reason="a test")
    assert between.reached
    assert down(world) == {"basic", "stable", "enterprise"}


def test_entry_that_cannot_be_read_is_kept_reported_and_takes_nothing_with_it(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    for table in world.tier_tables():
        damage(world, table, tiers={"SS": [STABLE, "m-later#gold"]})
    with recorded() as output:
        assert down(world) == {"stable"} == shown_down(world)
        world.reset()
    assert [line["message"] for line in output.lines()] == ["unreadable_item"] * 4
    world.turn_tier(TEXT_MODEL, "basic", available=False, reason="a test")
    world.turn_tier(TEXT_MODEL, "stable", available=True)
    assert both(world) == [(3, [BASIC, "m-later#gold"])] * 2


def test_broken_item_is_brought_up_by_the_reset_to_a_copy_that_is_sound(world: World) -> None:
    world.take_down(TEXT_MODEL, "stable")
    damage(world, world.tables.tiers, tiers={"S": STABLE})
    assert down(world) == set()
    world.reset()
    assert down(world) == {"stable"}


def test_no_more_tiers_are_taken_down_than_an_item_holds(world: World) -> None:
    full = {"SS": [f"m-{number:04d}#basic" for number in range(MOST_TIERS_DOWN)]}
    for table in world.tier_tables():
        damage(world, table, v={"N": "2"}, rev={"N": "5"}, tiers=full)
    with pytest.raises(Refused) as caught:
        world.turn_tier(TEXT_MODEL, "stable", available=False, reason="a test")
    assert (caught.value.refusal.code.code, caught.value.refusal.param) == ("invalid_request", "available")
    assert [revision for revision, _ in both(world)] == [5, 5]
    for table in world.tier_tables():
        damage(world, table, tiers={"SS": [*full["SS"][1:], STABLE]})
    world.turn_tier(TEXT_MODEL, "stable", available=True)
    world.turn_tier(TEXT_MODEL, "stable", available=False, reason="a test")
    assert down(world) == {"stable"}
