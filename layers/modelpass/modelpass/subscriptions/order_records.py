"""Orders as they are kept: what was sold, at which price, when, by whom, for which months. Rule: values alone.

An order is made by the transaction that sells, and never changes but for its status. What it buys is carried out when
it is made or, where sales need an approval, when it is confirmed: it has all that takes, and the price of then.
All times are in milliseconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.order_ids import order_id_of

if TYPE_CHECKING:
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Limits
    from modelpass.subscriptions.model import OrderKind


BY_SERVICE: Final = "service"
"""Who orders where a subscription renews itself."""


class OrderStatus(StrEnum):
    """What has become of an order."""

    PENDING = "pending"
    DONE = "done"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"


class PriceLine(NamedTuple):
    """What one model costs: in a month, and in all months of an order, as decimal strings."""

    model_id: str
    tier: Tier
    monthly: str
    total: str


class Price(NamedTuple):
    """What an order costs, line by line, for so many months."""

    currency: str
    lines: tuple[PriceLine, ...]
    months: int


class TopUp(NamedTuple):
    """Units to add to what a model has in the current month window."""

    model_id: str
    units: int


class Order(NamedTuple):
    """One order of a subscription, by its number there, from 1.

    `stored` is the status as it was written: `status` tells the one of now. `by` is who ordered: the account, or
    `service` where a subscription renews itself. It was sold for the months from `from_ms` to `until_ms`: None while a
    purchase or a renewal waits, whose term has not begun. `models` is the list that a purchase, a renewal or a change
    sells, `months` how many, `top_up` what a top-up adds. `waiting` are the models of a changed list whose lines bind
    at the next month window only. `lapses_at_ms` is None for an order that never had to wait. `reference` is the
    billing system's name for its payment, `reason` why it was rejected.
    """

    subscription_id: str
    number: int
    account_id: str
    kind: OrderKind
    stored: OrderStatus
    label: str
    price: Price
    at_ms: int
    by: str
    term_number: int
    months: int
    from_ms: int | None = None
    until_ms: int | None = None
    models: tuple[Limits, ...] = ()
    top_up: TopUp | None = None
    lapses_at_ms: int | None = None
    reference: str | None = None
    reason: str | None = None
    waiting: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """The id that names the order, and where it is stored."""
        return order_id_of(self.subscription_id, self.number)

    def status(self, now_ms: int) -> OrderStatus:
        """The status at this moment: an order that was not confirmed in time has lapsed by the clock alone."""
        if self.stored is OrderStatus.PENDING and self.lapses_at_ms is not None and self.lapses_at_ms <= now_ms:
            return OrderStatus.LAPSED
        return self.stored
