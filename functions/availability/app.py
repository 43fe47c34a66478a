"""AvailabilityFunction: an operator takes a tier down or up. Rule: check the scope, parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import catalogue_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.catalogue.commands.admin import set_tier_availability
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
app = resolver("availability")


@app.put("/v1/models/<model_id>/tiers/<tier>/availability")
def put(model_id: str, tier: str) -> Response[str]:
    """Say whether a tier of a model is available."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    turn = catalogue_bodies.parse_availability(model_id, tier, requests.json_body_of(event))
    return responses.answer(set_tier_availability(deps, turn))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
