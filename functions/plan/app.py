"""PlanFunction: an account's plan of another system. Rule: check the scope, parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import identity, operator_bodies, operators, requests, responses, tracing
from modelpass.api.resolver import resolver
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.plan import end_plan, set_plan
from modelpass.times import rfc3339

deps = tracing.traced(wiring.deps())
app = resolver("plan")
ROUTE = r"/v1/accounts/[\s\S]+/plan-subscription"  # an account's name may hold any character


@app.put(ROUTE)
def put() -> Response[str]:
    """Let a plan hold an account's place, or move its end."""
    event = app.current_event
    operators.require_operator(event)
    account_id = identity.account_in_path(event)
    order = operator_bodies.parse_plan(requests.json_body_of(event))
    set_plan(deps, account_id, order)
    return responses.answer({"accountId": account_id, "planId": order.plan_id, "expiresAt": rfc3339(order.until_ms)})


@app.delete(ROUTE)
def delete() -> Response[str]:
    """Free an account's place if a plan holds it."""
    operators.require_operator(app.current_event)
    end_plan(deps, identity.account_in_path(app.current_event))
    return responses.no_content()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
