"""What a change of a subscription's list costs, and which of its lines bind at once. Rule: pure, exact, never in parts.

A wanted line binds at once where it is new, where it is the one in force, or where nothing about it falls: neither the
daily limit nor the cap, neither the tier nor what it costs today. Every other one waits for the next month window, and
so does a removal. Both prices of a line are today's, so a catalogue that rises or falls neither sells nor gives away
what a customer has already.

What is charged is worked out for each line by itself: for the current window, whole, where it binds at once, above what
the line in force costs; for each later window of the term, above what the line costs that would be in force there
without this change. Neither is ever below nothing, and nothing is paid back. So whoever lowers a line and raises it
again pays for the second time; and no number of small steps costs less than the one large step.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.catalogue.tiers import Tier
from modelpass.entitlements.windows import segment_at
from modelpass.errors import Refused, invalid
from modelpass.subscriptions import pricing
from modelpass.subscriptions.model import MAX_MODELS, PendingChange, Sale
from modelpass.subscriptions.order_records import Price, PriceLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelpass.catalogue.model import CatalogueModel
    from modelpass.entitlements.model import Limits
    from modelpass.subscriptions.model import Subscription
    from modelpass.subscriptions.orders import OrderLine

_RANKS: Final = {tier: rank for rank, tier in enumerate(Tier)}
_NOTHING: Final = "0.00"
"""The price of no line, and of one whose price was not kept and which is not sold any more."""


class PricedChange(NamedTuple):
    """A change as it can be sold: the list as it is wanted, what that costs, and which lines of it have to wait.

    The lines of the price are those of the list. `waiting` are the ids of the models whose lines wait.
    """

    models: tuple[Limits, ...]
    price: Price
    waiting: frozenset[str]


class Lists(NamedTuple):
    """What a change makes of a subscription: the list in force with what it was sold for, and what waits, if any."""

    models: tuple[Limits, ...]
    sale: Sale
    pending_change: PendingChange | None


class _Line(NamedTuple):
    """A line of a list, and the price of a month that it was sold at; None where that is not known."""

    limits: Limits
    sold_at: str | None


class _Wanted(NamedTuple):
    """A wanted line, the one of its model in force, and the one that later windows would have without the change."""

    limits: Limits
    current: _Line | None
    later: _Line | None

    @property
    def is_current(self) -> bool:
        return self.current is not None and self.current.limits == self.limits

    @property
    def is_later(self) -> bool:
        return self.later is not None and self.later.limits == self.limits

    @property
    def as_line(self) -> _Line:
        """With the price that it was sold at, where it is a line that was sold before."""
        if self.current is not None and self.is_current:
            return self.current
        return self.later if self.later is not None and self.is_later else _Line(self.limits, None)


def price_change(
    offered: Mapping[str, CatalogueModel], found: Subscription, wanted: tuple[OrderLine, ...], now_ms: int
) -> PricedChange:
    """What it costs to change the list of a subscription, as it is at this moment (milliseconds), to the one wanted.

    `offered` has those of the wanted models and of the subscription's that are offered. A line that stays as it is is
    never looked up in it, and goes on though its model was withdrawn. Raises `Refused` for the first other line that is
    not offered so (`unknown_model`, `tier_not_offered`, or `invalid_request` for a limit outside of the model's
    bounds, or for a cap that would be beyond them with the top-ups of the current window), and `invalid_request` where
    more models would be in force than a subscription may have.
    """
    _require_room(found, wanted)
    lines = [_wanted(offered, found, index, line) for index, line in enumerate(wanted)]
    for index, line in enumerate(lines):
        _require_room_beside_top_ups(offered, found.topped_up(line.limits.model_id, now_ms), index, line)
    months = later_windows(found, now_ms) + 1
    priced = [_priced(offered, line, months - 1) for line in lines]
    price = Price(_currency(offered, found), tuple(line for line, _ in priced), months)
    models = tuple(line.limits for line in lines)
    waiting = frozenset(line.model_id for line, binds in priced if not binds)
    return PricedChange(models, price, waiting)


def carry_out(
    found: Subscription, models: tuple[Limits, ...], price: Price, waiting: frozenset[str], now_ms: int
) -> Lists:
    """The lists of a subscription, as it is at this moment (milliseconds), after a change that was sold at a price.

    What binds is in force in the order in which it is wanted, and then what is removed but not yet gone.
    """
    current, totals = _by_model(found.models, found.sale), _totals(found)
    charged = {line.model_id: pricing.sum_of((totals.get(line.model_id, _NOTHING), line.total)) for line in price.lines}
    wanted = dict(zip((m.model_id for m in models), zip(models, price.lines, strict=True), strict=True))
    to_come = _Draft(price.currency)
    in_force = _Draft(price.currency)
    for model_id, (limits, line) in wanted.items():
        to_come.add(limits, line.monthly, charged[model_id])
        if model_id in waiting:
            limits, sold_at = current[model_id]  # noqa: PLW2901 - the line in force stands for it until then
            in_force.add(limits, sold_at or _NOTHING, charged[model_id])
        else:
            in_force.add(limits, line.monthly, charged[model_id])
    for model_id, (limits, sold_at) in current.items():
        if model_id not in wanted:
            in_force.add(limits, sold_at or _NOTHING, totals[model_id])
    changes = in_force.models != to_come.models
    pending = PendingChange(next_window_ms(found, now_ms), *to_come.sold()) if changes else None
    return Lists(*in_force.sold(), pending)


def later_windows(found: Subscription, now_ms: int) -> int:
    """How many month windows of the term begin after this moment (milliseconds)."""
    return found.term.months - segment_at(found.term, now_ms).month - 1


def next_window_ms(found: Subscription, now_ms: int) -> int:
    """When the next month window begins, of the term or of what follows it (milliseconds)."""
    return segment_at(found.term, now_ms).month_end_ms


class _Draft:
    """A list in the making, with what its lines were sold for."""

    def __init__(self, currency: str) -> None:
        self._currency = currency
        self.models: list[Limits] = []
        self._monthly: list[str] = []
        self._totals: list[str] = []

    def add(self, limits: Limits, monthly: str, total: str) -> None:
        self.models.append(limits)
        self._monthly.append(monthly)
        self._totals.append(total)

    def sold(self) -> tuple[tuple[Limits, ...], Sale]:
        return tuple(self.models), Sale(self._currency, tuple(self._monthly), tuple(self._totals))


def _require_room(found: Subscription, wanted: tuple[OrderLine, ...]) -> None:
    in_force = {limits.model_id for limits in found.models} | {line.model_id for line in wanted}
    if len(in_force) > MAX_MODELS:
        waiting = len(in_force) - len(wanted)
        message = f"models must leave room for the {waiting} removed ones that are in force until the next month window"
        raise invalid("models", f"{message}: at most {MAX_MODELS} together.")


def _require_room_beside_top_ups(
    offered: Mapping[str, CatalogueModel], top_up: int, index: int, wanted: _Wanted
) -> None:
    """Refuse a cap that would bind in a window which has got too many units beside it already."""
    if not top_up or wanted.is_current or not _rises(offered, wanted):
        return
    room = offered[wanted.limits.model_id].cap.most - top_up
    if wanted.limits.monthly_cap > room:
        param = f"models[{index}].monthlyTokenCap"
        raise invalid(
            param, f"{param} must be at most {room} in this month window, which has {top_up} units beside it."
        )


def _wanted(offered: Mapping[str, CatalogueModel], found: Subscription, index: int, line: OrderLine) -> _Wanted:
    current = _by_model(found.models, found.sale).get(line.model_id)
    later = _by_model(found.models_to_come, found.sale_to_come).get(line.model_id)
    for known in (current, later):
        if known is not None and _is_same(known.limits, line):
            wanted = _Wanted(known.limits, current, later)
            if wanted.is_current or not _rises(offered, wanted) or _is_sellable(offered, index, line):
                return wanted
    return _Wanted(pricing.sellable(offered, index, line), current, later)


def _is_sellable(offered: Mapping[str, CatalogueModel], index: int, line: OrderLine) -> bool:
    try:
        pricing.sellable(offered, index, line)
    except Refused:
        return False
    return True


def _is_same(limits: Limits, line: OrderLine) -> bool:
    return limits[:2] + limits[3:] == (line.model_id, line.tier, line.daily_call_limit, line.monthly_cap)


def _priced(offered: Mapping[str, CatalogueModel], wanted: _Wanted, later_months: int) -> tuple[PriceLine, bool]:
    """The line of the price of a wanted line, and whether it binds at once."""
    binds = wanted.is_current or _rises(offered, wanted)
    new = _today(offered, wanted.as_line)
    now = pricing.above(new, _today(offered, wanted.current)) if binds else _NOTHING
    later = pricing.times(pricing.above(new, _today(offered, wanted.later)), later_months)
    stays = wanted.is_later and (wanted.is_current or not binds)
    shown = (wanted.as_line.sold_at if stays else None) or new
    return PriceLine(wanted.limits.model_id, wanted.limits.tier, shown, pricing.sum_of((now, later))), binds


def _rises(offered: Mapping[str, CatalogueModel], wanted: _Wanted) -> bool:
    """Whether nothing about a wanted line falls below the one in force; a new line has nothing to fall below."""
    if wanted.current is None:
        return True
    new, old = wanted.limits, wanted.current.limits
    return (
        new.daily_call_limit >= old.daily_call_limit
        and new.monthly_cap >= old.monthly_cap
        and _RANKS[new.tier] >= _RANKS[old.tier]
        and Decimal(_today(offered, wanted.as_line)) >= Decimal(_today(offered, wanted.current))
    )


def _today(offered: Mapping[str, CatalogueModel], line: _Line | None) -> str:
    """What a month of a line costs today, or by its last sale where it is not offered any more."""
    if line is None:
        return _NOTHING
    model = offered.get(line.limits.model_id)
    if model is None or line.limits.tier not in model.tiers:
        return line.sold_at or _NOTHING
    return pricing.month_of(line.limits, model.tiers[line.limits.tier])


def _currency(offered: Mapping[str, CatalogueModel], found: Subscription) -> str:
    """The catalogue's one currency, as its models or else the subscription's own sale have it."""
    prices = (price.currency for model in offered.values() for price in model.tiers.values())
    return next(prices, found.sale.currency if found.sale else "")


def _by_model(models: tuple[Limits, ...], sale: Sale | None) -> dict[str, _Line]:
    prices = [None] * len(models) if sale is None else sale.monthly
    return {limits.model_id: _Line(limits, price) for limits, price in zip(models, prices, strict=True)}


def _totals(found: Subscription) -> dict[str, str]:
    """All that was charged in the term for each line, with what was charged for it in the list that waits."""
    lists = ((found.models, found.sale), (found.models_to_come, found.sale_to_come))
    return {model_id: total for models, sale in lists for model_id, total in _charged(models, sale, found.term.months)}


def _charged(models: tuple[Limits, ...], sale: Sale | None, months: int) -> Iterable[tuple[str, str]]:
    known = sale or Sale("", (_NOTHING,) * len(models))
    return zip((m.model_id for m in models), pricing.with_totals(known, months).totals or (), strict=True)
