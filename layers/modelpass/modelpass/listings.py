"""What operators do to the catalogue -> DynamoDB request. Rule: every write is guarded, and safe to send again.

A model is replaced as a whole, in one transaction with the catalogue's currency, so that there is never a second one.
Which tiers are down is one small item; each change of it counts its revision, and is one transaction with its event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass import catalogue, events, items, keys
from modelpass.items import number, text

if TYPE_CHECKING:
    from modelpass.catalogue import CatalogueModel, TiersDown
    from modelpass.events import TierTurn
    from modelpass.writes import Tables

Request = dict[str, Any]

_VERSION: Final = number(items.SCHEMA_VERSION)


def put_model(table: str, model: CatalogueModel, currency: str) -> Request:
    """Offer a model just so, from now on."""
    stored = catalogue.model_attributes(model)
    sets = ", ".join(f"#{name} = :{name}" for name in stored)
    update = {
        "TableName": table,
        "Key": items.key(keys.model_key(model.model_id)),
        # New, or of the same kind as ever: subscriptions to it count in its unit.
        "ConditionExpression": "attribute_not_exists(#id) OR (#v = :v AND #kind = :kind)",
        "UpdateExpression": f"SET {sets} ADD #ever :ever REMOVE #withdrawn",
        "ExpressionAttributeNames": {f"#{name}": name for name in (*stored, "ever", "withdrawn")},
        "ExpressionAttributeValues": {
            **{f":{name}": value for name, value in stored.items()},
            ":ever": {"SS": [tier.value for tier in model.tiers]},
        },
    }
    return {"TransactItems": [{"Update": _keep_currency(table, currency)}, {"Update": update}]}


def withdraw_model(table: str, model_id: str, now_ms: int) -> Request:
    """Offer a model no longer; a mark, so that it is still known."""
    return {
        "TableName": table,
        "Key": items.key(keys.model_key(model_id)),
        # There is nothing to withdraw of a model that was never there.
        "ConditionExpression": "#v = :v",
        "UpdateExpression": "SET #withdrawn = if_not_exists(#withdrawn, :now)",
        "ExpressionAttributeNames": {"#v": "v", "#withdrawn": "withdrawn"},
        "ExpressionAttributeValues": {":v": _VERSION, ":now": number(now_ms)},
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def turn_tier(tables: Tables, down: TiersDown, turn: TierTurn, now_ms: int) -> Request:
    """Take a tier down or bring it back, and tell so; `down` is as it was read."""
    revision = down.revision + 1
    update = {
        "TableName": tables.catalogue,
        "Key": items.key(keys.tiers_down_key()),
        # Nobody changed any tier since it was read: of two that take the same one down, one tells so.
        "ConditionExpression": "#v = :v AND #rev = :was" if down.revision else "attribute_not_exists(#rev)",
        "UpdateExpression": f"SET #v = :v, #rev = :rev {'DELETE' if turn.available else 'ADD'} #tiers :pair",
        "ExpressionAttributeNames": {"#v": "v", "#rev": "rev", "#tiers": "tiers"},
        "ExpressionAttributeValues": {
            ":v": _VERSION,
            ":rev": number(revision),
            ":pair": {"SS": [f"{turn.model_id}#{turn.tier.value}"]},
            **({":was": number(down.revision)} if down.revision else {}),
        },
    }
    put = events.tier_turned(tables.events, turn, revision, now_ms)
    return {"TransactItems": [{"Update": update}, {"Put": put}]}


def _keep_currency(table: str, currency: str) -> Request:
    return {
        "TableName": table,
        "Key": items.key(keys.catalogue_settings_key()),
        # The first model brings the currency; all others have the same.
        "ConditionExpression": "attribute_not_exists(#currency) OR (#v = :v AND #currency = :currency)",
        "UpdateExpression": "SET #v = :v, #currency = :currency",
        "ExpressionAttributeNames": {"#v": "v", "#currency": "currency"},
        "ExpressionAttributeValues": {":v": _VERSION, ":currency": text(currency)},
    }
