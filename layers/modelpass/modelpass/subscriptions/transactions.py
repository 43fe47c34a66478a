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
from modelpass.subscriptions.model import FOREVER

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
    row, place, actions, *_ = written.effect
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
    """The update of the history's row of a term that goes on from `old` to `new`: its months and its end."""
    return _change_sold_term(tables, old, {"mo": number(new.term.months), "xa": number(new.expires_at_ms)}, {})


def new_lines(tables: Tables, old: Subscription, new: Subscription, now_ms: int) -> list[Request]:
    """The actions that write the lines of `new` that `old` has not: their entitlements, and the history's row."""
    had = {limits.model_id for limits in old.models}
    lines = [limits for limits in new.models if limits.model_id not in had]
    if not lines:
        return []
    begun = [_begin_line(tables, new, limits, now_ms) for limits in lines]
    return [
        {"Update": update} for update in (*begun, _change_sold_term(tables, old, {}, {"am": items.added_models(lines)}))
    ]


def _begin_line(tables: Tables, row: Subscription, limits: Limits, now_ms: int) -> Request:
    """Make the entitlement of a line that is new in the term, or let that go on which it had before.

    Of one that is there, only the key and the stop become those of the row: its counters go on, and its limits are
    brought to the row by the number of the change.
    """
    made = _new_entitlement(row, limits, now_ms)
    item = entitlement_items.entitlement_item(made, tables.version)
    kept = {name: value for name, value in item.items() if name not in ("pk", "kh", "v")}
    written = {"v": item["v"], "kh": schema.binary(row.key_hash), "kg": number(row.key_generation)}
    if row.suspension is not None:
        written |= {"xc": number(row.suspension.at_ms), "xs": number(1)}
    sets = [f"#{name} = if_not_exists(#{name}, :new_{name})" for name in kept]
    sets += [f"#{name} = :new_{name}" for name in written]
    removes = [] if row.suspension else ["xc", "xs"]
    remove = " REMOVE " + ", ".join(f"#{name}" for name in removes) if removes else ""
    return {
        "TableName": tables.entitlements,
        "Key": entitlement_items.entitlement_key(made.id),
        # There is none, or one of a version that may be changed; the row tells that the subscription was not cancelled.
        "ConditionExpression": f"attribute_not_exists(#pk) OR {schema.UNDERSTOOD}",
        "UpdateExpression": "SET " + ", ".join(sets) + remove,
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", *kept, *written, *removes)},
        "ExpressionAttributeValues": {
            **schema.understood(),
            **{f":new_{name}": value for name, value in {**kept, **written}.items()},
        },
    }


def _change_sold_term(tables: Tables, old: Subscription, moved: schema.Item, added: schema.Item) -> Request:
    """The update of the history's row of the current term; what is added goes to a set.

    What the term began with stays as it is. Where the row is missing, it is made of what is known. Of two writers, the
    guard of the subscription's row lets one through.
    """
    sold = old.sold_term()._replace(sold_months=old.months_to_renew)
    known = items.term_row(old.id, sold, tables.version)
    kept = {name: value for name, value in known.items() if name not in ("pk", "sk", *moved)}
    sets = [*(f"#{n} = :new_{n}" for n in moved), *(f"#{n} = if_not_exists(#{n}, :new_{n})" for n in kept)]
    adds = " ADD " + ", ".join(f"#{n} :new_{n}" for n in added) if added else ""
    return {
        "TableName": tables.history,
        "Key": schema.primary_key(items.term_key(old.id, old.term_number)),
        "ConditionExpression": f"attribute_not_exists(#pk) OR {schema.UNDERSTOOD}",
        "UpdateExpression": "SET " + ", ".join(sets) + adds,
        "ExpressionAttributeNames": {f"#{name}": name for name in ("pk", *moved, *kept, *added)},
        "ExpressionAttributeValues": {
            **schema.understood(),
            **{f":new_{name}": value for name, value in {**moved, **kept, **added}.items()},
        },
    }


def end_term(tables: Tables, stored: Subscription, ended: Subscription, slot: Slot | None, now_ms: int) -> Request:
    """The transaction that announces, once, that a term has ended, and frees the place that did not free itself.

    It fails with `ConditionFailedError` when the row or the place is not as it was read any more.
    """
    actions = [{"Update": row_writes.change_row(tables, stored, ended)}, {"Put": events.expired(tables, stored)}]
    if slot is not None and slots.is_held_by(slot, stored) and slot.until_ms == FOREVER:
        actions += slots.write(tables, stored.account_id, slot, slots.freed(slot), now_ms)
    return {"TransactItems": actions}


def _new_entitlements(tables: Tables, subscription: Subscription) -> list[Request]:
    starts_at_ms = subscription.term.starts_at_ms
    made = [_new_entitlement(subscription, limits, starts_at_ms) for limits in subscription.models]
    stored = [entitlement_items.entitlement_item(entitlement, tables.version) for entitlement in made]
    return [{"Put": schema.put_if_absent(tables.entitlements, item)} for item in stored]


def _new_entitlement(subscription: Subscription, limits: Limits, at_ms: int) -> Entitlement:
    """An entitlement that begins in the windows of an instant: unused, so it is not due for the reset."""
    segment = segment_at(subscription.term, at_ms)
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
