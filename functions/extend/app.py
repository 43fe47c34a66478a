"""ExtendFunction: `POST /v1/subscriptions/{subscriptionId}/extend`. Rule: parse, call one command, answer."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, subscription_bodies, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.extend import extend

deps = tracing.traced(wiring.deps())
app = resolver("extend")


@app.post("/v1/subscriptions/<subscription_id>/extend")
def post(subscription_id: str) -> Response[str]:
    """Add months to a running term."""
    event = app.current_event
    account_id = identity.account_of(event)
    requests.query_of(event)
    key = requests.idempotency_key_of(event)
    order = subscription_bodies.parse_extension(requests.json_body_of(event))
    return responses.subscription_outcome(extend(deps, account_id, subscription_id, order, key), HTTPStatus.OK)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
