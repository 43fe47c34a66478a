"""CorrectFunction: operators correct what was used, and release holds. Rule: check the scope, parse, call one command.

Of what was held, as of what was used, a record or an event stays that names the operator.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.entitlements.commands.release import release
from modelpass.runtime import telemetry, wiring
from modelpass.subscriptions.commands.correct import correct

deps = tracing.traced(wiring.deps(signs=True))
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


@app.delete("/v1/subscriptions/<subscription_id>/holds/<authorization_id>")
def delete_hold(subscription_id: str, authorization_id: str) -> Response[str]:
    """Give back now what an authorization holds."""
    telemetry.note(command="release")
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    requests.require_empty_body(event)
    release(deps, identity.operator_of(event), subscription_id, authorization_id)
    return responses.no_content()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
