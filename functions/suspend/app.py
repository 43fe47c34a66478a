"""SuspendFunction: operators stop a subscription, let it go on, and revoke its key. Rule: scope first, one command."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.revoke_key import revoke_key_as_operator
from modelpass.subscriptions.commands.suspend import resume, suspend

deps = tracing.traced(wiring.deps())
app = resolver("suspend")
ROUTE = "/v1/subscriptions/<subscription_id>/suspension"


@app.put(ROUTE)
def put(subscription_id: str) -> Response[str]:
    """Suspend a subscription of any account."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    operator = identity.operator_of(event)
    reason = operator_bodies.parse_suspension(requests.json_body_of(event))
    return responses.answer(suspend(deps, operator, subscription_id, reason))


@app.delete(ROUTE)
def delete(subscription_id: str) -> Response[str]:
    """Let a suspended subscription go on."""
    operator = _operator_without_body()
    return responses.answer(resume(deps, operator, subscription_id))


@app.delete("/v1/subscriptions/<subscription_id>/key")
def delete_key(subscription_id: str) -> Response[str]:
    """Let the key of a subscription of any account grant nothing more, without another one."""
    operator = _operator_without_body()
    revoke_key_as_operator(deps, operator, subscription_id)
    return responses.no_content()


def _operator_without_body() -> str:
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    requests.require_empty_body(event)
    return identity.operator_of(event)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
