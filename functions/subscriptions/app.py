"""SubscriptionsFunction: looking at subscriptions and what they used. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.daily_usage import get_history
from modelpass.subscriptions.commands.queries import (
    EVENTS,
    SUBSCRIPTIONS,
    get_subscription,
    get_usage,
    list_events,
    list_subscriptions,
)
from modelpass.subscriptions.history_pages import MOST_ROWS

deps = tracing.traced(wiring.deps())
app = resolver("subscriptions")


@app.get("/v1/subscriptions")
def get_all() -> Response[str]:
    """A page of the caller's subscriptions."""
    account_id = identity.account_of(app.current_event)
    page = requests.page_of(requests.query_of(app.current_event, "limit", "cursor"), SUBSCRIPTIONS)
    return responses.answer(list_subscriptions(deps, account_id, page))


@app.get("/v1/subscriptions/<subscription_id>")
def get_one(subscription_id: str) -> Response[str]:
    """One subscription of the caller."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    return responses.answer(get_subscription(deps, account_id, subscription_id))


@app.get("/v1/subscriptions/<subscription_id>/usage")
def get_counters(subscription_id: str) -> Response[str]:
    """The live counters of one subscription of the caller."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    return responses.answer(get_usage(deps, account_id, subscription_id))


@app.get("/v1/subscriptions/<subscription_id>/history")
def get_days(subscription_id: str) -> Response[str]:
    """A page of usage per day and model of one subscription of the caller."""
    account_id = identity.account_of(app.current_event)
    query = requests.query_of(app.current_event, "from", "to", "limit", "cursor")
    limit = requests.limit_of(query, MOST_ROWS, MOST_ROWS)
    return responses.answer(get_history(deps, account_id, subscription_id, query, limit))


@app.get("/v1/subscriptions/<subscription_id>/events")
def get_events(subscription_id: str) -> Response[str]:
    """A page of what happened to one subscription of the caller."""
    account_id = identity.account_of(app.current_event)
    page = requests.page_of(requests.query_of(app.current_event, "limit", "cursor"), EVENTS)
    return responses.answer(list_events(deps, account_id, subscription_id, page))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
