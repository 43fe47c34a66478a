"""AvailabilityFunction: an operator takes a tier down, or brings it back. Rule: scope first; parse, call, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import catalogue_bodies, requests, tracing
from modelpass.api.identity import require_operator
from modelpass.api.resolver import resolver
from modelpass.api.responses import answer
from modelpass.catalogue.commands.admin import turn_tier
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
app = resolver("availability")


@app.put("/v1/models/<model_id>/tiers/<tier>/availability")
def put(model_id: str, tier: str) -> Response[str]:
    """Say whether a tier of a model is available."""
    event = app.current_event
    require_operator(event)
    turn = catalogue_bodies.parse_availability(model_id, tier, requests.json_body_of(event))
    return answer(turn_tier(deps, turn))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
