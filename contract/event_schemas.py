"""The `data` of every event type as a pydantic model. Rule: a model takes what `docs/events.md` promises, and no more.

The tests hold every event that the commands write to these models, and the OpenAPI document makes its events from
them. What a field means, and what may change within a version, is in `docs/events.md`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from modelpass.outbox import EventType

Time = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$")]
Money = Annotated[str, Field(pattern=r"^\d+\.\d{2,}$")]
Amount = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]
Tier = Literal["basic", "stable", "enterprise"]
Count = Annotated[int, Field(ge=1)]
Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    """Members are camelCase, none is converted and no other is taken."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, alias_generator=to_camel)


class SoldLine(_Strict):
    """What one model of a term was sold for. `total` may be absent in events of earlier code, but is never null."""

    model_id: Text
    channel_tier: Tier
    monthly: Money
    total: Annotated[Money, Field(json_schema_extra=lambda schema: schema.pop("default", None))] = ""


class SoldPrice(_Strict):
    """What a term was sold for."""

    currency: Text
    lines: list[SoldLine]
    monthly_total: Money
    months: Count
    total: Money


class TermEnded(_Strict):
    """A term of a subscription that is over: `subscription.expired`, `subscription.cancelled`."""

    term: Count
    starts_at: Time
    expires_at: Time
    models: list[Text]


class TermSold(TermEnded):
    """A term of a subscription that begins: `subscription.purchased`, `subscription.renewed`.

    `order_id` may be absent in events of earlier code, but is never null.
    """

    price: SoldPrice
    order_id: Annotated[Text, Field(json_schema_extra=lambda schema: schema.pop("default", None))] = ""


class TermExtended(TermEnded):
    """`subscription.extended`: by its customer or, where it renews itself, by the service."""

    price: SoldPrice
    order_id: Text
    months: Count
    by: Literal["customer", "service"]


class BoughtLimits(_Strict):
    """One line of a list."""

    model_id: Text
    channel_tier: Tier
    unit: Literal["tokens", "generations"]
    daily_call_limit: Count
    monthly_token_cap: Count


class ListToCome(_Strict):
    """A list that is not in force yet."""

    binds_at: Time
    models: list[BoughtLimits]


class TermChanged(TermEnded):
    """`subscription.changed`: `lines` are in force now, and `pending_change` is null where nothing waits."""

    price: SoldPrice
    order_id: Text
    lines: list[BoughtLimits]
    pending_change: ListToCome | None


class ToppedUp(TermEnded):
    """`subscription.topped_up`: units beside the cap, for one month window."""

    price: SoldPrice
    order_id: Text
    model_id: Text
    units: Count
    window_ends_at: Time


class TermExpiring(TermEnded):
    """`subscription.expiring`: so many days are left at most, and what would keep the term from going on by itself."""

    days_left: Literal[7, 1]
    auto_renew: bool
    renewal_blocked_by: Text | None


class OrderWaits(_Strict):
    """An order that waited: `order.pending`, `order.withdrawn`, `order.lapsed`."""

    order_id: Text
    kind: Literal["purchase", "renewal", "extension", "change", "top_up"]
    label: str | None
    price: SoldPrice
    lapses_at: Time


class OrderConfirmed(OrderWaits):
    """`order.confirmed`, with the billing system's name for what paid it."""

    reference: Text


class OrderRejected(OrderWaits):
    """`order.rejected`."""

    reason: Text


class KeyRegenerated(_Strict):
    """`key.regenerated`."""

    term: Count


class KeyRevoked(_Strict):
    """`key.revoked`: there is an `operatorId` where an operator revoked it, which is never null."""

    term: Count
    by: Literal["customer", "operator"]
    operator_id: Annotated[Text, Field(json_schema_extra=lambda schema: schema.pop("default", None))] = "-"


class Suspended(_Strict):
    """`subscription.suspended`."""

    term: Count
    operator_id: Text
    reason: Text


class Resumed(Suspended):
    """`subscription.resumed`: the reason is that of the suspension."""

    suspended_at: Time


class ThresholdReached(_Strict):
    """`limit.threshold_reached`: of what was really used, once for each crossing."""

    model_id: Text
    term: Count
    limit: Literal["daily", "monthly"]
    percent: Literal[80, 100]
    window_ends_at: Time


