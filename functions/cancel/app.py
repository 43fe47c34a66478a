"""CancelFunction: `POST /v1/subscriptions/{subscriptionId}/cancel`. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions import answers as subscription_answers
from modelpass.subscriptions.commands.cancel import cancel

deps = tracing.traced(wiring.deps())
app = resolver("cancel")


@app.post("/v1/subscriptions/<subscription_id>/cancel")
def post(subscription_id: str) -> Response[str]:
    """End a subscription now."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    requests.require_empty_body(app.current_event)
    ended = cancel(deps, account_id, subscription_id)
    return responses.answer(subscription_answers.subscription(ended, ended.status(deps.now_ms())))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
