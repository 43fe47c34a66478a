"""CatalogueFunction: an operator puts or withdraws a model. Rule: check the scope, parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import catalogue_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.catalogue.commands.admin import put_model, withdraw_model
from modelpass.runtime import wiring

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


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
