"""What every kind of sale tells the one pipeline that sells (`commands.sell`). Rule: pure; nothing is read or written.

A kind is made for one invocation, with what is asked for. The pipeline asks it in the order of its methods. `effect` is
used where an order is carried out at once and where it is confirmed later, when only the order and the stored values
are left: whatever it needs besides is in the order.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from modelpass.subscriptions.model import OrderKind
from modelpass.subscriptions.order_records import Order, OrderStatus

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.entitlements.model import EntitlementId, Limits
    from modelpass.errors import Refusal
    from modelpass.schema import Request, Tables
    from modelpass.subscriptions.model import Slot, Subscription
    from modelpass.subscriptions.order_records import Price, TopUp


class Effect(NamedTuple):
    """What carrying an order out changes; all of it is written in one transaction.

    `row` is the subscription after it, and `slot` the account's place, neither with the order counted. `actions` write
    the rest: entitlements, the history, the event. `retired` are entitlements that lose their key by it; those of them
    that cannot be read are passed over. `top_up` is what one entitlement gets beside its cap: the write depends on what
    is stored there, so it is worked out by whoever sends it.
    """

    row: Subscription
    slot: Slot
    actions: list[Request]
    retired: tuple[EntitlementId, ...] = ()
    top_up: TopUp | None = None


class SaleKind(Protocol):
    """One sale. `found` is the subscription as the clock has it; of a purchase, a draft of it that is not stored."""

    def model_ids(self, found: Subscription) -> Iterable[str]:
        """The models whose offers are read, at most 100 and none twice."""
        ...

    def refuse(self, found: Subscription, now_ms: int) -> Refusal | None:
        """Why it cannot be sold whatever it costs: by the status, or by what is asked for."""
        ...

    def order(self, found: Subscription, offered: Mapping[str, CatalogueModel], now_ms: int) -> Order:
        """The order as it is kept once it is done, at the prices of now, with the number after the newest.

        Raises `Refused` for what is not offered.
        """
        ...

    def refuse_place(self, found: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:
        """Why it cannot be sold though its price is right: what is told only then, such as a place that is taken."""
        ...

    def effect(self, tables: Tables, found: Subscription, slot: Slot | None, order: Order, now_ms: int) -> Effect:
        """What carrying the order out changes."""
        ...


def new_order(  # noqa: PLR0913 - what tells one order from another
    found: Subscription,
    kind: OrderKind,
    price: Price,
    now_ms: int,
    *,
    term_number: int,
    span: tuple[int, int],
    models: tuple[Limits, ...] = (),
    by: str | None = None,
) -> Order:
    """The next order of a subscription, done, by its account unless `by` names another.

    The numbers up to that of the term are for the orders that began its terms, also where those are made only later:
    of what was sold before there were orders.

    `span` is from when until when the months are that it sells (milliseconds).
    """
    return Order(
        subscription_id=found.id,
        number=1 if kind is OrderKind.PURCHASE else max(found.orders, found.term_number) + 1,
        account_id=found.account_id,
        kind=kind,
        stored=OrderStatus.DONE,
        label=found.label,
        price=price,
        at_ms=now_ms,
        by=found.account_id if by is None else by,
        term_number=term_number,
        months=price.months,
        from_ms=span[0],
        until_ms=span[1],
        models=models,
    )
