"""A top-up: more units of a model for the current month window. Rule: pure; gone with the window, whatever is left.

A unit costs what the catalogue asks for one of a cap, with no base. The cap and the top-ups of a window stay within the
model's bounds; how many units the window has got already stands in the row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelpass.entitlements.windows import segment_at
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.subscriptions import events, pricing, sale_rules, slots
from modelpass.subscriptions.model import OrderKind, TopUps
from modelpass.subscriptions.order_records import Price, PriceLine, TopUp
from modelpass.subscriptions.sales.kinds import Effect, new_order

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.entitlements.model import Limits
    from modelpass.schema import Tables
    from modelpass.subscriptions.model import Sale, Slot, Subscription
    from modelpass.subscriptions.order_records import Order


@dataclass(frozen=True, slots=True)
class ToppingUp:
    """So many units of a model; an order that has waited has both itself."""

    model_id: str = ""
    units: int = 0

    def model_ids(self, found: Subscription) -> Iterable[str]:  # noqa: ARG002 - of a protocol
        """The model."""
        return [self.model_id]

    def refuse(self, found: Subscription, now_ms: int) -> Refusal | None:
        """Refuse what has ended or has not begun, and a model that is not in force in it."""
        refusal = sale_rules.refuse_unless_running(found, now_ms)
        if refusal is None and _line(found, self.model_id) is None:
            message = "modelId must be a model of the subscription."
            return Refusal(ErrorCode.INVALID_REQUEST, param="modelId", message=message)
        return refusal

    def order(self, found: Subscription, offered: Mapping[str, CatalogueModel], now_ms: int) -> Order:
        """The order of the units, for the current month window.

        Raises `unknown_model` and `tier_not_offered` for what is not sold any more, and `invalid_request` where the
        window would have more units than may be bought.
        """
        limits = _line(found, self.model_id)
        if limits is None:
            raise Refused(Refusal(ErrorCode.UNKNOWN_MODEL, param="modelId"))
        cost = self._cost(found, offered, limits, now_ms)
        window = segment_at(found.term, now_ms)
        price = Price(cost[0], (PriceLine(limits.model_id, limits.tier, cost[1], cost[1]),), 1)
        span, number = (window.month_start_ms, window.month_end_ms), found.term_number
        order = new_order(found, OrderKind.TOP_UP, price, now_ms, term_number=number, span=span)
        return order._replace(top_up=TopUp(self.model_id, self.units))

    def _cost(
        self, found: Subscription, offered: Mapping[str, CatalogueModel], limits: Limits, now_ms: int
    ) -> tuple[str, str]:
        """The currency and the price of the units."""
        model = offered.get(limits.model_id)
        if model is None:
            raise Refused(Refusal(ErrorCode.UNKNOWN_MODEL, param="modelId"))
        if limits.tier not in model.tiers:
            raise Refused(Refusal(ErrorCode.TIER_NOT_OFFERED, param="modelId"))
        room = model.cap.most - limits.monthly_cap - found.topped_up(limits.model_id, now_ms)
        if self.units > room:
            most = f"at most {room}" if room > 0 else "bought for another window"
            message = f"units must be {most}: the cap and the top-ups of a month are at most {model.cap.most} together."
            raise invalid("units", message)
        price = model.tiers[limits.tier]
        return price.currency, pricing.times(price.per_unit, self.units)

    def refuse_place(self, found: Subscription, slot: Slot | None, now_ms: int) -> Refusal | None:
        """Refuse where something else holds the account's place, which a running subscription has."""
        return sale_rules.refuse_place_of_another(slot, found.id, now_ms)

    def effect(self, tables: Tables, found: Subscription, slot: Slot | None, order: Order, now_ms: int) -> Effect:
        """The units in the row's count of the window; those of the entitlement are written beside it."""
        bought = order.top_up or TopUp("", 0)
        counted = dict(found.top_ups.units) if found.top_ups is not None else {}
        counted[bought.model_id] = counted.get(bought.model_id, 0) + bought.units
        ends_ms = segment_at(found.term, now_ms).month_end_ms
        row = found._replace(
            top_ups=TopUps(ends_ms, tuple(sorted(counted.items()))),
            sale=_charged(found.models, found.sale, found.term.months, order.price),
            pending_order=None,
        )
        change = found.pending_change
        if change is not None:
            sale = _charged(change.models, change.sale, found.term.months, order.price)
            row = row._replace(pending_change=change._replace(sale=sale or change.sale))
        actions = [{"Put": events.topped_up(tables, row, order, now_ms)}]
        return Effect(row, slots.taken(slot, row), actions, top_up=bought)


def _line(found: Subscription, model_id: str) -> Limits | None:
    return next((limits for limits in found.models if limits.model_id == model_id), None)


def _charged(models: tuple[Limits, ...], sale: Sale | None, months: int, price: Price) -> Sale | None:
    """What the lines were sold for once the price is charged for its line, too; None where that is not known."""
    if sale is None:
        return None
    line = price.lines[0]
    totals = zip(models, pricing.with_totals(sale, months).totals or (), strict=True)
    added = (pricing.sum_of((t, line.total)) if m.model_id == line.model_id else t for m, t in totals)
    return sale._replace(totals=tuple(added))
