"""Prices are exact, whatever the figures: nothing is rounded, and what is shown is the amount itself."""

from __future__ import annotations

import re
from decimal import Decimal, Inexact, getcontext
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelpass.catalogue.model import Price
from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS, Tier, Unit
from modelpass.entitlements.model import Limits
from modelpass.errors import ErrorCode
from modelpass.subscriptions import pricing
from modelpass.subscriptions.model import Sale, SoldTerm
from tests.support.builders import PROPERTY, limits, subscription

AMOUNTS = st.builds(
    lambda whole, places, cut: f"{whole}.{places:012d}"[: len(str(whole)) + cut] if cut else str(whole),
    st.integers(0, 10**12 - 1),
    st.integers(0, 10**12 - 1),
    st.sampled_from((0, 2, 3, 7, 13)),
)
PRICES = st.builds(Price, st.just("USD"), AMOUNTS, AMOUNTS, AMOUNTS)
BOUGHT = st.builds(
    Limits,
    st.just("m"),
    st.sampled_from(Tier),
    st.just(Unit.TOKENS),
    st.integers(1, MAX_CALLS),
    st.integers(1, MAX_UNITS),
)


def price(base: str, per_unit: str, per_call: str) -> Price:
    return Price("USD", base, per_unit, per_call)


def answer(models: list[tuple[str, Tier]], sale: Sale, months: int) -> Any:
    return pricing.price_answer(pricing.price_at(models, sale, months))


def monthly(calls: int, cap: int, *figures: str) -> str:
    return pricing.sale_of([(limits(calls=calls, cap=cap), price(*figures))], "USD").monthly[0]


@pytest.mark.parametrize(
    ("calls", "cap", "figures", "expected"),
    [
        (50, 5_000_000, ("12.00", "0.000003", "0.04"), "29.00"),
        (20, 200, ("3.00", "0.02", "0.01"), "7.20"),
        (1, 1, ("0", "0", "0"), "0.00"),
        (1, 1, ("12", "0.000003", "0"), "12.000003"),
        (1, 3, ("0.10", "0.001", "0"), "0.103"),
        (1, 10, ("0.1", "0.01", "0"), "0.20"),
        (1, 1, ("1000000", "0", "0"), "1000000.00"),
        (1, 1, ("0", "0.000000000001", "0"), "0.000000000001"),
        (10**9, 10**15, ("999999999999", "0.999999999999", "0.01"), "1001000009998999.00"),
    ],
)
def test_month_costs_a_base_and_rates_for_cap_and_calls_with_two_decimals_at_least(
    calls: int, cap: int, figures: tuple[str, str, str], expected: str
) -> None:
    assert monthly(calls, cap, *figures) == expected


@PROPERTY
@given(st.lists(st.tuples(BOUGHT, PRICES), min_size=1, max_size=40), st.integers(1, 12))
def test_every_amount_is_the_exact_one_up_to_the_largest_figures(lines: list[Any], months: int) -> None:
    sale = pricing.sale_of(lines, "USD")
    exact = [
        Fraction(p.base) + Fraction(p.per_unit) * m.monthly_cap + Fraction(p.per_daily_call) * m.daily_call_limit
        for m, p in lines
    ]
    assert [Fraction(m) for m in sale.monthly] == exact
    quote = answer([(m.model_id, m.tier) for m, _ in lines], sale, months)
    assert Fraction(quote["monthlyTotal"]) == sum(exact)
    assert Fraction(quote["total"]) == sum(exact) * months
    totals = [line["total"] for line in quote["lines"]]
    assert [Fraction(total) for total in totals] == [amount * months for amount in exact]
    for shown in (*sale.monthly, *totals, quote["monthlyTotal"], quote["total"]):
        # No exponent, two decimals at least, and none of the further ones is a trailing zero.
        assert re.fullmatch(r"(0|[1-9][0-9]*)\.([0-9]{2}|[0-9]{2,}[1-9])", shown), shown


def test_amount_that_would_have_to_be_rounded_is_an_error_and_not_a_price() -> None:
    long = "0." + "3" * 70
    with pytest.raises(Inexact):
        monthly(1, 7, "1", long, "0")
    with pytest.raises(Inexact):
        pricing.price_at([("m", Tier.BASIC)], Sale("USD", (f"1{long}",)), 7)


