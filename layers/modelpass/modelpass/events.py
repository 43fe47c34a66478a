"""What other systems are told, as rows of the events table. Rule: written in the transaction of what they tell.

The id of an event follows from the fact it tells, so that one fact is one row. `docs/events.md` tells what each type
carries.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from modelpass import items, keys
from modelpass.items import number, text
from modelpass.windows import rfc3339

if TYPE_CHECKING:
    from modelpass.model import EntitlementId, Hold, Subscription, Tier

EVENT_VERSION: Final = 1


class EventType(StrEnum):
    """Every type there is; what each carries stands in `docs/events.md`."""

    PURCHASED = "subscription.purchased"
    RENEWED = "subscription.renewed"
    EXPIRED = "subscription.expired"
    TIER_BREACHED = "tier.breached"
    TIER_DOWN = "tier.down"
    TIER_UP = "tier.up"
    CANCELLED = "subscription.cancelled"
    KEY_REGENERATED = "key.regenerated"
    THRESHOLD_REACHED = "limit.threshold_reached"
    USAGE_CORRECTED = "usage.corrected"
    PLAN_STARTED = "plan.started"
    PLAN_ENDED = "plan.ended"


def purchased(table: str, subscription: Subscription) -> dict[str, Any]:
    """A custom subscription was bought."""
    return _of_term(table, EventType.PURCHASED, subscription, subscription.created_at_ms)


def renewed(table: str, subscription: Subscription, at_ms: int) -> dict[str, Any]:
    """An expired subscription began a new term."""
    return _of_term(table, EventType.RENEWED, subscription, at_ms)


def expired(table: str, subscription: Subscription) -> dict[str, Any]:
    """A term ended; `at` is the instant it ended, whenever that is noticed."""
    return _of_term(table, EventType.EXPIRED, subscription, subscription.expires_at_ms)


def tier_breached(
    table: str,
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
    facts = (keys.entitlement_pk(entitlement), hold.key, hold.nonce)
    return _put(
        table,
        EventType.TIER_BREACHED,
        (entitlement.subscription_id, account_id),
        at_ms,
        data,
        facts,
    )


def _of_term(table: str, kind: EventType, subscription: Subscription, at_ms: int) -> dict[str, Any]:
    data = {
        "term": subscription.term_number,
        "startsAt": rfc3339(subscription.term.starts_at_ms),
        "expiresAt": rfc3339(subscription.expires_at_ms),
        "models": [m.model_id for m in subscription.models],
    }
    subject = (subscription.id, subscription.account_id)
    return _put(table, kind, subject, at_ms, data, (str(subscription.term_number),))


def _put(
    table: str,
    kind: EventType,
    subject: tuple[str, str],
    at_ms: int,
    data: dict[str, Any],
    facts: tuple[str, ...],
) -> dict[str, Any]:
    subscription_id, account_id = subject
    event_id = keys.event_id(kind, subscription_id, *facts)
    return {
        "TableName": table,
        "Item": {
            **items.key(keys.event_key(subscription_id, at_ms, event_id)),
            "v": number(items.SCHEMA_VERSION),
            "id": text(event_id),
            "type": text(kind),
            "version": number(EVENT_VERSION),
            "at": text(rfc3339(at_ms)),
            "accountId": text(account_id),
            "data": text(json.dumps(data, separators=(",", ":"))),
        },
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }
