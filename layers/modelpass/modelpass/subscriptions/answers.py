"""Subscriptions, usage and terms as the JSON that callers see. Rule: pure; it shows values and decides nothing.

Prices are shown by `pricing`, the windows of an entitlement by `entitlements.answers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from modelpass import api_keys
from modelpass.entitlements.answers import current_windows, open_holds
from modelpass.subscriptions import pricing
from modelpass.subscriptions.model import SlotKind
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement, Limits
    from modelpass.subscriptions.model import Slot, SoldTerm, Status, Subscription

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a purchase, a renewal or a new key has come to: the subscription as it is now.

    `api_key` is there only in the outcome of the call that made the key, and never shown by `repr`. `replayed` tells
    that an earlier call with the same Idempotency-Key did the work.
    """

    subscription: Subscription
    status: Status
    api_key: str | None
    replayed: bool = False

    def __repr__(self) -> str:
        return f"Outcome({self.subscription.id})"


class PlanOutcome(NamedTuple):
    """What news of a plan has come to: the holder of the account's place, if it has one, as it is known now.

    `applied` is False for news that was older than what is known, which is from the instant `as_of_ms` (milliseconds;
    None where no news told one).
    """

    applied: bool
    holder: Slot | None
    as_of_ms: int | None

    @property
    def held_by(self) -> str | None:
        """The id of the plan or the subscription that holds the place; None when it is free."""
        return None if self.holder is None else self.holder.holder_id


def plan(account_id: str, told: PlanOutcome) -> Json:
    """The plan that holds an account's place, with null where none does, and whether the news was applied."""
    holder = told.holder if told.holder is not None and told.holder.kind is SlotKind.PLAN else None
    return {
        "accountId": account_id,
        "planId": None if holder is None else holder.holder_id,
        "expiresAt": None if holder is None else rfc3339(holder.until_ms),
        "asOf": None if told.as_of_ms is None else rfc3339(told.as_of_ms),
        "applied": told.applied,
    }


def usage(subscription: Subscription, models: list[Json], now_ms: int) -> Json:
    """The live counters of a subscription, of each model that is given (`model_usage`), in their order."""
    return {
        "subscriptionId": subscription.id,
        "status": subscription.status(now_ms).value,
        "models": models,
    }


def model_usage(entitlement: Entitlement, now_ms: int) -> Json:
    """The live counters of one model."""
    limits = entitlement.limits
    return {
        "modelId": limits.model_id,
        "channelTier": limits.tier.value,
        "unit": limits.unit.value,
        **current_windows(entitlement, now_ms),
    }


def described_key(stored: Subscription, status: Status, models: list[Json]) -> Json:
    """What a key is good for: its subscription, and each model that is given (`described_model`), in their order."""
    return {
        "status": status.value,
        "accountId": stored.account_id,
        "subscriptionId": stored.id,
        "term": stored.term_number,
        "startsAt": rfc3339(stored.term.starts_at_ms),
        "expiresAt": rfc3339(stored.expires_at_ms),
        "timezone": stored.term.time_zone,
        "models": models,
    }


def described_model(entitlement: Entitlement, now_ms: int) -> Json:
    """One model of a key: what was bought, what is left of it, and how many holds are open."""
    return {
        **_limits(entitlement.limits),
        **current_windows(entitlement, now_ms),
        "openHolds": open_holds(entitlement, now_ms),
    }


def held_by_model(entitlement: Entitlement, now_ms: int) -> Json:
    """What one model holds: each open hold, by when it expires, with when it was authorized or has last gone on."""
    holds = [h for h in entitlement.holds.values() if h.expires_at_ms > now_ms]
    shown = [
        {
            "authorizedAt": rfc3339(h.granted_at_ms),
            "holdExpiresAt": rfc3339(h.expires_at_ms),
            "heldUsage": h.units,
            "heldCalls": h.calls,
        }
        for h in sorted(holds, key=lambda h: (h.expires_at_ms, h.granted_at_ms, h.key))
    ]
    limits = entitlement.limits
    return {
        "modelId": limits.model_id,
        "channelTier": limits.tier.value,
        "unit": limits.unit.value,
        "openHolds": len(shown),
        "heldUsage": sum(h.units for h in holds),
        "holds": shown,
    }


def subscription(stored: Subscription, status: Status, api_key: str | None = None) -> Json:
    """A subscription; `apiKey` is there only when a key is given, which was just made.

    `apiKeyMasked` is None while the key is revoked.
    `price` is what its current term was sold at; None where that is not known.
    """
    return {
        "subscriptionId": stored.id,
        "status": status.value,
        "term": stored.term_number,
        **({} if api_key is None else {"apiKey": api_key}),
        "apiKeyMasked": api_keys.mask(stored.key_tail) if stored.key_tail else None,
        "startsAt": rfc3339(stored.term.starts_at_ms),
        "expiresAt": rfc3339(stored.expires_at_ms),
        "timezone": stored.term.time_zone,
        "models": [_limits(m) for m in stored.models],
        "price": pricing.price_of_term(stored.sold_term()),
    }


def for_operators(stored: Subscription, now_ms: int) -> Json:
    """A subscription as operators see it: with whose it is, and who has suspended it, since when and why."""
    suspension = None
    if stored.suspension is not None:
        at_ms, operator, reason = stored.suspension
        suspension = {"at": rfc3339(at_ms), "operatorId": operator, "reason": reason}
    return {"accountId": stored.account_id, **subscription(stored, stored.status(now_ms)), "suspension": suspension}


def term(sold: SoldTerm) -> Json:
    """A term as the history shows it, with the price it was sold at; `price` is None where that is not known."""
    return {
        "term": sold.number,
        "startsAt": rfc3339(sold.term.starts_at_ms),
        "expiresAt": rfc3339(sold.term.ends_at_ms),
        "price": pricing.price_of_term(sold),
    }


def _limits(limits: Limits) -> Json:
    return {
        "modelId": limits.model_id,
        "channelTier": limits.tier.value,
        "unit": limits.unit.value,
        "dailyCallLimit": limits.daily_call_limit,
        "monthlyTokenCap": limits.monthly_cap,
    }
