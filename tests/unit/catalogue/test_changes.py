"""Tags follow from what is offered and nothing else; a price that changes beyond the bound is named exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelpass.catalogue.changes import tag_of, tag_of_unreadable, unconfirmed
from modelpass.catalogue.items import listed_model_of, model_item
from modelpass.catalogue.model import Bounds, CatalogueModel, ListedModel, Offer, Price
from modelpass.catalogue.tiers import Kind, Tier
from modelpass.errors import ErrorCode

PRICE = Price("USD", "12.00", "0.000003", "0")
MODEL = CatalogueModel("m-1", Kind.TEXT, {Tier.STABLE: PRICE, Tier.BASIC: PRICE})
LISTED = ListedModel(MODEL, frozenset(Tier), withdrawn=False)


def test_tag_is_another_when_anything_that_is_offered_is_another() -> None:
    other_price = {Tier.STABLE: replace(PRICE, base="12.0"), Tier.BASIC: PRICE}
    others = [
        *(replace(MODEL, model_id="m-2"), replace(MODEL, kind=Kind.IMAGE), replace(MODEL, tiers={Tier.STABLE: PRICE})),
        *(replace(MODEL, tiers=other_price), replace(MODEL, calls=Bounds(1, 9)), replace(MODEL, cap=Bounds(2, 9))),
    ]
    tags = [tag_of(replace(LISTED, model=model)) for model in (MODEL, *others)]
    assert len({*tags, tag_of(replace(LISTED, withdrawn=True))}) == len(others) + 2


def test_tag_does_not_change_by_what_code_of_another_version_leaves_out_or_orders_otherwise() -> None:
    stored = model_item(MODEL, revision=5)
    turned = replace(MODEL, tiers=dict(reversed(MODEL.tiers.items())))
    same = (stored, model_item(turned), {**stored, "v": {"N": "2"}}, {**stored, "zz": {"S": "x"}})
    assert {tag_of(listed_model_of(item)) for item in same} == {tag_of(LISTED)}
    assert tag_of(LISTED) == "pczslnydmy43i7ck5sghiz7r"  # for ever: operators keep tags across releases


def test_tag_of_what_cannot_be_read_is_of_all_that_is_stored() -> None:
    item: dict[str, Any] = {
        "pk": {"S": "x"},
        "b": {"B": b"\xff"},
        "s": {"SS": ["a", "b"]},
        "l": {"L": [{"NULL": True}]},
        "m": {"M": {"SS": {"N": "1"}}},
    }
    others = [
        {**item, name: value}
        for name, value in (
            *(("b", {"B": b"\xfe"}), ("s", {"SS": ["a"]}), ("l", {"L": []}), ("l", {"L": [{"BOOL": True}]})),
            *(("m", {"M": {"SS": {"N": "2"}}}), ("more", {"S": ""})),
        )
    ]
    assert len({tag_of_unreadable(each) for each in (item, *others)}) == len(others) + 1
    assert tag_of_unreadable({**item, "s": {"SS": ["b", "a"]}}) == tag_of_unreadable(dict(reversed(item.items())))


def offer(**figures: str) -> Offer:
    tiers = {Tier.ENTERPRISE: Price("USD", "99999", "0", "5"), Tier.STABLE: replace(PRICE, **figures)}
    return Offer(replace(MODEL, tiers=tiers), "USD", ())


@pytest.mark.parametrize(
    ("old", "new", "factor", "far"),
    [
        ("1", "10", 10, False),
        ("1", "10.000000000001", 10, True),
        ("10", "1", 10, False),
        ("10", "0.999999999999", 10, True),
        ("1", "2", 2, False),
        ("1", "2.01", 2, True),
        ("3", "1", 2, True),
        ("0", "0.00", 10, False),
        ("0", "0.000000000001", 10, True),
        ("0.000000000001", "0", 10, True),
        ("0.000000000001", "0.00001", 10_000_000, False),
        ("1.50", "1.5", 10, False),
        ("123456789012.123456789012", "999999999999.999999999999", 9, False),
        ("111111.111111111111", "111111111111.111111", 1_000_000, False),
        ("111111.111111111111", "111111111111.111111000001", 1_000_000, True),
    ],
)
@pytest.mark.parametrize("name", ["base", "per_unit", "per_daily_call"])
def test_change_beyond_the_bound_has_to_be_confirmed_and_the_bound_itself_not(
    name: str,
    old: str,
    new: str,
    factor: int,
    far: bool,  # noqa: FBT001
) -> None:
    before = replace(MODEL, tiers={Tier.STABLE: replace(PRICE, **{name: old})})
    refusal = unconfirmed(before, offer(**{name: new}), factor)
    assert (refusal is not None) == far
    if refusal is not None:
        words = name.partition("_")
        shown = {"base": "base", "per_unit": "perUnit", "per_daily_call": "perDailyCall"}["".join(words)]
        assert (refusal.code, refusal.param) == (ErrorCode.CONFIRMATION_REQUIRED, f"tiers[1].price.{shown}")
        message = refusal.message or ""
        assert f"from {old} to {new}" in message
        assert f"factor of {factor}:" in message


def test_first_figure_at_fault_is_named_and_tiers_that_are_new_are_not_compared() -> None:
    refusal = unconfirmed(MODEL, offer(per_unit="1", per_daily_call="1"), 10)
    assert refusal is not None
    assert refusal.param == "tiers[1].price.perUnit"
    assert unconfirmed(replace(MODEL, tiers={Tier.BASIC: PRICE}), offer(base="9999"), 2) is None
