"""QuoteFunction: `POST /v1/quotes`, the price of a purchase body. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, subscription_bodies, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.queries import quote

deps = tracing.traced(wiring.deps())
app = resolver("quote")


@app.post("/v1/quotes")
def post() -> Response[str]:
    """What a purchase would cost now."""
    event = app.current_event
    identity.account_of(event)  # refuses a token that names no account; the price is the same for all
    requests.query_of(event)
    order = subscription_bodies.parse_purchase(requests.json_body_of(event))
    return responses.answer(quote(deps, order))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
