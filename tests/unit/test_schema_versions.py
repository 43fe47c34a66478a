"""Items of version 1 are read as what they stood for when they were written; of an unknown version, nothing is read."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass import schema
from modelpass.catalogue.items import lacking as of_catalogue
from modelpass.entitlements.items import lacking as of_entitlement
from modelpass.subscriptions.items import lacking as of_subscriptions

MODEL = {"sk": {"S": "model#m-1"}, "tiers": {"M": {"stable": {}, "basic": {}}}}
ANY_LIMITS = {
    "M": {
        "dailyCallLimit": {"M": {"min": {"N": "1"}, "max": {"N": "1000000000"}}},
        "monthlyTokenCap": {"M": {"min": {"N": "1"}, "max": {"N": "1000000000000000"}}},
    }
}
LACKING = [
    # what knows an item's wing, an item of version 1, what it lacks
    (of_entitlement, {"pk": {"S": "sub_1#1#m-1"}}, {"ta": {"N": "0"}}),
    (of_subscriptions, {"sk": {"S": "subscription"}}, {"kg": {"N": "0"}, "cu": schema.UNKNOWN}),
    (of_subscriptions, {"sk": {"S": "slot"}}, {"rv": {"N": "0"}}),
    (of_catalogue, {"sk": {"S": "down"}}, {"rev": {"N": "0"}}),
    (of_catalogue, MODEL, {"limits": ANY_LIMITS, "ever": {"SS": ["basic", "stable"]}}),
    (of_catalogue, {"sk": {"S": "settings"}}, {}),
    (of_subscriptions, {"sk": {"S": "bought#000000000000001#000000001#sub_1"}}, {}),
    (None, {"sk": {"S": "day#2026-11-24#1#m-1"}}, {}),
]


@pytest.mark.parametrize(("wing", "item", "lacking"), LACKING)
def test_item_of_version_1_has_what_was_true_of_all_then(wing: Any, item: Any, lacking: Any) -> None:
    assert schema.current({**item, "v": {"N": "1"}}, wing) == {**item, **lacking, "v": {"N": "2"}}


@pytest.mark.parametrize(("wing", "item"), [(wing, item) for wing, item, _ in LACKING])
def test_item_of_version_2_is_read_as_it_is(wing: Any, item: Any) -> None:
    newest = {**item, "v": {"N": "2"}}
    assert schema.current(newest, wing) is newest


def test_what_an_item_of_version_1_has_is_kept() -> None:
    item = {"sk": {"S": "slot"}, "v": {"N": "1"}, "rv": {"N": "7"}}
    assert schema.current(item, of_subscriptions)["rv"] == {"N": "7"}


@pytest.mark.parametrize(("version", "told"), [({"N": "3"}, "3"), (None, "None"), ({"S": "2"}, "None")])
def test_unknown_version_is_told(version: Any, told: str) -> None:
    item = {"sk": {"S": "slot"}} if version is None else {"sk": {"S": "slot"}, "v": version}
    with pytest.raises(schema.UnreadableItemError) as caught:
        schema.current(item)
    assert caught.value.args == (f"schema version {told}",)


def test_guard_lets_both_versions_pass_that_are_understood() -> None:
    assert schema.UNDERSTOOD == "#v IN (:v, :before)"
    assert schema.understood() == {":v": {"N": "2"}, ":before": {"N": "1"}}
