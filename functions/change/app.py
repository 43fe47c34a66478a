"""ChangeFunction: `POST /v1/subscriptions/{subscriptionId}/change`. Rule: parse, call one command, answer."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import change_bodies, identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.change import change

deps = tracing.traced(wiring.deps())
app = resolver("change")


@app.post("/v1/subscriptions/<subscription_id>/change")
def post(subscription_id: str) -> Response[str]:
    """Change the list of a running subscription."""
    event = app.current_event
    account_id = identity.account_of(event)
    requests.query_of(event)
    key = requests.idempotency_key_of(event)
    order = change_bodies.parse_change(requests.json_body_of(event))
    return responses.subscription_outcome(change(deps, account_id, subscription_id, order, key), HTTPStatus.OK)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
