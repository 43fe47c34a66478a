"""The JSON bodies of changes and top-ups. Rule: their form only; what is on offer is checked by commands."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from modelpass.api.fields import ModelId, Units
from modelpass.api.subscription_bodies import ExpectedTotal, PurchaseModel, lines_of
from modelpass.api.validation import Strict, validated
from modelpass.subscriptions.model import MAX_MODELS
from modelpass.subscriptions.orders import ChangeOrder, TopUpOrder


class ChangeRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/change`: the whole list as it is wanted."""

    models: Annotated[
        list[PurchaseModel],
        Field(min_length=1, max_length=MAX_MODELS, description=f"a list of 1 to {MAX_MODELS} models"),
    ]
    expected_total: ExpectedTotal = None


class TopUpRequest(Strict):
    """The JSON body of `POST /v1/subscriptions/{subscriptionId}/top-ups`."""

    model_id: ModelId
    units: Units
    expected_total: ExpectedTotal = None


def parse_change(raw: object) -> ChangeOrder:
    """Check a change's body; raises `invalid_request` or `duplicate_model` naming the field."""
    body = validated(ChangeRequest, raw)
    return ChangeOrder(lines_of(body.models), body.expected_total, raw)


def parse_top_up(raw: object) -> TopUpOrder:
    """Check a top-up's body; raises `invalid_request` naming the field."""
    body = validated(TopUpRequest, raw)
    return TopUpOrder(body.model_id, body.units, body.expected_total, raw)
