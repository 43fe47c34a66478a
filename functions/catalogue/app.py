"""CatalogueFunction: an operator offers or withdraws a model. Rule: scope first; parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import catalogue_bodies, requests, tracing
from modelpass.api.identity import require_operator
from modelpass.api.resolver import resolver
from modelpass.api.responses import answer, no_content
from modelpass.catalogue.commands.admin import put_model, withdraw_model
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
app = resolver("catalogue")


@app.put("/v1/models/<model_id>")
def put(model_id: str) -> Response[str]:
    """Create or replace a model."""
    event = app.current_event
    require_operator(event)
    offer = catalogue_bodies.parse_model(model_id, requests.json_body_of(event))
    return answer(put_model(deps, offer))


@app.delete("/v1/models/<model_id>")
def delete(model_id: str) -> Response[str]:
    """Withdraw a model."""
    require_operator(app.current_event)
    withdraw_model(deps, model_id)
    return no_content()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
