"""Quotes and sales read the models that they name: no other item of the catalogue can stop them, nor make them dear."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from modelpass.api.subscription_bodies import parse_purchase
from modelpass.catalogue import items as catalogue_items
from modelpass.schema import primary_key
from modelpass.subscriptions.commands import queries
from tests.support import sales
from tests.support.lines import recorded
from tests.support.refused import refusal
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, World, model

Json = dict[str, Any]
DAMAGES: dict[str, Json] = {
    "a later version": {"v": {"N": "9"}},
    "no version": {"v": None},
    "no tiers": {"tiers": None},
    "an unknown tier": {"tiers": {"M": {"gold": {"M": {}}}}},
    "an unknown kind": {"kind": {"S": "song"}},
    "limits that are text": {"limits": {"S": "any"}},
}


def damage(world: World, model_id: str, changes: Json) -> None:
    """Change the stored item of a model behind everybody's back."""
    key = primary_key(catalogue_items.model_key(model_id))
    item = world.dynamodb.get_item(TableName=world.tables.catalogue, Key=key)["Item"]
    changed = {name: value for name, value in {**item, **changes}.items() if value is not None}
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=changed)


def quote(world: World, *model_ids: str) -> Json:
    wanted = [model(model_id, cap=100) for model_id in model_ids]
    return queries.quote(world.deps, parse_purchase({"models": wanted}))


@pytest.mark.parametrize("kind", DAMAGES)
def test_model_that_cannot_be_read_is_as_one_that_is_not_offered_and_reported(world: World, kind: str) -> None:
    damage(world, IMAGE_MODEL, DAMAGES[kind])
    unknown = ("unknown_model", "models[1].modelId")
    with recorded() as output:
        assert refusal(lambda: quote(world, TEXT_MODEL, IMAGE_MODEL)) == unknown
        both = [model(cap=100), model(IMAGE_MODEL, cap=100)]
        assert refusal(lambda: world.buy(models=both)) == unknown
    told = {line["item"] for line in output.lines() if line["message"] == "unreadable_item"}
    assert told == {f"catalogue model#{IMAGE_MODEL}"}
    assert world.all_items(world.tables.subscriptions) == []


@pytest.mark.parametrize("kind", DAMAGES)
def test_model_that_cannot_be_read_stops_no_sale_of_others(world: World, kind: str) -> None:
    damage(world, IMAGE_MODEL, DAMAGES[kind])
    with recorded() as output:
        assert quote(world, TEXT_MODEL)["lines"][0]["modelId"] == TEXT_MODEL
        bought = world.buy()
        world.clock.advance(31 * DAY_MS)
        assert sales.quote(world, bought["subscriptionId"], renew={})["total"]
        assert world.renew(bought["subscriptionId"])["apiKey"]
    assert output.lines() == []


def test_renewal_names_the_model_that_cannot_be_read_and_sells_once_it_can(world: World) -> None:
    bought = world.buy(models=[model(cap=100), model(IMAGE_MODEL, cap=100)])
    world.clock.advance(31 * DAY_MS)
    key = primary_key(catalogue_items.model_key(IMAGE_MODEL))
    whole = world.dynamodb.get_item(TableName=world.tables.catalogue, Key=key)["Item"]
    damage(world, IMAGE_MODEL, {"v": {"N": "9"}})
    for command in (
        partial(sales.quote, world, bought["subscriptionId"], renew={}),
        partial(world.renew, bought["subscriptionId"]),
    ):
        assert refusal(command) == ("unknown_model", "models[1].modelId")
    world.dynamodb.put_item(TableName=world.tables.catalogue, Item=whole)
    assert world.renew(bought["subscriptionId"])["apiKey"]
