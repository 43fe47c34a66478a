"""PurchaseFunction: `POST /v1/subscriptions`. Rule: parse, call one command, answer."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, subscription_bodies, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.purchase import purchase

deps = tracing.traced(wiring.deps(signs=True))
app = resolver("purchase")


@app.post("/v1/subscriptions")
def post() -> Response[str]:
    """Buy a custom subscription."""
    event = app.current_event
    account_id = identity.account_of(event)
    requests.query_of(event)
    key = requests.idempotency_key_of(event)
    order = subscription_bodies.parse_purchase(requests.json_body_of(event))
    return responses.subscription_outcome(purchase(deps, account_id, order, key), HTTPStatus.CREATED)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
