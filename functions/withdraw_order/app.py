"""WithdrawOrderFunction: `POST /v1/orders/{orderId}/withdrawal`. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions import answers as subscription_answers
from modelpass.subscriptions.commands.order_ends import withdraw

deps = tracing.traced(wiring.deps())
app = resolver("withdraw_order")


@app.post("/v1/orders/<order_id>/withdrawal")
def post(order_id: str) -> Response[str]:
    """Take an order back."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    requests.require_empty_body(app.current_event)
    return responses.answer(subscription_answers.order(*withdraw(deps, account_id, order_id)))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
