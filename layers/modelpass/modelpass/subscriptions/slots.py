"""An account's one place after each change, and the guarded write of a change. Rule: pure; of two writers, one wins.

Whether a place may be taken, and whether news of a plan is outdated, is decided in `rules`. Every write demands the
place as it was read, and keeps which news of plans is the newest (`as_of_ms`, in milliseconds), whoever has the place.
When a plan's time was over and its end was not announced yet, the write that changes the place puts that event into the
same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.subscriptions import events, items, rules, sale_rules
from modelpass.subscriptions.model import FOREVER, OrderKind, Slot, SlotKind
from modelpass.times import DAY_MS

if TYPE_CHECKING:
    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Subscription

_FREE: Final = 0
"""Until when a freed place is held: before every time that a clock can show."""
_CONTENT: Final = ("kd", "id", "un", "pd", "pn")
"""The attributes by which a place is compared with what was read, beside its revision."""
_OPTIONAL: Final = ("ao", "ae", "sn", "po", "pl")
"""Those that may be absent: also where code that does not know them has written the place since it was read."""


def taken(slot: Slot | None, subscription: Subscription) -> Slot:
    """The place of an account whose subscription begins a term, or goes on with it, as long as it holds the place."""
    return _next(slot, SlotKind.CUSTOM, subscription.id, until_ms(subscription), None)


def is_held_by(slot: Slot | None, subscription: Subscription) -> bool:
    """Whether a place is this subscription's, if only it is held at all."""
    return slot is not None and (slot.kind, slot.holder_id) == (SlotKind.CUSTOM, subscription.id)


def until_ms(subscription: Subscription) -> int:
    """Until when a subscription holds its account's place (milliseconds): to its end, unless it renews itself then."""
    return FOREVER if subscription.auto_renew else subscription.expires_at_ms


def counted(before: Slot | None, after: Slot, kind: OrderKind, now_ms: int) -> Slot:
    """The place `after` a sale, which counts in its UTC day; a purchase counts as that as well.

    An order that waited has lapsed by then, for nothing is sold beside one.
    """
    return after._replace(
        purchase_day=max(now_ms // DAY_MS, before.purchase_day if before else 0),
        purchases=rules.purchases_today(before, now_ms) + (kind is OrderKind.PURCHASE),
        sales=sale_rules.sales_today(before, now_ms) + 1,
        pending_order=None,
    )


def planned(slot: Slot | None, plan_id: str, until_ms: int, as_of_ms: int | None) -> Slot:
    """The place of an account that has a plan of another system until `until_ms`, by news of the instant `as_of_ms`."""
    return _next(slot, SlotKind.PLAN, plan_id, until_ms, until_ms, as_of_ms)


def freed(slot: Slot, as_of_ms: int | None = None) -> Slot:
    """The place after it is given back, perhaps by news of a plan, or after the end of its plan is announced."""
    return _next(slot, slot.kind, slot.holder_id, _FREE, None, as_of_ms)


def ended_elsewhere(slot: Slot | None, plan_id: str, as_of_ms: int, now_ms: int) -> Slot:
    """The place after news that a plan has ended which does not hold it: as it was, but for what is known by now.

    Beside another plan, whose own news goes on from where it was, the instant is kept apart.
    """
    if slot is None:
        return _next(None, SlotKind.PLAN, plan_id, _FREE, None, as_of_ms)
    if slot.kind is SlotKind.CUSTOM:
        return _next(slot, slot.kind, slot.holder_id, slot.until_ms, None, as_of_ms)
    if slot.held(now_ms):
        return slot._replace(revision=slot.revision + 1, ended_as_of_ms=as_of_ms)
    return freed(slot, as_of_ms)


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

    The revision alone is not enough: code that knows less of a place may have written it since.
    """
    read = items.slot_item(account_id, old)
    same = " AND ".join(f"#{name} = :{name}" for name in _CONTENT)
    revision = "#rv = :rv" if old.revision else "(attribute_not_exists(#rv) OR #rv = :rv)"
    news = " AND ".join(
        f"#{name} = :{name}" if name in read else f"attribute_not_exists(#{name})" for name in _OPTIONAL
    )
    compared = ("rv", *_CONTENT, *(name for name in _OPTIONAL if name in read))
    return {
        "ConditionExpression": f"{schema.UNDERSTOOD} AND {same} AND {news} AND {revision}",
        "ExpressionAttributeNames": {f"#{name}": name for name in ("v", "rv", *_CONTENT, *_OPTIONAL)},
        "ExpressionAttributeValues": {**schema.understood(), **{f":{name}": read[name] for name in compared}},
    }


def _next(
    slot: Slot | None,
    kind: SlotKind,
    holder_id: str,
    until_ms: int,
    due_at_ms: int | None,
    as_of_ms: int | None = None,
) -> Slot:
    known_ms = slot.as_of_ms if slot and as_of_ms is None else as_of_ms
    ended_ms = slot.ended_as_of_ms if slot else None
    outweighed = ended_ms is not None and known_ms is not None and ended_ms <= known_ms
    return Slot(
        kind=kind,
        holder_id=holder_id,
        until_ms=until_ms,
        purchase_day=slot.purchase_day if slot else 0,
        purchases=slot.purchases if slot else 0,
        revision=slot.revision + 1 if slot else 1,
        due_at_ms=due_at_ms,
        as_of_ms=known_ms,
        ended_as_of_ms=None if outweighed else ended_ms,
        sales=slot.sales if slot else 0,
        pending_order=slot.pending_order if slot else None,
    )
