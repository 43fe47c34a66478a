"""QuoteFunction: `POST /v1/quotes`, the price of a purchase body. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import requests, subscription_bodies, tracing
from modelpass.commands_quote import quote
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
app = requests.resolver("quote")


@app.post("/v1/quotes")
def post() -> Response[str]:
    """What a purchase would cost now."""
    event = app.current_event
    requests.account_of(event)
    return requests.answer(quote(deps, subscription_bodies.parse(requests.json_body_of(event))))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
