"""Rows of the history table. Rule: written only in a transaction with the item that they belong to.

Closed days and month windows, a ticket for each hold that was reclaimed before it was settled, and each term as it
was sold.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import api_keys, schema
from modelpass.entitlements import items
from modelpass.entitlements.model import SETTLE_GRACE_MS, EntitlementId
from modelpass.schema import number, text
from modelpass.subscriptions import items as subscription_items
from modelpass.times import DAY_MS, MS_PER_SECOND

if TYPE_CHECKING:
    from modelpass.entitlements.change import Correction, DayRow, MonthRow
    from modelpass.entitlements.model import Entitlement, Hold, Subscription
    from modelpass.schema import Request, Tables

TICKET_KEPT_MS: Final = SETTLE_GRACE_MS + DAY_MS
_NEVER_NEGATIVE: Final = ("units", "used")


def sold_term(tables: Tables, subscription: Subscription) -> Request:
    """The term that begins, and what it is sold for."""
    return {
        "TableName": tables.history,
        "Item": subscription_items.term_row(subscription.id, subscription.sold_term(), tables.version),
        # A term is sold once; its row is never written again.
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def ticket(tables: Tables, entitlement: Entitlement, hold: Hold) -> Request:
    """What stands for a reclaimed hold until it is settled or no settle is accepted any more."""
    kept_until_ms = entitlement.expires_at_ms + TICKET_KEPT_MS
    return {
        "TableName": tables.history,
        "Item": {
            **schema.primary_key(api_keys.ticket_key(entitlement.id, hold)),
            "v": number(tables.version),
            "hold": text(items.pack_hold(hold)),
            "ttl": number(kept_until_ms // MS_PER_SECOND),
        },
        # A hold is reclaimed once.
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def spent_ticket(tables: Tables, entitlement: Entitlement, hold: Hold) -> Request:
    """The end of a ticket: its hold is settled."""
    return {
        "TableName": tables.history,
        "Key": schema.primary_key(api_keys.ticket_key(entitlement.id, hold)),
        # Of two late settles one finds the ticket.
        "ConditionExpression": schema.UNDERSTOOD,
        "ExpressionAttributeNames": {"#v": "v"},
        "ExpressionAttributeValues": schema.understood(),
    }


def add_to_day(tables: Tables, entitlement: Entitlement, row: DayRow) -> Request:
    """Add to a closed day."""
    deltas = {"calls": (0, row.calls), "units": (0, row.units)}
    return _add_to_row(tables, api_keys.day_key(entitlement.id, row.day), deltas)


def add_to_month(tables: Tables, entitlement: Entitlement, row: MonthRow) -> Request:
    """Add to a closed month window, in which all of the cap is left until something is added."""
    cap = entitlement.limits.monthly_cap
    deltas = {
        "cap": (cap, 0),
        "left": (cap, row.left),
        "held": (0, row.held),
        "used": (0, row.used),
    }
    return _add_to_row(tables, api_keys.month_key(entitlement.id, row.month), deltas)


def correction(tables: Tables, entitlement: EntitlementId, made: Correction) -> Request:
    """The record of a correction, by which a repeat is recognised."""
    return {
        "TableName": tables.history,
        "Item": {
            **schema.primary_key(api_keys.correction_key(entitlement.subscription_id, made.key)),
            "v": number(tables.version),
            "body": schema.binary(made.body),
            "nonce": schema.binary(made.nonce),
            "operator": text(made.operator),
            "modelId": text(entitlement.model_id),
            "term": number(entitlement.term_number),
            "units": number(made.units),
            "at": number(made.at_ms),
            "reason": text(made.reason),
            "madeAt": number(made.made_at_ms),
        },
        # Each Idempotency-Key corrects once.
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def corrected(record: schema.Item) -> EntitlementId:
    """What a record of a correction corrected."""
    return EntitlementId(record["pk"]["S"], int(record["term"]["N"]), record["modelId"]["S"])


def _add_to_row(tables: Tables, pair: tuple[str, str], deltas: dict[str, tuple[int, int]]) -> Request:
    """Add to a row, which is made here when nothing had happened in its window before.

    The guard against adding twice is the entitlement's in the same transaction: its segment, or a hold's value.
    """
    names = {f"#{name}": name for name in ("v", *deltas)}
    values: Request = {**schema.understood(), ":new": number(tables.version)}
    sets = ["#v = if_not_exists(#v, :new)"]
    for name, (initial, delta) in deltas.items():
        values[f":i_{name}"], values[f":d_{name}"] = number(initial), number(delta)
        sets.append(f"#{name} = if_not_exists(#{name}, :i_{name}) + :d_{name}")
    taken = next((name for name in _NEVER_NEGATIVE if deltas.get(name, (0, 0))[1] < 0), None)
    if taken is None:
        condition = f"attribute_not_exists(#pk) OR {schema.UNDERSTOOD}"
        names["#pk"] = "pk"
    else:  # no more is taken from what was used than is there
        condition = f"{schema.UNDERSTOOD} AND #{taken} >= :least"
        values[":least"] = number(-deltas[taken][1])
    return {
        "TableName": tables.history,
        "Key": schema.primary_key(pair),
        "ConditionExpression": condition,
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def days(table: str, subscription_id: str, first: str, last: str) -> Request:
    """The query for a subscription's closed days, of every term and model."""
    pk, low, high = api_keys.days_between(subscription_id, first, last)
    values = {":pk": text(pk), ":low": text(low), ":high": text(high)}
    return _query(table, "#pk = :pk AND #sk BETWEEN :low AND :high", values)


def sold_terms(table: str, subscription_id: str) -> Request:
    """The query for a subscription's terms, in the order they were sold."""
    pk, prefix = api_keys.terms_of(subscription_id)
    return _query(table, "#pk = :pk AND begins_with(#sk, :prefix)", {":pk": text(pk), ":prefix": text(prefix)})


def _query(table: str, condition: str, values: schema.Item) -> Request:
    return {
        "TableName": table,
        "KeyConditionExpression": condition,
        "ExpressionAttributeNames": {"#pk": "pk", "#sk": "sk"},
        "ExpressionAttributeValues": values,
        "ConsistentRead": True,
    }
