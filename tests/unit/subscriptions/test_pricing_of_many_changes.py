"""Whatever is changed, extended and waited for, prices are those of a naive model: a list for each month of its own.

The model knows nothing of lists that wait. It has a plan for each month window to come, and what was paid for each line
of it, and works with fractions.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from modelpass.catalogue.model import CatalogueModel, Price
from modelpass.catalogue.tiers import Tier
from tests.support.builders import PROPERTY
from tests.support.changes import START, catalogue, changed, extended, line, priced, sold, window_start

if TYPE_CHECKING:
    from modelpass.entitlements.model import Limits

Lines = dict[str, "Limits"]
WINDOWS = 40
MODELS, TIERS = ("a", "b", "c"), (Tier.BASIC, Tier.STABLE, Tier.ENTERPRISE)
LINES = st.builds(line, st.sampled_from(MODELS), st.integers(1, 4), st.integers(1, 3), st.sampled_from(TIERS))
LISTS = st.lists(LINES, min_size=1, max_size=3, unique_by=lambda one: one.model_id)
RATES = st.builds(Price, st.just("USD"), *[st.sampled_from(("0", "0.5", "1", "3"))] * 3)
CATALOGUES = st.fixed_dictionaries({m: st.fixed_dictionaries(dict.fromkeys(TIERS, RATES)) for m in MODELS}).map(
    lambda tiers: catalogue(*(priced(model_id, by_tier) for model_id, by_tier in tiers.items()))
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("change"), LISTS),
        st.tuples(st.just("window"), st.integers(1, 2)),
        st.tuples(st.just("extend"), st.integers(1, 3)),
        st.tuples(st.just("prices"), CATALOGUES),
    ),
    min_size=1,
    max_size=12,
)


class Naive:
    """The plan of each month window, and what was paid for each line of it."""

    def __init__(self, offered: dict[str, CatalogueModel], bought: list[Limits], months: int) -> None:
        self.offered, self.months, self.window = offered, months, 0
        self.plan: list[Lines] = [{m.model_id: m for m in bought} for _ in range(WINDOWS)]
        self.paid = [{m.model_id: self.cost(m) for m in bought} for _ in range(WINDOWS)]

    def cost(self, one: Limits | None) -> Fraction:
        if one is None:
            return Fraction(0)
        price = self.offered[one.model_id].tiers[one.tier]
        return (
            Fraction(price.base)
            + Fraction(price.per_unit) * one.monthly_cap
            + Fraction(price.per_daily_call) * one.daily_call_limit
        )

    def falls(self, old: Limits, new: Limits) -> bool:
        figures = new.monthly_cap < old.monthly_cap or new.daily_call_limit < old.daily_call_limit
        tier = TIERS.index(new.tier) < TIERS.index(old.tier)
        return figures or tier or self.cost(new) < self.cost(old)

    def change(self, wanted: list[Limits]) -> Fraction:
        charged = Fraction(0)
        for one in wanted:
            now = self.plan[self.window].get(one.model_id)
            first = self.window + (now is not None and self.falls(now, one))
            for window in range(first, WINDOWS):
                more = max(Fraction(0), self.cost(one) - self.cost(self.plan[window].get(one.model_id)))
                if window < self.months:
                    charged += more
                    self.paid[window][one.model_id] = self.paid[window].get(one.model_id, Fraction(0)) + more
                self.plan[window][one.model_id] = one
        for window in range(self.window + 1, WINDOWS):
            self.plan[window] = {one.model_id: one for one in wanted}
        return charged

    def total(self, first: int, end: int) -> Fraction:
        return sum((sum(paid.values(), Fraction(0)) for paid in self.paid[first:end]), Fraction(0))

    def extend(self, months: int) -> None:
        for window in range(self.months, self.months + months):
            self.paid[window] = {model_id: self.cost(one) for model_id, one in self.plan[window].items()}
        self.months += months


@PROPERTY
@given(CATALOGUES, LISTS, st.integers(1, 4), STEPS)
def test_charges_and_lists_are_those_of_a_model_that_plans_each_month_by_itself(
    offered: dict[str, CatalogueModel], bought: list[Limits], months: int, steps: list[tuple[str, Any]]
) -> None:
    naive, found, now_ms = Naive(offered, bought, months), sold(offered, *bought, months=months), START
    for name, value in steps:
        if name == "change":
            total, found = changed(naive.offered, found, *value, at_ms=now_ms)
            assert Fraction(total) == naive.change(value)
        elif name == "window" and naive.window + value < naive.months:
            naive.window += value
            now_ms = window_start(found, naive.window)
        elif name == "extend":
            found = extended(found.at(now_ms), value)
            naive.extend(value)
        elif name == "prices":
            naive.offered = value
        held = {one.model_id: one for one in found.at(now_ms).models}
        assert held == naive.plan[naive.window]
        assert {one.model_id: one for one in found.at(now_ms).models_to_come} == naive.plan[naive.window + 1]


@PROPERTY
@given(CATALOGUES, LISTS, st.integers(1, 4), STEPS)
def test_while_prices_stay_every_line_that_is_in_force_in_a_month_is_paid_for_in_full(
    offered: dict[str, CatalogueModel], bought: list[Limits], months: int, steps: list[tuple[str, Any]]
) -> None:
    naive, found, now_ms = Naive(offered, bought, months), sold(offered, *bought, months=months), START
    charged, paid_before = Fraction(0), naive.total(0, months)
    for name, value in steps:
        if name == "change":
            total, found = changed(offered, found, *value, at_ms=now_ms)
            charged += Fraction(total)
            naive.change(value)
        elif name == "window" and naive.window + value < naive.months:
            naive.window += value
            now_ms = window_start(found, naive.window)
        elif name == "extend":
            found = extended(found.at(now_ms), value)
            naive.extend(value)
            paid_before += naive.total(naive.months - value, naive.months)
        for one in found.at(now_ms).models:
            assert naive.paid[naive.window][one.model_id] >= naive.cost(one)
    assert paid_before + charged == naive.total(0, naive.months)
