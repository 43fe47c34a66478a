"""The commands of operators on the catalogue. Rule: each brings about a state; asking for it again changes nothing.

So no command here has to recognise its own write when the reply to it was lost: it reads again, and finds the state
that was asked for or writes it anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelpass import schema
from modelpass.catalogue import items, transactions
from modelpass.catalogue.answers import model_answer
from modelpass.catalogue.commands import repository
from modelpass.catalogue.items import currency_of, listed_model_of
from modelpass.catalogue.model import require_currency
from modelpass.catalogue.tier_items import StoredTiers
from modelpass.catalogue.tiers import MOST_TIERS_DOWN, tiers_down_key, tiers_down_of
from modelpass.dynamodb import transport
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.ids import is_model_id

if TYPE_CHECKING:
    from modelpass.catalogue.model import ListedModel, Offer
    from modelpass.catalogue.tiers import TiersDown
    from modelpass.catalogue.transactions import TierAvailability
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _State:
    """All that decides about a model, read at one moment."""

    currency: str | None
    listed: ListedModel | None
    down: TiersDown


def put_model(deps: Deps, offer: Offer) -> Json:
    """Offer a model exactly as given; gives it as callers see it.

    Raises `Refused`: `invalid_request` for another kind than it ever had, another currency than the catalogue's, or an
    availability that is not that of now; `temporarily_unavailable`, after which the model may have been put or not.
    """
    budget = deps.retry_budget()

    def attempt() -> Json:
        state = budget.persist(lambda: _read(deps, offer.model.model_id))
        if state.currency is None:  # the first model, or the first since version 1, which kept no settings
            state = replace(state, currency=repository.load(deps, budget).currency())
        _check(state, offer)
        ever = state.listed.ever if state.listed else frozenset()
        deps.send("TransactWriteItems", transactions.put_model(deps.tables, offer.model, offer.currency, ever))
        return model_answer(offer.model, state.down)

    return budget.until_done(attempt)


def withdraw_model(deps: Deps, model_id: str) -> None:
    """Offer a model no longer; nothing happens when it is not offered, or when there is no such model.

    Raises `Refused` (`temporarily_unavailable`) while the store cannot be written.
    """
    if not is_model_id(model_id):
        return
    table = deps.tables.catalogue
    deps.retry_budget().until_written(
        lambda: deps.send("UpdateItem", transactions.withdraw_model(table, model_id, deps.now_ms())),
    )


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
        listed, stored = budget.persist(lambda: _read_tiers(deps, turn.model_id))
        if listed is None:
            raise Refused(Refusal(ErrorCode.NOT_FOUND))
        if turn.tier not in listed.ever:
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


def _read_tiers(deps: Deps, model_id: str) -> tuple[ListedModel | None, StoredTiers]:
    """The model, and what both tables say of tiers that are down, all read at one moment."""
    tables, down = deps.tables, schema.primary_key(tiers_down_key())
    model_key = schema.primary_key(items.model_key(model_id))
    places = [(tables.catalogue, model_key), (tables.tiers, down), (tables.catalogue, down)]
    model, item, copy = transport.get_across(deps.send, places)
    return None if model is None else listed_model_of(model), StoredTiers(item, copy)


def _read(deps: Deps, model_id: str) -> _State:
    if not is_model_id(model_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    keys = [schema.primary_key(pair) for pair in (items.settings_key(), items.model_key(model_id), tiers_down_key())]
    settings, model, down = transport.get_together(deps.send, deps.tables.catalogue, keys)
    listed = None if model is None else listed_model_of(model)
    return _State(currency_of(settings), listed, tiers_down_of(down))


def _check(state: _State, offer: Offer) -> None:
    model = offer.model
    if state.listed is not None and state.listed.model.kind is not model.kind:
        message = f"kind is {state.listed.model.kind.value} for good: subscriptions to this model count in its unit."
        raise invalid("kind", message)
    if state.currency is not None:
        require_currency(state.currency, offer.currency)
    for index, (tier, said) in enumerate(offer.said_available):
        available = (model.model_id, tier) not in state.down.pairs
        if said not in (None, available):
            now = str(available).lower()
            raise invalid(f"tiers[{index}].available", f"available is {now} now: the availability call changes it.")
