"""How commands read the catalogue. Rule: strongly consistent; every price is that of the moment of asking."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.catalogue.items import catalogue_of
from modelpass.catalogue.tiers import CATALOGUE
from modelpass.dynamodb import transport

if TYPE_CHECKING:
    from modelpass.catalogue.model import Catalogue
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.runtime.deps import Deps


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
