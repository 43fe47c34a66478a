"""Subscriptions, usage and terms as the JSON that callers see. Rule: pure; it shows values and decides nothing.

Prices are shown by `pricing`, the windows of an entitlement by `entitlements.answers`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass import api_keys
from modelpass.entitlements.answers import current_windows, open_holds
from modelpass.subscriptions import pricing
from modelpass.subscriptions.model import SlotKind
from modelpass.times import MS_PER_SECOND, rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.entitlements.model import Entitlement, Hold, Limits
    from modelpass.subscriptions.model import Slot, SoldTerm, Status, Subscription
    from modelpass.subscriptions.order_records import Order

Json = dict[str, Any]

OWNER_OF_MODELS: Final = "modelpass"
"""Who owns a model, in the words of AI clients: the service that grants it. Whose it is upstream is not known here."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a sale or a new key has come to: the subscription as it is now, and the order, if that is known.

    `api_key` is there only in the outcome of the call that made the key, and never shown by `repr`. `replayed` tells
    that an earlier call with the same Idempotency-Key did the work. `now_ms` is the time at which an order is shown.
    """

    subscription: Subscription
    status: Status
    api_key: str | None
    replayed: bool = False
    order: Order | None = None
    now_ms: int = 0

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


def plan_in_place(slot: Slot | None, now_ms: int) -> Json | None:
    """The plan that holds an account's place at this moment, and the instant of its newest news; None without one."""
    if slot is None or slot.kind is not SlotKind.PLAN or not slot.held(now_ms):
        return None
    return {"planId": slot.holder_id, "expiresAt": rfc3339(slot.until_ms), "asOf": _time(slot.as_of_ms)}


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
        **_term_of(stored),
        "timezone": stored.term.time_zone,
        "models": models,
    }


def key_of_bearer(stored: Subscription, status: Status, models: list[Json]) -> Json:
    """The same for whoever bears the key and knows nothing else: without the account, which may be somebody's name."""
    described = described_key(stored, status, models)
    del described["accountId"]
    return described


def models_of_key(stored: Subscription) -> Json:
    """The models in the form in which AI clients list models; `created` is when the term began, in whole seconds."""
    created = stored.term.starts_at_ms // MS_PER_SECOND
    return {
        "object": "list",
        "data": [
            {"id": limits.model_id, "object": "model", "created": created, "owned_by": OWNER_OF_MODELS}
            for limits in stored.models
        ],
    }


def described_model(entitlement: Entitlement, now_ms: int) -> Json:
    """One model of a key: what was bought, what is left of it, and how many holds are open."""
    return {
        **limits(entitlement.limits),
        **current_windows(entitlement, now_ms),
        "openHolds": open_holds(entitlement, now_ms),
    }


def held_by_model(entitlement: Entitlement, now_ms: int, id_of: Callable[[Hold], str]) -> Json:
    """What one model holds: each open hold, by when it expires, with when it was authorized or has last gone on.

    `id_of` gives the authorization id of a hold of this entitlement.
    """
    holds = [h for h in entitlement.holds.values() if h.expires_at_ms > now_ms]
    shown = [
        {
            "authorizationId": id_of(h),
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

    `apiKeyMasked` is None while the key is revoked. `price` is what was charged for its list in the current term; None
    where that is not known. A purchase whose term has not begun shows no instants of it.
    """
    return {
        "subscriptionId": stored.id,
        "status": status.value,
        "term": stored.term_number,
        **({} if api_key is None else {"apiKey": api_key}),
        "apiKeyMasked": api_keys.mask(stored.key_tail) if stored.key_tail else None,
        **_term_of(stored),
        "timezone": stored.term.time_zone,
        "autoRenew": stored.auto_renew,
        "autoRenewMonths": stored.months_to_continue,
        "label": stored.label or None,
        "models": [limits(m) for m in stored.models],
        "pendingChange": pending_change(stored),
        "price": _price_of(stored.sold_term()),
    }


def with_obstacle(shown: Json, blocked_by: str | None) -> Json:
    """A subscription that also says what keeps it from renewing itself; None where it is not to, or nothing does."""
    return {**shown, "renewalBlockedBy": blocked_by}


def pending_change(stored: Subscription) -> Json | None:
    """The list that is not in force yet, and when it will be; None when nothing waits."""
    change = stored.pending_change
    if change is None:
        return None
    return {"bindsAt": rfc3339(change.binds_at_ms), "models": [limits(m) for m in change.models]}


def outcome(told: Outcome) -> Json:
    """The subscription of a sale or a new key; a sale shows its `order`, and its price in the place of the term's."""
    shown = subscription(told.subscription, told.status, told.api_key)
    if told.order is None:
        return shown
    return {**shown, "price": pricing.price_answer(told.order.price), "order": order(told.order, told.now_ms)}


def order(sold: Order, now_ms: int) -> Json:
    """An order with its status at this moment: what it sells, at which price, for which months, and by whom.

    `startsAt` and `endsAt` are the months that it was sold for; None while they wait for the order's confirmation.
    """
    return {
        "orderId": sold.id,
        "kind": sold.kind.value,
        "status": sold.status(now_ms).value,
        "subscriptionId": sold.subscription_id,
        "label": sold.label or None,
        "price": pricing.price_answer(sold.price),
        "at": rfc3339(sold.at_ms),
        "by": sold.by,
        "startsAt": _time(sold.from_ms),
        "endsAt": _time(sold.until_ms),
        "topUp": None if sold.top_up is None else {"modelId": sold.top_up.model_id, "units": sold.top_up.units},
        "lapsesAt": _time(sold.lapses_at_ms),
        "reference": sold.reference,
        "reason": sold.reason,
    }


def order_of_an_account(sold: Order, now_ms: int) -> Json:
    """An order with whose it is, where orders of all accounts are listed."""
    return {"accountId": sold.account_id, **order(sold, now_ms)}


def for_operators(stored: Subscription, shown: Json) -> Json:
    """A subscription as operators see it: as it is `shown` to its customer, with whose it is.

    It says as well who has suspended it, since when and why.
    """
    suspension = None
    if stored.suspension is not None:
        at_ms, operator, reason = stored.suspension
        suspension = {"at": rfc3339(at_ms), "operatorId": operator, "reason": reason}
    return {"accountId": stored.account_id, **shown, "suspension": suspension}


def term(sold: SoldTerm) -> Json:
    """A term as the history shows it, with the price it was sold at; `price` is None where that is not known."""
    return {
        "term": sold.number,
        "startsAt": rfc3339(sold.term.starts_at_ms),
        "expiresAt": rfc3339(sold.term.ends_at_ms),
        "price": _price_of(sold),
    }


def _price_of(sold: SoldTerm) -> Json | None:
    price = pricing.price_of_term(sold)
    return None if price is None else pricing.price_answer(price)


def _term_of(stored: Subscription) -> Json:
    """When the current term begins and ends; None of a purchase that was not confirmed, which has none."""
    has_none = stored.is_pending or stored.withdrawn
    return {
        "startsAt": None if has_none else rfc3339(stored.term.starts_at_ms),
        "expiresAt": None if has_none else rfc3339(stored.expires_at_ms),
    }


def _time(at_ms: int | None) -> str | None:
    return None if at_ms is None else rfc3339(at_ms)


def limits(bought: Limits) -> Json:
    """One line of a list."""
    return {
        "modelId": bought.model_id,
        "channelTier": bought.tier.value,
        "unit": bought.unit.value,
        "dailyCallLimit": bought.daily_call_limit,
        "monthlyTokenCap": bought.monthly_cap,
    }
