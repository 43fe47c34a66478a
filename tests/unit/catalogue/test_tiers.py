"""The item that names the tiers that are down: each entry counts that can be read by itself, whatever else is there."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass import schema
from modelpass.catalogue.tiers import MOST_TIERS_DOWN, Tier, TiersDown, entry_of, tiers_down_key, tiers_down_of
from modelpass.ids import MAX_MODEL_ID
from tests.support.capacity import item_bytes

Json = dict[str, Any]
KEY = schema.primary_key(tiers_down_key())
STABLE = ("m-1", Tier.STABLE)


def item(**changes: Any) -> Json:
    """A sound item with one tier down, changed; None takes an attribute away."""
    sound = {**KEY, "v": {"N": "3"}, "rev": {"N": "4"}, "tiers": {"SS": ["m-1#stable"]}}
    return {name: value for name, value in {**sound, **changes}.items() if value is not None}


def test_no_item_and_no_tiers_are_none_down() -> None:
    assert tiers_down_of(None) == TiersDown()
    assert tiers_down_of(item(tiers=None)) == TiersDown(revision=4)


def test_sound_item_is_read_whole() -> None:
    assert tiers_down_of(item()) == TiersDown(frozenset({STABLE}), 4, frozenset({"m-1#stable"}))


def test_item_of_the_version_before_is_read_as_one_of_the_newest() -> None:
    assert tiers_down_of(item(v={"N": "2"})) == tiers_down_of(item())


@pytest.mark.parametrize("entry", ["garbage", "m-1#gold", "m-1", "m-1#a#stable", "#", "", "m-1#STABLE"])
def test_entry_that_cannot_be_read_takes_no_other_with_it(entry: str) -> None:
    read = tiers_down_of(item(tiers={"SS": ["m-1#stable", entry]}))
    assert (read.pairs, read.entries) == (frozenset({STABLE}), frozenset({"m-1#stable", entry}))
    assert (read.sound, read.legible, read.complete) == (True, True, False)


@pytest.mark.parametrize("version", [None, {"N": "1"}, {"N": "4"}, {"S": "2"}, {"NULL": True}])
def test_item_of_an_unknown_version_counts_where_it_has_the_known_form(version: Any) -> None:
    read = tiers_down_of(item(v=version, more={"S": "what only a later version knows"}))
    assert (read.pairs, read.revision) == (frozenset({STABLE}), 4)
    assert (read.sound, read.legible, read.complete) == (False, True, False)


@pytest.mark.parametrize("revision", [None, {"S": "4"}, {"N": "-1"}, {"N": "1.5"}, {"NULL": True}])
def test_revision_that_cannot_be_read_leaves_the_tiers_down(revision: Any) -> None:
    read = tiers_down_of(item(rev=revision))
    assert (read.pairs, read.revision) == (frozenset({STABLE}), 0)
    assert (read.sound, read.legible, read.complete) == (False, False, False)


@pytest.mark.parametrize("tiers", [{"S": "m-1#stable"}, {"L": [{"S": "m-1#stable"}]}, {"NS": ["1"]}, {"NULL": True}])
def test_set_that_is_none_says_nothing(tiers: Any) -> None:
    read = tiers_down_of(item(tiers=tiers))
    assert (read.pairs, read.entries, read.revision) == (frozenset(), frozenset(), 4)
    assert (read.sound, read.legible, read.complete) == (False, False, False)


def test_most_tiers_down_with_the_longest_ids_fit_an_item() -> None:
    longest = [entry_of(f"{number:0{MAX_MODEL_ID}d}", Tier.ENTERPRISE) for number in range(MOST_TIERS_DOWN)]
    assert item_bytes(item(tiers={"SS": longest})) <= 280 * 1024
