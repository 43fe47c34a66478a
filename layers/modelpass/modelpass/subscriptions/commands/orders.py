"""Orders: what customers look at of what they bought. Rule: strongly consistent reads, no write; only their own.

An order of another account is `not_found`, as one that does not exist. Each query raises `temporarily_unavailable`
while the store cannot be read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass import schema
from modelpass.dynamodb import transport
from modelpass.dynamodb.pages import Listing
from modelpass.errors import ErrorCode, Refusal, Refused
from modelpass.runtime import telemetry, unreadable
from modelpass.subscriptions import answers, items, order_items
from modelpass.subscriptions.commands import repository, upkeep

if TYPE_CHECKING:
    from modelpass.dynamodb.pages import Page
    from modelpass.runtime.deps import Deps
    from modelpass.subscriptions.answers import Json
    from modelpass.subscriptions.order_records import Order

OF_ACCOUNT: Final = Listing(order_items.ORDERS, order_items.OF_ACCOUNT)
"""The listing of an account's orders, for its cursors."""
OF_SUBSCRIPTION: Final = Listing(order_items.ORDERS, order_items.OF_SUBSCRIPTION)
"""The listing of a subscription's orders, for its cursors."""


def get_order(deps: Deps, account_id: str | None, order_id: str) -> Json:
    """One order of the account, with its status at this moment; of any account where None stands for an operator."""
    order = any_order(deps, order_id)
    if account_id is None:
        telemetry.note(accountId=order.account_id, subscriptionId=order.subscription_id)
    elif order.account_id != account_id:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    return answers.order(order, deps.now_ms())


def any_order(deps: Deps, order_id: str) -> Order:
    """An order of whichever account; raises `not_found` when there is none."""
    table, pair = deps.tables.subscriptions, order_items.key_of_id(order_id)
    found = None
    if pair is not None:  # other text can be no order's id, and is not looked up
        key = schema.primary_key(pair)
        found = deps.retry_budget().persist(lambda: transport.get(deps.send, table, key))
    if found is None:
        raise Refused(Refusal(ErrorCode.NOT_FOUND))
    return unreadable.read_one(table, found, order_items.order_of)


def list_orders(deps: Deps, account_id: str, page: Page) -> Json:
    """A page of the account's orders, newest first; it is shorter by those that cannot be read.

    One that is made while pages are read comes before the first page, and moves no other.
    """
    budget, table = deps.retry_budget(), deps.tables.subscriptions
    entries, following = repository.page_of(deps, budget, table, items.slot_key(account_id)[0], OF_ACCOUNT, page)
    pairs = unreadable.read_each(table, entries, order_items.order_of_entry)
    wanted = [schema.primary_key(pair) for pair in pairs]
    stored = budget.persist(lambda: transport.get_many(deps.send, table, wanted)) if wanted else []
    # An entry may name another account's order only where it was damaged; what it names is not shown then.
    read = unreadable.read_each(table, stored, order_items.order_of)
    own = {(one.subscription_id, one.number): one for one in read if one.account_id == account_id}
    now_ms = deps.now_ms()
    places = [order_items.numbered(pair) for pair in pairs]
    return {"orders": [answers.order(own[at], now_ms) for at in places if at in own], "next": following}


def list_orders_of_subscription(deps: Deps, account_id: str | None, subscription_id: str, page: Page) -> Json:
    """A page of the orders of one subscription of the account, newest first, without those that cannot be read."""
    budget, table = deps.retry_budget(), deps.tables.subscriptions
    found = upkeep.own_subscription(deps, budget, account_id, subscription_id).now
    entries, following = repository.page_of(deps, budget, table, found.id, OF_SUBSCRIPTION, page)
    now_ms = deps.now_ms()
    orders = unreadable.read_each(table, entries, order_items.order_of)
    return {"orders": [answers.order(order, now_ms) for order in orders], "next": following}
