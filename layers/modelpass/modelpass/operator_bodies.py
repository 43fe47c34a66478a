"""Bodies of the operator's calls on accounts and subscriptions. Rule: shape only, and times as instants."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from modelpass.errors import invalid
from modelpass.payloads import MODEL_ID_PATTERN, MODEL_ID_RULE
from modelpass.request_body import Strict, rule_of, validated
from modelpass.windows import instant_ms


class PlanRequest(Strict):
    """The JSON body of `PUT /v1/accounts/{accountId}/plan-subscription`."""

    plan_id: Annotated[str, StringConstraints(pattern=f"^{MODEL_ID_PATTERN}$"), Field(description=MODEL_ID_RULE)]
    expires_at: Annotated[
        str,
        Field(description="an RFC 3339 time such as 2026-12-24T00:00:00Z", json_schema_extra={"format": "date-time"}),
    ]


def parse_plan(raw: object) -> tuple[str, int]:
    """A plan's id and when it ends; raises `invalid_request` naming the field."""
    body = validated(PlanRequest, raw)
    until_ms = instant_ms(body.expires_at)
    if until_ms is None:
        raise invalid("expiresAt", f"expiresAt must be {rule_of(PlanRequest, ('expiresAt',))}.")
    return body.plan_id, until_ms
