"""PlanFunction: an account's plan of another system. Rule: check the scope, parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.plan import end_plan, set_plan

deps = tracing.traced(wiring.deps())
app = resolver("plan")
ROUTE = "/v1/accounts/<account_id>/plan-subscription"


@app.put(ROUTE)
def put(account_id: str) -> Response[str]:
    """Let a plan hold an account's place, or move its end."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    account_id = identity.account_in_path(account_id)
    order = operator_bodies.parse_plan(requests.json_body_of(event))
    return responses.plan(account_id, set_plan(deps, account_id, order))


@app.delete(f"{ROUTE}/<plan_id>")
def delete(account_id: str, plan_id: str) -> Response[str]:
    """Free an account's place if this plan holds it."""
    event = app.current_event
    operators.require_operator(event)
    query = requests.query_of(event, "asOf")
    account_id = identity.account_in_path(account_id)
    end = operator_bodies.parse_plan_end(plan_id, query)
    return responses.plan_ended(end_plan(deps, account_id, end))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
