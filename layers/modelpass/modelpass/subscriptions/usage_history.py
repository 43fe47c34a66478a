"""Usage per day and model, from the rows of closed days and from entitlements. Rule: pure; nothing counts twice.

The figures of a day are in its entitlement until the day is closed, and then in a row of the history table. Both can
have the same day only when the entitlement was read before the day was closed and the row after it: then the row has
all of its figures, and the entitlement's are left out.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from modelpass import schema
from modelpass.entitlements import history, windows
from modelpass.entitlements.model import EntitlementId
from modelpass.errors import invalid
from modelpass.subscriptions.model import SoldTerm
from modelpass.times import date_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.entitlements.model import Entitlement
    from modelpass.subscriptions.model import Subscription

Json = dict[str, Any]

MOST_DAYS: Final = 366
"""How many days a query may ask for."""
DEFAULT_DAYS: Final = 31
"""How many days are shown, up to the last one, when the query names none: on the 1st, more than that day."""
_ONE_DAY: Final = timedelta(days=1)
_DATE_RULE: Final = "a date such as 2026-11-24"


@dataclass(frozen=True, slots=True)
class Span:
    """The days to show, from the first to the last; none when the last comes before the first.

    `open_day` is today in the subscription's time zone: the days before it are closed.
    """

    first: date
    last: date
    open_day: date


def span_of(query: Mapping[str, str], subscription: Subscription, now_ms: int) -> Span:
    """The days that a query asks for, cut to those that the subscription has had.

    Its last day is today or, once it has ended, the last of its term; a later `to` is read as that day, so that who
    asks from where it is tomorrow already gets an answer. With `to` alone the calendar month of `to` is shown, up to
    it; with `from` alone all days from it to the last one; with neither the last 31 days. Raises `invalid_request`
    naming the parameter.
    """
    zone = subscription.term.time_zone
    born = windows.day_of(subscription.created_at_ms, zone)
    today = windows.day_of(now_ms, zone)
    ends = min(today, windows.day_of(subscription.expires_at_ms - 1, zone))
    last, first = _date(query, "to"), _date(query, "from")
    if first is not None:
        _require_range(first, last, ends)
    cut = ends if last is None else min(last, ends)
    if first is None:
        first = cut - (DEFAULT_DAYS - 1) * _ONE_DAY if last is None else cut.replace(day=1)
    return Span(max(first, born), cut, today)


def terms_in(terms: list[SoldTerm], span: Span) -> list[SoldTerm]:
    """The terms in which any of the days lies."""
    return [
        sold
        for sold in terms
        if span.first <= span.last
        and windows.day_of(sold.term.starts_at_ms, sold.term.time_zone) <= span.last
        and windows.day_of(sold.term.ends_at_ms - 1, sold.term.time_zone) >= span.first
    ]


def unrecorded(subscription: Subscription, terms: list[SoldTerm]) -> list[EntitlementId]:
    """The entitlements of those terms of the subscription that have no row: they were sold under schema version 1."""
    recorded = {sold.number for sold in terms}
    return [
        EntitlementId(subscription.id, number, limits.model_id)
        for number in range(1, subscription.term_number + 1)
        if number not in recorded
        for limits in subscription.models
    ]


def terms_of(entitlements: list[Entitlement]) -> list[SoldTerm]:
    """The terms that unrecorded entitlements belong to, oldest first; what they were sold for is not known."""
    by_number: dict[int, list[Entitlement]] = {}
    for entitlement in entitlements:
        by_number.setdefault(entitlement.id.term_number, []).append(entitlement)
    return [
        SoldTerm(number, of[0].term, tuple((e.id.model_id, e.limits.tier) for e in of), None)
        for number, of in sorted(by_number.items())
    ]


def answer(
    subscription: Subscription, span: Span, rows: list[schema.Item], entitlements: list[Entitlement]
) -> list[Json]:
    """An entry for every day and model, oldest day first, with 0 where nothing happened."""
    figures: dict[tuple[str, str], list[int]] = {}
    closed: set[tuple[str, EntitlementId]] = set()
    for row in map(schema.current, rows):
        day, entitlement_id = history.parse_day_key(row["pk"]["S"], row["sk"]["S"])
        closed.add((day, entitlement_id))
        _add(figures, (day, entitlement_id.model_id), int(row["calls"]["N"]), int(row["units"]["N"]))
    for entitlement in entitlements:
        if (entitlement.day, entitlement.id) not in closed:
            counters = entitlement.counters
            _add(figures, (entitlement.day, entitlement.id.model_id), counters.day_calls, counters.day_units)
    return [
        {
            "date": day.isoformat(),
            "modelId": model.model_id,
            "calls": calls,
            "units": units,
            "closed": day < span.open_day,
        }
        for day in (span.first + n * _ONE_DAY for n in range((span.last - span.first).days + 1))
        for model in subscription.models
        for calls, units in (figures.get((day.isoformat(), model.model_id), (0, 0)),)
    ]


def _require_range(first: date, last: date | None, ends: date) -> None:
    if last is not None and first > last:
        raise invalid("from", "from must not be later than to.")
    if ((last or ends) - first).days >= MOST_DAYS:
        raise invalid("from", f"from must be less than {MOST_DAYS} days before to.")


def _date(query: Mapping[str, str], name: str) -> date | None:
    if name not in query:
        return None
    found = date_of(query[name])
    if found is None:
        raise invalid(name, f"{name} must be {_DATE_RULE}.")
    return found


def _add(figures: dict[tuple[str, str], list[int]], at: tuple[str, str], calls: int, units: int) -> None:
    found = figures.setdefault(at, [0, 0])
    found[0] += calls
    found[1] += units