class UsageCorrected(_Strict):
    """`usage.corrected`; events of before calls could be corrected have no `calls`."""

    model_id: Text
    term: Count
    units: int
    calls: int = 0
    at: Time
    reason: Text


class HoldReleased(_Strict):
    """`hold.released`: what an operator has given back, and who did it."""

    model_id: Text
    term: Count
    units: Annotated[int, Field(ge=0)]
    calls: Annotated[int, Field(ge=0)]
    granted_at: Time
    operator_id: Text


class UsageFarAboveEstimate(_Strict):
    """`usage.far_above_estimate`: a report was booked that may be in another unit than the model's."""

    model_id: Text
    term: Count
    held_usage: int
    actual_usage: int
    granted_at: Time


class TierDown(_Strict):
    """`tier.down`."""

    model_id: Text
    channel_tier: Tier
    reason: Text


class TierUp(_Strict):
    """`tier.up`; the reason may be absent, but is never null."""

    model_id: Text
    channel_tier: Tier
    reason: Annotated[Text, Field(json_schema_extra=lambda schema: schema.pop("default", None))] = ""


class Price(_Strict):
    """A month's price of a tier, as an operator has put it."""

    currency: Text
    base: Amount
    per_unit: Amount
    per_daily_call: Amount


class OfferedTier(_Strict):
    """A tier that a model is offered in."""

    channel_tier: Tier
    price: Price


class Bounds(_Strict):
    """The least and the most that may be bought of a limit."""

    min: Count
    max: Count


class Limits(_Strict):
    """The bounds of what may be bought of a model."""

    daily_call_limit: Bounds
    monthly_token_cap: Bounds


class Figures(_Strict):
    """What is offered of a model."""

    kind: Literal["text", "image", "video"]
    unit: Literal["tokens", "generations"]
    tiers: list[OfferedTier]
    limits: Limits


class ModelChanged(_Strict):
    """What changed of a model: `old` is null where nothing was offered that could be read, `new` where nothing is now.

    `operator_id` is null where the operator's token names nobody.
    """

    model_id: Text
    old: Figures | None
    new: Figures | None
    operator_id: Text | None


class TierBreached(_Strict):
    """`tier.breached`."""

    model_id: Text
    term: Count
    channel_tier: Tier
    served_tier: Tier
    granted_at: Time


class PlanStarted(_Strict):
    """`plan.started`."""

    plan_id: Text
    expires_at: Time


class PlanEnded(_Strict):
    """`plan.ended`."""

    plan_id: Text
    expires_at: Time
    reason: Literal["ended", "expired"]


SCHEMAS: Final[dict[EventType, tuple[int, type[BaseModel]]]] = {
    EventType.PURCHASED: (1, TermSold),
    EventType.RENEWED: (1, TermSold),
    EventType.EXPIRED: (1, TermEnded),
    EventType.CANCELLED: (1, TermEnded),
    EventType.EXTENDED: (1, TermExtended),
    EventType.CHANGED: (1, TermChanged),
    EventType.TOPPED_UP: (1, ToppedUp),
    EventType.EXPIRING: (1, TermExpiring),
    EventType.KEY_REGENERATED: (1, KeyRegenerated),
    EventType.THRESHOLD_REACHED: (1, ThresholdReached),
    EventType.USAGE_CORRECTED: (1, UsageCorrected),
    EventType.USAGE_FAR_ABOVE_ESTIMATE: (1, UsageFarAboveEstimate),
    EventType.TIER_DOWN: (1, TierDown),
    EventType.TIER_UP: (1, TierUp),
    EventType.MODEL_CHANGED: (1, ModelChanged),
    EventType.TIER_BREACHED: (1, TierBreached),
    EventType.PLAN_STARTED: (1, PlanStarted),
    EventType.PLAN_ENDED: (1, PlanEnded),
    EventType.SUSPENDED: (1, Suspended),
    EventType.RESUMED: (1, Resumed),
    EventType.KEY_REVOKED: (1, KeyRevoked),
    EventType.ORDER_PENDING: (1, OrderWaits),
    EventType.ORDER_CONFIRMED: (1, OrderConfirmed),
    EventType.ORDER_REJECTED: (1, OrderRejected),
    EventType.ORDER_WITHDRAWN: (1, OrderWaits),
    EventType.ORDER_LAPSED: (1, OrderWaits),
    EventType.HOLD_RELEASED: (1, HoldReleased),
}
"""The version each type now has, and the model of its `data`."""
