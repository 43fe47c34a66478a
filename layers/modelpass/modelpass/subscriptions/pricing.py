"""What a model costs, and how a price is shown. Rule: exact decimal arithmetic; what would have to be rounded raises.

A month of a model costs a base, a rate for each unit of its cap and a rate for each call of its daily limit.
"""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.entitlements.model import Limits
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.subscriptions.model import Sale

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelpass.catalogue.model import Catalogue, CatalogueModel, Price
    from modelpass.catalogue.tiers import Tier
    from modelpass.subscriptions.model import SoldTerm
    from modelpass.subscriptions.orders import PurchaseOrder

Json = dict[str, Any]

# The largest catalogue prices, caps and terms make sums of some 45 digits.
_EXACT: Final = Context(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
_FEWEST_PLACES: Final = 2
_BOUNDED: Final = ("dailyCallLimit", "monthlyTokenCap")


class Bought(NamedTuple):
    """Each model with its limits, and what they are sold for, in the order that they were asked for."""

    models: tuple[Limits, ...]
    sale: Sale


def sale_of(lines: Iterable[tuple[Limits, Price]], currency: str) -> Sale:
    """What models are sold for at these prices."""
    return Sale(currency, tuple(_monthly(limits, price) for limits, price in lines))


def quote_answer(models: Sequence[tuple[str, Tier]], sale: Sale, months: int) -> Json:
    """A price line by line and in total: `{"currency", "lines", "monthlyTotal", "months", "total"}`."""
    with localcontext(_EXACT):
        monthly = sum(map(Decimal, sale.monthly), Decimal(0))
        total = monthly * months
        return {
            "currency": sale.currency,
            "lines": [
                {"modelId": model_id, "channelTier": tier.value, "monthly": price}
                for (model_id, tier), price in zip(models, sale.monthly, strict=True)
            ],
            "monthlyTotal": _shown(monthly),
            "months": months,
            "total": _shown(total),
        }


def price_of_term(sold: SoldTerm) -> Json | None:
    """What a term was sold for, in the shape of a quote; None when that is not known."""
    return None if sold.sale is None else quote_answer(sold.models, sold.sale, sold.term.months)


def _monthly(limits: Limits, price: Price) -> str:
    with localcontext(_EXACT):
        base, per_unit, per_call = map(Decimal, (price.base, price.per_unit, price.per_daily_call))
        return _shown(base + per_unit * limits.monthly_cap + per_call * limits.daily_call_limit)


def _shown(amount: Decimal) -> str:
    """With two decimals at least, and more only where they are needed."""
    exponent = amount.normalize().as_tuple().exponent
    places = max(_FEWEST_PLACES, -int(exponent))
    return f"{amount:.{places}f}"


def bought(offered: Catalogue, order: PurchaseOrder) -> Bought:
    """What a purchase buys, and for how much; raises `Refused` naming the first model that is not offered so."""
    limits = []
    for index, line in enumerate(order.lines):
        model = _offered(offered, index, line.model_id, line.tier)
        figures = (line.daily_call_limit, line.monthly_cap)
        for name, figure, bounds in zip(_BOUNDED, figures, (model.calls, model.cap), strict=True):
            if not bounds.least <= figure <= bounds.most:
                param = f"models[{index}].{name}"
                raise invalid(param, f"{param} must be from {bounds.least} to {bounds.most} for this model.")
        limits.append(Limits(line.model_id, line.tier, model.unit, *figures))
    return Bought(tuple(limits), _priced(offered, limits))


def bought_again(offered: Catalogue, models: tuple[Limits, ...]) -> Sale:
    """For how much the models of a subscription are sold now; raises `Refused` when one is not offered any more."""
    for index, limits in enumerate(models):
        _offered(offered, index, limits.model_id, limits.tier)
    return _priced(offered, models)


def _offered(offered: Catalogue, index: int, model_id: str, tier: Tier) -> CatalogueModel:
    model = offered.models.get(model_id)
    if model is None:
        raise Refused(Refusal(ErrorCode.UNKNOWN_MODEL, param=f"models[{index}].modelId"))
    if tier not in model.tiers:
        raise Refused(Refusal(ErrorCode.TIER_NOT_OFFERED, param=f"models[{index}].channelTier"))
    return model


def _priced(offered: Catalogue, models: tuple[Limits, ...] | list[Limits]) -> Sale:
    prices = [offered.models[m.model_id].tiers[m.tier] for m in models]
    return sale_of(zip(models, prices, strict=True), prices[0].currency)
