"""PlanFunction: `/v1/accounts/{accountId}/plan-subscription`. Rule: parse, call one command, answer."""

from typing import Any

from aws_lambda_powertools.event_handler import Response

from modelpass.api import operator_bodies, requests, tracing
from modelpass.runtime import wiring
from modelpass.subscriptions.commands.plan import end_plan, set_plan
from modelpass.times import rfc3339

deps = tracing.traced(wiring.deps())
app = requests.resolver("plan")
ROUTE = r"/v1/accounts/[\s\S]+/plan-subscription"  # an account's name may hold any character


@app.put(ROUTE)
def put() -> Response[str]:
    """Let a plan hold an account's place, or move its end."""
    requests.require_operator(app.current_event)
    account_id = requests.account_in_path(app.current_event)
    plan_id, until_ms = operator_bodies.parse_plan(requests.json_body_of(app.current_event))
    set_plan(deps, account_id, plan_id, until_ms)
    return requests.answer({"accountId": account_id, "planId": plan_id, "expiresAt": rfc3339(until_ms)})


@app.delete(ROUTE)
def delete() -> Response[str]:
    """Free an account's place if a plan holds it."""
    requests.require_operator(app.current_event)
    end_plan(deps, requests.account_in_path(app.current_event))
    return requests.no_content()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answer one HTTP API event."""
    return app.resolve(event, context)
