"""What several commands read of subscriptions and places, and write to them. Rule: strongly consistent; no decisions.

What only one command reads stays in that command. Reads raise `temporarily_unavailable` once the budget is used up, and
`UnreadableItemError` for an item that cannot be read, which is reported.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from modelpass import schema
from modelpass.dynamodb import pages, transport
from modelpass.entitlements import contract
from modelpass.entitlements import items as entitlement_items
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.ids import is_subscription_id
from modelpass.runtime import unreadable
from modelpass.schema import UnreadableItemError
from modelpass.subscriptions import items, rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.dynamodb.pages import Listing, Page
    from modelpass.dynamodb.retries import RetryBudget
    from modelpass.entitlements.model import Entitlement
    from modelpass.runtime.deps import Deps
    from modelpass.schema import Request
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.model import Slot, Subscription


def any_subscription(deps: Deps, budget: RetryBudget, subscription_id: str) -> Subscription:
    """A subscription of whichever account; raises `not_found` when there is none, or it was never confirmed."""
    found = stored_subscription(deps, budget, subscription_id)
    if found.is_gone(deps.now_ms()):
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    return found


def stored_subscription(deps: Deps, budget: RetryBudget, subscription_id: str) -> Subscription:
    """A subscription's row, also of one that was never confirmed; raises `not_found` when there is none."""
    found = None
    if is_subscription_id(subscription_id):  # other text cannot be an id, and is not looked up
        key = schema.primary_key(items.subscription_key(subscription_id))
        found = budget.persist(lambda: transport.get(deps.send, deps.tables.subscriptions, key))
    if found is None:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    return unreadable.read_one(deps.tables.subscriptions, found, items.subscription_of)


def shown_models(
    deps: Deps, budget: RetryBudget, subscription: Subscription, show: Callable[[Entitlement, int], Json]
) -> list[Json]:
    """What `show` makes of each entitlement of the current term, in the order they were bought.

    It is given the time (milliseconds) after the reading, and shows a `modelId`. What cannot be read is left out, and
    reported.
    """
    table = deps.tables.entitlements
    wanted = [entitlement_items.entitlement_key(i) for i in subscription.entitlement_ids()]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, wanted))
    now_ms = deps.now_ms()

    def shown_of(item: schema.Item) -> Json:
        entitlement = entitlement_items.entitlement_of(item)
        told = rules.contract(subscription, entitlement.id, now_ms)
        return show(contract.as_of(entitlement, told, now_ms), now_ms)

    shown = unreadable.read_each(table, stored, shown_of)
    by_model = {one["modelId"]: one for one in shown}
    return [by_model[m.model_id] for m in subscription.models if m.model_id in by_model]


def slot_of_account(deps: Deps, budget: RetryBudget, account_id: str) -> Slot | None:
    """The account's one place; None when nothing has ever held it."""
    key = schema.primary_key(items.slot_key(account_id))
    found = budget.persist(lambda: transport.get(deps.send, deps.tables.subscriptions, key))
    return None if found is None else unreadable.read_one(deps.tables.subscriptions, found, items.slot_of)


def subscription_and_slot(
    deps: Deps, budget: RetryBudget, subscription_id: str, account_id: str
) -> tuple[Subscription | None, Slot | None]:
    """A subscription, of whichever account, and an account's place, both as they are at one moment.

    Each is None when there is none.
    """
    table = deps.tables.subscriptions
    keys = [schema.primary_key(pair) for pair in (items.subscription_key(subscription_id), items.slot_key(account_id))]
    subscription, slot = budget.persist(partial(transport.get_together, deps.send, table, keys))
    return (
        unreadable.read_one(table, subscription, items.subscription_of) if subscription else None,
        unreadable.read_one(table, slot, items.slot_of) if slot else None,
    )


def write_each(deps: Deps, budget: RetryBudget, requests: list[Request]) -> bool:
    """Carry out guarded updates of entitlements, one by one; each may have been done before.

    One that cannot be read is left as it is and reported, and the others are written all the same: then it gives False.
    """
    done = True
    for request in requests:
        try:
            budget.for_another().until_written(partial(deps.send, "UpdateItem", request))
        except UnreadableItemError:
            unreadable.report(request["TableName"], request["Key"])
            done = False
    return done


def page_of(
    deps: Deps, budget: RetryBudget, table: str, partition: str, listing: Listing, page: Page
) -> tuple[list[schema.Item], str | None]:
    """The entries of a page, and the cursor of the next.

    An entry whose key no cursor can name is reported and passed over, and another one takes its place.
    """
    found: list[schema.Item] = []
    request = pages.request(table, partition, listing, page)
    for entries in transport.pages(lambda name, asked: budget.persist(partial(deps.send, name, asked)), request):
        for entry in entries:
            if listing.sort_key.fullmatch(entry["sk"]["S"]):
                found.append(entry)
            else:
                unreadable.report(table, entry)
        if len(found) > page.limit:
            break
    return pages.cut(found, page)
