"""QuoteFunction: `POST /v1/quotes`, the price of a purchase body. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass import http, purchase_body, tracing
from modelpass.commands_quote import quote
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
app = http.resolver("quote")


@app.post("/v1/quotes")
def post() -> Response[str]:
    """What a purchase would cost now."""
    event = app.current_event
    http.account_of(event)
    return http.answer(quote(deps, purchase_body.parse(http.json_body_of(event))))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
