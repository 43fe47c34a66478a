"""What the catalogue offers now. Rule: reads only, strongly consistent."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass import schema
from modelpass.catalogue.items import catalogue_of
from modelpass.catalogue.tiers import CATALOGUE
from modelpass.dynamodb import transport

if TYPE_CHECKING:
    from modelpass.catalogue.model import Catalogue
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps


Json = dict[str, Any]


def load(deps: Deps, budget: RetryBudget) -> Catalogue:
    """The whole catalogue as it is now."""
    request = {
        "TableName": deps.tables.catalogue,
        "KeyConditionExpression": "#pk = :pk",
        "ExpressionAttributeNames": {"#pk": "pk"},
        "ExpressionAttributeValues": {":pk": schema.text(CATALOGUE)},
        "ConsistentRead": True,
    }
    return budget.persist(lambda: catalogue_of(transport.query_all(deps.send, request)))


def get_models(deps: Deps) -> Json:
    """The catalogue, with what is available now."""
    return load(deps, deps.retry_budget()).answer()
