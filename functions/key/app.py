"""KeyFunction: what the bearer of an API key may know of it. Rule: it takes the key alone; parse, call one command.

API Gateway lets every caller in at these routes: no token is asked for, and the key is checked here.
"""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.key_view import get_key, list_models_of_key

deps = tracing.traced(wiring.deps(signs=True))
app = resolver("key")


@app.get("/v1/key")
def get() -> Response[str]:
    """What the key is good for, and what is left of it."""
    api_key = identity.api_key_of(app.current_event)
    requests.query_of(app.current_event)
    return responses.answer(get_key(deps, api_key))


@app.get("/v1/key/models")
def get_models() -> Response[str]:
    """The models of the key, in the form in which AI clients list models."""
    api_key = identity.api_key_of(app.current_event)
    requests.query_of(app.current_event)
    return responses.answer(list_models_of_key(deps, api_key))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
