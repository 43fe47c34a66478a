"""The JSON bodies of operators' calls on accounts and subscriptions. Rule: their form only, with times as instants.

What ends a plan has no body: its path and its query are read here as well. Whether the subscription has such a model,
or the time is a possible one, is checked by the command. The bodies of calls on the catalogue are in
`catalogue_bodies`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

from pydantic import Field

from modelpass.api.fields import MOST_REASON, ModelId
from modelpass.api.validation import Strict, validated
from modelpass.catalogue.tiers import MAX_CALLS, MAX_UNITS
from modelpass.errors import invalid
from modelpass.ids import MODEL_ID_RULE, is_model_id
from modelpass.subscriptions.orders import CorrectionOrder, PlanEnd, PlanOrder
from modelpass.times import TIME_RULE, instant_ms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.config import JsonDict

_TIME_FORMAT: Final[JsonDict] = {"format": "date-time"}
MOST_REFERENCE: Final = 255
"""How many characters the billing system's name for a payment may have."""
_UNITS_RULE: Final = f"a whole number from -{MAX_UNITS} to {MAX_UNITS}"
_CALLS_RULE: Final = f"a whole number from -{MAX_CALLS} to {MAX_CALLS}"
Reason = Annotated[str, Field(min_length=1, max_length=MOST_REASON, description=f"1 to {MOST_REASON} characters")]


class PlanRequest(Strict):
    """The JSON body of `PUT /v1/accounts/{accountId}/plan-subscription`."""

    plan_id: ModelId
    expires_at: Annotated[str, Field(description=TIME_RULE, json_schema_extra=_TIME_FORMAT)]
    as_of: Annotated[str | None, Field(description=TIME_RULE, json_schema_extra=_TIME_FORMAT)] = None


class CorrectionRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/corrections`."""

    model_id: ModelId
    units: Annotated[int | None, Field(ge=-MAX_UNITS, le=MAX_UNITS, description=_UNITS_RULE)] = None
    calls: Annotated[int | None, Field(ge=-MAX_CALLS, le=MAX_CALLS, description=_CALLS_RULE)] = None
    at: Annotated[str | None, Field(description=TIME_RULE, json_schema_extra=_TIME_FORMAT)] = None
    reason: Reason


class ConfirmationRequest(Strict):
    """The JSON body of `POST /v1/orders/{orderId}/confirmation`."""

    reference: Annotated[
        str, Field(min_length=1, max_length=MOST_REFERENCE, description=f"1 to {MOST_REFERENCE} characters")
    ]


class RejectionRequest(Strict):
    """The JSON body of `POST /v1/orders/{orderId}/rejection`."""

    reason: Reason


def parse_confirmation(raw: object) -> str:
    """Check a confirmation's body and give its reference; raises `invalid_request` naming the field."""
    return validated(ConfirmationRequest, raw).reference


def parse_rejection(raw: object) -> str:
    """Check a rejection's body and give its reason; raises `invalid_request` naming the field."""
    return validated(RejectionRequest, raw).reason


def parse_correction(raw: object) -> CorrectionOrder:
    """Check a correction's body, of which `units` or `calls` corrects something; raises `invalid_request` otherwise.

    The refusal names the field at fault.
    """
    body = validated(CorrectionRequest, raw)
    units, calls = body.units or 0, body.calls or 0
    if not units and not calls:
        field = "calls" if body.units is None and body.calls is not None else "units"
        raise invalid(field, "units or calls must be a whole number other than 0.")
    return CorrectionOrder(body.model_id, units, calls, _optional_instant("at", body.at), body.reason, raw)


class SuspensionRequest(Strict):
    """The JSON body of `PUT /v1/subscriptions/{subscriptionId}/suspension`."""

    reason: Reason


class KeyLookup(Strict):
    """The JSON body of `POST /v1/keys/lookup`."""

    api_key: Annotated[str, Field(description="a text", json_schema_extra={"writeOnly": True})]


def parse_suspension(raw: object) -> str:
    """The reason of a suspension; raises `invalid_request` naming the field."""
    return validated(SuspensionRequest, raw).reason


def parse_key_lookup(raw: object) -> str:
    """The text that is looked up as a key; raises `invalid_request` naming the field."""
    return validated(KeyLookup, raw).api_key


def parse_plan(raw: object) -> PlanOrder:
    """Check what another system says of a plan; raises `invalid_request` naming the field."""
    body = validated(PlanRequest, raw)
    return PlanOrder(body.plan_id, _instant("expiresAt", body.expires_at), _optional_instant("asOf", body.as_of))


def parse_plan_end(plan_id: str | None, query: Mapping[str, str]) -> PlanEnd:
    """Check which plan a path says has ended, and its query; raises `invalid_request` naming the variable.

    A blank in `asOf` is read as the plus sign that it was: an offset such as `+01:00` loses it in a query.
    """
    if not is_model_id(plan_id):
        raise invalid("planId", f"planId must be {MODEL_ID_RULE}.")
    as_of = query.get("asOf")
    return PlanEnd(plan_id, _optional_instant("asOf", None if as_of is None else as_of.replace(" ", "+")))


def _optional_instant(field: str, text: str | None) -> int | None:
    return None if text is None else _instant(field, text)


def _instant(field: str, text: str) -> int:
    at_ms = instant_ms(text)
    if at_ms is None:
        raise invalid(field, f"{field} must be {TIME_RULE}.")
    return at_ms
