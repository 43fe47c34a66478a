"""Every clause of what operators write to the catalogue, spelled out, and the catalogue as it is read and shown."""

from __future__ import annotations

from typing import Any

import pytest

from modelpass import schema
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue import transactions as catalogue_transactions
from modelpass.catalogue.answers import model_answer, models_answer
from modelpass.catalogue.items import (
    catalogue_of,
    currency_of,
    listed_model_of,
    model_attributes,
    model_item,
    settings_item,
)
from modelpass.catalogue.model import Bounds, CatalogueModel, ListedModel, Price
from modelpass.catalogue.tier_items import StoredTiers
from modelpass.catalogue.tiers import Kind, Tier, TiersDown, Unit, tiers_down_key
from modelpass.catalogue.transactions import TierAvailability
from tests.support.builders import NOON, TABLES
from tests.support.expressions import spelled

PRICES = {Tier.STABLE: Price("USD", "5.00", "0.000001", "0.10"), Tier.BASIC: Price("USD", "1", "2", "3")}
MODEL = CatalogueModel("m-1", Kind.TEXT, PRICES, Bounds(2, 50), Bounds(1000, 5000))
UNDERSTOOD = "v IN (2, 1)"
DOWN = TiersDown(frozenset({("m-1", Tier.STABLE)}), 4)


def about(write: Any) -> tuple[str, Any]:
    return write["TableName"], write["Key"]


def updates_of(request: Any) -> list[Any]:
    return [action["Update"] for action in request["TransactItems"] if "Update" in action]


def test_model_is_offered_in_the_one_currency_and_stays_of_its_kind() -> None:
    currency, offer = updates_of(catalogue_transactions.put_model(TABLES, MODEL, "USD", frozenset({Tier.ENTERPRISE})))
    assert about(currency) == (TABLES.catalogue, schema.primary_key(catalogue_items.settings_key()))
    assert spelled(currency) == (
        [f"attribute_not_exists(pk) OR ({UNDERSTOOD}", "currency = USD)"],
        ["v = if_not_exists(v", "2)", "currency = USD"],
        [""],
    )
    assert about(offer) == (TABLES.catalogue, schema.primary_key(catalogue_items.model_key("m-1")))
    assert spelled(offer)[0] == [f"attribute_not_exists(pk) OR ({UNDERSTOOD}", "kind = text)"]
    assert offer["UpdateExpression"] == (
        "SET #v = if_not_exists(#v, :new), #id = :id, #kind = :kind, #tiers = :tiers, #limits = :limits"
        " ADD #ever :ever REMOVE #withdrawn"
    )
    assert offer["ExpressionAttributeNames"] == {
        f"#{name}": name for name in ("pk", "v", "id", "kind", "tiers", "limits", "ever", "withdrawn")
    }
    assert offer["ExpressionAttributeValues"] == {
        **{f":{name}": value for name, value in model_attributes(MODEL).items()},
        **schema.understood(),
        ":new": {"N": "2"},
        ":ever": {"SS": ["basic", "enterprise", "stable"]},
    }


def test_model_that_is_there_is_withdrawn_once() -> None:
    update = catalogue_transactions.withdraw_model("C", "m-1", NOON)
    assert about(update) == ("C", schema.primary_key(catalogue_items.model_key("m-1")))
    assert spelled(update)[:2] == ([UNDERSTOOD], ["withdrawn = if_not_exists(withdrawn", f"{NOON})"])
    assert update["ReturnValuesOnConditionCheckFailure"] == "ALL_OLD"


def down(revision: int, *entries: str, **more: Any) -> Any:
    """A stored item that names tiers that are down."""
    named = {"tiers": {"SS": [*entries]}} if entries else {}
    return {**schema.primary_key(tiers_down_key()), "v": {"N": "2"}, "rev": {"N": str(revision)}, **named, **more}


@pytest.mark.parametrize(("available", "after"), [(True, ["m-2#basic"]), (False, ["m-1#stable", "m-2#basic"])])
def test_tier_is_turned_in_both_items_and_told_with_its_revision(*, available: bool, after: list[str]) -> None:
    turn = TierAvailability("m-1", Tier.STABLE, available, "why")
    before = ("m-1#stable", "m-2#basic") if available else ("m-2#basic",)
    stored = StoredTiers(down(4, *before), down(4, *before))
    request = catalogue_transactions.set_tier_availability(TABLES, stored, turn, NOON)
    updates = updates_of(request)
    assert [about(update) for update in updates] == [
        (table, schema.primary_key(tiers_down_key())) for table in (TABLES.tiers, TABLES.catalogue)
    ]
    for update in updates:
        assert spelled(update)[0] == [UNDERSTOOD, "rev = 4"]
        assert spelled(update)[1] == ["v = if_not_exists(v", "2)", "rev = 5", f"tiers = {after}"]
    assert request["TransactItems"][2] == {"Put": catalogue_transactions._availability_event(TABLES, turn, 5, NOON)}


def test_mending_writes_both_items_and_tells_nothing() -> None:
    request = catalogue_transactions.mend_tiers(TABLES, StoredTiers(down(4, "m-1#stable"), down(6, "m-2#basic")))
    assert [spelled(update)[1][-2:] for update in updates_of(request)] == [["rev = 7", "tiers = ['m-2#basic']"]] * 2
    assert len(request["TransactItems"]) == 2


def test_model_is_stored_without_loss_and_shown_tier_by_tier() -> None:
    stored = model_item(MODEL)
    assert listed_model_of(stored) == ListedModel(MODEL, frozenset(PRICES), withdrawn=False)
    assert listed_model_of({**stored, "withdrawn": {"N": "1"}}).withdrawn
    assert MODEL.unit is Unit.TOKENS
    assert model_answer(MODEL, DOWN) == {
        "modelId": "m-1",
        "kind": "text",
        "unit": "tokens",
        "tiers": [
            {
                "channelTier": "basic",
                "available": True,
                "price": {"currency": "USD", "base": "1", "perUnit": "2", "perDailyCall": "3"},
            },
            {
                "channelTier": "stable",
                "available": False,
                "price": {"currency": "USD", "base": "5.00", "perUnit": "0.000001", "perDailyCall": "0.10"},
            },
        ],
        "limits": {"dailyCallLimit": {"min": 2, "max": 50}, "monthlyTokenCap": {"min": 1000, "max": 5000}},
    }


def test_catalogue_is_of_what_is_not_withdrawn_with_one_currency() -> None:
    other = CatalogueModel("a-2", Kind.TEXT, {Tier.BASIC: Price("USD", "1", "2", "3")})
    gone = {**model_item(CatalogueModel("gone", Kind.TEXT, PRICES)), "withdrawn": {"N": "1"}}
    settings = settings_item("EUR")
    read = catalogue_of([model_item(MODEL), gone, settings, down(4, "m-1#stable"), model_item(other)])
    assert (read.models, read.currency()) == ({"m-1": MODEL, "a-2": other}, "USD")
    assert currency_of(settings) == "EUR"
    assert currency_of(None) is None
    empty = catalogue_of([])
    assert (empty.models, empty.currency()) == ({}, None)


def test_page_of_models_is_shown_in_its_order_with_what_is_down_and_where_it_goes_on() -> None:
    other = CatalogueModel("a-2", Kind.TEXT, {Tier.BASIC: Price("USD", "1", "2", "3")})
    answer = models_answer([other, MODEL], DOWN, "there")
    assert answer == {"models": [model_answer(other, DOWN), model_answer(MODEL, DOWN)], "next": "there"}
    assert models_answer([], DOWN, None) == {"models": [], "next": None}
