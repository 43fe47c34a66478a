"""The operations that operators call. Rule: each needs an operator's token, which is checked first."""

from __future__ import annotations

from typing import Final

from contract.openapi import examples, shapes
from contract.openapi.parts import (
    ACCOUNT_ID,
    ANY_MODEL_ID,
    ANY_SUBSCRIPTION_ID,
    AS_OF,
    FORBIDDEN,
    IF_MATCH,
    IF_NONE_MATCH,
    MODEL_ID,
    NOT_FOUND,
    PLAN_ID,
    SHOWN_MODEL_ID,
    TIER,
    Answer,
    Body,
    Operation,
    bad,
    idempotency_key,
)
from modelpass.api import catalogue_bodies, operator_bodies
from modelpass.api.responses import HELD_BY
from modelpass.catalogue.tiers import Tier
from modelpass.errors import ErrorCode, Refusal
from modelpass.ids import MAX_ACCOUNT_BYTES, MODEL_ID_RULE

_BAD_ACCOUNT: Final = bad("accountId", f"accountId must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8.")
_LATER: Final = bad("asOf", "asOf must not be later than now.")
_MODEL: Final = {
    "kind": "text",
    "tiers": [{"channelTier": "stable", "price": examples.PRICE}],
}

_CHANGED_SINCE: Final = Refusal(ErrorCode.PRECONDITION_FAILED, param="If-Match")
_FAR: Final = Refusal(
    ErrorCode.CONFIRMATION_REQUIRED,
    param="tiers[0].price.base",
    message="tiers[0].price.base would change from 12.00 to 1200.00, which is more than a factor of 10: if that is "
    'meant, send it again with "confirm": true.',
)
_UNREADABLE: Final = {"modelId": examples.TEXT_ID, "kind": "text", "unreadable": True}

OPERATIONS: Final = (
    Operation(
        "GET /v1/models/{modelId}",
        "getModel",
        "Look at one model",
        "Also one that was withdrawn, as it was last offered. Its `ETag` goes into the `If-Match` of a change.",
        Answer(
            200,
            "The model as it is stored.",
            (shapes.Model, shapes.WithdrawnModel, shapes.UnreadableModel),
            {"offered": examples.MODEL, "withdrawn": examples.WITHDRAWN, "cannot be read": _UNREADABLE},
            ("ETag",),
        ),
        (bad("colour", "Unknown parameter."), FORBIDDEN, NOT_FOUND),
        (SHOWN_MODEL_ID,),
        operator=True,
    ),
    Operation(
        "PUT /v1/models/{modelId}",
        "putModel",
        "Create or replace a model",
        "What is bought from now on follows it; what was bought before stays as it is. A withdrawn model is back. "
        "Every change is an event with the old and the new figures. A price that changes by more than a factor "
        "(parameter `PriceChangeFactor`), or to or from zero, needs `confirm`.",
        Answer(200, "The model as the catalogue shows it.", (shapes.Model,), {"a model": examples.MODEL}, ("ETag",)),
        (bad("kind", "The kind of a model cannot change."), FORBIDDEN, _FAR, _CHANGED_SINCE),
        (MODEL_ID, IF_MATCH, IF_NONE_MATCH),
        body=Body(
            catalogue_bodies.PutModelBody,
            {
                "as little as can be said": _MODEL,
                "as it is shown": examples.MODEL,
                "a large change": {**_MODEL, "confirm": True},
            },
        ),
        operator=True,
    ),
    Operation(
        "DELETE /v1/models/{modelId}",
        "withdrawModel",
        "Withdraw a model",
        "It can be neither bought nor renewed; existing subscriptions keep it until their term ends. An event tells "
        "of it.",
        Answer(204, "Withdrawn; also when there is none."),
        (bad("colour", "Unknown parameter."), FORBIDDEN, _CHANGED_SINCE),
        (ANY_MODEL_ID, IF_MATCH, IF_NONE_MATCH),
        operator=True,
    ),
    Operation(
        "PUT /v1/models/{modelId}/tiers/{tier}/availability",
        "setAvailability",
        "Take a tier down, or bring it back",
        "Within 5 seconds, requests in this tier are refused with 503 `tier_unavailable`, and cost nothing; none is "
        "moved to another tier. Every change is an event with its reason.",
        Answer(
            200,
            "The tier as it is now.",
            (shapes.Availability,),
            {
                "down": {
                    "modelId": examples.TEXT_ID,
                    "channelTier": "stable",
                    "available": False,
                    "reason": "The upstream is down.",
                }
            },
        ),
        (
            bad("tier", f"tier must be one of {', '.join(Tier)}."),
            Refusal(ErrorCode.TIER_NOT_OFFERED, param="tier"),
            FORBIDDEN,
            NOT_FOUND,
        ),
        (MODEL_ID, TIER),
        body=Body(
            catalogue_bodies.AvailabilityBody,
            {"down": {"available": False, "reason": "The upstream is down."}, "up": {"available": True}},
        ),
        operator=True,
    ),
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/corrections",
        "correctUsage",
        "Correct what was used",
        "Adds signed amounts to the windows of an instant, with a reason: audited, and an event. `units` count in its "
        "day and its month, `calls` in its day; one of the two is given.",
        Answer(
            200,
            "Booked; a repeat under the same `Idempotency-Key` books nothing.",
            (shapes.Correction,),
            {"bytes for tokens": examples.CORRECTION},
            ("Idempotent-Replayed",),
        ),
        (
            bad("units", "units or calls must be a whole number other than 0."),
            FORBIDDEN,
            NOT_FOUND,
            Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"),
        ),
        (
            ANY_SUBSCRIPTION_ID,
            idempotency_key("Makes the correction safe to repeat, by any operator.", required=True),
        ),
        body=Body(
            operator_bodies.CorrectionRequest,
            {"bytes for tokens": examples.CORRECTION_BODY, "calls given back": examples.CALLS_BACK_BODY},
        ),
        operator=True,
    ),
    Operation(
        "PUT /v1/accounts/{accountId}/plan-subscription",
        "putPlanSubscription",
        "Record that a plan is active",
        "It takes the account's one place until it expires. The same plan again updates when that is. News that is "
        "older (`asOf`) than what is known of the place changes nothing, and is answered with what is known.",
        Answer(
            200,
            "The plan that holds the place; `applied` is false when the news was older than what is known.",
            (shapes.PlanSubscription,),
            {"a plan": examples.PLAN, "older news": examples.PLAN_KNOWN},
            (HELD_BY,),
        ),
        (
            _BAD_ACCOUNT,
            bad("expiresAt", "expiresAt must be later than now."),
            _LATER,
            FORBIDDEN,
            Refusal(ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS),
        ),
        (ACCOUNT_ID,),
        body=Body(
            operator_bodies.PlanRequest,
            {
                "a plan": examples.PLAN_BODY,
                "as of an instant": {**examples.PLAN_BODY, "asOf": examples.PLAN_KNOWN["asOf"]},
            },
        ),
        operator=True,
    ),
    Operation(
        "DELETE /v1/accounts/{accountId}/plan-subscription/{planId}",
        "deletePlanSubscription",
        "Record that a plan has ended",
        "The account's place is free, unless another plan or a custom subscription holds it, or newer news of the "
        "plan is known: then nothing changes, and a header says what holds it.",
        Answer(204, "Ended; also when it does not hold the place.", headers=(HELD_BY,)),
        (_BAD_ACCOUNT, bad("planId", f"planId must be {MODEL_ID_RULE}."), _LATER, FORBIDDEN),
        (ACCOUNT_ID, PLAN_ID, AS_OF),
        operator=True,
    ),
)
