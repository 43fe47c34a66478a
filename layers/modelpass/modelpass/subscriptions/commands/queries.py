"""What customers look at: subscriptions, usage, events and quotes. Rule: strongly consistent reads, no write.

A customer sees only what is his account's: any other subscription raises `not_found`, as one that does not exist. An
operator, for whom no account stands, sees that of every account. Every query raises `temporarily_unavailable` while the
store cannot be read.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from modelpass import outbox, schema
from modelpass.catalogue.commands import repository as catalogue_repository
from modelpass.dynamodb import transport
from modelpass.dynamodb.pages import Listing
from modelpass.runtime import unreadable
from modelpass.subscriptions import answers, items, pricing
from modelpass.subscriptions.commands import repository, upkeep
from modelpass.subscriptions.commands.shown import shown

if TYPE_CHECKING:
    from modelpass.dynamodb.pages import Page
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.orders import PurchaseOrder

SUBSCRIPTIONS: Final = Listing(items.BOUGHT, re.compile(rf"{items.BOUGHT}[0-9]{{15}}#[0-9]{{9,}}#sub_[a-z2-7]{{24}}"))
"""The listing of an account's subscriptions, for its cursors."""
EVENTS: Final = Listing("", re.compile(r"[0-9]{15}#([0-9]{14,}#)?evt_[a-z2-7]{24}"))
"""The listing of a subscription's events, for its cursors; one of schema version 1 has no order in its millisecond."""


def get_subscription(deps: Deps, account_id: str | None, subscription_id: str) -> Json:
    """One subscription, with its status at this moment."""
    budget = deps.retry_budget()
    return shown(deps, budget, upkeep.own_subscription(deps, budget, account_id, subscription_id).now)


def get_usage(deps: Deps, account_id: str | None, subscription_id: str) -> Json:
    """The live counters of every model of the current term, without those that cannot be read."""
    budget = deps.retry_budget()
    found = upkeep.own_subscription(deps, budget, account_id, subscription_id).now
    models = repository.shown_models(deps, budget, found, answers.model_usage)
    return answers.usage(found, models, deps.now_ms())


def list_subscriptions(deps: Deps, account_id: str, page: Page) -> Json:
    """A page of the account's subscriptions, newest first.

    It is shorter by those that cannot be read, and by purchases that were never confirmed.

    One that is bought while pages are read comes before the first page, and moves no other.
    """
    budget, table = deps.retry_budget(), deps.tables.subscriptions
    entries, following = repository.page_of(deps, budget, table, items.slot_key(account_id)[0], SUBSCRIPTIONS, page)
    ids = list(dict.fromkeys(unreadable.read_each(table, entries, items.listed_id)))
    wanted = [schema.primary_key(items.subscription_key(subscription_id)) for subscription_id in ids]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, wanted)) if wanted else []
    read = unreadable.read_each(table, stored, items.subscription_of)
    now_ms = deps.now_ms()
    # An entry may name another account's subscription only where it was damaged; what it names is not shown then.
    own = (found for found in read if found.account_id == account_id and not found.is_gone(now_ms))
    brought_up = {found.id: upkeep.bring_up(deps, budget, found) for found in own}
    listed = [shown(deps, budget, brought_up[i]) for i in ids if i in brought_up]
    return {"subscriptions": listed, "next": following}


def list_events(deps: Deps, account_id: str | None, subscription_id: str, page: Page) -> Json:
    """A page of what happened to a subscription, newest first; it is shorter by the events that cannot be read."""
    budget, table = deps.retry_budget(), deps.tables.events
    found = upkeep.own_subscription(deps, budget, account_id, subscription_id).now
    rows, following = repository.page_of(deps, budget, table, found.id, EVENTS, page)
    return {"events": unreadable.read_each(table, rows, outbox.event_answer), "next": following}


def quote(deps: Deps, order: PurchaseOrder) -> Json:
    """The price of a purchase at this moment, line by line; raises what `pricing.price_purchase` refuses.

    It reads these models and nothing else, so it says nothing of the account's place.
    """
    offered = catalogue_repository.offered(deps, deps.retry_budget(), (line.model_id for line in order.lines))
    models, sale = pricing.price_purchase(offered, order.lines)
    return pricing.price_answer(pricing.price_at([(m.model_id, m.tier) for m in models], sale, order.months))
