"""PlanFunction: an account's plan of another system. Rule: check the scope, parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.plan import end_plan, set_plan

deps = tracing.traced(wiring.deps())
app = resolver("plan")
ROUTE = r"/v1/accounts/[\s\S]+/plan-subscription"  # an account's name may hold any character


@app.put(ROUTE)
def put() -> Response[str]:
    """Let a plan hold an account's place, or move its end."""
    event = app.current_event
    operators.require_operator(event)
    requests.query_of(event)
    account_id = identity.account_in_path(event)
    order = operator_bodies.parse_plan(requests.json_body_of(event))
    return responses.plan(account_id, set_plan(deps, account_id, order))


@app.delete(ROUTE + r"/[\s\S]+")
def delete() -> Response[str]:
    """Free an account's place if this plan holds it."""
    event = app.current_event
    operators.require_operator(event)
    query = requests.query_of(event, "asOf")
    account_id = identity.account_in_path(event)
    end = operator_bodies.parse_plan_end(event.raw_event["pathParameters"].get("planId"), query)
    return responses.plan_ended(end_plan(deps, account_id, end))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
