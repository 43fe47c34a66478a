"""What models cost, and how a price is shown. Rule: pure and exact; an amount that would have to be rounded raises.

A month of a model costs a base, a rate for each unit of its cap and a rate for each call of its daily limit. Whether
the catalogue offers what is to be bought is checked here as well, because only what is offered has a price.
"""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass.entitlements.model import Limits
from modelpass.errors import ErrorCode, Refusal, Refused, invalid
from modelpass.subscriptions.model import Sale

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelpass.catalogue.model import CatalogueModel, Price
    from modelpass.catalogue.tiers import Tier
    from modelpass.subscriptions.model import SoldTerm
    from modelpass.subscriptions.orders import PurchaseOrder

Json = dict[str, Any]

# The largest prices, caps and terms that are possible make sums of some 45 digits.
_EXACT: Final = Context(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
_FEWEST_PLACES: Final = 2
_BOUNDED: Final = ("dailyCallLimit", "monthlyTokenCap")


class Bought(NamedTuple):
    """The models with their limits, in the order of the purchase, and what they are sold for."""

    models: tuple[Limits, ...]
    sale: Sale


def price_purchase(offered: Mapping[str, CatalogueModel], order: PurchaseOrder) -> Bought:
    """What a purchase buys, and for how much; `offered` has those of its models that are offered, by their ids.

    Raises `Refused` for the first model that is not offered so: `unknown_model`, `tier_not_offered`, or
    `invalid_request` for a limit outside of the model's bounds. Its param names the field.
    """
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


def price_renewal(offered: Mapping[str, CatalogueModel], models: tuple[Limits, ...]) -> Sale:
    """For how much the models of a subscription are sold now.

    Raises `Refused` (`unknown_model`, `tier_not_offered`) when one is not offered any more. The bounds of the catalogue
    are for purchases alone: limits that were bought once can be renewed.
    """
    for index, limits in enumerate(models):
        _offered(offered, index, limits.model_id, limits.tier)
    return _priced(offered, models)


def quote_answer(models: Sequence[tuple[str, Tier]], sale: Sale, months: int) -> Json:
    """A price as callers see it: `currency`, `lines`, `monthlyTotal`, `months` and `total`.

    Each line has the price of a month and the `total` of all months; these totals add up to that of the sale.
    """
    with localcontext(_EXACT):
        return {
            "currency": sale.currency,
            "lines": [
                {
                    "modelId": model_id,
                    "channelTier": tier.value,
                    "monthly": price,
                    "total": _shown(Decimal(price) * months),
                }
                for (model_id, tier), price in zip(models, sale.monthly, strict=True)
            ],
            "monthlyTotal": _shown(_total(sale, 1)),
            "months": months,
            "total": _shown(_total(sale, months)),
        }


def refuse_total(sale: Sale, months: int, expected_total: str | None) -> Refusal | None:
    """Refuse (`price_changed`) when a sale costs another total than the buyer expects; one who names none takes any.

    Totals are compared as numbers: "99" is "99.00".
    """
    with localcontext(_EXACT):
        total = _total(sale, months)
        if expected_total is None or Decimal(expected_total) == total:
            return None
        message = f"The total is {_shown(total)} {sale.currency} now."
    return Refusal(ErrorCode.PRICE_CHANGED, param="expectedTotal", message=message)


def price_of_term(sold: SoldTerm) -> Json | None:
    """What a term was sold for, in the form of a quote; None when that is not known."""
    return None if sold.sale is None else quote_answer(sold.models, sold.sale, sold.term.months)


def sale_of(lines: Iterable[tuple[Limits, Price]], currency: str) -> Sale:
    """What models with these limits are sold for at these prices, in the order given."""
    return Sale(currency, tuple(_monthly(limits, price) for limits, price in lines))


def _offered(offered: Mapping[str, CatalogueModel], index: int, model_id: str, tier: Tier) -> CatalogueModel:
    model = offered.get(model_id)
    if model is None:
        raise Refused(Refusal(ErrorCode.UNKNOWN_MODEL, param=f"models[{index}].modelId"))
    if tier not in model.tiers:
        raise Refused(Refusal(ErrorCode.TIER_NOT_OFFERED, param=f"models[{index}].channelTier"))
    return model


def _priced(offered: Mapping[str, CatalogueModel], models: tuple[Limits, ...] | list[Limits]) -> Sale:
    prices = [offered[m.model_id].tiers[m.tier] for m in models]
    return sale_of(zip(models, prices, strict=True), prices[0].currency)


def _total(sale: Sale, months: int) -> Decimal:
    return sum(map(Decimal, sale.monthly), Decimal(0)) * months


def _monthly(limits: Limits, price: Price) -> str:
    with localcontext(_EXACT):
        base, per_unit, per_call = map(Decimal, (price.base, price.per_unit, price.per_daily_call))
        return _shown(base + per_unit * limits.monthly_cap + per_call * limits.daily_call_limit)


def _shown(amount: Decimal) -> str:
    """An amount with at least two decimals, and with more only where it has them."""
    exponent = amount.normalize().as_tuple().exponent
    places = max(_FEWEST_PLACES, -int(exponent))
    return f"{amount:.{places}f}"
