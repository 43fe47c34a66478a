"""What other systems are told, as rows of the events table. Rule: written in the transaction of what they tell.

The id of an event follows from the fact it tells, so that one fact is one row. `docs/events.md` tells what each type
carries.
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
    """Every type there is; what each carries stands in `docs/events.md`."""

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
)
"""In which order events of one millisecond are listed: as a term goes, from its beginning to its end."""


class Subject(NamedTuple):
    """What an event is about, by its partition of the events table; and whose it is, None where it is nobody's."""

    id: str
    account_id: str | None


class Order(NamedTuple):
    """The place of an event among those of its subject in one millisecond."""

    round: int
    kind: int
    number: int


class Moment(NamedTuple):
    """When something happened: the time, then the term (or the revision of what it is about), then a number in it."""

    ms: int
    round: int
    number: int = 0


def shown(row: schema.Item) -> dict[str, Any]:
    """A row as callers see it."""
    row = schema.current(row)
    return {
        "id": row["id"]["S"],
        "type": row["type"]["S"],
        "version": int(row["version"]["N"]),
        "at": row["at"]["S"],
        "data": json.loads(row["data"]["S"]),
    }


def put(
    tables: Tables,
    kind: EventType,
    subject: Subject,
    at: Moment,
    data: dict[str, Any],
    facts: tuple[str, ...],
) -> Request:
    """Put the row of one event. Its id follows from its subject and its facts, so that one fact is one row."""
    own_id = event_id(kind, subject.id, *facts)
    order = Order(at.round, _WITHIN_A_ROUND.index(kind), at.number)
    row = {
        **schema.primary_key(event_key(subject.id, at.ms, order, own_id)),
        "v": number(tables.version),
        "id": text(own_id),
        "type": text(kind),
        "version": number(EVENT_VERSION),
        "at": text(rfc3339(at.ms)),
        "accountId": text(subject.account_id or ""),  # the pipe takes it from every row
        "data": text(json.dumps(data, separators=(",", ":"))),
    }
    return schema.put_if_absent(tables.events, row)


def event_key(subject_id: str, at_ms: int, order: Order, event_id: str) -> tuple[str, str]:
    """Events table: what happened to a subject, in the order of time, and of `order` within a millisecond."""
    return subject_id, f"{at_ms:015d}#{order.round:06d}{order.kind:02d}{order.number:06d}#{event_id}"


def event_id(*facts: str) -> str:
    """An event id that follows from what happened, so that the same fact has one event."""
    digest = hashlib.sha256("\0".join(facts).encode()).digest()[:ID_BYTES]
    return "evt_" + base32(digest)
