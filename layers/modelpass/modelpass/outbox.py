"""What other systems are told, as rows of the events table. Rule: written in the transaction of what they tell.

The id of an event follows from the fact it tells, so that one fact is one row. `docs/events.md` tells what each type
carries.
"""

from __future__ import annotations

import hashlib
import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass import api_keys, schema
from modelpass.encoding import ID_BYTES, base32
from modelpass.schema import number, text
from modelpass.subscriptions import pricing
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.change import Announcement, Correction
    from modelpass.entitlements.model import Entitlement, EntitlementId, Hold, Slot, Subscription
    from modelpass.schema import Tables

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


def purchased(tables: Tables, subscription: Subscription) -> dict[str, Any]:
    """A custom subscription was bought."""
    return _of_term(tables, EventType.PURCHASED, subscription, subscription.created_at_ms, price=True)


def renewed(tables: Tables, subscription: Subscription, at_ms: int) -> dict[str, Any]:
    """An expired subscription began a new term."""
    return _of_term(tables, EventType.RENEWED, subscription, at_ms, price=True)


def expired(tables: Tables, subscription: Subscription) -> dict[str, Any]:
    """A term ended; `at` is the instant it ended, whenever that is noticed."""
    return _of_term(tables, EventType.EXPIRED, subscription, subscription.expires_at_ms)


def cancelled(tables: Tables, subscription: Subscription, at_ms: int) -> dict[str, Any]:
    """A subscription was ended by its customer."""
    return _of_term(tables, EventType.CANCELLED, subscription, at_ms)


def key_regenerated(tables: Tables, subscription: Subscription, at_ms: int) -> dict[str, Any]:
    """A subscription got another key within its term; the one before is refused."""
    subject = (subscription.id, subscription.account_id)
    data = {"term": subscription.term_number}
    generation = subscription.key_generation
    at = Moment(at_ms, subscription.term_number, generation)
    return put(tables, EventType.KEY_REGENERATED, subject, at, data, (str(generation),))


def threshold_reached(tables: Tables, entitlement: Entitlement, announcement: Announcement) -> dict[str, Any]:
    """Used and held have reached a share of a limit; of one window, each share is told once."""
    threshold, entitlement_id = announcement.threshold, entitlement.id
    window = str(entitlement.month) if threshold.monthly else entitlement.day
    data = {
        "modelId": entitlement_id.model_id,
        "term": entitlement_id.term_number,
        "limit": threshold.limit,
        "percent": threshold.percent,
        "windowEndsAt": rfc3339(announcement.window_ends_at_ms),
    }
    facts = (api_keys.entitlement_pk(entitlement_id), threshold.limit, window, str(threshold.percent))
    subject = (entitlement_id.subscription_id, entitlement.account_id)
    at = Moment(announcement.at_ms, entitlement_id.term_number, threshold.percent)
    return put(tables, EventType.THRESHOLD_REACHED, subject, at, data, facts)


def usage_corrected(tables: Tables, entitlement: Entitlement, correction: Correction) -> dict[str, Any]:
    """An operator corrected what was used in the windows of an instant (`at`)."""
    data = {
        "modelId": entitlement.id.model_id,
        "term": entitlement.id.term_number,
        "units": correction.units,
        "at": rfc3339(correction.at_ms),
        "reason": correction.reason,
    }
    subject = (entitlement.id.subscription_id, entitlement.account_id)
    at = Moment(correction.made_at_ms, entitlement.id.term_number)
    return put(tables, EventType.USAGE_CORRECTED, subject, at, data, (correction.key,))


def plan_started(tables: Tables, account_id: str, slot: Slot, at_ms: int) -> dict[str, Any]:
    """A plan of another system took an account's place."""
    return _of_plan(tables, EventType.PLAN_STARTED, account_id, slot, at_ms)


