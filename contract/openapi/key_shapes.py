"""What the bearer of an API key is answered, as pydantic models. Rule: as `shapes`, of whose parts they are made."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from contract.openapi.shapes import (
    Count,
    DailyWindow,
    Entitlement,
    Instant,
    ModelId,
    MonthlyWindow,
    Shape,
    SubscriptionId,
    TimeZone,
)


class KeyModel(Entitlement):
    """A model of a key: what was bought, and what is left of it."""

    daily: DailyWindow
    monthly: MonthlyWindow
    open_holds: Annotated[Count, Field(description="How many of its requests are under way.")]


class Key(Shape):
    """What a key is good for."""

    status: Literal["active"]
    subscription_id: SubscriptionId
    term: Annotated[int, Field(ge=1, description="1 when it was bought; each renewal begins the next.")]
    starts_at: Instant
    expires_at: Instant
    timezone: TimeZone
    models: list[KeyModel]


class ListedModel(Shape):
    """A model, as AI clients know it."""

    id: ModelId
    object: Literal["model"]
    created: Annotated[int, Field(ge=0, description="When the term began, in whole seconds since 1970.")]
    owned_by: Annotated[Literal["modelpass"], Field(alias="owned_by")]


class KeyModels(Shape):
    """A list, as AI clients know it; it has one page."""

    object: Literal["list"]
    data: list[ListedModel]
