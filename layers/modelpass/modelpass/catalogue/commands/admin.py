"""The commands of operators on the tiers of a model. Rule: each brings about a state; asking again changes nothing.

So no command here has to recognise its own write when the reply to it was lost: it reads again, and finds the state
that was asked for or writes it anew. What is offered is changed by `offers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelpass import schema
from modelpass.catalogue import items, transactions
from modelpass.catalogue.commands import repository
from modelpass.catalogue.tiers import tiers_down_key, tiers_down_of
from modelpass.dynamodb import transport
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.ids import is_model_id

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier, TiersDown
    from modelpass.catalogue.transactions import TierAvailability
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _State:
    """All that decides about a tier, read at one moment; `ever` is None where there is no such model."""

    ever: frozenset[Tier] | None
    down: TiersDown


def set_tier_availability(deps: Deps, turn: TierAvailability) -> Json:
    """Take a tier down or bring it back, with an event; nothing is written when it is so already.

    Raises `Refused`: `not_found` for an unknown model, `tier_not_offered` for a tier that it was never offered in,
    `temporarily_unavailable`.
    """
    budget = deps.retry_budget()

    def attempt() -> None:
        state = budget.persist(lambda: _read(deps, turn.model_id))
        if state.ever is None:
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        if turn.tier not in state.ever:
            raise Refused(Refusal(ErrorCode.TIER_NOT_OFFERED, param="tier"))
        if turn.available == ((turn.model_id, turn.tier) in state.down.pairs):
            deps.send(
                "TransactWriteItems", transactions.set_tier_availability(deps.tables, state.down, turn, deps.now_ms())
            )

    budget.until_done(attempt)
    fields = {"modelId": turn.model_id, "channelTier": turn.tier.value}
    return {**fields, "available": turn.available, "reason": turn.reason}


def _read(deps: Deps, model_id: str) -> _State:
    if not is_model_id(model_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    keys = [schema.primary_key(pair) for pair in (items.model_key(model_id), tiers_down_key())]
    model, down = transport.get_together(deps.send, deps.tables.catalogue, keys)
    return _State(None if model is None else repository.tiers_ever(model), tiers_down_of(down))
