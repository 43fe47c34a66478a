"""The JSON bodies of operators' calls on accounts and subscriptions. Rule: their form only, with times as instants.

Whether the subscription has such a model, or the time is a possible one, is checked by the command. The bodies of calls
on the catalogue are in `catalogue_bodies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from modelpass.api.fields import MOST_REASON, ModelId
from modelpass.api.validation import Strict, validated
from modelpass.catalogue.tiers import MAX_UNITS
from modelpass.errors import invalid
from modelpass.subscriptions.orders import CorrectionOrder, PlanOrder
from modelpass.times import instant_ms

if TYPE_CHECKING:
    from pydantic.config import JsonDict

_TIME_RULE: Final = "an RFC 3339 time such as 2026-12-24T00:00:00Z"
_TIME_FORMAT: Final[JsonDict] = {"format": "date-time"}
_UNITS_RULE: Final = f"a whole number from -{MAX_UNITS} to {MAX_UNITS}, and not 0"


class PlanRequest(Strict):
    """The JSON body of `PUT /v1/accounts/{accountId}/plan-subscription`."""

    plan_id: ModelId
    expires_at: Annotated[str, Field(description=_TIME_RULE, json_schema_extra=_TIME_FORMAT)]


class CorrectionRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/corrections`."""

    model_id: ModelId
    units: Annotated[int, Field(ge=-MAX_UNITS, le=MAX_UNITS, description=_UNITS_RULE)]
    at: Annotated[str | None, Field(description=_TIME_RULE, json_schema_extra=_TIME_FORMAT)] = None
    reason: Annotated[str, Field(min_length=1, max_length=MOST_REASON, description=f"1 to {MOST_REASON} characters")]


def parse_correction(raw: object) -> CorrectionOrder:
    """Check a correction's body; raises `invalid_request` naming the field."""
    body = validated(CorrectionRequest, raw)
    if body.units == 0:
        raise invalid("units", f"units must be {_UNITS_RULE}.")
    at_ms = None if body.at is None else instant_ms(body.at)
    if body.at is not None and at_ms is None:
        raise invalid("at", f"at must be {_TIME_RULE}.")
    return CorrectionOrder(body.model_id, body.units, at_ms, body.reason, raw)


def parse_plan(raw: object) -> PlanOrder:
    """Check what another system says of a plan; raises `invalid_request` naming the field."""
    body = validated(PlanRequest, raw)
    until_ms = instant_ms(body.expires_at)
    if until_ms is None:
        raise invalid("expiresAt", f"expiresAt must be {_TIME_RULE}.")
    return PlanOrder(body.plan_id, until_ms)
