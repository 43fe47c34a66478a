"""A sale of any kind, and expiry, as one DynamoDB transaction each. Rule: pure; carried out in full or not at all.

A sale writes the subscription's row, the account's place, the order and what its kind changes (`sales`). A renewal also
removes the key from every entitlement of the old term, so that no machine grants on them, whatever its clock says. What
is written one entitlement at a time is in `revocations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass import schema
from modelpass.entitlements import accounting
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import Entitlement, EntitlementId, Limits
from modelpass.entitlements.updates import remove_key
from modelpass.entitlements.windows import segment_at
from modelpass.schema import number, text
from modelpass.subscriptions import events, items, order_items, row_writes, slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Order
    from modelpass.subscriptions.sales.kinds import Effect


class SaleWritten(NamedTuple):
    """What one sale writes: `stored` and `slot` as they were read, and the effect, its row and place complete.

    `stored` is None for a purchase. `mark` tells a repeat of the call; a purchase needs none, for its row does.
    `waited` is the order as it waited until now, where that is what ends.
    """

    stored: Subscription | None
    slot: Slot | None
    effect: Effect
    order: Order
    mark: Request | None
    now_ms: int
    waited: Order | None = None


def sale(tables: Tables, written: SaleWritten, retired: Sequence[EntitlementId]) -> Request:
    """The transaction of a sale, of which `retired` are the entitlements that lose their key.

    It fails with `ConditionFailedError` when the row or the place is not as it was read any more, when the call was
    carried out before, or when one of `retired` cannot be written.
    """
    row, place, actions, _ = written.effect
    bought = [{"Put": _list_entry(tables, row, place)}] if written.stored is None else []
    return {
        "TransactItems": [
            _row(tables, written.stored, row),
            *slots.write(tables, row.account_id, written.slot, place, written.now_ms),
            *bought,
            *actions,
            *({"Update": remove_key(tables, entitlement)} for entitlement in retired),
            *_order(tables, written),
            *([] if written.mark is None else [written.mark]),
        ]
    }


def _order(tables: Tables, written: SaleWritten) -> list[Request]:
    if written.waited is None:
        return order_items.put_order(tables, written.order)
    return [order_items.end_order(tables, written.order)]


def begun_term(tables: Tables, subscription: Subscription) -> list[Request]:
    """The actions that write what a new term has: its entitlements, unused, and its row in the history."""
    sold = items.term_row(subscription.id, subscription.sold_term(), tables.version)
    return [*_new_entitlements(tables, subscription), {"Put": schema.put_if_absent(tables.history, sold)}]


def lengthen_sold_term(tables: Tables, old: Subscription, new: Subscription) -> Request:
    """The update of the history's row of a term that goes on from `old` to `new`: its months and its end.

    What the term began with stays as it is. Where the row is missing, it is made of what is known. Of two writers, the
    guard of the subscription's row lets one through.
    """
    sold = old.sold_term()._replace(sold_months=old.months_to_renew)
    known = items.term_row(old.id, sold, tables.version)
    moved = {"mo": number(new.term.months), "xa": number(new.expires_at_ms)}
    kept = {name: value for name, value in known.items() if name not in ("pk", "sk", *moved)}
    sets = [*(f"#{n} = :new_{n}" for n in moved), *(f"#{n} = if_not_exists(#{n}, :new_{n})" for n in kept)]
    return {
        "TableName": tables.history,
        "Key": schema.primary_key(items.term_key(old.id, old.term_number)),
        "ConditionExpression": f"attribute_not_exists(#pk) OR {schema.UNDERSTOOD}",
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", *moved, *kept)},
        "ExpressionAttributeValues": {
            **schema.understood(),
            **{f":new_{name}": value for name, value in {**moved, **kept}.items()},
        },
    }


def expire(tables: Tables, subscription: Subscription) -> Request:
    """The transaction that announces, once, that a term has ended; no decision depends on it.

    A new key that was still on its way has no work left: no key of a term that has ended is good.

    It fails with `ConditionFailedError` when the end was announced already, or another term was begun.
    """
    pair = items.subscription_key(subscription.id)
    update = {
        "TableName": tables.subscriptions,
        "Key": schema.primary_key(pair),
        # The end of this term was not announced yet, by an earlier or a parallel run, or by a renewal.
        "ConditionExpression": f"{schema.UNDERSTOOD} AND #tn = :tn AND #da = :da",
        "UpdateExpression": "REMOVE #dp, #da, #kp",
        "ExpressionAttributeNames": {"#v": "v", "#tn": "tn", "#da": "da", "#dp": "dp", "#kp": "kp"},
        "ExpressionAttributeValues": {
            **schema.understood(),
            ":tn": number(subscription.term_number),
            ":da": number(subscription.due_at_ms or 0),
        },
    }
    put = events.expired(tables, subscription)
    return {"TransactItems": [{"Update": update}, {"Put": put}]}


def _new_entitlements(tables: Tables, subscription: Subscription) -> list[Request]:
    made = [_new_entitlement(subscription, limits) for limits in subscription.models]
    stored = [entitlement_items.entitlement_item(entitlement, tables.version) for entitlement in made]
    return [{"Put": schema.put_if_absent(tables.entitlements, item)} for item in stored]


def _new_entitlement(subscription: Subscription, limits: Limits) -> Entitlement:
    """An entitlement of a term that just began: unused, so it is not due for the reset."""
    segment = segment_at(subscription.term, subscription.term.starts_at_ms)
    return Entitlement(
        id=EntitlementId(subscription.id, subscription.term_number, limits.model_id),
        account_id=subscription.account_id,
        limits=limits,
        term=subscription.term,
        key_hash=subscription.key_hash,
        cancelled_at_ms=None,
        day_start_ms=segment.day_start_ms,
        month_start_ms=segment.month_start_ms,
        segment_end_ms=segment.end_ms,
        day=segment.day,
        month=segment.month,
        counters=accounting.fresh_counters(limits),
        holds={},
        tickets=0,
        announced=frozenset(),
        lapses=0,
        due_at_ms=None,
        change_number=subscription.change_number,
    )


def _list_entry(tables: Tables, subscription: Subscription, place: Slot) -> Request:
    """The entry in the account's list of subscriptions, whose key keeps the order of purchase."""
    at_ms, account_id = subscription.created_at_ms, subscription.account_id
    pair = items.bought_key(account_id, at_ms, place.revision, subscription.id)
    entry = {**schema.primary_key(pair), "v": number(tables.version), "id": text(subscription.id)}
    return schema.put_if_absent(tables.subscriptions, entry)


def _row(tables: Tables, stored: Subscription | None, row: Subscription) -> Request:
    if stored is not None:
        return {"Update": row_writes.change_row(tables, stored, row)}
    # The id follows from the Idempotency-Key, so a repeat finds that the first call has written this row.
    return {"Put": schema.put_if_absent(tables.subscriptions, items.subscription_item(row, tables.version))}
