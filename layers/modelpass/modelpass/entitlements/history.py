"""The rows of an entitlement in the history table: their keys, writes and query. Rule: pure; written with the item.

These are closed days and month windows, a ticket for each hold that was reclaimed before it was settled, and the record
of each correction. All are written in a transaction with their entitlement, whose guards hold for them too. Terms as
they were sold stand in the same table; they are in `subscriptions.items`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.entitlements import authorization_ids, items
from modelpass.entitlements.items import entitlement_pk
from modelpass.entitlements.model import SETTLE_MOST_MS, EntitlementId, Hold
from modelpass.schema import consistent_range_query, number, text
from modelpass.times import DAY_MS, MS_PER_SECOND

if TYPE_CHECKING:
    from modelpass.entitlements.change import Correction, DayRow, MonthRow
    from modelpass.entitlements.model import Entitlement
    from modelpass.schema import Request, Tables

TICKET_PREFIX: Final = "hold#"
"""How the sort key of a ticket begins."""
TICKET_KEPT_MS: Final = SETTLE_MOST_MS + DAY_MS
"""How long after the grant a ticket is kept: a day longer than settles are accepted, wherever the term ends by then."""
_NEVER_NEGATIVE: Final = ("calls", "units", "used")


def add_to_day(tables: Tables, entitlement: Entitlement, row: DayRow) -> Request:
    """Add to the figures of a closed day; fails when more calls or units are taken away than are there.

    So it does when the day would have more than `most_calls`.
    """
    deltas = {"calls": (0, row.calls), "units": (0, row.units)}
    request = _add_to_row(tables, day_key(entitlement.id, row.day), deltas)
    if row.calls > 0 and row.most_calls is not None:
        bounded = "(attribute_not_exists(#calls) OR #calls <= :room)"
        request["ConditionExpression"] = f"({request['ConditionExpression']}) AND {bounded}"
        request["ExpressionAttributeValues"][":room"] = number(row.most_calls - row.calls)
    return request


def add_to_month(tables: Tables, entitlement: Entitlement, row: MonthRow) -> Request:
    """Add to the figures of a closed month window; fails when more is taken away from what was used than is there.

    A row keeps the cap and the top-ups that its month had; one that lacks `topUp` had none.
    """
    cap = entitlement.limits.monthly_cap
    deltas = {
        "cap": (cap, 0),
        "left": (cap + row.top_up, row.left),
        "held": (0, row.held),
        "used": (0, row.used),
    }
    if row.top_up:
        deltas["topUp"] = (row.top_up, 0)
    return _add_to_row(tables, month_key(entitlement.id, row.month), deltas)


def ticket(tables: Tables, entitlement: Entitlement, hold: Hold) -> Request:
    """Put the ticket of a reclaimed hold. It stands until the hold is settled, or settles are no longer accepted."""
    kept_until_ms = hold.granted_at_ms + TICKET_KEPT_MS
    row = {
        **schema.primary_key(ticket_key(entitlement.id, hold)),
        "v": number(tables.version),
        "hold": text(items.pack_hold(hold)),
        "ttl": number(kept_until_ms // MS_PER_SECOND),
    }
    return schema.put_if_absent(tables.history, row)  # a hold is reclaimed once


def tickets_of_grant(table: str, entitlement: EntitlementId, hold: Hold) -> Request:
    """The query for the ticket of a hold, or of a later step of the same grant: there is at most one."""
    pk, low = entitlement_pk(entitlement), f"{TICKET_PREFIX}{hold.key}#{authorization_ids.grant_text(hold)}"
    values = {":pk": text(pk), ":low": text(low)}
    return consistent_range_query(table, "#pk = :pk AND begins_with(#sk, :low)", values)


def hold_of_ticket(row: schema.Item) -> Hold:
    """The reclaimed hold that a ticket stands for."""
    schema.require_understood(row)
    return items.unpack_hold(row["sk"]["S"].split("#")[1], row["hold"]["S"])


def spent_ticket(tables: Tables, entitlement: Entitlement, hold: Hold) -> Request:
    """Delete the ticket of a reclaimed hold, which is settled in the same transaction."""
    return {
        "TableName": tables.history,
        "Key": schema.primary_key(ticket_key(entitlement.id, hold)),
        # The ticket is still there: of two settles of the same hold, only one finds it.
        "ConditionExpression": schema.UNDERSTOOD,
        "ExpressionAttributeNames": {"#v": "v"},
        "ExpressionAttributeValues": schema.understood(),
    }


def correction(tables: Tables, entitlement: EntitlementId, made: Correction) -> Request:
    """Put the record of a correction, by which a repeat of it is recognised."""
    row = {
        **schema.primary_key(correction_key(entitlement.subscription_id, made.key)),
        "v": number(tables.version),
        "body": schema.binary(made.body),
        "nonce": schema.binary(made.nonce),
        "operator": text(made.operator),
        "modelId": text(entitlement.model_id),
        "term": number(entitlement.term_number),
        "units": number(made.units),
        "calls": number(made.calls),
        "at": number(made.at_ms),
        "reason": text(made.reason),
        "madeAt": number(made.made_at_ms),
    }
    return schema.put_if_absent(tables.history, row)  # one correction for each Idempotency-Key


def corrected_entitlement(record: schema.Item) -> EntitlementId:
    """The entitlement that was corrected, from the record of the correction."""
    return EntitlementId(record["pk"]["S"], int(record["term"]["N"]), record["modelId"]["S"])


def days_query(table: str, subscription_id: str, first: str, last: str) -> Request:
    """The query for a subscription's closed days of all terms and models, from the first date to the last."""
    pk, low, high = days_between(subscription_id, first, last)
    values = {":pk": text(pk), ":low": text(low), ":high": text(high)}
    return consistent_range_query(table, "#pk = :pk AND #sk BETWEEN :low AND :high", values)


