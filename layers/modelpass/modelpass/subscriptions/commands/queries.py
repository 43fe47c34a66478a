"""What customers look at: subscriptions, usage, history, events and quotes. Rule: strongly consistent reads, no write.

A customer sees only what is his account's: any other subscription raises `not_found`, as one that does not exist. Every
query raises `temporarily_unavailable` while the store cannot be read.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Final

from modelpass import outbox, schema
from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.dynamodb import pages, transport
from modelpass.dynamodb.pages import Listing
from modelpass.entitlements import history
from modelpass.entitlements import items as entitlement_items
from modelpass.errors import raise_if_refused
from modelpass.subscriptions import answers, items, pricing, rules, usage_history
from modelpass.subscriptions.commands import repository
from modelpass.times import rfc3339, whole_second

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelpass.dynamodb.pages import Page
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Entitlement, EntitlementId
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.orders import PurchaseOrder

SUBSCRIPTIONS: Final = Listing(items.BOUGHT, re.compile(rf"{items.BOUGHT}[0-9]{{15}}#[0-9]{{9,}}#sub_[a-z2-7]{{24}}"))
"""The listing of an account's subscriptions, for its cursors."""
EVENTS: Final = Listing("", re.compile(r"[0-9]{15}#([0-9]{14,}#)?evt_[a-z2-7]{24}"))
"""The listing of a subscription's events, for its cursors; one of schema version 1 has no order in its millisecond."""
_MOST_KEYS: Final = 100
"""How many keys one `BatchGetItem` takes."""


def get_subscription(deps: Deps, account_id: str, subscription_id: str) -> Json:
    """One subscription, with its status at this moment."""
    found = repository.own_subscription(deps, deps.retry_budget(), account_id, subscription_id)
    return answers.subscription(found, found.status(deps.now_ms()))


def get_usage(deps: Deps, account_id: str, subscription_id: str) -> Json:
    """The live counters of every model of the current term."""
    budget = deps.retry_budget()
    found = repository.own_subscription(deps, budget, account_id, subscription_id)
    ids = found.entitlement_ids()
    by_id = {e.id: e for e in _entitlements(deps, budget, list(ids))}
    return answers.usage(found, [by_id[i] for i in ids], deps.now_ms())


def list_subscriptions(deps: Deps, account_id: str, page: Page) -> Json:
    """A page of the account's subscriptions, newest first.

    One that is bought while pages are read comes before the first page, and moves no other.
    """
    budget, table = deps.retry_budget(), deps.tables.subscriptions
    request = pages.request(table, items.slot_key(account_id)[0], SUBSCRIPTIONS, page)
    entries, following = pages.cut(_one_page(deps, budget, request), page)
    pairs = [items.subscription_key(entry["id"]["S"]) for entry in map(schema.current, entries)]
    wanted = [schema.primary_key(pair) for pair in pairs]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, wanted)) if wanted else []
    by_id = {s.id: s for s in map(items.subscription_of, stored)}
    now_ms = deps.now_ms()
    shown = [by_id[subscription_id] for subscription_id, _ in pairs]
    return {"subscriptions": [answers.subscription(s, s.status(now_ms)) for s in shown], "next": following}


def list_events(deps: Deps, account_id: str, subscription_id: str, page: Page) -> Json:
    """A page of what happened to a subscription, newest first."""
    budget = deps.retry_budget()
    found = repository.own_subscription(deps, budget, account_id, subscription_id)
    request = pages.request(deps.tables.events, found.id, EVENTS, page)
    rows, following = pages.cut(_one_page(deps, budget, request), page)
    return {"events": [outbox.event_answer(row) for row in rows], "next": following}


def get_history(deps: Deps, account_id: str, subscription_id: str, days: Mapping[str, str]) -> Json:
    """Usage per day and model, and the terms of these days with the price that each was sold at.

    `days` may have the dates `from` and `to`. Raises `not_found`, and then `invalid_request` naming the date at fault.
    """
    budget, table = deps.retry_budget(), deps.tables.history
    found = repository.own_subscription(deps, budget, account_id, subscription_id)
    span = usage_history.span_of(days, found, deps.now_ms())
    stored = budget.persist(lambda: transport.query_all(deps.send, items.sold_terms(table, found.id)))
    recorded = [items.term_row_of(row) for row in stored]
    terms = usage_history.terms_in(recorded, span)
    ids = [entitlement_id for sold in terms for entitlement_id in sold.entitlement_ids(found.id)]
    # The entitlements are read before the rows, so that a day that is closed in between is found in its row.
    earlier = _entitlements(deps, budget, usage_history.unrecorded(found, recorded))
    entitlements = earlier + _entitlements(deps, budget, ids)
    terms = usage_history.terms_in(usage_history.terms_of(earlier), span) + terms
    request = history.days_query(table, found.id, span.first.isoformat(), span.last.isoformat())
    rows = budget.persist(lambda: transport.query_all(deps.send, request)) if span.first <= span.last else []
    return {
        "days": usage_history.answer(found, span, rows, entitlements),
        "terms": [answers.term(sold) for sold in terms],
    }


def quote(deps: Deps, order: PurchaseOrder) -> Json:
    """The price of a purchase at this moment, line by line; raises what `pricing.price_purchase` refuses.

    It reads these models and nothing else, so it says nothing of the account's place.
    """
    offered = catalogue_repository.offered(deps, deps.retry_budget(), (line.model_id for line in order.lines))
    models, sale = pricing.price_purchase(offered, order)
    return pricing.quote_answer([(m.model_id, m.tier) for m in models], sale, order.months)


def quote_renewal(deps: Deps, account_id: str, subscription_id: str) -> Json:
    """The price of a renewal at this moment, and when it would begin (`bindsAt`): now, or at the end of the term.

    Raises `not_found`, what `pricing.price_renewal` refuses, and `subscription_not_expired` for a cancelled one. It
    says nothing of the account's place.
    """
    budget = deps.retry_budget()
    found = repository.own_subscription(deps, budget, account_id, subscription_id)
    offered = catalogue_repository.offered(deps, budget, (limits.model_id for limits in found.models))
    sale = pricing.price_renewal(offered, found.models)
    raise_if_refused(rules.refuse_future_renewal(found))
    binds_at_ms = max(found.expires_at_ms, whole_second(deps.now_ms()))
    price = pricing.quote_answer(found.sold_term().models, sale, found.term.months)
    return {**price, "bindsAt": rfc3339(binds_at_ms)}


def _one_page(deps: Deps, budget: RetryBudget, request: schema.Request) -> list[schema.Item]:
    return budget.persist(lambda: next(transport.pages(deps.send, request)))


def _entitlements(deps: Deps, budget: RetryBudget, ids: list[EntitlementId]) -> list[Entitlement]:
    wanted = [entitlement_items.entitlement_key(i) for i in ids]
    table = deps.tables.entitlements
    batches = [wanted[n : n + _MOST_KEYS] for n in range(0, len(wanted), _MOST_KEYS)]
    found = [budget.persist(partial(transport.get_many, deps.send, table, batch)) for batch in batches]
    return [entitlement_items.entitlement_of(item) for batch in found for item in batch]
