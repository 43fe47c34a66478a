"""What operators do to the catalogue. Rule: the state asked for is reached once; reaching it again changes nothing.

A lost reply needs no recognition here: whoever looks again finds the state that was asked for, or asks for it anew.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from modelpass import schema
from modelpass.catalogue import items, transactions
from modelpass.catalogue.commands import queries
from modelpass.catalogue.items import currency_of, listed_model_of
from modelpass.catalogue.model import model_answer, require_currency
from modelpass.catalogue.tiers import Tier, tiers_down_key, tiers_down_of
from modelpass.catalogue.transactions import TierTurn
from modelpass.dynamodb.transport import ConditionFailedError, StoreBusyError
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.ids import is_model_id

if TYPE_CHECKING:
    from modelpass.api.catalogue_bodies import AvailabilityBody
    from modelpass.catalogue.model import ListedModel, Offer
    from modelpass.catalogue.tiers import TiersDown
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _State:
    """What decides about a model, as of one moment."""

    currency: str | None
    listing: ListedModel | None
    down: TiersDown


def put_model(deps: Deps, offer: Offer) -> Json:
    """Offer a model just so; gives it as the catalogue shows it. Raises `Refused` when it cannot be offered so."""
    attempts = deps.attempts()
    while True:
        try:
            state = attempts.persist(lambda: _read(deps, offer.model.model_id))
            if state.currency is None:  # the first model, or the first since version 1, which kept no settings
                state = replace(state, currency=queries.load(deps, attempts).currency())
            _check(state, offer)
            ever = state.listing.ever if state.listing else frozenset()
            request = transactions.put_model(deps.tables, offer.model, offer.currency, ever)
            deps.send("TransactWriteItems", request)
            return model_answer(offer.model, state.down)
        except ConditionFailedError:
            attempts.lost_race()
        except StoreBusyError as failure:
            attempts.busy(failure)


def withdraw_model(deps: Deps, model_id: str) -> None:
    """Offer a model no longer; nothing happens when it is not offered."""
    attempts = deps.attempts()
    if not is_model_id(model_id):
        return
    while True:
        try:
            request = transactions.withdraw_model(deps.tables.catalogue, model_id, deps.now_ms())
            deps.send("UpdateItem", request)
        except ConditionFailedError as failure:
            if failure.item is not None:
                schema.require_understood(failure.item)
            return
        except StoreBusyError as failure:
            attempts.busy(failure)
        else:
            return


def turn_tier(deps: Deps, model_id: str, tier_name: str, body: AvailabilityBody) -> Json:
    """Take a tier down or bring it back, with an event; where it is so already, nothing is written.

    Raises `Refused` for an unknown model, and for a tier that it was never offered in.
    """
    tier = _tier_of(tier_name)
    turn = TierTurn(model_id, tier, body.available, body.reason)
    attempts = deps.attempts()
    while True:
        try:
            state = attempts.persist(lambda: _read(deps, model_id))
            if state.listing is None:
                raise Refused(Refusal(ErrorCode.NOT_FOUND))
            if tier not in state.listing.ever:
                raise Refused(Refusal(ErrorCode.TIER_NOT_OFFERED, param="tier"))
            if body.available == ((model_id, tier) in state.down.pairs):
                request = transactions.turn_tier(deps.tables, state.down, turn, deps.now_ms())
                deps.send("TransactWriteItems", request)
        except ConditionFailedError:
            attempts.lost_race()
        except StoreBusyError as failure:
            attempts.busy(failure)
        else:
            fields = {"modelId": model_id, "channelTier": tier.value}
            return {**fields, "available": body.available, "reason": body.reason}


def _read(deps: Deps, model_id: str) -> _State:
    if not is_model_id(model_id):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    pairs = (items.settings_key(), items.model_key(model_id), tiers_down_key())
    gets = [{"Get": {"TableName": deps.tables.catalogue, "Key": schema.primary_key(pair)}} for pair in pairs]
    responses = deps.send("TransactGetItems", {"TransactItems": gets})["Responses"]
    settings, model, down = (response.get("Item") for response in responses)
    listing = None if model is None else listed_model_of(model)
    return _State(currency_of(settings), listing, tiers_down_of(down))


def _check(state: _State, offer: Offer) -> None:
    model = offer.model
    if state.listing is not None and state.listing.model.kind is not model.kind:
        message = f"kind is {state.listing.model.kind.value} for good: subscriptions to this model count in its unit."
        raise invalid("kind", message)
    if state.currency is not None:
        require_currency(state.currency, offer.currency)
    for index, (tier, said) in enumerate(offer.said_available):
        available = (model.model_id, tier) not in state.down.pairs
        if said not in (None, available):
            now = str(available).lower()
            raise invalid(f"tiers[{index}].available", f"available is {now} now: the availability call changes it.")


def _tier_of(name: str) -> Tier:
    try:
        return Tier(name)
    except ValueError:
        raise invalid("tier", f"tier must be one of {', '.join(Tier)}.") from None
