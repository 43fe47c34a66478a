"""ModelsFunction: `GET /v1/models`, the catalogue. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.catalogue.commands.queries import get_models
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
app = resolver("models")


@app.get("/v1/models")
def get() -> Response[str]:
    """Every model that can be bought, with its tiers."""
    requests.query_of(app.current_event)
    return responses.answer(get_models(deps))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
