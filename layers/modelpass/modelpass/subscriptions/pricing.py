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
from modelpass.subscriptions.order_records import Price, PriceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelpass.catalogue import model as catalogue
    from modelpass.catalogue.model import CatalogueModel
    from modelpass.catalogue.tiers import Tier
    from modelpass.subscriptions.model import SoldTerm
    from modelpass.subscriptions.orders import OrderLine

Json = dict[str, Any]

# The largest prices, caps and terms that are possible make sums of some 45 digits.
_EXACT: Final = Context(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
_FEWEST_PLACES: Final = 2
_BOUNDED: Final = ("dailyCallLimit", "monthlyTokenCap")


class Bought(NamedTuple):
    """The models with their limits, in the order of the purchase, and what they are sold for."""

    models: tuple[Limits, ...]
    sale: Sale


def price_purchase(offered: Mapping[str, CatalogueModel], lines: Iterable[OrderLine]) -> Bought:
    """What a purchase buys, and for how much; `offered` has those of its models that are offered, by their ids.

    Raises `Refused` for the first model that is not offered so: `unknown_model`, `tier_not_offered`, or
    `invalid_request` for a limit outside of the model's bounds. Its param names the field.
    """
    limits = [sellable(offered, index, line) for index, line in enumerate(lines)]
    return Bought(tuple(limits), _priced(offered, limits))


def require_offered(offered: Mapping[str, CatalogueModel], lines: Iterable[OrderLine | Limits]) -> None:
    """Raise what `price_purchase` does for the first line that is not offered so."""
    for index, line in enumerate(lines):
        sellable(offered, index, line)


def sellable(offered: Mapping[str, CatalogueModel], index: int, line: OrderLine | Limits) -> Limits:
    """The limits that a line would be sold with, the `index`-th of its list; raises what `price_purchase` refuses."""
    model = _offered(offered, index, line.model_id, line.tier)
    figures = (line.daily_call_limit, line.monthly_cap)
    for name, figure, bounds in zip(_BOUNDED, figures, (model.calls, model.cap), strict=True):
        if not bounds.least <= figure <= bounds.most:
            param = f"models[{index}].{name}"
            raise invalid(param, f"{param} must be from {bounds.least} to {bounds.most} for this model.")
    return Limits(line.model_id, line.tier, model.unit, *figures)


def price_renewal(offered: Mapping[str, CatalogueModel], models: tuple[Limits, ...]) -> Sale:
    """For how much the models of a subscription are sold now.

    Raises `Refused` (`unknown_model`, `tier_not_offered`) when one is not offered any more. The bounds of the catalogue
    are for purchases alone: limits that were bought once can be renewed.
    """
    for index, limits in enumerate(models):
        _offered(offered, index, limits.model_id, limits.tier)
    return _priced(offered, models)


def price_months(offered: Mapping[str, CatalogueModel], models: tuple[Limits, ...], months: int) -> Price:
    """What so many months of a list cost now; raises what `price_renewal` refuses."""
    return price_at([(m.model_id, m.tier) for m in models], price_renewal(offered, models), months)


def price_at(models: Sequence[tuple[str, Tier]], sale: Sale, months: int) -> Price:
    """What so many months of these models and tiers cost at the monthly prices of a sale."""
    lines = (
        PriceLine(model_id, tier, monthly, times(monthly, months))
        for (model_id, tier), monthly in zip(models, sale.monthly, strict=True)
    )
    return Price(sale.currency, tuple(lines), months)


def sale_at(price: Price) -> Sale:
    """What a term is sold for that begins at this price."""
    return Sale(price.currency, tuple(line.monthly for line in price.lines))


def total_of(price: Price) -> str:
    """What an order costs in all: the sum of the totals of its lines."""
    return sum_of(line.total for line in price.lines)


def is_free(price: Price) -> bool:
    """Whether an order costs nothing, so that nobody has to pay for it."""
    return Decimal(total_of(price)) == 0


def price_answer(price: Price) -> Json:
    """A price as callers see it: `currency`, `lines`, `monthlyTotal`, `months` and `total`.

    Each line has the price of a month and its own `total`; these totals add up to that of the price.
    """
    return {
        "currency": price.currency,
        "lines": [
            {
                "modelId": line.model_id,
                "channelTier": line.tier.value,
                "monthly": line.monthly,
                "total": line.total,
            }
            for line in price.lines
        ],
        "monthlyTotal": sum_of(line.monthly for line in price.lines),
        "months": price.months,
        "total": total_of(price),
    }


def refuse_total(price: Price, expected_total: str | None) -> Refusal | None:
    """Refuse (`price_changed`) when a sale costs another total than the buyer expects; one who names none takes any.

    Totals are compared as numbers: "99" is "99.00".
    """
    total = total_of(price)
    if expected_total is None or Decimal(expected_total) == Decimal(total):
        return None
    message = f"The total is {total} {price.currency} now."
    return Refusal(ErrorCode.PRICE_CHANGED, param="expectedTotal", message=message)


def price_of_term(sold: SoldTerm) -> Price | None:
    """What was charged for the lines of a term, of which those that came later have no price; None if not known."""
    if sold.sale is None:
        return None
    priced = sold.models[: len(sold.sale.monthly)]
    price = price_at(priced, sold.sale, sold.sold_months or sold.term.months)
    if sold.sale.totals is None:
        return price
    totals = zip(price.lines, sold.sale.totals, strict=True)
    return price._replace(lines=tuple(line._replace(total=total) for line, total in totals))


def with_totals(sale: Sale, months: int) -> Sale:
    """A sale that says what was charged for each line; where it does not, that was so many months."""
    if sale.totals is not None:
        return sale
    return sale._replace(totals=tuple(times(monthly, months) for monthly in sale.monthly))


def charged(sale: Sale, months: int, price: Price) -> Sale:
    """A sale of so many months once `price` is charged for its lines, too.

    The price of a month is the newest that each line was sold at.
    """
    totals = zip(with_totals(sale, months).totals or (), price.lines, strict=True)
    monthly = tuple(line.monthly for line in price.lines)
    return Sale(sale.currency, monthly, tuple(sum_of((before, line.total)) for before, line in totals))


def sale_of(lines: Iterable[tuple[Limits, catalogue.Price]], currency: str) -> Sale:
    """What models with these limits are sold for at these prices, in the order given."""
    return Sale(currency, tuple(month_of(limits, price) for limits, price in lines))


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


def times(amount: str, count: int) -> str:
    """An amount so many times."""
    with localcontext(_EXACT):
        return _shown(Decimal(amount) * count)


def above(amount: str, other: str) -> str:
    """How far an amount lies above another one: nothing where it does not."""
    with localcontext(_EXACT):
        return _shown(max(Decimal(0), Decimal(amount) - Decimal(other)))


def sum_of(amounts: Iterable[str]) -> str:
    """The sum of some amounts."""
    with localcontext(_EXACT):
        return _shown(sum(map(Decimal, amounts), Decimal(0)))


def month_of(limits: Limits, price: catalogue.Price) -> str:
    """What a month of these limits costs at a price."""
    with localcontext(_EXACT):
        base, per_unit, per_call = map(Decimal, (price.base, price.per_unit, price.per_daily_call))
        return _shown(base + per_unit * limits.monthly_cap + per_call * limits.daily_call_limit)


def _shown(amount: Decimal) -> str:
    """An amount with at least two decimals, and with more only where it has them."""
    exponent = amount.normalize().as_tuple().exponent
    places = max(_FEWEST_PLACES, -int(exponent))
    return f"{amount:.{places}f}"
