"""CorrectFunction: an operator corrects what was used. Rule: check the scope, parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.correct import correct

deps = tracing.traced(wiring.deps())
app = resolver("correct")


@app.post("/v1/subscriptions/<subscription_id>/corrections")
def post(subscription_id: str) -> Response[str]:
    """Correct what was used."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    operator, key = identity.operator_of(event), requests.required_idempotency_key_of(event)
    order = operator_bodies.parse_correction(requests.json_body_of(event))
    booked = correct(deps, operator, subscription_id, order, key)
    return responses.answer(booked.answer, replayed=booked.replayed)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
