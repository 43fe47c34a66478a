"""SubscriptionsFunction: looking at one subscription and its usage. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass import http, wiring
from modelpass.commands_read import get_subscription, get_usage

deps = wiring.deps()
app = http.resolver("subscriptions")


@app.get("/v1/subscriptions/<subscription_id>")
def get_one(subscription_id: str) -> Response[str]:
    """One subscription of the caller."""
    account_id = http.account_of(app.current_event)
    return http.answer("subscriptions", get_subscription(deps, account_id, subscription_id))


@app.get("/v1/subscriptions/<subscription_id>/usage")
def get_counters(subscription_id: str) -> Response[str]:
    """The live counters of one subscription of the caller."""
    account_id = http.account_of(app.current_event)
    return http.answer("subscriptions", get_usage(deps, account_id, subscription_id))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
