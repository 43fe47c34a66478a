"""The operations by which operators look at any account, stop a subscription and let it go on. Rule: as `operator`'s.

What an operator looks at by the same call as the customer is described once, with the customers' operations.
"""

from __future__ import annotations

from typing import Final

from contract.openapi import examples, order_shapes, shapes
from contract.openapi.parts import (
    ACCOUNT_ID,
    ANY_SUBSCRIPTION_ID,
    AUTHORIZATION_ID,
    FORBIDDEN,
    NOT_FOUND,
    PAGE,
    Answer,
    Body,
    Operation,
    bad,
)
from modelpass.api import operator_bodies
from modelpass.api.fields import MOST_REASON
from modelpass.api.requests import MOST_ENTRIES
from modelpass.errors import ErrorCode, Refusal
from modelpass.ids import MAX_ACCOUNT_BYTES

_REASON: Final = {"reason": "The card was reported as stolen."}
_SUSPENDED: Final = {
    **examples.SEEN,
    "status": "suspended",
    "suspension": {"at": "2026-11-25T09:00:00Z", "operatorId": "operator_demo", **_REASON},
}
_FOUND: Final = {
    "subscriptionId": examples.SUBSCRIPTION_ID,
    "accountId": "acct_demo",
    "status": "active",
    "term": 1,
    "current": True,
}
_HOLD: Final = {
    "authorizationId": AUTHORIZATION_ID.example,
    "authorizedAt": "2026-11-25T09:00:00Z",
    "holdExpiresAt": "2026-11-25T09:15:00Z",
    "heldUsage": 4000,
    "heldCalls": 1,
}
_PLAN: Final = {**examples.PLAN_BODY, "asOf": examples.PLAN_KNOWN["asOf"]}
_HOLDS: Final = {
    "subscriptionId": examples.SUBSCRIPTION_ID,
    "accountId": "acct_demo",
    "models": [
        {
            "modelId": examples.TEXT_ID,
            "channelTier": "stable",
            "unit": "tokens",
            "openHolds": 1,
            "heldUsage": 4000,
            "holds": [_HOLD],
        }
    ],
}

_NEVER_ISSUED: Final = Refusal(ErrorCode.AUTHORIZATION_NOT_FOUND, param="authorizationId")

OPERATIONS: Final = (
    Operation(
        "PUT /v1/subscriptions/{subscriptionId}/suspension",
        "suspend",
        "Suspend a subscription",
        "Its key grants nothing from the very next request on, until it is resumed. What is open is still settled, "
        "time goes on, and it is not renewed. One that is suspended or was cancelled is answered as it is. The event "
        "says who has suspended it, and why.",
        Answer(200, "The subscription.", (shapes.SeenSubscription,), {"suspended": _SUSPENDED}),
        (
            bad("reason", f"reason must be 1 to {MOST_REASON} characters."),
            FORBIDDEN,
            Refusal(ErrorCode.SUBSCRIPTION_PENDING),
            NOT_FOUND,
        ),
        (ANY_SUBSCRIPTION_ID,),
        body=Body(operator_bodies.SuspensionRequest, {"a stolen card": _REASON}),
        operator=True,
    ),
    Operation(
        "DELETE /v1/subscriptions/{subscriptionId}/suspension",
        "resume",
        "Let a suspended subscription go on",
        "Its key is good again from the very next request on, unless its term has ended meanwhile. One that is not "
        "suspended is answered as it is.",
        Answer(200, "The subscription.", (shapes.SeenSubscription,), {"active": examples.SEEN}),
        (bad("body", "This call takes no body, or {}."), FORBIDDEN, NOT_FOUND),
        (ANY_SUBSCRIPTION_ID,),
        operator=True,
    ),
    Operation(
        "GET /v1/subscriptions/{subscriptionId}/holds",
        "listHolds",
        "Look at what a subscription holds",
        "The open holds of its current term, model by model, each by when it expires.",
        Answer(200, "The holds.", (shapes.Holds,), {"one hold": _HOLDS}),
        (bad("colour", "Unknown parameter."), FORBIDDEN, NOT_FOUND),
        (ANY_SUBSCRIPTION_ID,),
        operator=True,
    ),
    Operation(
        "DELETE /v1/subscriptions/{subscriptionId}/holds/{authorizationId}",
        "releaseHold",
        "Release what an authorization holds",
        "An open hold ends now as if it had expired: its units come back to the month that it was granted in, its "
        "calls stay counted, and a report that comes later is still booked in full, once, in the windows of the "
        "request. "
        "Whatever the state of the subscription, nothing is held by the authorization any more once this has "
        "answered; where that was so before, nothing changes. Any id that a hold has had names it.",
        Answer(204, "Nothing is held by it any more: released now or before, settled, or expired."),
        (bad("body", "This call takes no body, or {}."), FORBIDDEN, _NEVER_ISSUED),
        (ANY_SUBSCRIPTION_ID, AUTHORIZATION_ID),
        operator=True,
    ),
    Operation(
        "GET /v1/accounts/{accountId}/subscriptions",
        "listSubscriptionsOfAccount",
        "List an account's subscriptions",
        "As the account itself sees them; an account that has bought nothing has an empty page.",
        Answer(
            200,
            "A page.",
            (shapes.SubscriptionPage,),
            {"the only page": {"subscriptions": [examples.SHOWN], "next": None}},
        ),
        (bad("limit", f"limit must be a whole number from 1 to {MOST_ENTRIES}."), FORBIDDEN),
        (ACCOUNT_ID, *PAGE),
        operator=True,
    ),
    Operation(
        "GET /v1/accounts/{accountId}/orders",
        "listOrdersOfAccount",
        "List what an account has bought",
        "As the account itself sees it; an account that has bought nothing has an empty page.",
        Answer(200, "A page.", (order_shapes.OrderPage,), {"a purchase": {"orders": [examples.ORDER], "next": None}}),
        (bad("limit", f"limit must be a whole number from 1 to {MOST_ENTRIES}."), FORBIDDEN),
        (ACCOUNT_ID, *PAGE),
        operator=True,
    ),
    Operation(
        "GET /v1/accounts/{accountId}/plan-subscription",
        "getPlanSubscription",
        "Look at an account's plan",
        "The plan of another system that holds the account's one place at the moment of asking; null where a custom "
        "subscription holds it, or nothing.",
        Answer(
            200,
            "The plan.",
            (shapes.PlanOfAccount,),
            {"a plan": {"planSubscription": _PLAN}, "none": {"planSubscription": None}},
        ),
        (bad("accountId", f"accountId must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8."), FORBIDDEN),
        (ACCOUNT_ID,),
        operator=True,
    ),
    Operation(
        "POST /v1/keys/lookup",
        "lookUpKey",
        "Find whose an API key is",
        "`current` says whether the key is the one that is good now, or was replaced or revoked. The key is written "
        "nowhere.",
        Answer(200, "Whose it is.", (shapes.FoundKey,), {"a current key": _FOUND}),
        (bad("apiKey", "apiKey is required."), FORBIDDEN, NOT_FOUND),
        body=Body(operator_bodies.KeyLookup, {"a key": {"apiKey": examples.BOUGHT["apiKey"]}}),
        operator=True,
    ),
)
