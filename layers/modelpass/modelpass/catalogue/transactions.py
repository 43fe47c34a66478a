"""The writes of operators to the catalogue, as DynamoDB requests. Rule: pure; every write is guarded and repeatable.

Nothing is sent from here, and sending a request again does no harm. A model is replaced as a whole, in one transaction
that also guards the catalogue's currency, so that there is never a second currency. Which tiers are down is said by
two items (`tier_items`): each change raises their revision and is one transaction of both with its event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import schema
from modelpass.catalogue import items, tier_items
from modelpass.catalogue.tiers import entry_of
from modelpass.outbox import EventType, Moment, Subject, put
from modelpass.schema import number, text

if TYPE_CHECKING:
    from modelpass.catalogue.model import CatalogueModel
    from modelpass.catalogue.tier_items import StoredTiers
    from modelpass.catalogue.tiers import Tier
    from modelpass.schema import Request, Tables


class TierAvailability(NamedTuple):
    """What an operator wants of a tier of a model: that it is available or not, and for which reason."""

    model_id: str
    tier: Tier
    available: bool
    reason: str | None


def put_model(tables: Tables, model: CatalogueModel, currency: str, ever: frozenset[Tier]) -> Request:
    """Offer a model exactly as given, from now on; `ever` holds the tiers it was offered in before."""
    stored = items.model_attributes(model)
    sets = ", ".join(f"#{name} = :{name}" for name in stored)
    update = {
        "TableName": tables.catalogue,
        "Key": schema.primary_key(items.model_key(model.model_id)),
        # The model is new or keeps its kind: subscriptions to it count in the unit of that kind.
        "ConditionExpression": f"attribute_not_exists(#pk) OR ({schema.UNDERSTOOD} AND #kind = :kind)",
        "UpdateExpression": f"SET #v = if_not_exists(#v, :new), {sets} ADD #ever :ever REMOVE #withdrawn",
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", "v", *stored, "ever", "withdrawn")},
        "ExpressionAttributeValues": {
            **{f":{name}": value for name, value in stored.items()},
            **schema.understood(),
            ":new": number(tables.version),
            ":ever": {"SS": sorted({*ever, *model.tiers})},
        },
    }
    return {"TransactItems": [{"Update": _keep_currency(tables, currency)}, {"Update": update}]}


def withdraw_model(table: str, model_id: str, now_ms: int) -> Request:
    """Offer a model no longer: it gets a mark and stays stored. Withdrawn again, it keeps its first mark."""
    return {
        "TableName": table,
        "Key": schema.primary_key(items.model_key(model_id)),
        # The model is stored, in a version that is understood: a model that was never offered cannot be withdrawn.
        "ConditionExpression": schema.UNDERSTOOD,
        "UpdateExpression": "SET #withdrawn = if_not_exists(#withdrawn, :now)",
        "ExpressionAttributeNames": {"#v": "v", "#withdrawn": "withdrawn"},
        "ExpressionAttributeValues": {**schema.understood(), ":now": number(now_ms)},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def set_tier_availability(tables: Tables, stored: StoredTiers, turn: TierAvailability, now_ms: int) -> Request:
    """Take a tier down or bring it back, with its event; `stored` is what was read before.

    Nobody has changed any tier since: of two who take the same one down, only one writes the event.
    """
    entries, entry = stored.truth().entries, frozenset({entry_of(turn.model_id, turn.tier)})
    updates = tier_items.writes(tables, stored, entries - entry if turn.available else entries | entry)
    event = _availability_event(tables, turn, stored.next_revision(), now_ms)
    return {"TransactItems": [*({"Update": update} for update in updates), {"Put": event}]}


def mend_tiers(tables: Tables, stored: StoredTiers) -> Request:
    """Let both items that name the tiers that are down say what is so already; nothing happens that is told."""
    updates = tier_items.writes(tables, stored, stored.truth().entries)
    return {"TransactItems": [{"Update": update} for update in updates]}


def _keep_currency(tables: Tables, currency: str) -> Request:
    return {
        "TableName": tables.catalogue,
        "Key": schema.primary_key(items.settings_key()),
        # The first model sets the currency; every other model has the same.
        "ConditionExpression": f"attribute_not_exists(#pk) OR ({schema.UNDERSTOOD} AND #currency = :currency)",
        "UpdateExpression": "SET #v = if_not_exists(#v, :new), #currency = :currency",
        "ExpressionAttributeNames": {"#pk": "pk", "#v": "v", "#currency": "currency"},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":new": number(tables.version),
            ":currency": text(currency),
        },
    }


def _availability_event(tables: Tables, turn: TierAvailability, revision: int, at_ms: int) -> Request:
    data = {"modelId": turn.model_id, "channelTier": turn.tier.value}
    if turn.reason is not None:
        data["reason"] = turn.reason
    kind = EventType.TIER_UP if turn.available else EventType.TIER_DOWN
    subject = Subject(f"model#{turn.model_id}", None)
    return put(tables, kind, subject, Moment(at_ms, revision), data, (turn.tier, str(revision)))
