"""The history that customers look at: what each day and model used, page by page. Rule: what a page reads is bounded.

A page reads the terms and the entitlements of its own days and models, and the rows of its own days. Figures that
cannot be read are left out and reported, and spoil no others.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final, NamedTuple

from modelpass.dynamodb import pages, transport
from modelpass.entitlements import history
from modelpass.entitlements import items as entitlement_items
from modelpass.runtime import unreadable
from modelpass.subscriptions import answers, history_pages, items, usage_history
from modelpass.subscriptions.commands import upkeep
from modelpass.subscriptions.history_pages import MOST_ROWS
from modelpass.subscriptions.usage_history import Figures

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.dynamodb.transport import Send
    from modelpass.entitlements.model import Entitlement, EntitlementId
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.history_pages import Question
    from modelpass.subscriptions.model import SoldTerm, Subscription
    from modelpass.subscriptions.usage_history import TermDays

_MOST_KEYS: Final = 100
"""How many keys one `BatchGetItem` takes."""


def get_history(
    deps: Deps, account_id: str | None, subscription_id: str, query: Mapping[str, str], limit: int = MOST_ROWS
) -> Json:
    """A page of usage per day and model, and the terms of its days with the price that each was sold at.

    `query` may have the dates `from` and `to`, and the `cursor` that an earlier page gave as `next`. Raises
    `not_found`, and `invalid_request` naming the date or the cursor at fault.
    """
    cursor = None
    if "cursor" in query:
        cursor = history_pages.cursor_of(pages.sort_key_of(query["cursor"]), query)
    budget = deps.retry_budget()
    found = upkeep.own_subscription(deps, budget, account_id, subscription_id).now
    question = history_pages.question_of(query, cursor, found, deps.now_ms())
    return _Reader(deps, budget, found, question).answer(limit)


class _Told(NamedTuple):
    """A term with its days, and as the answer shows it."""

    term: TermDays
    shown: Json


def _told(sold: SoldTerm) -> _Told:
    return _Told(usage_history.days_of(sold), answers.term(sold))


class _Reader:
    """Reads what one page shows."""

    def __init__(self, deps: Deps, budget: RetryBudget, subscription: Subscription, question: Question) -> None:
        self._deps = deps
        self._subscription = subscription
        self._question = question
        self._days = question.span
        self._models: frozenset[str] = frozenset()
        self._send: Send = lambda operation, request: budget.persist(partial(deps.send, operation, request))
        self._unread: set[EntitlementId] = set()

    def answer(self, limit: int) -> Json:
        recorded, oldest = self._recorded()
        models = usage_history.models_of(self._subscription, [told.term for told in recorded.values()], self._days)
        page = history_pages.page_of(self._question, models, limit)
        entries = page.entries()
        if not entries:
            return {"days": [], "terms": [], "next": None}
        self._days, self._models = page.days, frozenset(model_id for _, model_id in entries)
        # The entitlements are read before the rows, so that a day that is closed in between is found in its row.
        told, entitlements = self._terms_and_entitlements(recorded, oldest)
        figures = Figures()
        self._add_rows(figures)
        figures.add_entitlements(entitlements)
        for entitlement in self._unread:
            for one in told:
                if one.term.sold.number == entitlement.term_number:
                    figures.without_entitlement(entitlement, one.term)
        return {
            "days": figures.answer(entries, page.span.open_day),
            "terms": [one.shown for one in told],
            "next": None if page.following is None else pages.cursor_of(page.following),
        }

    def _terms_and_entitlements(self, recorded: dict[int, _Told], oldest: int) -> tuple[list[_Told], list[Entitlement]]:
        """The terms of the page's days, oldest first, and their entitlements for the page's models."""
        ids = [
            one
            for told in recorded.values()
            if told.term.touches(self._days)
            for one in told.term.sold.entitlement_ids(self._subscription.id)
            if one.model_id in self._models
        ]
        earlier = self._entitlements(
            usage_history.unrecorded(self._subscription, recorded.keys(), oldest, self._models)
        )
        for sold in usage_history.terms_of(earlier):
            recorded[sold.number] = _told(sold)
        told_of_days = [told for _, told in sorted(recorded.items()) if told.term.touches(self._days)]
        return told_of_days, earlier + self._entitlements(ids)

    def _recorded(self) -> tuple[dict[int, _Told], int]:
        """The terms by their number, the current one as the subscription has it; and the oldest that was looked for.

        Those before it had ended when the first day that is asked for began.
        """
        table, current = self._deps.tables.history, self._subscription.sold_term()
        found = {current.number: _told(current)}
        for rows in transport.pages(self._send, items.sold_terms(table, self._subscription.id)):
            for told in unreadable.read_each(table, rows, lambda row: _told(items.term_row_of(row))):
                found[told.term.sold.number] = told
            oldest = min(found)
            if found[oldest].term.first < self._days.first:
                return found, oldest
        return found, 1

    def _entitlements(self, ids: list[EntitlementId]) -> list[Entitlement]:
        table, wanted = self._deps.tables.entitlements, [entitlement_items.entitlement_key(i) for i in ids]
        batches = [wanted[n : n + _MOST_KEYS] for n in range(0, len(wanted), _MOST_KEYS)]
        stored = [item for batch in batches for item in transport.get_many(self._send, table, batch)]
        read = unreadable.read_each(table, stored, entitlement_items.entitlement_of)
        there = {item["pk"]["S"] for item in stored} - {entitlement_items.entitlement_pk(one.id) for one in read}
        self._unread.update(one for one in ids if entitlement_items.entitlement_pk(one) in there)
        return read

    def _add_rows(self, figures: Figures) -> None:
        table, days = self._deps.tables.history, self._days
        query = history.days_query(table, self._subscription.id, days.first.isoformat(), days.last.isoformat())
        rows = transport.query_all(self._send, query)
        read = unreadable.read_each(table, rows, usage_history.day_row_of)
        figures.add_rows(read)
        known = {history.day_key(row.entitlement, row.day)[1] for row in read}
        for row in rows:
            if row["sk"]["S"] not in known:
                figures.without_day(row["sk"]["S"])
