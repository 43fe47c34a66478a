"""The commands of operators on the tiers of a model. Rule: each brings about a state; asking again changes nothing.

So no command here has to recognise its own write when the reply to it was lost: it reads again, and finds the state
that was asked for or writes it anew. What is offered is changed by `offers`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass import schema
from modelpass.catalogue import items, transactions
from modelpass.catalogue.commands import repository
from modelpass.catalogue.tier_items import StoredTiers
from modelpass.catalogue.tiers import MOST_TIERS_DOWN, tiers_down_key
from modelpass.dynamodb import transport
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.ids import is_model_id

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.catalogue.transactions import TierAvailability
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]


def set_tier_availability(deps: Deps, turn: TierAvailability) -> Json:
    """Take a tier down or bring it back, with an event; nothing is written when it is so already.

    An item that names the tiers and cannot be read is replaced, by what could be read of it and of its copy.

    Raises `Refused`: `not_found` for an unknown model, `tier_not_offered` for a tier that it was never offered in,
    `invalid_request` when `MOST_TIERS_DOWN` are down already, `temporarily_unavailable`, after which nothing or all of
    it may have been written.
    """
    if not is_model_id(turn.model_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    budget = deps.retry_budget()

    def attempt() -> None:
        ever, stored = budget.persist(lambda: _read_tiers(deps, turn.model_id))
        if ever is None:
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        if turn.tier not in ever:
            raise Refused(Refusal(ErrorCode.TIER_NOT_OFFERED, param="tier"))
        down = stored.truth()
        if turn.available == ((turn.model_id, turn.tier) in down.pairs):
            if not turn.available and len(down.entries) >= MOST_TIERS_DOWN:
                raise invalid("available", f"{MOST_TIERS_DOWN} tiers are down already: no more can be taken down.")
            request = transactions.set_tier_availability(deps.tables, stored, turn, deps.now_ms())
        elif not stored.agrees():
            request = transactions.mend_tiers(deps.tables, stored)
        else:
            return
        deps.send("TransactWriteItems", request)

    budget.until_done(attempt)
    fields = {"modelId": turn.model_id, "channelTier": turn.tier.value}
    return {**fields, "available": turn.available, "reason": turn.reason}


def _read_tiers(deps: Deps, model_id: str) -> tuple[frozenset[Tier] | None, StoredTiers]:
    """The tiers that a model was ever offered in, None where there is no such model, and what both tables say is down.

    All of it is read at one moment.
    """
    tables, down = deps.tables, schema.primary_key(tiers_down_key())
    model_key = schema.primary_key(items.model_key(model_id))
    places = [(tables.catalogue, model_key), (tables.tiers, down), (tables.catalogue, down)]
    model, item, copy = transport.get_across(deps.send, places)
    return None if model is None else repository.tiers_ever(model), StoredTiers(item, copy)
