"""AvailabilityFunction: an operator takes a tier down, or brings it back. Rule: scope first; parse, call, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import catalogue_bodies, requests, tracing
from modelpass.catalogue.commands.admin import turn_tier
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
app = requests.resolver("availability")


@app.put("/v1/models/<model_id>/tiers/<tier>/availability")
def put(model_id: str, tier: str) -> Response[str]:
    """Say whether a tier of a model is available."""
    event = app.current_event
    requests.require_operator(event)
    body = catalogue_bodies.parse_availability(requests.json_body_of(event))
    return requests.answer(turn_tier(deps, model_id, tier, body))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
