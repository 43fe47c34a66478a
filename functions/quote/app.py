"""QuoteFunction: `POST /v1/quotes`, the price of a purchase body. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import requests, tracing
from modelpass.api.identity import account_of
from modelpass.api.resolver import resolver
from modelpass.api.responses import answer
from modelpass.api.subscription_bodies import parse_purchase
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.queries import quote

deps = tracing.traced(wiring.deps())
app = resolver("quote")


@app.post("/v1/quotes")
def post() -> Response[str]:
    """What a purchase would cost now."""
    event = app.current_event
    account_of(event)
    return answer(quote(deps, parse_purchase(requests.json_body_of(event))))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
