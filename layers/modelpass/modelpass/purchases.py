"""Purchase, renewal and expiry -> DynamoDB transaction. Rule: all of it or nothing.

The transaction takes the account's place, writes the subscription, every entitlement, the term as it was sold and the
event. A renewal also takes the key out of every entitlement of the old term, so that no machine, whatever its clock
says, grants on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass import changes, events, history, items, keys, rules
from modelpass.items import number, text
from modelpass.model import DAY_MS, Entitlement, EntitlementId, Limits, Slot, SlotKind, Subscription
from modelpass.windows import segment_at

if TYPE_CHECKING:
    from modelpass.writes import Tables

Request = dict[str, Any]


def purchase(tables: Tables, subscription: Subscription, slot: Slot | None, now_ms: int) -> Request:
    """Buy: the whole subscription and the account's place, or nothing."""
    purchases = rules.purchases_today(slot, now_ms) + 1
    day = max(now_ms // DAY_MS, slot.purchase_day if slot else 0)
    put = {
        "TableName": tables.subscriptions,
        "Item": items.subscription_item(subscription),
        # The id follows from the Idempotency-Key: a repeat meets its first.
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }
    actions = [
        {"Put": put},
        {"Update": _take_place(tables, subscription, slot, (day, purchases), now_ms)},
        *_new_entitlements(tables, subscription),
        {"Put": history.sold_term(tables.history, subscription)},
        {"Put": events.purchased(tables.events, subscription)},
    ]
    return {"TransactItems": actions}


def renew(tables: Tables, old: Subscription, new: Subscription, slot: Slot | None, now_ms: int) -> Request:
    """Begin a new term: new entitlements, the old term's key retired, the account's place taken."""
    day = slot.purchase_day if slot else 0
    count = slot.purchases if slot else 0
    actions = [
        {"Update": _begin_term(tables, old, new)},
        {"Update": _take_place(tables, new, slot, (day, count), now_ms)},
        *_new_entitlements(tables, new),
        *({"Update": _retire_key(tables, e)} for e in old.entitlement_ids()),
        {"Put": history.sold_term(tables.history, new)},
        {"Put": events.renewed(tables.events, new, now_ms)},
    ]
    if old.due_at_ms is not None:
        actions.append({"Put": events.expired(tables.events, old)})
    return {"TransactItems": actions}


def expire(tables: Tables, subscription: Subscription) -> Request:
    """Note once that a term has ended; nothing depends on it but the event."""
    pair = keys.subscription_key(subscription.id)
    update = {
        "TableName": tables.subscriptions,
        "Key": items.key(pair),
        # This term's end was not told yet, by an earlier run, one beside this, or a renewal.
        "ConditionExpression": "#tn = :tn AND #da = :da",
        "UpdateExpression": "REMOVE #dp, #da",
        "ExpressionAttributeNames": {"#tn": "tn", "#da": "da", "#dp": "dp"},
        "ExpressionAttributeValues": {
            ":tn": number(subscription.term_number),
            ":da": number(subscription.due_at_ms or 0),
        },
    }
    put = events.expired(tables.events, subscription)
    return {"TransactItems": [{"Update": update}, {"Put": put}]}


def new_entitlement(subscription: Subscription, limits: Limits) -> Entitlement:
    """An entitlement of a term that just began: untouched, so the reset has nothing to do with it."""
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
        counters=changes.fresh_counters(limits),
        holds={},
        tickets=0,
        due_at_ms=None,
    )


def _new_entitlements(tables: Tables, subscription: Subscription) -> list[Request]:
    return [
        {
            "Put": {
                "TableName": tables.entitlements,
                "Item": items.entitlement_item(new_entitlement(subscription, limits)),
                "ConditionExpression": "attribute_not_exists(#pk)",
                "ExpressionAttributeNames": {"#pk": "pk"},
            }
        }
        for limits in subscription.models
    ]


def _take_place(
    tables: Tables,
    subscription: Subscription,
    slot: Slot | None,
    counted: tuple[int, int],
    now_ms: int,
) -> Request:
    names = {f"#{n}": n for n in ("v", "kd", "id", "un", "pd", "pn")}
    values: Request = {
        ":v": number(items.SCHEMA_VERSION),
        ":kd": text(SlotKind.CUSTOM),
        ":id": text(subscription.id),
        ":un": number(subscription.expires_at_ms),
        ":pd": number(counted[0]),
        ":pn": number(counted[1]),
    }
    # Nobody took the place, nor counted a purchase, since it was read; and it is free by the clock.
    condition = "attribute_not_exists(#v)"
    if slot is not None:
        condition = "#un <= :now AND #id = :was AND #pd = :pd0 AND #pn = :pn0"
        values |= {
            ":now": number(now_ms),
            ":was": text(slot.holder_id),
            ":pd0": number(slot.purchase_day),
            ":pn0": number(slot.purchases),
        }
    return {
        "TableName": tables.subscriptions,
        "Key": items.key(keys.slot_key(subscription.account_id)),
        "ConditionExpression": condition,
        "UpdateExpression": "SET #v = :v, #kd = :kd, #id = :id, #un = :un, #pd = :pd, #pn = :pn",
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
    }


def _begin_term(tables: Tables, old: Subscription, new: Subscription) -> Request:
    item = items.subscription_item(new)
    changed = ("tn", "st", "xa", "kh", "kt", "cu", "ms", "rd", "dp", "da")
    written = [n for n in changed if n in item]
    update = "SET " + ", ".join(f"#{n} = :{n}" for n in written)
    if "rd" not in item:
        update += " REMOVE #rd"  # an older renewal's key must not answer for this term
    return {
        "TableName": tables.subscriptions,
        "Key": items.key(keys.subscription_key(new.id)),
        # The term is still the one that was read, and nobody cancelled it.
        "ConditionExpression": "#tn = :old AND #xa <= :st AND attribute_not_exists(#xc)"
        + (" AND attribute_exists(#dp)" if old.due_at_ms is not None else ""),
        "UpdateExpression": update,
        "ExpressionAttributeNames": {f"#{n}": n for n in (*changed, "xc")},
        "ExpressionAttributeValues": {
            **{f":{n}": item[n] for n in written},
            ":old": number(old.term_number),
        },
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }


def _retire_key(tables: Tables, entitlement: EntitlementId) -> Request:
    return {
        "TableName": tables.entitlements,
        "Key": items.entitlement_key(entitlement),
        "ConditionExpression": "attribute_exists(#pk)",
        "UpdateExpression": "REMOVE #kh",
        "ExpressionAttributeNames": {"#pk": "pk", "#kh": "kh"},
    }
