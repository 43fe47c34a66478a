"""Events for other systems, as rows of the events table: their types, form, ids and order. Rule: pure.

A row is written in the same transaction as the change that it reports, so that there is none without the other. The id
of an event follows from the fact that it reports, so that one fact is one row. What each type carries is decided where
its change is written: in `events` of the wings, and in `catalogue.transactions`. `docs/events.md` lists it.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass import schema
from modelpass.encoding import ID_BYTES, base32
from modelpass.schema import number, text
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.schema import Request, Tables

EVENT_VERSION: Final = 1


class EventType(StrEnum):
    """The types of events; `docs/events.md` says what each carries."""

    PURCHASED = "subscription.purchased"
    RENEWED = "subscription.renewed"
    CANCELLED = "subscription.cancelled"
    EXPIRED = "subscription.expired"
    KEY_REGENERATED = "key.regenerated"
    THRESHOLD_REACHED = "limit.threshold_reached"
    TIER_BREACHED = "tier.breached"
    PLAN_STARTED = "plan.started"
    PLAN_ENDED = "plan.ended"
    TIER_DOWN = "tier.down"
    TIER_UP = "tier.up"
    USAGE_CORRECTED = "usage.corrected"
    USAGE_FAR_ABOVE_ESTIMATE = "usage.far_above_estimate"
    MODEL_CHANGED = "model.changed"
    EXTENDED = "subscription.extended"
    CHANGED = "subscription.changed"
    TOPPED_UP = "subscription.topped_up"
    SUSPENDED = "subscription.suspended"
    RESUMED = "subscription.resumed"
    EXPIRING = "subscription.expiring"
    KEY_REVOKED = "key.revoked"
    ORDER_PENDING = "order.pending"
    ORDER_CONFIRMED = "order.confirmed"
    ORDER_REJECTED = "order.rejected"
    ORDER_WITHDRAWN = "order.withdrawn"
    ORDER_LAPSED = "order.lapsed"
    HOLD_RELEASED = "hold.released"


_WITHIN_A_ROUND: Final = (
    EventType.PURCHASED,
    EventType.RENEWED,
    EventType.PLAN_STARTED,
    EventType.TIER_DOWN,
    EventType.TIER_UP,
    EventType.THRESHOLD_REACHED,
    EventType.TIER_BREACHED,
    EventType.USAGE_CORRECTED,
    EventType.KEY_REGENERATED,
    EventType.CANCELLED,
    EventType.PLAN_ENDED,
    EventType.EXPIRED,
    EventType.USAGE_FAR_ABOVE_ESTIMATE,
    EventType.MODEL_CHANGED,
    EventType.EXTENDED,
    EventType.CHANGED,
    EventType.TOPPED_UP,
    EventType.SUSPENDED,
    EventType.RESUMED,
    EventType.EXPIRING,
    EventType.KEY_REVOKED,
    EventType.ORDER_PENDING,
    EventType.ORDER_CONFIRMED,
    EventType.ORDER_REJECTED,
    EventType.ORDER_WITHDRAWN,
    EventType.ORDER_LAPSED,
    EventType.HOLD_RELEASED,
)
"""In which order events of one round and millisecond are listed: from the beginning of a term to its end.

The places are parts of stored keys, so a type that is added later comes last.
"""


class Subject(NamedTuple):
    """What an event is about: `id` is its partition of the events table.

    `account_id` is None for events of the catalogue, `tier.…` and `model.…`.
    """

    id: str
    account_id: str | None


class Moment(NamedTuple):
    """When something happened, and in which order within its millisecond.

    `round` groups the events of one time: it is the number of the term or, for plans, tiers and models, a revision that
    grows.
    `number` orders events of one type within a round.
    """

    ms: int
    round: int
    number: int = 0


class Order(NamedTuple):
    """The place of an event among those of its subject in one millisecond: by round, then type, then number.

    `kind` is the place of its type in `_WITHIN_A_ROUND`.
    """

    round: int
    kind: int
    number: int


def put(
    tables: Tables,
    kind: EventType,
    subject: Subject,
    at: Moment,
    data: dict[str, Any],
    facts: tuple[str, ...],
) -> Request:
    """The action of a transaction that writes one event; its condition fails where the event was written before.

    `facts` tell it apart from all other events of its type and subject: its id follows from these three.
    """
    own_id = event_id(kind, subject.id, *facts)
    order = Order(at.round, _WITHIN_A_ROUND.index(kind), at.number)
    row = {
        **schema.primary_key(event_key(subject.id, at.ms, order, own_id)),
        "v": number(tables.version),
        "id": text(own_id),
        "type": text(kind),
        "version": number(EVENT_VERSION),
        "at": text(rfc3339(at.ms)),
        "accountId": text(subject.account_id or ""),  # never left out: the pipe takes it from every row
        "data": text(json.dumps(data, separators=(",", ":"))),
    }
    return schema.put_if_absent(tables.events, row)


def event_answer(row: schema.Item) -> dict[str, Any]:
    """An event as callers see it; raises `UnreadableItemError` for a row that is not understood or carries no data."""
    row = schema.current(row)
    data = json.loads(row["data"]["S"])
    if not isinstance(data, dict):
        raise schema.UnreadableItemError(row["id"]["S"])
    return {
        "id": row["id"]["S"],
        "type": row["type"]["S"],
        "version": int(row["version"]["N"]),
        "at": row["at"]["S"],
        "data": data,
    }


def event_key(subject_id: str, at_ms: int, order: Order, event_id: str) -> tuple[str, str]:
    """Events table: the key of an event, which sorts by time, and by `order` within a millisecond."""
    return subject_id, f"{at_ms:015d}#{order.round:06d}{order.kind:02d}{order.number:06d}#{event_id}"


def event_id(*facts: str) -> str:
    """The id of the event about what happened: the same facts always give the same id.

    Other facts give another, though the name of an account may hold a NUL: it is the only fact that may, and events of
    one type have equally many facts.
    """
    digest = hashlib.sha256("\0".join(facts).encode()).digest()[:ID_BYTES]
    return "evt_" + base32(digest)