def calls_of_day(row: schema.Item) -> int:
    """The calls of a closed day."""
    schema.require_understood(row)
    return int(row["calls"]["N"])


def day_key(entitlement: EntitlementId, day: str) -> tuple[str, str]:
    """History table: the key of a closed day of one entitlement; days of a subscription sort by date."""
    return (
        entitlement.subscription_id,
        f"day#{day}#{entitlement.term_number}#{entitlement.model_id}",
    )


def days_between(subscription_id: str, first: str, last: str) -> tuple[str, str, str]:
    """History table: the partition of a subscription's closed days, and bounds around the sort keys of a range."""
    return subscription_id, f"day#{first}", f"day#{last}$"  # `$` is the character after `#`


def parse_day_key(pk: str, sk: str) -> tuple[str, EntitlementId]:
    """The day and the entitlement that a `day_key` names."""
    _, day, number, model_id = sk.split("#")
    return day, EntitlementId(pk, int(number), model_id)


def month_key(entitlement: EntitlementId, month: int) -> tuple[str, str]:
    """History table: the key of a closed month window of one entitlement, by its number in the term."""
    suffix = f"{entitlement.term_number}#{month:02d}#{entitlement.model_id}"
    return entitlement.subscription_id, f"month#{suffix}"


def parse_month_key(pk: str, sk: str) -> tuple[EntitlementId, int]:
    """The entitlement and the number of the month window that a `month_key` names."""
    _, number, month, model_id = sk.split("#")
    return EntitlementId(pk, int(number), model_id), int(month)


def correction_key(subscription_id: str, digest: str) -> tuple[str, str]:
    """History table: the key of the record of a correction; `digest` is that of its Idempotency-Key."""
    return subscription_id, f"correction#{digest}"


def ticket_key(entitlement: EntitlementId, hold: Hold) -> tuple[str, str]:
    """History table: the key of the ticket of a reclaimed hold."""
    return entitlement_pk(entitlement), f"{TICKET_PREFIX}{hold.key}#{hold.nonce}"


def _add_to_row(tables: Tables, pair: tuple[str, str], deltas: dict[str, tuple[int, int]]) -> Request:
    """Add to a row, or make it when nothing has happened in its window before.

    `deltas` says for each attribute which figure a new row starts from and what is added. What prevents adding twice is
    the guard of the entitlement in the same transaction: its segment, or the value of a hold.
    """
    names = {f"#{name}": name for name in ("v", *deltas)}
    values: Request = {**schema.understood(), ":new": number(tables.version)}
    sets = ["#v = if_not_exists(#v, :new)"]
    for name, (initial, delta) in deltas.items():
        values[f":i_{name}"], values[f":d_{name}"] = number(initial), number(delta)
        sets.append(f"#{name} = if_not_exists(#{name}, :i_{name}) + :d_{name}")
    taken = {name: -deltas[name][1] for name in _NEVER_NEGATIVE if name in deltas and deltas[name][1] < 0}
    if taken:  # no more is taken away from what was used than is there, and so the row is there
        condition = " AND ".join((schema.UNDERSTOOD, *(f"#{name} >= :least_{name}" for name in taken)))
        values |= {f":least_{name}": number(least) for name, least in taken.items()}
    else:
        condition = f"attribute_not_exists(#pk) OR {schema.UNDERSTOOD}"
        names["#pk"] = "pk"
    return {
        "TableName": tables.history,
        "Key": schema.primary_key(pair),
        "ConditionExpression": condition,
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }
