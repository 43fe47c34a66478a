"""What the API answers with, as pydantic models. Rule: each is closed: no other field is ever answered.

The document shows these models with their docstrings, and the tests hold every answer to them. The description of a
field is a sentence.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, create_model
from pydantic.alias_generators import to_camel

from contract import event_schemas
from modelpass import api_keys
from modelpass.api.subscription_bodies import TIME_ZONE_FORMAT
from modelpass.catalogue.tiers import Kind, Tier, Unit
from modelpass.errors import ErrorCode
from modelpass.ids import MODEL_ID_PATTERN, SUBSCRIPTION_ID_PATTERN
from modelpass.outbox import EventType
from modelpass.subscriptions.model import Status

Instant = Annotated[
    str,
    Field(
        pattern=r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$",
        json_schema_extra={"format": "date-time"},
    ),
]
Date = Annotated[str, Field(pattern=r"^\d{4}-\d\d-\d\d$", json_schema_extra={"format": "date"})]
ModelId = Annotated[str, Field(pattern=f"^{MODEL_ID_PATTERN}$")]
SubscriptionId = Annotated[str, Field(pattern=f"^{SUBSCRIPTION_ID_PATTERN}$")]
Decimal = Annotated[str, Field(pattern=r"^\d+(\.\d+)?$")]
Currency = Annotated[str, Field(pattern=r"^[A-Z]{3}$", description="An ISO 4217 code.")]
TimeZone = Annotated[str, Field(json_schema_extra={"format": TIME_ZONE_FORMAT})]
Count = Annotated[int, Field(ge=0)]
Cursor = Annotated[str | None, Field(description="The `cursor` of the next page; null on the last.")]


class Shape(BaseModel):
    """An object of an answer."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel, strict=True)


class Price(Shape):
    """A month's price of a tier: `base`, `perUnit` of the cap and `perDailyCall` of the daily limit, added up."""

    currency: Currency
    base: Decimal
    per_unit: Decimal
    per_daily_call: Decimal


class OfferedTier(Shape):
    """A tier that a model is offered in."""

    channel_tier: Tier
    available: Annotated[bool, Field(description="Whether requests in this tier are answered at the moment.")]
    price: Price


class Bounds(Shape):
    """The least and the most that may be bought."""

    min: Annotated[int, Field(ge=1)]
    max: Annotated[int, Field(ge=1)]


class ModelLimits(Shape):
    """What may be bought of a model."""

    daily_call_limit: Bounds
    monthly_token_cap: Annotated[Bounds, Field(description="In the model's unit.")]


class Model(Shape):
    """A model of the catalogue."""

    model_id: ModelId
    kind: Kind
    unit: Unit
    tiers: list[OfferedTier]
    limits: ModelLimits


class WithdrawnModel(Model):
    """A model as it was last offered, before it was withdrawn."""

    withdrawn: Literal[True]


class UnreadableModel(Shape):
    """A model whose stored item cannot be read: it is not sold until it is put anew."""

    model_id: ModelId
    kind: Annotated[Kind | None, Field(description="The kind that it keeps; null where that cannot be read either.")]
    unreadable: Literal[True]


class Catalogue(Shape):
    """A page of the models that can be bought, in the order of their ids; for operators, of all."""

    models: list[Model | WithdrawnModel]
    next: Annotated[str | None, Field(description="The `cursor` of the next page; null on the last one.")]


class Availability(Shape):
    """Whether a tier of a model is up."""

    model_id: ModelId
    channel_tier: Tier
    available: bool
    reason: Annotated[str | None, Field(description="The operator's; null where none was given.")]


class PriceLine(Shape):
    """What one model costs."""

    model_id: ModelId
    channel_tier: Tier
    monthly: Annotated[Decimal, Field(description="For a month.")]
    total: Annotated[Decimal, Field(description="For all months.")]


class Quote(Shape):
    """A price, line by line: exact, and never rounded."""

    currency: Currency
    lines: list[PriceLine]
    monthly_total: Decimal
    months: Annotated[int, Field(ge=1)]
    total: Annotated[Decimal, Field(description="What the lines' totals add up to.")]


class Entitlement(Shape):
    """One model of a subscription, as it was bought."""

    model_id: ModelId
    channel_tier: Tier
    unit: Unit
    daily_call_limit: Count
    monthly_token_cap: Annotated[Count, Field(description="In the model's unit.")]


MaskedKey = Annotated[
    str, Field(pattern=rf"^{api_keys.mask('[A-Za-z0-9_-]{4}')}$", description="Tells keys apart; opens nothing.")
]


class PendingChange(Shape):
    """The list that will be in force from an instant on."""

    binds_at: Instant
    models: list[Entitlement]


class Subscription(Shape):
    """A subscription as it is at the moment of asking."""

    subscription_id: SubscriptionId
    status: Status
    term: Annotated[int, Field(ge=1, description="1 when it was bought; each renewal begins the next.")]
    api_key_masked: Annotated[MaskedKey | None, Field(description="Null while the key is revoked.")]
    starts_at: Annotated[Instant | None, Field(description="Null while a purchase waits for its confirmation.")]
    expires_at: Annotated[Instant | None, Field(description="Likewise.")]
    timezone: TimeZone
    auto_renew: Annotated[bool, Field(description="Whether the term goes on by itself at its end.")]
    auto_renew_months: Annotated[int, Field(ge=1, description="For how many months it then goes on.")]
    label: Annotated[str | None, Field(description="What its customer calls it.")]
    models: list[Entitlement]
    pending_change: Annotated[PendingChange | None, Field(description="Null where no change waits.")]
    price: Annotated[Quote | None, Field(description="What was charged for its list; null where that was not kept.")]


RenewalBlockedBy = Annotated[
    str | None,
    Field(
        description="What would keep it from renewing itself now; null where it is not to, or nothing would.",
        json_schema_extra={
            "examples": [
                *("subscription_suspended", "sale_approval_required", "unknown_model", "tier_not_offered"),
                "limits_not_offered",
                "temporarily_unavailable",
            ]
        },
    ),
]


class ShownSubscription(Subscription):
    """A subscription as its customer looks at it."""

    renewal_blocked_by: RenewalBlockedBy


class Suspension(Shape):
    """That an operator has suspended a subscription."""

    at: Instant
    operator_id: str
    reason: str


class SeenSubscription(ShownSubscription):
    """A subscription as operators see it."""

    account_id: str
    suspension: Annotated[Suspension | None, Field(description="Null where it is not suspended.")]


class Hold(Shape):
    """What one authorization holds."""

    authorization_id: Annotated[str, Field(description="The id of its next report; by it, the hold can be released.")]
    authorized_at: Annotated[Instant, Field(description="When it was granted, or has last gone on.")]
    hold_expires_at: Instant
    held_usage: int
    held_calls: int


class HeldByModel(Shape):
    """The open holds of one model, by when they expire."""

    model_id: ModelId
    channel_tier: Tier
    unit: Unit
    open_holds: int
    held_usage: int
    holds: list[Hold]


class Holds(Shape):
    """What a subscription holds at the moment of asking, in its current term."""

    subscription_id: SubscriptionId
    account_id: str
    models: list[HeldByModel]


class FoundKey(Shape):
    """Whose an API key is."""

    subscription_id: SubscriptionId
    account_id: str
    status: Status
    term: Annotated[int, Field(ge=1, description="The term that the key was made in.")]
    current: Annotated[bool, Field(description="False for a key that was replaced or revoked.")]


class SubscriptionWithKey(Subscription):
    """A subscription with the key that this very call made. It is shown this once."""

    api_key: Annotated[str, Field(pattern=f"^{api_keys.API_KEY_PATTERN}$")]


class SubscriptionPage(Shape):
    """The account's subscriptions, newest first."""

    subscriptions: list[ShownSubscription]
    next: Cursor


class DailyWindow(Shape):
    """The calls of the day that is current, or the term's last."""

    limit: Count
    used: Annotated[Count, Field(description="Calls granted, settled or not.")]
    remaining: Count
    resets_at: Instant


class MonthlyWindow(Shape):
    """The units of the month that is current, or the term's last."""

    limit: Count
    used: Count
    held: Annotated[Count, Field(description="Reserved by grants that are neither settled nor expired.")]
    remaining: Annotated[Count, Field(description="Never below 0.")]
    overrun: Annotated[Count, Field(description="How far `used` and `held` exceed `limit` and `topUp`.")]
    resets_at: Instant
    top_up: Annotated[
        int,
        Field(ge=1, description="Bought beside `limit` for this month; absent where nothing was."),
        Field(json_schema_extra=lambda schema: schema.pop("default", None)),
    ] = 1


class ModelUsage(Shape):
    """The live counters of one model."""

    model_id: ModelId
    channel_tier: Tier
    unit: Unit
    daily: DailyWindow
    monthly: MonthlyWindow


