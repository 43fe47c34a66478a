"""SubscriptionsFunction: looking at subscriptions and what they used. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.queries import (
    EVENTS,
    SUBSCRIPTIONS,
    get_history,
    get_subscription,
    get_usage,
    list_events,
    list_subscriptions,
)

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
    """Usage per day and model of one subscription of the caller."""
    account_id = identity.account_of(app.current_event)
    days = requests.query_of(app.current_event, "from", "to")
    return responses.answer(get_history(deps, account_id, subscription_id, days))


@app.get("/v1/subscriptions/<subscription_id>/events")
def get_events(subscription_id: str) -> Response[str]:
    """A page of what happened to one subscription of the caller."""
    account_id = identity.account_of(app.current_event)
    page = requests.page_of(requests.query_of(app.current_event, "limit", "cursor"), EVENTS)
    return responses.answer(list_events(deps, account_id, subscription_id, page))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