def test_price_does_not_depend_on_the_processs_own_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getcontext(), "prec", 2)
    assert monthly(50, 5_000_003, "12.00", "0.000003", "0.04") == "29.000009"
    assert Decimal("1.234") + 0 == Decimal("1.2")


def test_quote_shows_its_lines_in_the_order_of_the_models() -> None:
    sale = Sale("EUR", ("29.00", "7.203"))
    assert answer([("b", Tier.STABLE), ("a", Tier.BASIC)], sale, 3) == {
        "currency": "EUR",
        "lines": [
            {"modelId": "b", "channelTier": "stable", "monthly": "29.00", "total": "87.00"},
            {"modelId": "a", "channelTier": "basic", "monthly": "7.203", "total": "21.609"},
        ],
        "monthlyTotal": "36.203",
        "months": 3,
        "total": "108.609",
    }


NUMBERS = st.from_regex(r"(0|[1-9][0-9]{0,39})(\.[0-9]{1,20})?", fullmatch=True)


@PROPERTY
@given(st.lists(st.tuples(BOUGHT, PRICES), min_size=1, max_size=40), st.integers(1, 12), NUMBERS, st.integers(0, 9))
def test_total_expected_is_compared_as_a_number_and_any_other_is_refused(
    lines: list[Any], months: int, number: str, zeros: int
) -> None:
    sale = pricing.sale_of(lines, "USD")
    price = pricing.price_at([(m.model_id, m.tier) for m, _ in lines], sale, months)
    total = pricing.total_of(price)
    for same in (None, total, total + "0" * zeros, total.removesuffix("0"), total.removesuffix(".00")):
        assert pricing.refuse_total(price, same) is None
    refusal = pricing.refuse_total(price, number)
    assert (refusal is None) == (Fraction(number) == Fraction(total))
    least_more = f"{total}{'0' * 8}1"
    refusal = pricing.refuse_total(price, least_more)
    assert refusal is not None
    assert (refusal.code, refusal.param) == (ErrorCode.PRICE_CHANGED, "expectedTotal")
    assert refusal.message == f"The total is {total} USD now."


def test_comparison_does_not_depend_on_the_processs_own_arithmetic(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(getcontext(), "prec", 2)
    price = pricing.price_at([("a", Tier.BASIC), ("b", Tier.BASIC)], Sale("USD", ("1234.56", "0.01")), 3)
    assert pricing.refuse_total(price, "3703.71") is None
    assert pricing.refuse_total(price, "3700") is not None


def test_term_is_priced_for_all_of_its_months() -> None:
    shown = term_answer(subscription(models=(limits(), limits("m-2"))).sold_term())
    assert (shown["monthlyTotal"], shown["months"], shown["total"]) == ("24.00", 3, "72.00")


def term_answer(sold: SoldTerm) -> Any:
    price = pricing.price_of_term(sold)
    assert price is not None
    return pricing.price_answer(price)


def test_term_that_went_on_shows_all_that_was_charged_for_each_line_and_the_newest_price_of_a_month() -> None:
    sold = subscription(models=(limits(), limits("m-2"))).sold_term()
    more = pricing.price_at(sold.models, Sale("USD", ("0.10", "7.00")), 2)
    assert sold.sale is not None
    twice = pricing.charged(pricing.charged(sold.sale, 3, more), 5, more)
    shown = term_answer(sold._replace(sale=twice, term=sold.term._replace(months=7)))
    lines = [(line["monthly"], line["total"]) for line in shown["lines"]]
    assert lines == [("0.10", "36.40"), ("7.00", "64.00")]
    assert (shown["months"], shown["monthlyTotal"], shown["total"]) == (7, "7.10", "100.40")


def test_term_of_the_history_is_priced_as_it_began_whatever_came_into_it_later() -> None:
    sold = subscription().sold_term()
    later = sold._replace(models=(*sold.models, ("m-9", Tier.BASIC)), term=sold.term._replace(months=9), sold_months=3)
    assert term_answer(later) == term_answer(sold)


@pytest.mark.parametrize(("total", "free"), [("0.00", True), ("0", True), ("0.000000000001", False)])
def test_order_is_free_only_where_nothing_at_all_is_charged(*, total: str, free: bool) -> None:
    price = pricing.price_at([("m", Tier.BASIC)], Sale("USD", (total,)), 1)
    assert pricing.is_free(price) is free
