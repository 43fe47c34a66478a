"""Usage per day and model, from the rows of closed days and from entitlements. Rule: pure; nothing counts twice.

The figures of a day are in its entitlement until the day is closed, and then in a row of the history table. Both can
have the same day only when the entitlement was read before the day was closed and the row after it: then the row has
all of its figures, and the entitlement's are left out.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from modelpass import schema
from modelpass.entitlements import history, windows
from modelpass.entitlements.model import EntitlementId
from modelpass.errors import invalid
from modelpass.subscriptions.model import SoldTerm
from modelpass.times import date_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from modelpass.entitlements.model import Entitlement
    from modelpass.subscriptions.model import Subscription

Json = dict[str, Any]

MOST_DAYS: Final = 366
"""How many days a query may ask for."""
DEFAULT_DAYS: Final = 31
"""How many days are shown, up to the last one, when the query names none: on the 1st, more than that day."""
_ONE_DAY: Final = timedelta(days=1)
_DATE_RULE: Final = "a date such as 2026-11-24"


class Span(NamedTuple):
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


class TermDays(NamedTuple):
    """A term, with its first and its last day."""

    sold: SoldTerm
    first: date
    last: date

    def touches(self, span: Span) -> bool:
        """Whether any of these days lies in the term."""
        return span.first <= span.last and self.first <= span.last and self.last >= span.first


class DayRow(NamedTuple):
    """The figures of a closed day of one entitlement."""

    day: str
    entitlement: EntitlementId
    calls: int
    units: int


def days_of(sold: SoldTerm) -> TermDays:
    """A term with the days it goes over."""
    term = sold.term
    first, last = (windows.day_of(ms, term.time_zone) for ms in (term.starts_at_ms, term.ends_at_ms - 1))
    return TermDays(sold, first, last)


def models_of(subscription: Subscription, terms: Iterable[TermDays], span: Span) -> tuple[str, ...]:
    """The models that have entries in these days: all that were in a term of them, as they were bought, each once."""
    touched = sorted((term.sold for term in terms if term.touches(span)), key=lambda sold: sold.number)
    in_terms = [model_id for sold in touched for model_id, _ in sold.models]
    return tuple(dict.fromkeys([*in_terms, *(limits.model_id for limits in subscription.models)]))


def day_row_of(row: schema.Item) -> DayRow:
    """The figures of a closed day, from its row."""
    row = schema.current(row)
    day, entitlement = history.parse_day_key(row["pk"]["S"], row["sk"]["S"])
    return DayRow(day, entitlement, int(row["calls"]["N"]), int(row["units"]["N"]))


def unrecorded(
    subscription: Subscription, recorded: Collection[int], oldest: int, models: Collection[str]
) -> list[EntitlementId]:
    """The entitlements, for some models, of the terms since the `oldest` whose numbers are not among the `recorded`.

    Such terms were sold under schema version 1, or their rows cannot be read.
    """
    return [
        EntitlementId(subscription.id, number, limits.model_id)
        for number in range(oldest, subscription.term_number + 1)
        if number not in recorded
        for limits in subscription.models
        if limits.model_id in models
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


class Figures:
    """What is known of the days of a page. What is not known is left out of the answer, and never shown as 0."""

    def __init__(self) -> None:
        self._figures: dict[tuple[str, str], list[int]] = {}
        self._closed: set[tuple[str, EntitlementId]] = set()
        self._unknown: set[tuple[str, str]] = set()
        self._unread: list[tuple[EntitlementId, TermDays]] = []

    def add_rows(self, rows: Iterable[DayRow]) -> None:
        """Take in the rows of closed days, before any entitlement."""
        for row in rows:
            self._closed.add((row.day, row.entitlement))
            self._add((row.day, row.entitlement.model_id), row.calls, row.units)

    def add_entitlements(self, entitlements: Iterable[Entitlement]) -> None:
        """Take in entitlements with the days that were open when they were read."""
        for entitlement in entitlements:
            if (entitlement.day, entitlement.id) not in self._closed:
                counters = entitlement.counters
                self._add((entitlement.day, entitlement.id.model_id), counters.day_calls, counters.day_units)

    def without_day(self, sort_key: str) -> None:
        """Note that the row with this sort key cannot be read."""
        with suppress(ValueError):  # such a key names no day
            day, entitlement = history.parse_day_key("", sort_key)
            self._unknown.add((day, entitlement.model_id))

    def without_entitlement(self, entitlement: EntitlementId, term: TermDays) -> None:
        """Note an entitlement that cannot be read: of the days of its term, only those with a row are known."""
        self._unread.append((entitlement, term))

    def answer(self, entries: Iterable[tuple[date, str]], open_day: date) -> list[Json]:
        """An entry for each of these days and models, with 0 where nothing happened."""
        return [
            {"date": text, "modelId": model_id, "calls": calls, "units": units, "closed": day < open_day}
            for day, model_id in entries
            for text in (day.isoformat(),)
            if (text, model_id) not in self._unknown and not self._is_unread(day, model_id)
            for calls, units in (self._figures.get((text, model_id), (0, 0)),)
        ]

    def _is_unread(self, day: date, model_id: str) -> bool:
        return any(
            entitlement.model_id == model_id
            and term.first <= day <= term.last
            and (day.isoformat(), entitlement) not in self._closed
            for entitlement, term in self._unread
        )

    def _add(self, at: tuple[str, str], calls: int, units: int) -> None:
        found = self._figures.setdefault(at, [0, 0])
        found[0] += calls
        found[1] += units


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
