"""Which entries of the daily usage a page shows, and the cursor of the next. Rule: pure; no entry is shown twice.

The entries of an answer are numbered: day by day, and in each day model by model, as they were bought. A cursor keeps
which days the first page was about, how many entries were shown, and of how many models a day had some, so that
following pages end where the first one said, however late they are asked for. A model that is bought in between comes
last in its days. A cursor is good for the subscription it was given for.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.entitlements import windows
from modelpass.errors import invalid, invalid_cursor
from modelpass.subscriptions import usage_history
from modelpass.subscriptions.usage_history import MOST_DAYS, Span
from modelpass.times import date_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.subscriptions.model import Subscription

MOST_ROWS: Final = 1000
"""How many entries a page has at most, and unless the query says otherwise."""
_BOUNDS: Final = ("from", "to")
_DATE: Final = "([0-9]{4}-[0-9]{2}-[0-9]{2})"
_CURSOR: Final = re.compile(f"{_DATE}?~{_DATE}?~{_DATE}~{_DATE}~([0-9]{{1,6}})(?:~([1-9][0-9]{{0,4}}))?")
_ONE_DAY: Final = timedelta(days=1)


class Cursor(NamedTuple):
    """The dates that were asked for, None where left out; the days they meant; and how many entries were shown.

    `models` is how many a day had entries of, None in a cursor of code whose lists never changed.
    """

    asked: tuple[str | None, str | None]
    first: date
    last: date
    shown: int
    models: int | None = None


class Question(NamedTuple):
    """Which days a query is about, the dates it names, and how far earlier pages came."""

    span: Span
    asked: tuple[str | None, str | None]
    cursor: Cursor | None


class HistoryPage(NamedTuple):
    """A page: the entries from number `start` to before `end` of all of `span`, and what the next cursor says."""

    span: Span
    models: tuple[str, ...]
    start: int
    end: int
    following: str | None

    @property
    def days(self) -> Span:
        """The days that the page has entries of; no day at all on an empty page."""
        if self.start >= self.end:
            return self.span._replace(last=self.span.first - _ONE_DAY)
        first, last = (self.span.first + n // len(self.models) * _ONE_DAY for n in (self.start, self.end - 1))
        return self.span._replace(first=first, last=last)

    def entries(self) -> list[tuple[date, str]]:
        """The day and the model of each entry, in their order."""
        count = len(self.models)
        numbers = range(self.start, self.end)
        return [(self.span.first + n // count * _ONE_DAY, self.models[n % count]) for n in numbers]


def cursor_of(text: str, query: Mapping[str, str]) -> Cursor:
    """The cursor that a text says, of a query that may repeat the dates of the first page.

    Raises `invalid_request` for what no page gave, and for another `from` or `to` than that of the first page.
    """
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise invalid_cursor()
    first, last = date_of(found[3]), date_of(found[4])
    if first is None or last is None:
        raise invalid_cursor()
    asked = (found[1], found[2])
    for name, at_first in zip(_BOUNDS, asked, strict=True):
        if name in query and query[name] != at_first:
            raise invalid(name, f"{name} must be that of the first page, or be left out.")
    return Cursor(asked, first, last, int(found[5]), None if found[6] is None else int(found[6]))


def question_of(query: Mapping[str, str], cursor: Cursor | None, subscription: Subscription, now_ms: int) -> Question:
    """What is asked; raises `invalid_request` naming the date at fault, or a cursor of other usage."""
    if cursor is None:
        span = usage_history.span_of(query, subscription, now_ms)
        return Question(span, (query.get("from"), query.get("to")), None)
    return Question(_span_again(cursor, subscription, now_ms), cursor.asked, cursor)


def page_of(question: Question, models: tuple[str, ...], limit: int) -> HistoryPage:
    """The page that is asked for, with entries of these models each day; raises `invalid_request` for a cursor."""
    span, asked, cursor = question
    count = max(0, (span.last - span.first).days + 1) * len(models)
    start = 0 if cursor is None else _place_of(cursor, len(models))
    if cursor is not None and not 0 < start < count:
        raise invalid_cursor()
    end = min(start + limit, count)
    following = _text(Cursor(asked, span.first, span.last, end, len(models))) if end < count else None
    return HistoryPage(span, models, start, end, following)


def _place_of(cursor: Cursor, models: int) -> int:
    """The number of the first entry that was not shown, where a day has entries of so many models by now."""
    before = models if cursor.models is None else cursor.models
    if before > models:
        raise invalid_cursor()
    days, shown = divmod(cursor.shown, before)
    return days * models + shown


def _span_again(cursor: Cursor, subscription: Subscription, now_ms: int) -> Span:
    """The days of the first page; raises `invalid_request` for days that no first page of this subscription was about.

    The clock that served the first page may have been ahead by a day's end.
    """
    zone = subscription.term.time_zone
    born, today = windows.day_of(subscription.created_at_ms, zone), windows.day_of(now_ms, zone)
    if not born <= cursor.first <= cursor.last <= today + _ONE_DAY or (cursor.last - cursor.first).days >= MOST_DAYS:
        raise invalid_cursor()
    return Span(cursor.first, cursor.last, today)


def _text(cursor: Cursor) -> str:
    asked = "~".join(name or "" for name in cursor.asked)
    return f"{asked}~{cursor.first.isoformat()}~{cursor.last.isoformat()}~{cursor.shown}~{cursor.models}"
