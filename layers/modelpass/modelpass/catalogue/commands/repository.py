"""How commands read the catalogue. Rule: strongly consistent; every price is that of the moment of asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.catalogue.items import catalogue_of, listed_model_of, model_key
from modelpass.catalogue.tiers import CATALOGUE
from modelpass.dynamodb import transport
from modelpass.runtime import unreadable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelpass.catalogue.model import Catalogue, CatalogueModel
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps


def offered(deps: Deps, budget: RetryBudget, model_ids: Iterable[str]) -> dict[str, CatalogueModel]:
    """Of these models, at most 100 and none twice, those that are offered now, by their ids.

    It reads them and nothing else, so it costs the same however large the catalogue is. One that cannot be read is
    reported, and left out as if it were not offered. Raises `Refused` (`temporarily_unavailable`) while the store
    cannot be read.
    """
    table, keys = deps.tables.catalogue, [schema.primary_key(model_key(model_id)) for model_id in model_ids]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, keys))
    listings = unreadable.read_each(table, stored, listed_model_of)
    return {one.model.model_id: one.model for one in listings if not one.withdrawn}


def load(deps: Deps, budget: RetryBudget) -> Catalogue:
    """The whole catalogue as it is now; raises `Refused` (`temporarily_unavailable`) while it cannot be read."""
    request = {
        "TableName": deps.tables.catalogue,
        "KeyConditionExpression": "#pk = :pk",
        "ExpressionAttributeNames": {"#pk": "pk"},
        "ExpressionAttributeValues": {":pk": schema.text(CATALOGUE)},
        "ConsistentRead": True,
    }
    return budget.persist(lambda: catalogue_of(transport.query_all(deps.send, request)))
