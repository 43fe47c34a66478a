"""What operators do to the catalogue -> DynamoDB request. Rule: every write is guarded, and safe to send again.

A model is replaced as a whole, in one transaction with the catalogue's currency, so that there is never a second one.
Which tiers are down is one small item; each change of it counts its revision, and is one transaction with its event.
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

_NEVER_TURNED: Final = f"attribute_not_exists(#pk) OR ({schema.UNDERSTOOD} AND attribute_not_exists(#rev))"


class TierTurn(NamedTuple):
    """A tier of a model that is taken down or brought back, and why."""

    model_id: str
    tier: Tier
    available: bool
    reason: str | None


def put_model(tables: Tables, model: CatalogueModel, currency: str, ever: frozenset[Tier]) -> Request:
    """Offer a model just so, from now on; `ever` are the tiers it was offered in before."""
    stored = items.model_attributes(model)
    sets = ", ".join(f"#{name} = :{name}" for name in stored)
    update = {
        "TableName": tables.catalogue,
        "Key": schema.primary_key(items.model_key(model.model_id)),
        # New, or of the same kind as ever: subscriptions to it count in its unit.
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
    """Offer a model no longer; a mark, so that it is still known."""
    return {
        "TableName": table,
        "Key": schema.primary_key(items.model_key(model_id)),
        # There is nothing to withdraw of a model that was never there.
        "ConditionExpression": schema.UNDERSTOOD,
        "UpdateExpression": "SET #withdrawn = if_not_exists(#withdrawn, :now)",
        "ExpressionAttributeNames": {"#v": "v", "#withdrawn": "withdrawn"},
        "ExpressionAttributeValues": {**schema.understood(), ":now": number(now_ms)},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def turn_tier(tables: Tables, down: TiersDown, turn: TierTurn, now_ms: int) -> Request:
    """Take a tier down or bring it back, and tell so; `down` is as it was read."""
    revision = down.revision + 1
    update = {
        "TableName": tables.catalogue,
        "Key": schema.primary_key(tiers_down_key()),
        # Nobody changed any tier since it was read: of two that take the same one down, one tells so.
        "ConditionExpression": f"{schema.UNDERSTOOD} AND #rev = :was" if down.revision else _NEVER_TURNED,
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
    return {"TransactItems": [{"Update": update}, {"Put": tier_turned(tables, turn, revision, now_ms)}]}


def _keep_currency(tables: Tables, currency: str) -> Request:
    return {
        "TableName": tables.catalogue,
        "Key": schema.primary_key(items.settings_key()),
        # The first model brings the currency; all others have the same.
        "ConditionExpression": f"attribute_not_exists(#pk) OR ({schema.UNDERSTOOD} AND #currency = :currency)",
        "UpdateExpression": "SET #v = if_not_exists(#v, :new), #currency = :currency",
        "ExpressionAttributeNames": {"#pk": "pk", "#v": "v", "#currency": "currency"},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":new": number(tables.version),
            ":currency": text(currency),
        },
    }


def tier_turned(tables: Tables, turn: TierTurn, revision: int, at_ms: int) -> Request:
    """A tier was taken down or brought back, by that change of what is down."""
    data = {"modelId": turn.model_id, "channelTier": turn.tier.value}
    if turn.reason is not None:
        data["reason"] = turn.reason
    kind = EventType.TIER_UP if turn.available else EventType.TIER_DOWN
    subject = Subject(model_subject(turn.model_id), None)
    return put(tables, kind, subject, Moment(at_ms, revision), data, (turn.tier, str(revision)))


def model_subject(model_id: str) -> str:
    """Events table: a model, as the subject of what is told of it."""
    return f"model#{model_id}"
