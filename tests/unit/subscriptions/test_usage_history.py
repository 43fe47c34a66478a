"""Which days and terms a question for daily usage is about, at their bounds, and that each figure counts once."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from modelpass import schema
from modelpass.catalogue.tiers import Tier
from modelpass.entitlements import history, windows
from modelpass.entitlements.model import EntitlementId, Term
from modelpass.errors import Refused
from modelpass.subscriptions import usage_history
from modelpass.subscriptions.model import SoldTerm
from modelpass.subscriptions.usage_history import Figures, Span
from tests.support.builders import NOON, SUBSCRIPTION_ID, TERM, entitlement, limits, ms, subscription

BORN, TODAY = date(2026, 11, 23), date(2026, 12, 1)
STORED = subscription(models=(limits("m-1"), limits("m-2")))
LONG_AFTER = ms("2029-06-01T00:00:00Z")
LAST_DAY = date(2027, 2, 23)
ENTRIES = [(day, model_id) for day in (date(2026, 11, 30), TODAY) for model_id in ("m-1", "m-2")]


@pytest.mark.parametrize(
    ("query", "span"),
    [
        ({}, Span(BORN, TODAY, TODAY)),  # the 31 days begin before the subscription does
        ({"from": "2026-11-30"}, Span(date(2026, 11, 30), TODAY, TODAY)),
        ({"to": "2026-11-30"}, Span(BORN, date(2026, 11, 30), TODAY)),
        ({"from": "2026-11-30", "to": "2026-11-30"}, Span(date(2026, 11, 30), date(2026, 11, 30), TODAY)),
        ({"from": "2020-01-01", "to": "2020-01-05"}, Span(BORN, date(2020, 1, 5), TODAY)),
        ({"to": "2026-11-22"}, Span(BORN, date(2026, 11, 22), TODAY)),  # the day before the first: none
        ({"to": "2026-12-02"}, Span(TODAY, TODAY, TODAY)),
        ({"to": "2030-01-01"}, Span(TODAY, TODAY, TODAY)),
        ({"to": "9999-12-31"}, Span(TODAY, TODAY, TODAY)),
        ({"to": "0001-01-10"}, Span(BORN, date(1, 1, 10), TODAY)),
        ({"from": "2025-12-01", "to": "2026-12-01"}, Span(BORN, TODAY, TODAY)),  # 366 days
        ({"from": "2030-01-01"}, Span(date(2030, 1, 1), TODAY, TODAY)),
        ({"from": "2025-12-01"}, Span(BORN, TODAY, TODAY)),  # 366 days
    ],
)
def test_days_are_those_asked_for_as_far_as_the_subscription_has_had_them(query: dict[str, str], span: Span) -> None:
    assert usage_history.span_of(query, STORED, NOON) == span


def test_without_bounds_the_last_thirty_one_days_are_shown_and_none_after_the_term() -> None:
    assert usage_history.span_of({}, STORED, LONG_AFTER) == Span(date(2027, 1, 24), LAST_DAY, date(2029, 6, 1))


@pytest.mark.parametrize("to", ["2027-02-23", "2027-02-24", "2027-02-28", "2027-03-01", "2029-06-01", "2031-01-31"])
def test_last_day_asked_for_after_the_term_is_read_as_the_last_of_the_term(to: str) -> None:
    span = usage_history.span_of({"to": to}, STORED, LONG_AFTER)
    assert span == Span(date(2027, 2, 1), LAST_DAY, date(2029, 6, 1))


ZONES = ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago", "America/Havana", "Asia/Beirut"]
"""Fourteen hours ahead of UTC, eleven behind, and two whose clocks are moved at midnight."""


@pytest.mark.parametrize("zone", ZONES)
def test_on_each_day_of_a_term_whoever_names_no_first_day_is_shown_the_days_before_it(zone: str) -> None:
    bought = ms("2027-01-31T10:30:00Z")
    sold_in = STORED._replace(term=windows.term_of(bought, 24, zone), created_at_ms=bought)
    born = datetime.fromtimestamp(bought / 1000, ZoneInfo(zone)).date()
    ends = datetime.fromtimestamp(sold_in.expires_at_ms / 1000, ZoneInfo(zone)).date()
    lengths = set()
    for n in range((ends - born).days):
        day = born + timedelta(days=n)
        lengths.add(monthrange(day.year, day.month)[1])
        month = [day.replace(day=d) for d in range(1, day.day + 1)]
        month_end = day.replace(day=monthrange(day.year, day.month)[1])
        last_31 = [day - timedelta(days=d) for d in range(30, -1, -1)]
        now_ms = round(datetime.combine(day, time(23, 59), ZoneInfo(zone)).timestamp() * 1000)
        for to in (day, day + timedelta(days=1), month_end, month_end + timedelta(days=1)):
            shown = days_of(usage_history.span_of({"to": to.isoformat()}, sold_in, now_ms))
            assert shown == [d for d in month if d >= born], (day, to)
        assert days_of(usage_history.span_of({}, sold_in, now_ms)) == [d for d in last_31 if d >= born], day
    assert lengths == {28, 29, 30, 31}


@pytest.mark.parametrize("zone", ZONES)
def test_whole_month_is_shown_by_its_last_day_from_wherever_it_is_asked(zone: str) -> None:
    long_ago = STORED._replace(term=windows.term_of(ms("2023-06-15T10:30:00Z"), 24, zone), created_at_ms=0)
    for year, month in [(2023, 12), (2024, 1), (2024, 2), (2024, 3), (2024, 4), (2025, 2)]:
        length = monthrange(year, month)[1]
        query = {"to": date(year, month, length).isoformat()}
        shown = days_of(usage_history.span_of(query, long_ago, LONG_AFTER))
        assert shown == [date(year, month, d) for d in range(1, length + 1)]


def days_of(span: Span) -> list[date]:
    return [span.first + timedelta(days=n) for n in range((span.last - span.first).days + 1)]


def test_term_that_ends_with_the_first_millisecond_of_a_day_has_that_day() -> None:
    ending = STORED._replace(term=TERM._replace(ends_at_ms=ms("2027-02-24T00:00:00.001Z")))
    assert usage_history.span_of({}, ending, LONG_AFTER).last == date(2027, 2, 24)
    term = sold(1, "2026-11-23T23:59:59Z", "2026-12-24T00:00:00.001Z")
    assert usage_history.days_of(term).touches(Span(date(2026, 12, 24), date(2026, 12, 24), TODAY))


@pytest.mark.parametrize(
    ("query", "param", "message"),
    [
        ({"from": "2026-11-31"}, "from", "from must be a date such as 2026-11-24."),
        ({"to": "today"}, "to", "to must be a date such as 2026-11-24."),
        ({"from": "2026-12-02", "to": "2026-12-01"}, "from", "from must not be later than to."),
        ({"from": "2025-11-30"}, "from", "from must be less than 366 days before to."),
        ({"from": "2025-01-01", "to": "2026-01-02"}, "from", "from must be less than 366 days before to."),
    ],
)
def test_question_that_cannot_be_answered_is_told_its_field(query: dict[str, str], param: str, message: str) -> None:
    with pytest.raises(Refused) as caught:
        usage_history.span_of(query, STORED, NOON)
    assert (caught.value.refusal.param, caught.value.refusal.message) == (param, message)


def sold(number: int, starts: str, ends: str) -> SoldTerm:
    return SoldTerm(number, Term(ms(starts), 1, "UTC", ms(ends)), (("m-1", Tier.STABLE),), None)


@pytest.mark.parametrize(
    ("first", "last", "numbers"),
    [
        (date(2026, 12, 1), date(2026, 12, 31), [1, 2]),
        (date(2026, 11, 1), date(2026, 11, 23), [1]),  # its first day
        (date(2026, 11, 1), date(2026, 11, 22), []),
        (date(2026, 12, 23), date(2026, 12, 23), [1]),  # its last day
        (date(2026, 12, 24), date(2026, 12, 24), [2]),  # one term ended with the day before
        (date(2027, 1, 25), date(2027, 1, 25), []),
        (date(2026, 12, 2), date(2026, 12, 1), []),  # no day at all
    ],
)
def test_terms_are_those_that_had_any_of_the_days(first: date, last: date, numbers: list[int]) -> None:
    terms = [
        sold(1, "2026-11-23T23:59:59Z", "2026-12-24T00:00:00Z"),
        sold(2, "2026-12-24T00:00:00Z", "2027-01-24T10:00:00Z"),
    ]
    span = Span(first, last, TODAY)
    assert [t.number for t in terms if usage_history.days_of(t).touches(span)] == numbers


def test_terms_without_a_row_are_found_by_their_entitlements() -> None:
    renewed = STORED._replace(term_number=4)
    unrecorded = usage_history.unrecorded(renewed, {3}, 1, {"m-1", "m-2"})
    assert unrecorded == [EntitlementId(SUBSCRIPTION_ID, n, m) for n in (1, 2, 4) for m in ("m-1", "m-2")]
    unrecorded = usage_history.unrecorded(renewed, {3}, 2, {"m-2"})
    assert unrecorded == [EntitlementId(SUBSCRIPTION_ID, n, "m-2") for n in (2, 4)]
    second = entitlement()._replace(id=EntitlementId(SUBSCRIPTION_ID, 2, "m-1"))
    assert usage_history.terms_of([second, entitlement(), entitlement(bought=limits("m-2", Tier.BASIC))]) == [
        SoldTerm(1, TERM, (("m-1", Tier.STABLE), ("m-2", Tier.BASIC)), None),
        SoldTerm(2, TERM, (("m-1", Tier.STABLE),), None),
    ]


def row(day: str, calls: int, units: int, term: int = 1, model_id: str = "m-1") -> schema.Item:
    pair = history.day_key(EntitlementId(SUBSCRIPTION_ID, term, model_id), day)
    return {
        **schema.primary_key(pair),
        "v": schema.number(2),
        "calls": schema.number(calls),
        "units": schema.number(units),
    }


def test_figures_of_a_day_add_up_and_a_day_that_is_closed_is_not_counted_from_the_item_too() -> None:
    rows = [row("2026-11-30", 3, 30), row("2026-11-30", 1, 5, term=2), row("2026-12-01", 2, 20)]
    closed_by_now = entitlement(calls=7, day_units=70)
    open_now = entitlement(calls=4, day_units=40, bought=limits("m-2"))
    figures = Figures()
    figures.add_rows(map(usage_history.day_row_of, rows))
    figures.add_entitlements([closed_by_now, open_now])
    assert figures.answer(ENTRIES, TODAY) == [
        {"date": "2026-11-30", "modelId": "m-1", "calls": 4, "units": 35, "closed": True},
        {"date": "2026-11-30", "modelId": "m-2", "calls": 0, "units": 0, "closed": True},
        {"date": "2026-12-01", "modelId": "m-1", "calls": 2, "units": 20, "closed": False},
        {"date": "2026-12-01", "modelId": "m-2", "calls": 4, "units": 40, "closed": False},
    ]


def test_figures_that_cannot_be_read_are_left_out_and_never_shown_as_none() -> None:
    figures = Figures()
    figures.add_rows([usage_history.day_row_of(row("2026-11-30", 3, 30))])
    figures.without_day(row("2026-12-01", 0, 0, model_id="m-2")["sk"]["S"])
    figures.without_day("day#2026-11-30")
    figures.without_day("day#2026-11-30#one#m-2")
    term = usage_history.days_of(sold(1, "2026-11-23T00:00:00Z", "2026-12-23T00:00:00Z"))
    figures.without_entitlement(EntitlementId(SUBSCRIPTION_ID, 1, "m-1"), term)
    shown = [(entry["date"], entry["modelId"], entry["calls"]) for entry in figures.answer(ENTRIES, TODAY)]
    assert shown == [("2026-11-30", "m-1", 3), ("2026-11-30", "m-2", 0)]


def test_entitlement_that_cannot_be_read_hides_no_day_of_another_term_or_model() -> None:
    figures = Figures()
    earlier = usage_history.days_of(sold(1, "2026-10-23T00:00:00Z", "2026-11-30T00:00:00Z"))
    figures.without_entitlement(EntitlementId(SUBSCRIPTION_ID, 1, "m-1"), earlier)
    assert len(figures.answer(ENTRIES, TODAY)) == len(ENTRIES)
    figures.without_entitlement(EntitlementId(SUBSCRIPTION_ID, 1, "m-1"), earlier._replace(last=ENTRIES[0][0]))
    assert [entry["modelId"] for entry in figures.answer(ENTRIES, TODAY)] == ["m-2", "m-1", "m-2"]
