"""The writes of operators to the catalogue, as DynamoDB requests. Rule: pure; every write is guarded and repeatable.

Nothing is sent from here, and sending a request again does no harm. A model is replaced as a whole, in one transaction
that also guards the catalogue's currency, so that there is never a second currency. Which tiers are down is one small
item: each change of it raises its revision and is one transaction with its event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass import schema
from modelpass.catalogue import items
from modelpass.catalogue.tiers import tiers_down_key
from modelpass.outbox import EventType, Moment, Subject, put
from modelpass.schema import number, text

if TYPE_CHECKING:
    from modelpass.catalogue.model import CatalogueModel
    from modelpass.catalogue.tiers import Tier, TiersDown
    from modelpass.schema import Request, Tables

# No tier was ever taken down, or only in version 1, which did not count the changes.
_NEVER_COUNTED: Final = f"attribute_not_exists(#pk) OR ({schema.UNDERSTOOD} AND attribute_not_exists(#rev))"


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


def set_tier_availability(tables: Tables, down: TiersDown, turn: TierAvailability, now_ms: int) -> Request:
    """Take a tier down or bring it back, with its event; `down` is what was read before."""
    revision = down.revision + 1
    update = {
        "TableName": tables.catalogue,
        "Key": schema.primary_key(tiers_down_key()),
        # Nobody has changed any tier since it was read: of two who take the same one down, only one writes the event.
        "ConditionExpression": f"{schema.UNDERSTOOD} AND #rev = :was" if down.revision else _NEVER_COUNTED,
        "UpdateExpression": "SET #v = if_not_exists(#v, :new), #rev = :rev "
        f"{'DELETE' if turn.available else 'ADD'} #tiers :pair",
        "ExpressionAttributeNames": {
            **{f"#{name}": name for name in ("v", "rev", "tiers")},
            **({} if down.revision else {"#pk": "pk"}),
        },
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":new": number(tables.version),
            ":rev": number(revision),
            ":pair": {"SS": [f"{turn.model_id}#{turn.tier.value}"]},
            **({":was": number(down.revision)} if down.revision else {}),
        },
    }
    return {"TransactItems": [{"Update": update}, {"Put": _availability_event(tables, turn, revision, now_ms)}]}


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
