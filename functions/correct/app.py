"""CorrectFunction: `POST /v1/subscriptions/{subscriptionId}/corrections`. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import operator_bodies, requests, tracing
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.correct import correct

deps = tracing.traced(wiring.deps())
app = requests.resolver("correct")


@app.post("/v1/subscriptions/<subscription_id>/corrections")
def post(subscription_id: str) -> Response[str]:
    """Correct what was used."""
    event = app.current_event
    requests.require_operator(event)
    operator, key = requests.account_of(event), requests.required_idempotency_key_of(event)
    body = operator_bodies.parse_correction(requests.json_body_of(event))
    answer, replayed = correct(deps, operator, subscription_id, body, key)
    return requests.answer(answer, replayed=replayed)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
