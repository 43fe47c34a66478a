"""What sales and looks at orders are answered with, as pydantic models. Rule: as `shapes`, whose parts they have."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from contract.openapi.shapes import Cursor, Instant, ModelId, Quote, Shape, Subscription, SubscriptionId
from contract.openapi.shapes import SubscriptionWithKey as WithKey
from modelpass.order_ids import ORDER_ID_PATTERN
from modelpass.subscriptions.model import OrderKind  # noqa: TC001 - pydantic reads it
from modelpass.subscriptions.order_records import OrderStatus  # noqa: TC001 - likewise

OrderId = Annotated[str, Field(pattern=f"^{ORDER_ID_PATTERN}$")]


class TopUp(Shape):
    """Units that were bought beside a cap."""

    model_id: ModelId
    units: Annotated[int, Field(ge=1)]


class Order(Shape):
    """One sale, with its price line by line: kept for good."""

    order_id: OrderId
    kind: OrderKind
    status: Annotated[OrderStatus, Field(description="At the moment of asking.")]
    subscription_id: SubscriptionId
    label: Annotated[str | None, Field(description="The subscription's, when it was ordered.")]
    price: Quote
    at: Instant
    by: Annotated[str, Field(description="The account, or `service` where a subscription renews itself.")]
    starts_at: Annotated[Instant | None, Field(description="From when it was sold; null while that is not known.")]
    ends_at: Annotated[Instant | None, Field(description="Until when.")]
    top_up: Annotated[TopUp | None, Field(description="Null for every other kind.")]
    lapses_at: Annotated[Instant | None, Field(description="Until when it waits; null where it never had to.")]
    reference: Annotated[str | None, Field(description="The billing system's, of an order that was confirmed.")]
    reason: Annotated[str | None, Field(description="Why it was rejected.")]


class OrderPage(Shape):
    """Orders, newest first."""

    orders: list[Order]
    next: Cursor


class OrderOfAccount(Order):
    """The same, with whose it is."""

    account_id: str


class PendingOrderPage(Shape):
    """Orders of all accounts that wait, the one that lapses next first."""

    orders: list[OrderOfAccount]
    next: Cursor


class Sold(Subscription):
    """The subscription after a sale; `price` is that of the order."""

    order: Order


class SoldWithKey(WithKey):
    """The same, with the key that this very call made. It is shown this once."""

    order: Order


class SaleQuote(Quote):
    """What a sale to a subscription would cost now."""

    binds_at: Annotated[Instant, Field(description="From when it would hold.")]
