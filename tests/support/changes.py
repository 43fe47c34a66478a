"""Changes of a list of models, as values for tests that need no store. Rule: what is built says every figure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from modelpass.catalogue.model import CatalogueModel, Price
from modelpass.catalogue.tiers import Kind, Tier, Unit
from modelpass.entitlements import windows
from modelpass.entitlements.model import Limits
from modelpass.subscriptions import pricing, pricing_of_changes
from modelpass.subscriptions.orders import OrderLine
from tests.support.builders import ms, subscription

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.subscriptions.model import Sale, Subscription
    from modelpass.subscriptions.pricing_of_changes import PricedChange

START: Final = ms("2026-01-10T00:00:00Z")
DAY: Final = 86_400_000


def line(model_id: str = "a", cap: int = 100, calls: int = 10, tier: Tier = Tier.STABLE) -> Limits:
    return Limits(model_id, tier, Unit.TOKENS, calls, cap)


def rates(
    model_id: str = "a", per_unit: str = "1", *, base: str = "0", per_call: str = "0", tiers: str = "basic stable"
) -> CatalogueModel:
    """A model that costs the same in each of its tiers."""
    return priced(model_id, {Tier(tier): Price("USD", base, per_unit, per_call) for tier in tiers.split()})


def priced(model_id: str, tiers: Mapping[Tier, Price]) -> CatalogueModel:
    return CatalogueModel(model_id, Kind.TEXT, dict(tiers))


def catalogue(*models: CatalogueModel) -> dict[str, CatalogueModel]:
    return {model.model_id: model for model in models}


def sold(offered: Mapping[str, CatalogueModel], *models: Limits, months: int = 3) -> Subscription:
    """A subscription that was bought at `START` at these prices."""
    term = windows.term_of(START, months, "UTC")
    sale = pricing.sale_of([(m, offered[m.model_id].tiers[m.tier]) for m in models], "USD")
    return subscription(term, models)._replace(sale=sale)


def wish(*models: Limits) -> tuple[OrderLine, ...]:
    return tuple(OrderLine(m.model_id, m.tier, m.daily_call_limit, m.monthly_cap) for m in models)


def quoted(
    offered: Mapping[str, CatalogueModel], found: Subscription, *models: Limits, at_ms: int = START
) -> PricedChange:
    return pricing_of_changes.price_change(offered, found.at(at_ms), wish(*models), at_ms)


def changed(
    offered: Mapping[str, CatalogueModel], found: Subscription, *models: Limits, at_ms: int = START
) -> tuple[Any, Subscription]:
    """What a change is sold for, and the subscription after it."""
    found = found.at(at_ms)
    wanted, price, waiting = pricing_of_changes.price_change(offered, found, wish(*models), at_ms)
    lists = pricing_of_changes.carry_out(found, wanted, price, waiting, at_ms)
    return Decimal(pricing.total_of(price)), found._replace(**lists._asdict())


def extended(found: Subscription, months: int) -> Subscription:
    """The subscription with a longer term; what the longer term costs is no matter of changes."""
    term = windows.term_of(found.term.starts_at_ms, found.term.months + months, found.term.time_zone)
    sale: Sale | None = None if found.sale is None else pricing.with_totals(found.sale, found.term.months)
    return found._replace(term=term, sale=sale)


def window_start(found: Subscription, k: int) -> int:
    """The first millisecond of a month window, which may be after the end of the term."""
    return windows.term_of(found.term.starts_at_ms, k, found.term.time_zone).ends_at_ms if k else START
