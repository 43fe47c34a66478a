"""PurchaseFunction: `POST /v1/subscriptions`. Rule: parse, call one command, answer."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass import http, purchase_body, tracing
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.purchase import purchase

deps = tracing.traced(wiring.deps(signs=True))
app = http.resolver("purchase")


@app.post("/v1/subscriptions")
def post() -> Response[str]:
    """Buy a custom subscription."""
    event = app.current_event
    account_id, key = http.account_of(event), http.idempotency_key_of(event)
    body = purchase_body.parse(http.json_body_of(event))
    return http.subscribed(purchase(deps, account_id, body, key), HTTPStatus.CREATED)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
