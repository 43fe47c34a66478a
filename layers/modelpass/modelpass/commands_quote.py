"""Quote: what a purchase would cost now. Rule: reads the catalogue and nothing else, and changes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass import offers
from modelpass.catalogue.commands import queries as catalogue_queries
from modelpass.subscriptions import pricing

if TYPE_CHECKING:
    from modelpass.api.subscription_bodies import PurchaseBody
    from modelpass.runtime.deps import Deps


def quote(deps: Deps, body: PurchaseBody) -> dict[str, Any]:
    """The price of a purchase body, line by line; raises `Refused` where a purchase would, but for the place."""
    limits, sale = offers.bought(catalogue_queries.load(deps, deps.attempts()), body)
    return pricing.quote_answer([(m.model_id, m.tier) for m in limits], sale, body.months)
