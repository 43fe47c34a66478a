"""TopUpFunction: `POST /v1/subscriptions/{subscriptionId}/top-ups`. Rule: parse, call one command, answer."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import change_bodies, identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.top_up import top_up

deps = tracing.traced(wiring.deps())
app = resolver("top_up")


@app.post("/v1/subscriptions/<subscription_id>/top-ups")
def post(subscription_id: str) -> Response[str]:
    """Add units to the current month window of a model."""
    event = app.current_event
    account_id = identity.account_of(event)
    requests.query_of(event)
    key = requests.idempotency_key_of(event)
    order = change_bodies.parse_top_up(requests.json_body_of(event))
    return responses.subscription_outcome(top_up(deps, account_id, subscription_id, order, key), HTTPStatus.CREATED)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
