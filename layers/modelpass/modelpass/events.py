"""What other systems are told, as rows of the events table. Rule: written in the transaction of what they tell.

The id of an event follows from the fact it tells, so that one fact is one row. `docs/data-model.md` has the schemas.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from modelpass import items, keys, pricing
from modelpass.items import number, text
from modelpass.windows import rfc3339

if TYPE_CHECKING:
    from modelpass.model import EntitlementId, Hold, Subscription, Tier

EVENT_VERSION: Final = 1


class EventType(StrEnum):
    """The types published so far."""

    PURCHASED = "subscription.purchased"
    RENEWED = "subscription.renewed"
    EXPIRED = "subscription.expired"
    TIER_BREACHED = "tier.breached"
    TIER_DOWN = "tier.down"
    TIER_UP = "tier.up"


@dataclass(frozen=True, slots=True)
class TierTurn:
    """A tier of a model that is taken down or brought back, and why."""

    model_id: str
    tier: Tier
    available: bool
    reason: str | None


def purchased(table: str, subscription: Subscription) -> dict[str, Any]:
    """A custom subscription was bought."""
    return _of_term(table, EventType.PURCHASED, subscription, subscription.created_at_ms, price=True)


def renewed(table: str, subscription: Subscription, at_ms: int) -> dict[str, Any]:
    """An expired subscription began a new term."""
    return _of_term(table, EventType.RENEWED, subscription, at_ms, price=True)


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


def tier_turned(table: str, turn: TierTurn, revision: int, at_ms: int) -> dict[str, Any]:
    """A tier was taken down or brought back, by that change of what is down."""
    data = {"modelId": turn.model_id, "channelTier": turn.tier.value}
    if turn.reason is not None:
        data["reason"] = turn.reason
    kind = EventType.TIER_UP if turn.available else EventType.TIER_DOWN
    return _put(table, kind, (keys.model_subject(turn.model_id), None), at_ms, data, (turn.tier, str(revision)))


def _of_term(
    table: str, kind: EventType, subscription: Subscription, at_ms: int, *, price: bool = False
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
    return _put(table, kind, subject, at_ms, data, (str(subscription.term_number),))


def _put(
    table: str,
    kind: EventType,
    subject: tuple[str, str | None],
    at_ms: int,
    data: dict[str, Any],
    facts: tuple[str, ...],
) -> dict[str, Any]:
    about, account_id = subject
    event_id = keys.event_id(kind, about, *facts)
    return {
        "TableName": table,
        "Item": {
            **items.key(keys.event_key(about, at_ms, event_id)),
            "v": number(items.SCHEMA_VERSION),
            "id": text(event_id),
            "type": text(kind),
            "version": number(EVENT_VERSION),
            "at": text(rfc3339(at_ms)),
            **({} if account_id is None else {"accountId": text(account_id)}),
            "data": text(json.dumps(data, separators=(",", ":"))),
        },
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }
