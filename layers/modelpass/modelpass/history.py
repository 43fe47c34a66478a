"""Rows of the history table. Rule: each is made once or added to, always in a transaction with its entitlement.

Closed days and month windows, and a ticket for each hold that was reclaimed before it was settled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from modelpass import items, keys
from modelpass.items import number, text
from modelpass.model import DAY_MS, MS_PER_SECOND, SETTLE_GRACE_MS

if TYPE_CHECKING:
    from modelpass.changes import DayRow, MonthRow
    from modelpass.model import Entitlement, Hold

Request = dict[str, Any]

TICKET_KEPT_MS: Final = SETTLE_GRACE_MS + DAY_MS
_VERSION: Final = number(items.SCHEMA_VERSION)


def closed_day(table: str, entitlement: Entitlement, row: DayRow) -> Request:
    """A day that closes: one row, made once."""
    return _new_row(
        table,
        {
            **items.key(keys.day_key(entitlement.id, row.day)),
            "v": _VERSION,
            "calls": number(row.calls),
            "units": number(row.units),
        },
    )


def closed_month(table: str, entitlement: Entitlement, row: MonthRow) -> Request:
    """A month window that closes: one row, made once."""
    return _new_row(
        table,
        {
            **items.key(keys.month_key(entitlement.id, row.month)),
            "v": _VERSION,
            "cap": number(entitlement.limits.monthly_cap),
            "left": number(row.left),
            "held": number(row.held),
            "used": number(row.used),
        },
    )


def ticket(table: str, entitlement: Entitlement, hold: Hold) -> Request:
    """What stands for a reclaimed hold until it is settled or no settle is accepted any more."""
    kept_until_ms = entitlement.expires_at_ms + TICKET_KEPT_MS
    return _new_row(
        table,
        {
            **items.key(keys.ticket_key(entitlement.id, hold)),
            "v": _VERSION,
            "hold": text(items.pack_hold(hold)),
            "ttl": number(kept_until_ms // MS_PER_SECOND),
        },
    )


def spent_ticket(table: str, entitlement: Entitlement, hold: Hold) -> Request:
    """The end of a ticket: its hold is settled."""
    return {
        "TableName": table,
        "Key": items.key(keys.ticket_key(entitlement.id, hold)),
        # Of two late settles one finds the ticket.
        "ConditionExpression": "attribute_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def _new_row(table: str, item: items.Item) -> Request:
    return {
        "TableName": table,
        "Item": item,
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def late_day(table: str, entitlement: Entitlement, row: DayRow) -> Request:
    """Add to a closed day."""
    deltas = {"calls": (0, row.calls), "units": (0, row.units)}
    return _late_row(table, keys.day_key(entitlement.id, row.day), deltas)


def late_month(table: str, entitlement: Entitlement, row: MonthRow) -> Request:
    """Add to a closed month window."""
    cap = entitlement.limits.monthly_cap
    deltas = {
        "cap": (cap, 0),
        "left": (cap, row.left),
        "held": (0, row.held),
        "used": (0, row.used),
    }
    return _late_row(table, keys.month_key(entitlement.id, row.month), deltas)


def _late_row(table: str, pair: tuple[str, str], deltas: dict[str, tuple[int, int]]) -> Request:
    """Add to a closed row, which is made here when nothing had happened in its window before.

    The guard is the entitlement's in the same transaction: its segment says that the window is closed.
    """
    names = {f"#{name}": name for name in ("v", *deltas)}
    values: Request = {":v": _VERSION}
    sets = ["#v = :v"]
    for name, (initial, delta) in deltas.items():
        values[f":i_{name}"], values[f":d_{name}"] = number(initial), number(delta)
        sets.append(f"#{name} = if_not_exists(#{name}, :i_{name}) + :d_{name}")
    return {
        "TableName": table,
        "Key": items.key(pair),
        "ConditionExpression": "attribute_not_exists(#v) OR #v = :v",
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