class Usage(Shape):
    """The live counters of a subscription, model by model as bought."""

    subscription_id: SubscriptionId
    status: Status
    models: list[ModelUsage]


class UsageDay(Shape):
    """What one model used on one day of the subscription's time zone."""

    date: Date
    model_id: ModelId
    calls: Annotated[Count, Field(description="By the day they were granted.")]
    units: Annotated[Count, Field(description="By the day of their request.")]
    closed: Annotated[bool, Field(description="Whether the day is over; late reports are added all the same.")]


class SoldTerm(Shape):
    """A term and the price it was sold at."""

    term: Annotated[int, Field(ge=1)]
    starts_at: Instant
    expires_at: Instant
    price: Annotated[Quote | None, Field(description="Null when the term was sold before prices were kept.")]


class History(Shape):
    """Usage per day and model; days without any are there as zero."""

    days: list[UsageDay]
    terms: list[SoldTerm]
    next: Cursor


def _event(kind: EventType, version: int, data: type[BaseModel]) -> type[Shape]:
    """An event of one type: its version and the schema of its data are those of every reader."""
    name = "".join(part.title() for part in kind.replace("_", ".").split("."))
    fields: dict[str, Any] = {
        "id": (str, ...),
        "type": (str, Field(json_schema_extra={"const": kind.value})),
        "version": (int, Field(json_schema_extra={"const": version})),
        "at": (Instant, ...),
        "data": (data, ...),
    }
    return create_model(f"Event{name}", __base__=Shape, __doc__=f"`{kind.value}`.", **fields)


_OF_OTHERS = (
    *(EventType.TIER_DOWN, EventType.TIER_UP, EventType.MODEL_CHANGED),
    *(EventType.PLAN_STARTED, EventType.PLAN_ENDED),
)
EVENTS = tuple(_event(kind, *schema) for kind, schema in event_schemas.SCHEMAS.items() if kind not in _OF_OTHERS)
"""The events whose subject is a subscription: others are in no account's list."""
Event = Union[EVENTS]  # type: ignore[valid-type]  # noqa: UP007 - made of what `event_schemas` lists


class EventPage(Shape):
    """What happened to a subscription, newest first."""

    events: list[Event]
    next: Cursor


class Correction(Shape):
    """A correction as it was booked, and the windows current now."""

    subscription_id: SubscriptionId
    model_id: ModelId
    units: Annotated[int, Field(description="Added to the usage; below 0 takes away.")]
    calls: Annotated[int, Field(description="Added to the calls of the day; below 0 gives back.")]
    at: Annotated[Instant, Field(description="The instant whose windows were corrected.")]
    reason: str
    daily: DailyWindow
    monthly: MonthlyWindow


class PlanSubscription(Shape):
    """The plan that holds an account's one place, as it is known."""

    account_id: str
    plan_id: Annotated[str | None, Field(description="Null where no plan holds the place.")]
    expires_at: Instant | None
    as_of: Annotated[Instant | None, Field(description="The instant of the newest news; null where none told one.")]
    applied: Annotated[bool, Field(description="False when the news was older than what is known.")]


class PlanInPlace(Shape):
    """A plan that holds an account's one place."""

    plan_id: str
    expires_at: Instant
    as_of: Annotated[Instant | None, Field(description="The instant of the newest news; null where none told one.")]


class PlanOfAccount(Shape):
    """The plan of an account at the moment of asking."""

    plan_subscription: Annotated[PlanInPlace | None, Field(description="Null where no plan holds the place.")]


class ErrorDetail(Shape):
    """Why a call was refused, as AI clients parse it."""

    message: Annotated[str, Field(description="For people; it may change.")]
    type: Annotated[str, Field(json_schema_extra={"enum": sorted({e.error_type for e in ErrorCode})})]
    code: Annotated[str, Field(json_schema_extra={"enum": [e.code for e in ErrorCode]})]
    param: Annotated[str | None, Field(description="The field, header or claim at fault.")]


class Error(Shape):
    """A refusal; it changed nothing."""

    error: ErrorDetail


class RetryableError(Shape):
    """A refusal that time alone lifts."""

    retry_after: Annotated[int, Field(ge=1, description="Whole seconds; the header `Retry-After` says the same.")]
    error: ErrorDetail


class GatewayMessage(Shape):
    """What API Gateway answers by itself."""

    message: str
