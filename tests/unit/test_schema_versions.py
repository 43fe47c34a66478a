"""Items of the version before are read as what they stand for; of an unknown version, nothing is read."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass import schema

ITEM = {"sk": {"S": "slot"}, "rv": {"N": "7"}}


def test_item_of_the_version_before_gets_the_newest_form() -> None:
    assert schema.current({**ITEM, "v": {"N": "2"}}) == {**ITEM, "v": {"N": "3"}}


def test_item_of_the_newest_version_is_read_as_it_is() -> None:
    newest = {**ITEM, "v": {"N": "3"}}
    assert schema.current(newest) is newest


@pytest.mark.parametrize(
    ("version", "told"), [({"N": "1"}, "1"), ({"N": "4"}, "4"), (None, "None"), ({"S": "2"}, "None")]
)
def test_unknown_version_is_told(version: Any, told: str) -> None:
    item = {"sk": {"S": "slot"}} if version is None else {"sk": {"S": "slot"}, "v": version}
    with pytest.raises(schema.UnreadableItemError) as caught:
        schema.current(item)
    assert caught.value.args == (f"schema version {told}",)


def test_guard_lets_both_versions_pass_that_are_understood() -> None:
    assert schema.UNDERSTOOD == "#v IN (:v, :before)"
    assert schema.understood() == {":v": {"N": "3"}, ":before": {"N": "2"}}
