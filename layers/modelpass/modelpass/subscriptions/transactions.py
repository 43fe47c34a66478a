"""Purchase, renewal and expiry as one DynamoDB transaction each. Rule: pure; each is carried out in full or not at all.

A purchase or a renewal takes the account's place and writes the subscription, every entitlement, the term as it is sold
and the event. A renewal also removes the key from every entitlement of the old term, so that no machine grants on them,
whatever its clock says. What is written one entitlement at a time is in `revocations`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.entitlements import accounting
from modelpass.entitlements import items as entitlement_items
from modelpass.entitlements.model import Entitlement, EntitlementId, Limits
from modelpass.entitlements.updates import remove_key
from modelpass.entitlements.windows import segment_at
from modelpass.schema import number, text
from modelpass.subscriptions import events, items, rules, slots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Slot, Subscription


def purchase(tables: Tables, subscription: Subscription, slot: Slot | None, now_ms: int) -> Request:
    """The transaction of a purchase.

    It fails with `ConditionFailedError` when the subscription exists already, or the place is not `slot` any more.
    """
    place = slots.bought(slot, subscription, rules.purchases_today(slot, now_ms) + 1, now_ms)
    row = items.subscription_item(subscription, tables.version)
    actions = [
        # The id follows from the Idempotency-Key, so a repeat finds that the first call has written this row.
        {"Put": schema.put_if_absent(tables.subscriptions, row)},
        *slots.write(tables, subscription.account_id, slot, place, now_ms),
        {"Put": _list_entry(tables, subscription, place)},
        *_new_entitlements(tables, subscription),
        {"Put": _sold_term(tables, subscription)},
        {"Put": events.purchased(tables, subscription)},
    ]
    return {"TransactItems": actions}


def renew(
    tables: Tables,
    old: Subscription,
    new: Subscription,
    slot: Slot | None,
    now_ms: int,
    keyed: Sequence[EntitlementId] | None = None,
) -> Request:
    """The transaction of a renewal: new entitlements, no key for those of the old term, the account's place taken.

    `keyed` are those of the old term that can be written: all of them, unless it says otherwise. It fails with
    `ConditionFailedError` when another term was begun, the subscription was cancelled, the place is not `slot` any
    more, or one of `keyed` cannot be written. The end of the old term is announced in it unless that was done before.
    """
    place = slots.renewed(slot, new)
    actions = [
        {"Update": _begin_term(tables, old, new)},
        *slots.write(tables, new.account_id, slot, place, now_ms),
        *_new_entitlements(tables, new),
        *({"Update": remove_key(tables, e)} for e in (old.entitlement_ids() if keyed is None else keyed)),
        {"Put": _sold_term(tables, new)},
        {"Put": events.renewed(tables, new, now_ms)},
    ]
    if old.due_at_ms is not None:
        actions.append({"Put": events.expired(tables, old)})
    return {"TransactItems": actions}


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
    )


def _list_entry(tables: Tables, subscription: Subscription, place: Slot) -> Request:
    """The entry in the account's list of subscriptions, whose key keeps the order of purchase."""
    at_ms, account_id = subscription.created_at_ms, subscription.account_id
    pair = items.bought_key(account_id, at_ms, place.revision, subscription.id)
    entry = {**schema.primary_key(pair), "v": number(tables.version), "id": text(subscription.id)}
    return schema.put_if_absent(tables.subscriptions, entry)


def _begin_term(tables: Tables, old: Subscription, new: Subscription) -> Request:
    item = items.subscription_item(new)
    changed = ("tn", "st", "xa", "kh", "kt", "cu", "ms", "rd", "rb", "dp", "da")
    written = [n for n in changed if n in item]
    # The Idempotency-Key and the body of an earlier renewal must not count as a repeat of this one.
    removed = ["kp", *(n for n in ("rd", "rb") if n not in item)]
    update = "SET " + ", ".join(f"#{n} = :{n}" for n in written) + " REMOVE " + ", ".join(f"#{n}" for n in removed)
    return {
        "TableName": tables.subscriptions,
        "Key": schema.primary_key(items.subscription_key(new.id)),
        # The term is the one that was read and has ended, and nobody has cancelled it or begun to. If its end was not
        # announced when it was read, nobody has announced it since, for this transaction does.
        "ConditionExpression": f"{schema.UNDERSTOOD} AND #tn = :old AND #xa <= :st"
        " AND attribute_not_exists(#xc) AND attribute_not_exists(#xi)"
        + (" AND attribute_exists(#dp)" if old.due_at_ms is not None else ""),
        "UpdateExpression": update,
        "ExpressionAttributeNames": {f"#{n}": n for n in ("v", *changed, "xc", "xi", "kp")},
        "ExpressionAttributeValues": {
            **{f":{n}": item[n] for n in written},
            **schema.understood(),
            ":old": number(old.term_number),
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _sold_term(tables: Tables, subscription: Subscription) -> Request:
    """The row of the term that begins, with what it is sold for; it is never changed."""
    row = items.term_row(subscription.id, subscription.sold_term(), tables.version)
    return schema.put_if_absent(tables.history, row)
