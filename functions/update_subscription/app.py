"""UpdateFunction: `PATCH /v1/subscriptions/{subscriptionId}`. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, subscription_bodies, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.update_subscription import update_subscription

deps = tracing.traced(wiring.deps())
app = resolver("update_subscription")


@app.patch("/v1/subscriptions/<subscription_id>")
def patch(subscription_id: str) -> Response[str]:
    """Change the settings of a subscription."""
    event = app.current_event
    account_id = identity.account_of(event)
    requests.query_of(event)
    change = subscription_bodies.parse_settings(requests.json_body_of(event))
    return responses.answer(update_subscription(deps, account_id, subscription_id, change))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
