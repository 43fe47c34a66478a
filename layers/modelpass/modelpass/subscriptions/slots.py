"""An account's one place after each change, and the guarded write of a change. Rule: pure; of two writers, one wins.

Whether a place may be taken is decided in `rules`. Every write demands the place as it was read. When a plan's time was
over and its end was not announced yet, the write that changes the place puts that event into the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.subscriptions import events, items
from modelpass.subscriptions.model import Slot, SlotKind
from modelpass.times import DAY_MS

if TYPE_CHECKING:
    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Subscription

_FREE: Final = 0
"""Until when a freed place is held: before every time that a clock can show."""
_CONTENT: Final = ("kd", "id", "un", "pd", "pn")
"""The attributes by which a place is compared with what was read, beside its revision."""


def bought(slot: Slot | None, subscription: Subscription, purchases: int, now_ms: int) -> Slot:
    """The place of an account that buys a subscription, its `purchases`-th of the UTC day."""
    day = max(now_ms // DAY_MS, slot.purchase_day if slot else 0)
    return renewed(slot, subscription)._replace(purchase_day=day, purchases=purchases)


def renewed(slot: Slot | None, subscription: Subscription) -> Slot:
    """The place of an account whose subscription begins a new term; a renewal does not count as a purchase."""
    return _next(slot, SlotKind.CUSTOM, subscription.id, subscription.expires_at_ms, None)


def planned(slot: Slot | None, plan_id: str, until_ms: int) -> Slot:
    """The place of an account that has a plan of another system until `until_ms`."""
    return _next(slot, SlotKind.PLAN, plan_id, until_ms, until_ms)


def freed(slot: Slot) -> Slot:
    """The place after it is given back, or after the end of its plan is announced."""
    return _next(slot, slot.kind, slot.holder_id, _FREE, None)


def write(tables: Tables, account_id: str, old: Slot | None, new: Slot, now_ms: int) -> list[Request]:
    """The actions of a transaction that change the place from `old` to `new`; the first one writes the place.

    The transaction fails with `ConditionFailedError` when the place is not `old` any more.
    """
    put = schema.put_if_absent(tables.subscriptions, items.slot_item(account_id, new, tables.version))
    if old is not None:
        put |= _as_it_was_read(account_id, old)
    actions = [{"Put": put}]
    if old is not None and old.due_at_ms is not None and not old.held(now_ms):
        actions.append({"Put": events.plan_expired(tables, account_id, old)})
    return actions


def _as_it_was_read(account_id: str, old: Slot) -> Request:
    """The guard of a write: nobody has taken the place, freed it or counted a purchase since it was read.

    The revision alone is not enough: a place of schema version 1 has none, and code of that version does not count it.
    """
    read = items.slot_item(account_id, old)
    same = " AND ".join(f"#{name} = :{name}" for name in _CONTENT)
    revision = "#rv = :rv" if old.revision else "(attribute_not_exists(#rv) OR #rv = :rv)"
    return {
        "ConditionExpression": f"{schema.UNDERSTOOD} AND {same} AND {revision}",
        "ExpressionAttributeNames": {f"#{name}": name for name in ("v", "rv", *_CONTENT)},
        "ExpressionAttributeValues": {**schema.understood(), **{f":{name}": read[name] for name in ("rv", *_CONTENT)}},
    }


def _next(slot: Slot | None, kind: SlotKind, holder_id: str, until_ms: int, due_at_ms: int | None) -> Slot:
    return Slot(
        kind=kind,
        holder_id=holder_id,
        until_ms=until_ms,
        purchase_day=slot.purchase_day if slot else 0,
        purchases=slot.purchases if slot else 0,
        revision=slot.revision + 1 if slot else 1,
        due_at_ms=due_at_ms,
    )
