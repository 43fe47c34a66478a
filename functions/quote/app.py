"""QuoteFunction: what a sale would cost now. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, quote_bodies, requests, responses, subscription_bodies, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.queries import quote
from modelpass.subscriptions.commands.quotes import quote_sale

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


@app.post("/v1/subscriptions/<subscription_id>/quotes")
def post_of_one(subscription_id: str) -> Response[str]:
    """What a sale to one subscription of the caller would cost now."""
    account_id = identity.account_of(app.current_event)
    requests.query_of(app.current_event)
    order = quote_bodies.parse_quote(requests.json_body_of(app.current_event))
    return responses.answer(quote_sale(deps, account_id, subscription_id, order))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
