"""ModelsFunction: `GET /v1/models`, the catalogue. Rule: parse, call one command, answer."""

from typing import Any, Final

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.catalogue.commands.queries import KEPT_SECONDS, MODEL_LISTING, ModelPages, get_models
from modelpass.runtime import wiring

deps = tracing.traced(wiring.deps())
kept = ModelPages(deps.pacing.monotonic)
app = resolver("models")
_OF_A_CUSTOMER: Final = f"private, max-age={KEPT_SECONDS:.0f}"
_OF_AN_OPERATOR: Final = "private, no-cache"


@app.get("/v1/models")
def get() -> Response[str]:
    """A page of the models that can be bought, with their tiers; an operator's is read anew each time."""
    event = app.current_event
    operator = identity.is_operator(event)
    query = requests.query_of(event, "limit", "cursor")
    page = requests.page_of(query, MODEL_LISTING, default=requests.MOST_ENTRIES)
    answer = get_models(deps, kept, page, fresh=operator)
    return responses.kept(event, answer, _OF_AN_OPERATOR if operator else _OF_A_CUSTOMER)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
