"""How commands read the catalogue. Rule: strongly consistent; every price is that of the moment of asking.

A model that cannot be read is passed over where others are read with it, and told of.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from modelpass import schema
from modelpass.catalogue.items import listed_model_of, model_key, models_among
from modelpass.catalogue.tiers import CATALOGUE, Tier
from modelpass.dynamodb import transport
from modelpass.errors import temporarily_unavailable
from modelpass.runtime import unreadable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelpass.catalogue.model import CatalogueModel, ListedModel
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Item

_T = TypeVar("_T")


def offered(deps: Deps, budget: RetryBudget, model_ids: Iterable[str]) -> dict[str, CatalogueModel]:
    """Of these models, at most 100 and none twice, those that are offered now, by their ids.

    It reads them and nothing else, so it costs the same however large the catalogue is. One that cannot be read is
    reported, and left out as if it were not offered. Raises `Refused` (`temporarily_unavailable`) while the store
    cannot be read.
    """
    table, keys = deps.tables.catalogue, [schema.primary_key(model_key(model_id)) for model_id in model_ids]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, keys))
    listings = unreadable.read_each(table, stored, listed_model_of)
    return _those_offered(listings)


def offered_for_certain(deps: Deps, budget: RetryBudget, model_ids: Iterable[str]) -> dict[str, CatalogueModel]:
    """As `offered`, but raises `temporarily_unavailable` where one of these models cannot be read, too.

    Nobody knows then whether it is offered.
    """
    table, keys = deps.tables.catalogue, [schema.primary_key(model_key(model_id)) for model_id in model_ids]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, keys))
    listings = unreadable.read_each(table, stored, listed_model_of)
    if len(listings) < len(stored):
        raise temporarily_unavailable()
    return _those_offered(listings)


def currency_of_models(deps: Deps, budget: RetryBudget) -> str | None:
    """The one currency of all models that can be read, those that were withdrawn as well; None where there is none.

    Raises `Refused` (`temporarily_unavailable`) while the catalogue cannot be read.
    """
    stored = budget.persist(lambda: _stored(deps))
    listings = unreadable.read_each(deps.tables.catalogue, models_among(stored), listed_model_of)
    return next((price.currency for one in listings for price in one.model.tiers.values()), None)


def readable(item: Item | None, read: Callable[[Item], _T]) -> _T | None:
    """What `read` makes of an item; None where there is none, or none that can be read."""
    try:
        return None if item is None else read(item)
    except schema.FAILURES_OF_READING:
        return None


def tiers_ever(item: Item | None) -> frozenset[Tier]:
    """The tiers that a model was ever offered in: any may have been, where its item cannot be read."""
    if item is None:
        return frozenset()
    listed = readable(item, listed_model_of)
    return frozenset(Tier) if listed is None else listed.ever


def _stored(deps: Deps) -> list[Item]:
    request = {
        "TableName": deps.tables.catalogue,
        "KeyConditionExpression": "#pk = :pk",
        "ExpressionAttributeNames": {"#pk": "pk"},
        "ExpressionAttributeValues": {":pk": schema.text(CATALOGUE)},
        "ConsistentRead": True,
    }
    return transport.query_all(deps.send, request)


def _those_offered(listings: Iterable[ListedModel]) -> dict[str, CatalogueModel]:
    return {one.model.model_id: one.model for one in listings if not one.withdrawn}
