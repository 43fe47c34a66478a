"""What callers look at. Rule: reads only, strongly consistent, and of the caller's own account only."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from modelpass import api_keys, outbox, schema
from modelpass.api import requests
from modelpass.dynamodb import pages, transport
from modelpass.dynamodb.pages import Listing
from modelpass.entitlements import answers as entitlement_answers
from modelpass.entitlements import history
from modelpass.entitlements import items as entitlement_items
from modelpass.subscriptions import items, pricing, usage_history
from modelpass.subscriptions.commands import repository
from modelpass.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Entitlement, EntitlementId, SoldTerm
    from modelpass.runtime.deps import Deps

Json = dict[str, Any]

_MOST_KEYS = 100  # of a BatchGetItem


def get_subscription(deps: Deps, account_id: str, subscription_id: str) -> Json:
    """One subscription; another account's id is refused as an unknown one."""
    found = repository.own(deps, deps.attempts(), account_id, subscription_id)
    return entitlement_answers.subscription(found, found.status(deps.now_ms()))


def get_usage(deps: Deps, account_id: str, subscription_id: str) -> Json:
    """The live counters of every model of the current term."""
    attempts = deps.attempts()
    found = repository.own(deps, attempts, account_id, subscription_id)
    ids = found.entitlement_ids()
    by_id = {e.id: e for e in _entitlements(deps, attempts, list(ids))}
    return entitlement_answers.usage(found, [by_id[i] for i in ids], deps.now_ms())


def list_subscriptions(deps: Deps, account_id: str, query: Mapping[str, str]) -> Json:
    """A page of the account's subscriptions, newest first; one that was bought since comes before the first page."""
    page = requests.page_of(query, SUBSCRIPTIONS)
    attempts, table = deps.attempts(), deps.tables.subscriptions
    request = pages.request(table, api_keys.slot_key(account_id)[0], SUBSCRIPTIONS, page)
    entries, following = pages.cut(_one_page(deps, attempts, request), page)
    pairs = [api_keys.subscription_key(entry["id"]["S"]) for entry in map(schema.current, entries)]
    wanted = [schema.primary_key(pair) for pair in pairs]
    stored = attempts.persist(lambda: transport.get_many(deps.send, table, wanted)) if wanted else []
    by_id = {s.id: s for s in map(items.subscription_of, stored)}
    now_ms = deps.now_ms()
    shown = [by_id[subscription_id] for subscription_id, _ in pairs]
    return {"subscriptions": [entitlement_answers.subscription(s, s.status(now_ms)) for s in shown], "next": following}


def list_events(deps: Deps, account_id: str, subscription_id: str, query: Mapping[str, str]) -> Json:
    """A page of what happened to a subscription, newest first."""
    page = requests.page_of(query, EVENTS)
    attempts = deps.attempts()
    found = repository.own(deps, attempts, account_id, subscription_id)
    request = pages.request(deps.tables.events, found.id, EVENTS, page)
    rows, following = pages.cut(_one_page(deps, attempts, request), page)
    return {"events": [outbox.shown(row) for row in rows], "next": following}


def get_history(deps: Deps, account_id: str, subscription_id: str, query: Mapping[str, str]) -> Json:
    """Usage per day and model, and the terms of these days with the price each was sold at."""
    attempts, table = deps.attempts(), deps.tables.history
    found = repository.own(deps, attempts, account_id, subscription_id)
    span = usage_history.span_of(query, found, deps.now_ms())
    stored = attempts.persist(lambda: transport.query_all(deps.send, history.sold_terms(table, found.id)))
    recorded = [items.term_row_of(row) for row in stored]
    terms = usage_history.terms_in(recorded, span)
    ids = [entitlement_id for sold in terms for entitlement_id in sold.entitlement_ids(found.id)]
    # First what is still open, then the closed rows: a day that is closed in between is in its row.
    earlier = _entitlements(deps, attempts, usage_history.unrecorded(found, recorded))
    entitlements = earlier + _entitlements(deps, attempts, ids)
    terms = usage_history.terms_in(usage_history.terms_of(earlier), span) + terms
    request = history.days(table, found.id, span.first.isoformat(), span.last.isoformat())
    rows = attempts.persist(lambda: transport.query_all(deps.send, request)) if span.first <= span.last else []
    return {
        "days": usage_history.answer(found, span, rows, entitlements),
        "terms": [_term(sold) for sold in terms],
    }


def _term(sold: SoldTerm) -> Json:
    return {
        "term": sold.number,
        "startsAt": rfc3339(sold.term.starts_at_ms),
        "expiresAt": rfc3339(sold.term.ends_at_ms),
        "price": pricing.price_of_term(sold),
    }


def _one_page(deps: Deps, attempts: RetryBudget, request: schema.Request) -> list[schema.Item]:
    return attempts.persist(lambda: next(transport.pages(deps.send, request)))


def _entitlements(deps: Deps, attempts: RetryBudget, ids: list[EntitlementId]) -> list[Entitlement]:
    wanted = [entitlement_items.entitlement_key(i) for i in ids]
    table = deps.tables.entitlements
    batches = [wanted[n : n + _MOST_KEYS] for n in range(0, len(wanted), _MOST_KEYS)]
    found = [attempts.persist(partial(transport.get_many, deps.send, table, batch)) for batch in batches]
    return [entitlement_items.entitlement_of(item) for batch in found for item in batch]


SUBSCRIPTIONS: Final = Listing(
    api_keys.BOUGHT, re.compile(rf"{api_keys.BOUGHT}[0-9]{{15}}#[0-9]{{9,}}#sub_[a-z2-7]{{24}}")
)
# An event of version 1 has no order within its millisecond.
EVENTS: Final = Listing("", re.compile(r"[0-9]{15}#([0-9]{14,}#)?evt_[a-z2-7]{24}"))
