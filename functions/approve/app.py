"""ApproveFunction: the billing system says what becomes of an order. Rule: check the scope, parse, call one command."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions import answers as subscription_answers
from modelpass.subscriptions.commands.confirm import confirm
from modelpass.subscriptions.commands.order_ends import reject

deps = tracing.traced(wiring.deps())
app = resolver("approve")


@app.post("/v1/orders/<order_id>/confirmation")
def post_confirmation(order_id: str) -> Response[str]:
    """Carry an order out."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    reference = operator_bodies.parse_confirmation(requests.json_body_of(event))
    return responses.answer(subscription_answers.order(*confirm(deps, order_id, reference)))


@app.post("/v1/orders/<order_id>/rejection")
def post_rejection(order_id: str) -> Response[str]:
    """Let an order end."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    reason = operator_bodies.parse_rejection(requests.json_body_of(event))
    return responses.answer(subscription_answers.order(*reject(deps, order_id, reason)))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
