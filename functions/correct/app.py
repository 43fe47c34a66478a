"""CorrectFunction: `POST /v1/subscriptions/{subscriptionId}/corrections`. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import operator_bodies, requests, tracing
from modelpass.api.identity import account_of, require_operator
from modelpass.api.resolver import resolver
from modelpass.api.responses import answer
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.correct import correct

deps = tracing.traced(wiring.deps())
app = resolver("correct")


@app.post("/v1/subscriptions/<subscription_id>/corrections")
def post(subscription_id: str) -> Response[str]:
    """Correct what was used."""
    event = app.current_event
    require_operator(event)
    operator, key = account_of(event), requests.required_idempotency_key_of(event)
    order = operator_bodies.parse_correction(requests.json_body_of(event))
    booked = correct(deps, operator, subscription_id, order, key)
    return answer(booked.answer, replayed=booked.replayed)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
