"""Of the item of the tiers table and its copy: which one is true, when the item is brought up, and every guard."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass import schema
from modelpass.catalogue import tier_items
from modelpass.catalogue.tier_items import StoredTiers
from modelpass.catalogue.tiers import tiers_down_key
from tests.support.builders import TABLES
from tests.support.expressions import spelled

Json = dict[str, Any]
KEY = schema.primary_key(tiers_down_key())
UNDERSTOOD = "v IN (3, 2)"
BROKEN = {"S": "broken"}


def item(revision: int, *entries: str, **changes: Any) -> Json:
    """A stored item; None takes an attribute away."""
    stored = {**KEY, "v": {"N": "3"}, "rev": {"N": str(revision)}, "tiers": {"SS": [*entries]} if entries else None}
    return {name: value for name, value in {**stored, **changes}.items() if value is not None}


A, B = "m-a#basic", "m-b#stable"
TRUTHS: list[tuple[str, Json | None, Json | None, set[str]]] = [
    ("nothing was ever turned", None, None, set()),
    ("before the table was filled", None, item(3, A), {A}),
    ("before it was filled, from the version before", None, item(2, A, v={"N": "2"}), {A}),
    ("both say the same", item(3, A), item(3, A), {A}),
    ("the version before has written since", item(3, A), item(4, A, B), {A, B}),
    ("the version before has brought one back", item(3, A), item(4), set()),
    ("the catalogue was restored", item(5, A), item(3, B), {A}),
    ("the copy was lost", item(5, A), None, {A}),
    ("the copy is broken", item(3, A), item(3, tiers=BROKEN), {A}),
    ("the copy is broken and ahead", item(3, A), item(9, tiers=BROKEN), {A}),
    ("the item is broken", item(3, tiers=BROKEN), item(3, B), {B}),
    ("the item's revision is broken", item(3, A, rev=BROKEN), item(3, B), {B}),
    ("the item is of a later version", item(5, A, v={"N": "4"}), item(4, B), {A}),
    ("the copy is of a later version", item(4, A), item(5, B, v={"N": "4"}), {B}),
    ("of both a part can be read", item(3, A, rev=BROKEN), None, {A}),
]


@pytest.mark.parametrize(("what", "own", "copy", "entries"), TRUTHS, ids=[row[0] for row in TRUTHS])
def test_true_is_what_can_be_read_and_was_written_last(
    what: str, own: Json | None, copy: Json | None, entries: set[str]
) -> None:
    assert StoredTiers(own, copy).truth().entries == entries, what


BROUGHT_UP: list[tuple[str, Json | None, Json | None, tuple[int, list[str]] | None]] = [
    ("filled though nothing was ever turned", None, None, (0, [])),
    ("filled", None, item(3, A), (3, [A])),
    ("filled from the version before", None, item(2, A, v={"N": "2"}), (2, [A])),
    ("up to date", item(3, A), item(3, A), None),
    ("never turned, and filled", item(0), None, None),
    ("behind", item(3, A), item(5, B), (5, [B])),
    ("behind, of a later version", item(3, A, v={"N": "4"}), item(5, B), (5, [B])),
    ("behind a copy of a later version", item(3, A), item(5, B, v={"N": "4"}), (5, [B])),
    ("ahead", item(5, A), item(3, B), None),
    ("the copy was lost", item(5, A), None, None),
    ("broken", item(3, tiers=BROKEN), item(3, A), (3, [A])),
    ("broken, and the copy as well", item(3, tiers=BROKEN), item(3, tiers=BROKEN), None),
    ("the copy is broken", item(3, A), item(9, tiers=BROKEN), None),
    ("an entry cannot be read", item(3, A, "odd"), item(3, A), None),
    ("an entry became one that cannot be read", item(3, "m-a#odd"), item(3, A), (3, [A])),
]


@pytest.mark.parametrize(("what", "own", "copy", "written"), BROUGHT_UP, ids=[row[0] for row in BROUGHT_UP])
def test_item_is_brought_up_to_a_copy_that_is_true_and_never_further(
    what: str, own: Json | None, copy: Json | None, written: tuple[int, list[str]] | None
) -> None:
    update = tier_items.bring_up(TABLES, StoredTiers(own, copy))
    if written is None:
        assert update is None, what
        return
    assert update is not None, what
    assert (update["TableName"], update["Key"]) == (TABLES.tiers, KEY)
    values = update["ExpressionAttributeValues"]
    assert (int(values[":rev"]["N"]), values.get(":tiers", {"SS": []})["SS"]) == written


GUARDS: list[tuple[str, Json | None, list[str]]] = [
    ("missing", None, ["attribute_not_exists(pk)"]),
    ("sound", item(3, A), [UNDERSTOOD, "rev = 3"]),
    ("with an odd entry", item(3, A, "odd"), [UNDERSTOOD, "rev = 3"]),
    ("of the version before", item(3, A, v={"N": "2"}), [UNDERSTOOD, "rev = 3"]),
    ("of a later version", item(3, A, v={"N": "4"}), ["v = 4", "rev = 3", f"tiers = ['{A}']"]),
    ("of no version", item(3, v=None), ["attribute_not_exists(v)", "rev = 3", "attribute_not_exists(tiers)"]),
    ("broken", item(3, tiers=BROKEN), ["v = 3", "rev = 3", "tiers = broken"]),
]


@pytest.mark.parametrize(("what", "was", "demands"), GUARDS, ids=[row[0] for row in GUARDS])
def test_item_is_written_only_as_it_was_read(what: str, was: Json | None, demands: list[str]) -> None:
    own, copy = tier_items.writes(TABLES, StoredTiers(was, was), frozenset({B}))
    assert spelled(own)[0] == demands, what
    assert {**own, "TableName": TABLES.catalogue} == copy


@pytest.mark.parametrize("version", [2, 3])
def test_item_that_is_understood_keeps_its_version_and_any_other_gets_that_of_new_items(version: int) -> None:
    tables = TABLES._replace(version=version)
    kept, made = tier_items.writes(tables, StoredTiers(item(3, A), item(3, A, v={"N": "4"})), frozenset())
    assert kept["UpdateExpression"] == "SET #v = if_not_exists(#v, :new), #rev = :rev REMOVE #tiers"
    assert made["UpdateExpression"] == "SET #v = :new, #rev = :rev REMOVE #tiers"
    assert [w["ExpressionAttributeValues"][":new"] for w in (kept, made)] == [{"N": str(version)}] * 2


@pytest.mark.parametrize(
    ("own", "copy", "agrees"),
    [
        (None, None, True),
        (None, item(3, A), True),  # the reset fills it
        (item(3, A), item(3, A), True),
        (item(3, A, "odd"), item(3, A, "odd"), True),
        (item(3, A), item(4, A, B), False),
        (item(3, A, v={"N": "4"}), item(3, A), False),
        (item(3, A), item(3, tiers=BROKEN), False),
    ],
)
def test_items_have_to_be_mended_where_one_is_unsound_or_says_something_else(
    own: Json | None, copy: Json | None, *, agrees: bool
) -> None:
    assert StoredTiers(own, copy).agrees() == agrees


def test_what_is_passed_over_is_named_with_its_table() -> None:
    odd = item(3, A, "odd")
    assert list(StoredTiers(odd, item(3, A)).incomplete(TABLES)) == [(TABLES.tiers, odd)]
    assert list(StoredTiers(None, odd).incomplete(TABLES)) == [(TABLES.catalogue, odd)]
    assert list(StoredTiers(None, item(3, A)).incomplete(TABLES)) == []
