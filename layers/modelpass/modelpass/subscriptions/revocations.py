"""The DynamoDB requests that begin and end a new key or a cancellation. Rule: pure; no entitlement is in a transaction.

The requests of routers write to the entitlements all the time, and a transaction over several of them would conflict
with those writes. So a new key or a cancellation begins in the subscription's row, which is then due: the reset
finishes from there what a crash has left. Next each entitlement is written by itself (`entitlements.updates`), guarded
so that a write may come twice, late, or after a newer one. The row is written last; when a cancellation ends, the
account's place is freed in the same transaction. What belongs to a row and cannot be read holds up nothing else: the
row stays marked, and is looked at again later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.entitlements.updates import KEY_IS_NEWER
from modelpass.schema import binary, number, text
from modelpass.subscriptions import events, items, row_writes, slots
from modelpass.subscriptions.model import SlotKind

if TYPE_CHECKING:
    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Slot, Subscription

# The term is the one that was read, its end was not announced, and nobody has cancelled it or begun to.
_RUNNING: Final = (
    f"{schema.UNDERSTOOD} AND #tn = :tn"
    " AND attribute_not_exists(#xc) AND attribute_not_exists(#xi) AND attribute_exists(#dp)"
)
PUT_OFF_MS: Final = 15 * 60 * 1000
"""After how long the reset comes back to a row when something that belongs to it could not be read."""
_RUNNING_NAMES: Final = ("v", "tn", "xc", "xi", "dp")


def begin_new_key(tables: Tables, subscription: Subscription, now_ms: int) -> Request:
    """Write the new key of `subscription` into its row, with the event: from here on the change will be finished."""
    update = _row_update(
        tables,
        subscription,
        # Nobody else has made a key since the row was read, so the count of the day's keys is still as it was read.
        f"{_RUNNING} AND {_same_list(subscription)} AND {KEY_IS_NEWER}",
        "SET #kh = :kh, #kt = :kt, #kg = :kg, #kp = :kp, #nd = :nd, #nn = :nn, #dp = :dp, #da = :da",
        (*_RUNNING_NAMES, "cn", "kh", "kt", "kg", "kp", "nd", "nn", "dp", "da"),
        {
            **_term_values(subscription),
            **_list_value(subscription),
            ":kh": binary(subscription.key_hash),
            ":kt": text(subscription.key_tail),
            ":kg": number(subscription.key_generation),
            ":kp": number(1),
            **{f":{name}": value for name, value in items.new_keys_value(subscription).items()},
            **_due(subscription, now_ms),
        },
    )
    event = events.key_regenerated(tables, subscription, now_ms)
    return {"TransactItems": [{"Update": update}, {"Put": event}]}


def revoke_key(tables: Tables, old: Subscription, new: Subscription, now_ms: int, operator: str | None) -> Request:
    """Put the hash of a key that nobody has into the row, with the event, which names the operator if one revokes it.

    It fails with `ConditionFailedError` when the row is not `old` any more.
    """
    event = events.key_revoked(tables, new, now_ms, operator)
    return {"TransactItems": [{"Update": row_writes.change_row(tables, old, new)}, {"Put": event}]}


def end_new_key(tables: Tables, subscription: Subscription, now_ms: int) -> Request:
    """Note in the row that every entitlement has the key; the row is due for what comes next in its life."""
    return _new_key_update(tables, subscription, _due_without_key(subscription, now_ms), " REMOVE #kp")


def put_off_new_key(tables: Tables, subscription: Subscription, now_ms: int) -> Request:
    """Let the reset come back later, or at the end of the term, for an entitlement that could not be read."""
    due_at_ms = _due_without_key(subscription, now_ms)
    next_ms = due_at_ms if due_at_ms > now_ms else subscription.expires_at_ms  # a reminder waits for the key, too
    return _new_key_update(tables, subscription, min(now_ms + PUT_OFF_MS, next_ms), "")


def suspend(tables: Tables, old: Subscription, new: Subscription, now_ms: int) -> Request:
    """Suspend the row, with the event; it fails with `ConditionFailedError` when the row is not `old` any more."""
    actions: list[Request] = [{"Update": row_writes.change_row(tables, old, new)}]
    if new.suspension is not None:
        actions.append({"Put": events.suspended(tables, new, now_ms, new.suspension)})
    return {"TransactItems": actions}


def resume(tables: Tables, old: Subscription, new: Subscription, now_ms: int, operator: str) -> Request:
    """Resume the row, with the event; it fails with `ConditionFailedError` when the row is not `old` any more."""
    actions: list[Request] = [{"Update": row_writes.change_row(tables, old, new)}]
    if old.suspension is not None:
        actions.append({"Put": events.resumed(tables, new, now_ms, operator, old.suspension)})
    return {"TransactItems": actions}


def begin_cancellation(tables: Tables, subscription: Subscription, now_ms: int) -> Request:
    """Note in the row that the subscription is being cancelled, and since when."""
    return _row_update(
        tables,
        subscription,
        f"{_RUNNING} AND {_same_list(subscription)}",
        "SET #xi = :now, #dp = :dp, #da = :da",
        (*_RUNNING_NAMES, "cn", "dp", "da"),
        {
            **_term_values(subscription),
            **_list_value(subscription),
            ":now": number(now_ms),
            **_due(subscription, now_ms),
        },
    )


def end_cancellation(
    tables: Tables, subscription: Subscription, slot: Slot | None, now_ms: int, *, done: bool = True
) -> Request:
    """Cancel the row, with the event, once every entitlement is stopped; free the place if this one holds it.

    Unless all is `done`, the row stays marked and is looked at again while its term lasts: for what could not be read,
    and for nothing else, so that a row which is cancelled already keeps its instant and gets no second event.
    """
    at_ms, first = subscription.cancelling_at_ms or now_ms, subscription.cancelled_at_ms is None
    again = not done and now_ms < subscription.expires_at_ms
    sets = [*(["#xc = :xi"] if first else []), *(["#dp = :dp", "#da = :da"] if again else [])]
    removes = "#kp, #cw" if again else "#xi, #kp, #cw, #dp, #da"
    update = _row_update(
        tables,
        subscription,
        # The cancellation that was begun is still under way: nobody else has finished it.
        f"{schema.UNDERSTOOD} AND #tn = :tn AND #xi = :xi AND attribute_{'not_' if first else ''}exists(#xc)",
        ("SET " + ", ".join(sets) + " " if sets else "") + f"REMOVE {removes}",
        ("v", "tn", "xi", "xc", "kp", "cw", "dp", "da"),
        {
            **_term_values(subscription),
            ":xi": number(at_ms),
            **(_due(subscription, now_ms + PUT_OFF_MS) if again else {}),
        },
    )
    actions = [{"Update": update}]
    if slot is not None and slot.until_ms and (slot.kind, slot.holder_id) == (SlotKind.CUSTOM, subscription.id):
        actions += slots.write(tables, subscription.account_id, slot, slots.freed(slot), now_ms)
    if first:
        actions.append({"Put": events.cancelled(tables, subscription, at_ms)})
    return {"TransactItems": actions}


def _due_without_key(subscription: Subscription, now_ms: int) -> int:
    """When the reset has work on the row that is not about its key."""
    due_at_ms = subscription._replace(key_pending=False).next_due_ms(now_ms)
    return subscription.expires_at_ms if due_at_ms is None else due_at_ms


def _new_key_update(tables: Tables, subscription: Subscription, due_at_ms: int, remove: str) -> Request:
    return _row_update(
        tables,
        subscription,
        # Neither a newer key nor a cancellation is under way: to move `da` would hide it from the reset.
        # Nor has the term grown since, a change begun, or the row got a version with reminders: what comes next is
        # still what was worked out.
        f"{schema.UNDERSTOOD} AND #v = :was AND #tn = :tn AND #kg = :kg"
        " AND attribute_exists(#kp) AND attribute_not_exists(#xi)"
        f" AND #xa = :xa AND {'#cw = :cw' if subscription.change_pending else 'attribute_not_exists(#cw)'}",
        f"SET #da = :da{remove}",
        ("v", "tn", "kg", "kp", "xi", "xa", "cw", "da"),
        {
            **_term_values(subscription),
            ":kg": number(subscription.key_generation),
            ":xa": number(subscription.expires_at_ms),
            ":was": number(subscription.version),
            ":da": number(due_at_ms),
            **({":cw": number(1)} if subscription.change_pending else {}),
        },
    )


def _same_list(subscription: Subscription) -> str:
    """The list was not changed since it was read: whoever goes through its entitlements leaves out no new one."""
    return "#cn = :cn" if subscription.change_number else "attribute_not_exists(#cn)"


def _list_value(subscription: Subscription) -> schema.Item:
    return {":cn": number(subscription.change_number)} if subscription.change_number else {}


def _term_values(subscription: Subscription) -> schema.Item:
    return {**schema.understood(), ":tn": number(subscription.term_number)}


def _due(subscription: Subscription, now_ms: int) -> schema.Item:
    due = schema.due_attributes(items.subscription_key(subscription.id)[0], now_ms)
    return {f":{name}": value for name, value in due.items()}


def _row_update(
    tables: Tables,
    subscription: Subscription,
    condition: str,
    update: str,
    names: tuple[str, ...],
    values: schema.Item,
) -> Request:
    return {
        "TableName": tables.subscriptions,
        "Key": schema.primary_key(items.subscription_key(subscription.id)),
        "ConditionExpression": condition,
        "UpdateExpression": update,
        "ExpressionAttributeNames": {f"#{name}": name for name in names},
        "ExpressionAttributeValues": values,
    }