def plan_ended(tables: Tables, account_id: str, slot: Slot, at_ms: int) -> dict[str, Any]:
    """A plan was ended before its time."""
    return _of_plan(tables, EventType.PLAN_ENDED, account_id, slot, at_ms, reason="ended")


def plan_expired(tables: Tables, account_id: str, slot: Slot) -> dict[str, Any]:
    """A plan's time was over; `at` is that instant, whenever it is noticed."""
    return _of_plan(tables, EventType.PLAN_ENDED, account_id, slot, slot.until_ms, reason="expired")


def _of_plan(tables: Tables, kind: EventType, account_id: str, slot: Slot, at_ms: int, **more: str) -> dict[str, Any]:
    data = {"planId": slot.holder_id, "expiresAt": rfc3339(slot.until_ms), **more}
    subject = (api_keys.slot_key(account_id)[0], account_id)
    return put(tables, kind, subject, Moment(at_ms, slot.revision), data, (str(slot.revision),))


def tier_breached(
    tables: Tables,
    account_id: str,
    entitlement: EntitlementId,
    hold: Hold,
    tiers: tuple[Tier, Tier],
    at_ms: int,
) -> dict[str, Any]:
    """A router served a request in another tier than the one bought: (bought, served)."""
    bought, served = tiers
    data = {
        "modelId": entitlement.model_id,
        "term": entitlement.term_number,
        "channelTier": bought.value,
        "servedTier": served.value,
        "grantedAt": rfc3339(hold.granted_at_ms),
    }
    facts = (api_keys.entitlement_pk(entitlement), hold.key, hold.nonce)
    return put(
        tables,
        EventType.TIER_BREACHED,
        (entitlement.subscription_id, account_id),
        Moment(at_ms, entitlement.term_number),
        data,
        facts,
    )


def _of_term(
    tables: Tables, kind: EventType, subscription: Subscription, at_ms: int, *, price: bool = False
) -> dict[str, Any]:
    data: dict[str, Any] = {
        "term": subscription.term_number,
        "startsAt": rfc3339(subscription.term.starts_at_ms),
        "expiresAt": rfc3339(subscription.expires_at_ms),
        "models": [m.model_id for m in subscription.models],
    }
    if price:
        data["price"] = pricing.price_of_term(subscription.sold_term())
    subject = (subscription.id, subscription.account_id)
    at = Moment(at_ms, subscription.term_number)
    return put(tables, kind, subject, at, data, (str(subscription.term_number),))


def put(
    tables: Tables,
    kind: EventType,
    subject: tuple[str, str | None],
    at: Moment,
    data: dict[str, Any],
    facts: tuple[str, ...],
) -> dict[str, Any]:
    """The row of one event. Its id follows from its subject and its facts, so that one fact is one row."""
    about, account_id = subject
    own_id = event_id(kind, about, *facts)
    order = (at.round, _WITHIN_A_ROUND.index(kind), at.number)
    return {
        "TableName": tables.events,
        "Item": {
            **schema.primary_key(event_key(about, at.ms, order, own_id)),
            "v": number(tables.version),
            "id": text(own_id),
            "type": text(kind),
            "version": number(EVENT_VERSION),
            "at": text(rfc3339(at.ms)),
            "accountId": text(account_id or ""),  # the pipe takes it from every row
            "data": text(json.dumps(data, separators=(",", ":"))),
        },
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }


def event_key(subject: str, at_ms: int, order: tuple[int, int, int], event_id: str) -> tuple[str, str]:
    """Events table: what happened to a subject, in the order of time, and of `order` within a millisecond."""
    return subject, f"{at_ms:015d}#{order[0]:06d}{order[1]:02d}{order[2]:06d}#{event_id}"


def event_id(*facts: str) -> str:
    """An event id that follows from what happened, so that the same fact has one event."""
    digest = hashlib.sha256("\0".join(facts).encode()).digest()[:ID_BYTES]
    return "evt_" + base32(digest)
