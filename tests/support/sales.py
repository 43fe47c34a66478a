"""Sales to a subscription, its settings and its orders, as customers ask for them: the API's own code reads a body."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelpass.api import subscription_bodies
from modelpass.api.quote_bodies import parse_quote
from modelpass.api.requests import page_of
from modelpass.subscriptions import answers
from modelpass.subscriptions.commands import extend as extend_command
from modelpass.subscriptions.commands import orders as orders_queries
from modelpass.subscriptions.commands import purchase as purchase_command
from modelpass.subscriptions.commands import queries, quotes, update_subscription
from modelpass.subscriptions.commands import renew as renew_command
from tests.support.world import model

if TYPE_CHECKING:
    from tests.support.world import World

Json = dict[str, Any]


def purchase(world: World, account: str = "acct", key: str | None = None, **body: Any) -> Json:
    """Buy, and give the answer."""
    body.setdefault("models", [model()])
    order = subscription_bodies.parse_purchase(body)
    return answers.outcome(purchase_command.purchase(world.deps, account, order, key))


def renew(world: World, subscription_id: str, account: str = "acct", key: str | None = None, **body: Any) -> Json:
    """Renew, and give the answer."""
    order = subscription_bodies.parse_renewal(body)
    return answers.outcome(renew_command.renew(world.deps, account, subscription_id, order, key))


def extend(
    world: World, subscription_id: str, months: int = 1, account: str = "acct", key: str | None = None, **body: Any
) -> Json:
    """Extend, and give the answer; `replayed` is there for a repeat."""
    order = subscription_bodies.parse_extension({"months": months, **body})
    outcome = extend_command.extend(world.deps, account, subscription_id, order, key)
    return {**answers.outcome(outcome), **({"replayed": True} if outcome.replayed else {})}


def update(world: World, subscription_id: str, account: str = "acct", **body: Any) -> Json:
    """Change settings, and give the answer."""
    change = subscription_bodies.parse_settings(body)
    return update_subscription.update_subscription(world.deps, account, subscription_id, change)


def quote(world: World, subscription_id: str, account: str = "acct", **body: Any) -> Json:
    """What a sale to a subscription would cost."""
    return quotes.quote_sale(world.deps, account, subscription_id, parse_quote(body))


def look(world: World, subscription_id: str, account: str = "acct") -> Json:
    """The subscription as its customer sees it."""
    return queries.get_subscription(world.deps, account, subscription_id)


def orders(world: World, account: str = "acct", **query: str) -> Json:
    """A page of the orders of an account."""
    return orders_queries.list_orders(world.deps, account, page_of(query, orders_queries.OF_ACCOUNT))


def orders_of(world: World, subscription_id: str, account: str = "acct", **query: str) -> Json:
    """A page of the orders of a subscription."""
    page = page_of(query, orders_queries.OF_SUBSCRIPTION)
    return orders_queries.list_orders_of_subscription(world.deps, account, subscription_id, page)


def order(world: World, order_id: str, account: str = "acct") -> Json:
    """One order."""
    return orders_queries.get_order(world.deps, account, order_id)
