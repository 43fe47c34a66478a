"""LookFunction: operators look at any account's subscriptions. Rule: check the scope, parse, call one command, answer.

Each look leaves a line in the log that names the operator, and the account and the subscription that were looked at.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands import orders, pending_orders, queries
from modelpass.subscriptions.commands.looks import (
    find_key,
    look_at_events,
    look_at_history,
    look_at_holds,
    look_at_order,
    look_at_orders,
    look_at_orders_of_account,
    look_at_plan,
    look_at_subscription,
    look_at_subscriptions,
    look_at_usage,
)
from modelpass.subscriptions.commands.pending_orders import look_at_pending_orders
from modelpass.subscriptions.history_pages import MOST_ROWS

deps = tracing.traced(wiring.deps(signs=True))
app = resolver("look")
ROUTE = "/v1/subscriptions/<subscription_id>"


@app.get(ROUTE)
def get_one(subscription_id: str) -> Response[str]:
    """One subscription."""
    _query()
    return responses.answer(look_at_subscription(deps, subscription_id))


@app.get(f"{ROUTE}/usage")
def get_counters(subscription_id: str) -> Response[str]:
    """The live counters of one subscription."""
    _query()
    return responses.answer(look_at_usage(deps, subscription_id))


@app.get(f"{ROUTE}/history")
def get_days(subscription_id: str) -> Response[str]:
    """A page of usage per day and model of one subscription."""
    query = _query("from", "to", "limit", "cursor")
    limit = requests.limit_of(query, MOST_ROWS, MOST_ROWS)
    return responses.answer(look_at_history(deps, subscription_id, query, limit))


@app.get(f"{ROUTE}/events")
def get_events(subscription_id: str) -> Response[str]:
    """A page of what happened to one subscription."""
    page = requests.page_of(_query("limit", "cursor"), queries.EVENTS)
    return responses.answer(look_at_events(deps, subscription_id, page))


@app.get(f"{ROUTE}/holds")
def get_holds(subscription_id: str) -> Response[str]:
    """What one subscription holds at this moment."""
    _query()
    return responses.answer(look_at_holds(deps, subscription_id))


@app.get(f"{ROUTE}/orders")
def get_orders(subscription_id: str) -> Response[str]:
    """A page of the orders of one subscription."""
    page = requests.page_of(_query("limit", "cursor"), orders.OF_SUBSCRIPTION)
    return responses.answer(look_at_orders(deps, subscription_id, page))


@app.get("/v1/orders/<order_id>")
def get_order(order_id: str) -> Response[str]:
    """One order."""
    _query()
    return responses.answer(look_at_order(deps, order_id))


@app.get("/v1/pending-orders")
def get_pending_orders() -> Response[str]:
    """A page of the orders of all accounts that wait."""
    page = requests.page_of(_query("limit", "cursor"), pending_orders.LISTING)
    return responses.answer(look_at_pending_orders(deps, page))


@app.get("/v1/accounts/<account_id>/orders")
def get_orders_of_account(account_id: str) -> Response[str]:
    """A page of an account's orders."""
    query = _query("limit", "cursor")
    account_id = identity.account_in_path(account_id)
    return responses.answer(look_at_orders_of_account(deps, account_id, requests.page_of(query, orders.OF_ACCOUNT)))


@app.get("/v1/accounts/<account_id>/subscriptions")
def get_all(account_id: str) -> Response[str]:
    """A page of an account's subscriptions."""
    query = _query("limit", "cursor")
    account_id = identity.account_in_path(account_id)
    page = requests.page_of(query, queries.SUBSCRIPTIONS)
    return responses.answer(look_at_subscriptions(deps, account_id, page))


@app.get("/v1/accounts/<account_id>/plan-subscription")
def get_plan(account_id: str) -> Response[str]:
    """The plan that holds an account's place."""
    _query()
    return responses.answer(look_at_plan(deps, identity.account_in_path(account_id)))


@app.post("/v1/keys/lookup")
def look_up() -> Response[str]:
    """Whose a key is, and whether it is the current one."""
    _query()
    api_key = operator_bodies.parse_key_lookup(requests.json_body_of(app.current_event))
    return responses.answer(find_key(deps, api_key))


def _query(*known: str) -> dict[str, str]:
    """The query, once it is known that an operator asks."""
    operators.require_operator(app.current_event)
    return requests.query_of(app.current_event, *known)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
