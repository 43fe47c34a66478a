"""Every clause of what operators write to the catalogue, spelled out, and the catalogue as it is read and shown."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from modelpass import schema
from modelpass.catalogue import items as catalogue_items
from modelpass.catalogue import transactions as catalogue_transactions
from modelpass.catalogue.answers import figures, model_answer, models_answer
from modelpass.catalogue.items import (
    currency_of,
    listed_model_of,
    model_attributes,
    model_item,
    settings_item,
)
from modelpass.catalogue.model import Bounds, CatalogueModel, ListedModel, Price
from modelpass.catalogue.tier_items import StoredTiers
from modelpass.catalogue.tiers import Kind, Tier, TiersDown, Unit, tiers_down_key
from modelpass.catalogue.transactions import ModelChange, TierAvailability
from tests.support.builders import NOON, TABLES
from tests.support.expressions import spelled

PRICES = {Tier.STABLE: Price("USD", "5.00", "0.000001", "0.10"), Tier.BASIC: Price("USD", "1", "2", "3")}
MODEL = CatalogueModel("m-1", Kind.TEXT, PRICES, Bounds(2, 50), Bounds(1000, 5000))
UNDERSTOOD = "v IN (3, 2)"
DOWN = TiersDown(frozenset({("m-1", Tier.STABLE)}), 4)


def about(write: Any) -> tuple[str, Any]:
    return write["TableName"], write["Key"]


def updates_of(request: Any) -> list[Any]:
    return [action["Update"] for action in request["TransactItems"] if "Update" in action]


READ = {**model_item(MODEL, ever=frozenset({Tier.ENTERPRISE}), revision=7)}
CHANGE = ModelChange("m-1", READ, MODEL, "operator", NOON)
AS_READ = [
    "attribute_exists(pk)",
    "v = 3",
    "id = m-1",
    "kind = text",
    *(f"{name} = {READ[name]['M']}" for name in ("tiers", "limits")),
    "ever = ['basic', 'enterprise', 'stable']",
    "attribute_not_exists(withdrawn)",
    "rev = 7",
]


def test_catalogue_keeps_its_one_currency() -> None:
    update = catalogue_transactions.keep_currency(TABLES, "USD")["Update"]
    assert about(update) == (TABLES.catalogue, schema.primary_key(catalogue_items.settings_key()))
    assert spelled(update) == (
        [f"attribute_not_exists(pk) OR ({UNDERSTOOD}", "currency = USD)"],
        ["v = if_not_exists(v, 3)", "currency = USD"],
        [""],
    )


def test_settings_that_cannot_be_read_are_replaced_only_as_they_were_read() -> None:
    read = {**settings_item("USD"), "v": {"N": "4"}, "zz": {"S": "x"}}
    put = catalogue_transactions.replace_settings(TABLES, read, "EUR")["Put"]
    assert put["Item"] == settings_item("EUR", TABLES.version)
    assert spelled(put)[0] == ["attribute_exists(pk)", "v = 4", "currency = USD"]
    bare = schema.primary_key(catalogue_items.settings_key())
    put = catalogue_transactions.replace_settings(TABLES, bare, "EUR")["Put"]
    assert "ExpressionAttributeValues" not in put
    assert spelled(put)[0] == [
        "attribute_exists(pk)",
        "attribute_not_exists(v)",
        "attribute_not_exists(currency)",
    ]


def test_model_is_offered_only_as_it_was_read_and_told_with_its_revision() -> None:
    other = CatalogueModel("m-1", Kind.TEXT, {Tier.STABLE: Price("USD", "6", "0", "0")})
    offer, event = catalogue_transactions.put_model(TABLES, CHANGE, other, frozenset({Tier.ENTERPRISE}))
    update = offer["Update"]
    assert about(update) == (TABLES.catalogue, schema.primary_key(catalogue_items.model_key("m-1")))
    assert spelled(update)[0] == AS_READ
    assert update["UpdateExpression"] == (
        "SET #id = :id, #kind = :kind, #tiers = :tiers, #limits = :limits, #ever = :ever, #rev = :rev REMOVE #withdrawn"
    )
    values = {name: value for name, value in update["ExpressionAttributeValues"].items() if not name.startswith(":was")}
    assert values == {
        **{f":{name}": value for name, value in model_attributes(other).items()},
        ":ever": {"SS": ["enterprise", "stable"]},
        ":rev": {"N": "8"},
    }
    assert told(event) == ("model#m-1", figures(MODEL), figures(other), "operator")


def test_model_that_was_never_there_is_put_where_there_is_none() -> None:
    change = CHANGE._replace(item=None, before=None, operator_id=None)
    write, event = catalogue_transactions.put_whole_model(TABLES, change, listed_model_of(model_item(MODEL)))
    assert spelled(write["Put"])[0] == ["attribute_not_exists(pk)"]
    assert write["Put"]["Item"] == model_item(MODEL, TABLES.version, revision=1)
    assert told(event) == ("model#m-1", None, figures(MODEL), None)


def test_model_that_cannot_be_read_is_replaced_whole_only_as_it_was_read() -> None:
    broken = {**READ, "v": {"S": "x"}, "tiers": {"N": "1"}, "rev": {"S": "x"}, "zz": {"S": "x"}}
    del broken["kind"]
    change = CHANGE._replace(item=broken, before=None)
    put = ListedModel(MODEL, frozenset(Tier), withdrawn=False)
    write, event = catalogue_transactions.put_whole_model(TABLES, change, put)
    assert spelled(write["Put"])[0] == [
        *("attribute_exists(pk)", "v = x", "id = m-1", "attribute_not_exists(kind)", "tiers = 1"),
        *(AS_READ[5], AS_READ[6], "attribute_not_exists(withdrawn)", "rev = x"),
    ]
    assert write["Put"]["Item"] == model_item(MODEL, TABLES.version, frozenset(Tier), 1)
    assert told(event) == ("model#m-1", None, figures(MODEL), "operator")
    gone, event = catalogue_transactions.put_whole_model(TABLES, change, replace(put, withdrawn=True))
    assert gone["Put"]["Item"] == {**write["Put"]["Item"], "withdrawn": {"N": str(NOON)}}
    assert told(event) == ("model#m-1", None, None, "operator")


def test_model_is_withdrawn_or_taken_away_only_as_it_was_read() -> None:
    withdrawn, event = catalogue_transactions.withdraw_model(TABLES, CHANGE)
    update = withdrawn["Update"]
    assert about(update) == (TABLES.catalogue, schema.primary_key(catalogue_items.model_key("m-1")))
    assert spelled(update)[:2] == (AS_READ, [f"withdrawn = {NOON}", "rev = 8"])
    assert told(event) == ("model#m-1", figures(MODEL), None, "operator")
    deleted, again = catalogue_transactions.delete_model(TABLES, CHANGE)
    assert spelled(deleted["Delete"])[0] == AS_READ
    assert again == event


def test_two_changes_of_a_model_are_two_events_and_one_change_is_one() -> None:
    def id_of(change: ModelChange) -> str:
        _, event = catalogue_transactions.withdraw_model(TABLES, change)
        return event["Put"]["Item"]["id"]["S"]  # type: ignore[no-any-return] # an item's text

    later = CHANGE._replace(at_ms=NOON + 1)
    next_one = CHANGE._replace(item={**READ, "rev": {"N": "8"}})
    assert len({id_of(change) for change in (CHANGE, later, next_one)}) == 3
    assert id_of(CHANGE) == id_of(CHANGE._replace(operator_id="another"))


def told(event: Any) -> tuple[str, Any, Any, str | None]:
    row = event["Put"]["Item"]
    assert row["type"]["S"] == "model.changed"
    data = json.loads(row["data"]["S"])
    assert set(data) == {"modelId", "old", "new", "operatorId"}
    assert (data["modelId"], row["accountId"]["S"]) == ("m-1", "")
    return row["pk"]["S"], data["old"], data["new"], data["operatorId"]


def down(revision: int, *entries: str, **more: Any) -> Any:
    """A stored item that names tiers that are down."""
    named = {"tiers": {"SS": [*entries]}} if entries else {}
    return {**schema.primary_key(tiers_down_key()), "v": {"N": "3"}, "rev": {"N": str(revision)}, **named, **more}


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
        assert spelled(update)[1] == ["v = if_not_exists(v, 3)", "rev = 5", f"tiers = {after}"]
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


def test_settings_tell_the_one_currency() -> None:
    assert currency_of(settings_item("EUR")) == "EUR"
    assert currency_of(None) is None


def test_page_of_models_is_shown_in_its_order_with_what_is_down_and_where_it_goes_on() -> None:
    other = CatalogueModel("a-2", Kind.TEXT, {Tier.BASIC: Price("USD", "1", "2", "3")})
    listed = [ListedModel(other, frozenset(), withdrawn=False), ListedModel(MODEL, frozenset(), withdrawn=True)]
    shown = [model_answer(other, DOWN), {**model_answer(MODEL, DOWN), "withdrawn": True}]
    assert models_answer(listed, DOWN, "there") == {"models": shown, "next": "there"}
    assert models_answer([], DOWN, None) == {"models": [], "next": None}
