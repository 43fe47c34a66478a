"""What a model costs, and how a price is shown. Rule: exact decimal arithmetic; what would have to be rounded raises.

A month of a model costs a base, a rate for each unit of its cap and a rate for each call of its daily limit.
"""

from __future__ import annotations

from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow, localcontext
from typing import TYPE_CHECKING, Any, Final

from modelpass.entitlements.model import Sale

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelpass.catalogue.model import Price
    from modelpass.catalogue.tiers import Tier
    from modelpass.entitlements.model import Limits, SoldTerm

Json = dict[str, Any]

# The largest catalogue prices, caps and terms make sums of some 45 digits.
_EXACT: Final = Context(prec=60, traps=[DivisionByZero, Inexact, InvalidOperation, Overflow])
_FEWEST_PLACES: Final = 2


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
