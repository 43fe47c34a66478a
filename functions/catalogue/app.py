"""CatalogueFunction: operators' calls about models. Rule: check the scope, parse, call one command, answer.

One function serves all of them, for API Gateway cannot tell them apart: a model's id may have slashes, and a path that
is longer for them comes by one route, whether it ends in the id or goes on to a tier.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import catalogue_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.catalogue.commands.admin import put_model, set_tier_availability, withdraw_model
from modelpass.runtime import telemetry, wiring

deps = tracing.traced(wiring.deps())
app = resolver("catalogue")


@app.put("/v1/models/<model_id>")
def put(model_id: str) -> Response[str]:
    """Create or replace a model."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    offer = catalogue_bodies.parse_model(model_id, requests.json_body_of(event))
    return responses.answer(put_model(deps, offer))


@app.delete("/v1/models/<model_id>")
def delete(model_id: str) -> Response[str]:
    """Withdraw a model."""
    operators.require_operator(app.current_event)
    requests.query_of(app.current_event)
    withdraw_model(deps, model_id)
    return responses.no_content()


@app.put("/v1/models/<model_id>/tiers/<tier>/availability")
def put_availability(model_id: str, tier: str) -> Response[str]:
    """Say whether a tier of a model is available."""
    telemetry.note(command="availability")
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    turn = catalogue_bodies.parse_availability(model_id, tier, requests.json_body_of(event))
    return responses.answer(set_tier_availability(deps, turn))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
