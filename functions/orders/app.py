"""OrdersFunction: looking at what was sold. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.orders import (
    OF_ACCOUNT,
    OF_SUBSCRIPTION,
    get_order,
    list_orders,
    list_orders_of_subscription,
)

deps = tracing.traced(wiring.deps())
app = resolver("orders")


@app.get("/v1/orders")
def get_all() -> Response[str]:
    """A page of the caller's orders."""
    account_id = identity.account_of(app.current_event)
    page = requests.page_of(requests.query_of(app.current_event, "limit", "cursor"), OF_ACCOUNT)
    return responses.answer(list_orders(deps, account_id, page))


@app.get("/v1/orders/<order_id>")
def get_one(order_id: str) -> Response[str]:
    """One order of the caller."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    return responses.answer(get_order(deps, account_id, order_id))


@app.get("/v1/subscriptions/<subscription_id>/orders")
def get_of_one(subscription_id: str) -> Response[str]:
    """A page of the orders of one subscription of the caller."""
    account_id = identity.account_of(app.current_event)
    page = requests.page_of(requests.query_of(app.current_event, "limit", "cursor"), OF_SUBSCRIPTION)
    return responses.answer(list_orders_of_subscription(deps, account_id, subscription_id, page))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
