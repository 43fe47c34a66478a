"""RegenerateFunction: a customer replaces or revokes a key. Rule: parse, call one command, answer."""

from http import HTTPStatus
from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.regenerate import regenerate
from modelpass.subscriptions.commands.revoke_key import revoke_key

deps = tracing.traced(wiring.deps(signs=True))
app = resolver("regenerate")


ROUTE = "/v1/subscriptions/<subscription_id>/key"


@app.post(ROUTE)
def post(subscription_id: str) -> Response[str]:
    """Make another key for an active subscription."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    requests.require_empty_body(app.current_event)
    return responses.subscription_outcome(regenerate(deps, account_id, subscription_id), HTTPStatus.OK)


@app.delete(ROUTE)
def delete(subscription_id: str) -> Response[str]:
    """Let the key grant nothing more, without another one."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    requests.require_empty_body(app.current_event)
    revoke_key(deps, account_id, subscription_id)
    return responses.no_content()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
