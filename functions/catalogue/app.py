"""CatalogueFunction: operators' calls about models. Rule: check the scope, parse, call one command, answer.

One function serves all of them, for API Gateway cannot tell them apart: a model's id may have slashes, and a path that
is longer for them comes by one route, whether it ends in the id or goes on to a tier.
"""

from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from modelpass.api import catalogue_bodies, identity, operators, requests, responses, tags, tracing
from modelpass.api.resolver import resolver
from modelpass.catalogue.commands import queries
from modelpass.catalogue.commands.admin import set_tier_availability
from modelpass.catalogue.commands.offers import get_model, put_model, withdraw_model
from modelpass.catalogue.commands.queries import get_all_models
from modelpass.runtime import telemetry, wiring

deps = tracing.traced(wiring.deps())
app = resolver("catalogue")
_KEPT: Final = "private, no-cache"


@app.get("/v1/models")
def get_all() -> Response[str]:
    """A page of all models, also of those that were withdrawn."""
    event = app.current_event
    operators.require_operator(event)
    query = requests.query_of(event, "limit", "cursor")
    page = requests.page_of(query, queries.MODEL_LISTING, default=requests.MOST_ENTRIES)
    return responses.kept(event, get_all_models(deps, page), _KEPT)


@app.get("/v1/models/<model_id>")
def get(model_id: str) -> Response[str]:
    """A model as operators see it."""
    operators.require_operator(app.current_event)
    requests.query_of(app.current_event)
    found = get_model(deps, model_id)
    return responses.answer(found.body, tag=found.tag)


@app.put("/v1/models/<model_id>")
def put(model_id: str) -> Response[str]:
    """Create or replace a model."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    only_if = tags.preconditions_of(event)
    offer = catalogue_bodies.parse_model(model_id, requests.json_body_of(event))
    put = put_model(deps, offer, identity.subject_of(event.raw_event), only_if)
    return responses.answer(put.body, tag=put.tag)


@app.delete("/v1/models/<model_id>")
def delete(model_id: str) -> Response[str]:
    """Withdraw a model."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    withdraw_model(deps, model_id, identity.subject_of(event.raw_event), tags.preconditions_of(event))
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
