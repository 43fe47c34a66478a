"""The operations that customers call. Rule: in the order in which a customer meets them."""

from __future__ import annotations

from typing import Final

from contract.openapi import approval, examples, order_shapes, parts, shapes
from contract.openapi.parts import (
    CURSOR,
    FORBIDDEN,
    NO_BODY,
    NOT_FOUND,
    PAGE,
    SUBSCRIPTION_ID,
    Answer,
    Body,
    Operation,
    Parameter,
    bad,
    limit,
)
from modelpass.api.requests import MOST_ENTRIES
from modelpass.api.subscription_bodies import PurchaseRequest, RenewalRequest
from modelpass.catalogue.tiers import MAX_CALLS
from modelpass.errors import ErrorCode, Refusal
from modelpass.ids import MAX_ACCOUNT_BYTES
from modelpass.subscriptions.history_pages import MOST_ROWS
from modelpass.subscriptions.model import MAX_NEW_KEYS_PER_DAY, MAX_PURCHASES_PER_DAY
from modelpass.subscriptions.usage_history import DEFAULT_DAYS, MOST_DAYS

_BAD_SUB: Final = bad("sub", f"The token's sub claim must be 1 to {MAX_ACCOUNT_BYTES} bytes of UTF-8.")
_BAD_LIMIT: Final = bad(
    "models[0].dailyCallLimit", f"models[0].dailyCallLimit must be a whole number from 1 to {MAX_CALLS}."
)
_BAD_BODY: Final = bad("months", "This call takes no body, or {}.")
_BAD_PAGE: Final = bad("limit", f"limit must be a whole number from 1 to {MOST_ENTRIES}.")
_NOT_SOLD: Final = (
    Refusal(ErrorCode.UNKNOWN_MODEL, param="models[1].modelId"),
    Refusal(ErrorCode.TIER_NOT_OFFERED, param="models[0].channelTier"),
)
_TAKEN: Final = Refusal(ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS)
_NOT_RENEWED: Final = tuple(
    Refusal(refusal.code, param=f"models[0].{(refusal.param or '').rpartition('.')[2]}") for refusal in _NOT_SOLD
)
_OTHER_PRICE: Final = Refusal(ErrorCode.PRICE_CHANGED, param="expectedTotal", message="The total is 99.00 USD now.")
_PURCHASE: Final = Body(
    PurchaseRequest,
    {
        "two models": examples.PURCHASE_BODY,
        "at this price, to renew itself": {**examples.PURCHASE_BODY, **examples.EXPECTED, **examples.SETTINGS_BODY},
    },
)
_MODELS_PAGE: Final = (limit(MOST_ENTRIES, MOST_ENTRIES), CURSOR)
_MODELS_HEADERS: Final = ("ETag", "Cache-Control-Of-Models")
_PENDING: Final = {**examples.NEW_KEY, "status": "pending", "startsAt": None, "expiresAt": None}
_SOLD: Final = (order_shapes.SoldWithKey, order_shapes.Sold, shapes.Subscription)
_KEY_HEADERS: Final = ("Cache-Control", "Idempotent-Replayed")

OPERATIONS: Final = (
    Operation(
        "GET /v1/models",
        "listModels",
        "Look at the catalogue",
        "Every model that can be bought, in which tiers, at what price, and whether a tier is up, page by page in the "
        "order of their ids. A page may have fewer than `limit`, or none, and still a next one. An answer may be some "
        "seconds old. An operator's is of the moment, and has the models that were withdrawn as well.",
        Answer(
            200,
            "A page.",
            (shapes.Catalogue,),
            {"one model": examples.CATALOGUE, "for an operator": examples.WHOLE_CATALOGUE},
            _MODELS_HEADERS,
        ),
        (_BAD_PAGE, bad("colour", "Unknown parameter."), FORBIDDEN),
        (
            *_MODELS_PAGE,
            Parameter(
                "If-None-Match",
                "header",
                {"type": "string"},
                "The `ETag` of an answer to the same call; several, separated by commas, or `*`.",
                '"0123456789abcdef0123456789abcdef"',
                required=False,
            ),
        ),
        others=(Answer(304, "The body is the one that `If-None-Match` names.", headers=_MODELS_HEADERS),),
    ),
    Operation(
        "POST /v1/quotes",
        "quote",
        "Ask what a purchase would cost",
        "Takes the body of a purchase, checks it as a purchase does, answers the price, and changes nothing. "
        "`expectedTotal` may be there, and is compared with nothing.",
        Answer(200, "The price.", (shapes.Quote,), {"two models": examples.QUOTE}),
        (_BAD_LIMIT, Refusal(ErrorCode.DUPLICATE_MODEL, param="models[1].modelId"), *_NOT_SOLD),
        body=_PURCHASE,
    ),
    Operation(
        "POST /v1/subscriptions",
        "purchase",
        "Buy a custom subscription",
        f"Completely or not at all. An account has one active subscription, and buys at most {MAX_PURCHASES_PER_DAY} "
        "times a UTC day. A subscription is sold in full: cancelling refunds nothing. `apiKey` is in the answer to the "
        "call that made it, and in no other: of the key, only a hash is stored. With `expectedTotal` it is sold at "
        "that total or not at all.",
        Answer(
            201,
            "Bought; of a repeat under the same `Idempotency-Key`, the subscription as it is now, without its key.",
            _SOLD,
            {"bought": examples.BOUGHT, "a repeat": examples.SOLD},
            ("Location", *_KEY_HEADERS),
        ),
        (
            _BAD_LIMIT,
            Refusal(ErrorCode.DUPLICATE_MODEL, param="models[1].modelId"),
            *_NOT_SOLD,
            _OTHER_PRICE,
            _TAKEN,
            Refusal(ErrorCode.ORDER_PENDING),
            Refusal(ErrorCode.ORDER_LAPSED),
            Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"),
            Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=28140),
        ),
        (
            parts.idempotency_key(
                "Makes the purchase safe to repeat, for at least 24 hours: 1 to 255 visible ASCII characters. With an "
                "equal body a repeat is answered with `Idempotent-Replayed: true`, with another it is refused."
            ),
        ),
        body=_PURCHASE,
        others=(approval.waits(_PENDING, approval.WAITS, "Location"),),
    ),
    Operation(
        "GET /v1/subscriptions",
        "listSubscriptions",
        "List the account's subscriptions",
        "Newest first, page by page; what is bought in between moves no page.",
        Answer(
            200,
            "A page.",
            (shapes.SubscriptionPage,),
            {"the only page": {"subscriptions": [examples.SHOWN], "next": None}},
        ),
        (_BAD_PAGE, _BAD_SUB),
        PAGE,
    ),
    Operation(
        "GET /v1/subscriptions/{subscriptionId}",
        "getSubscription",
        "Look at a subscription",
        "As it is at the moment of asking. An operator sees any account's, with whose it is and who has suspended it.",
        Answer(
            200,
            "The subscription.",
            (shapes.ShownSubscription, shapes.SeenSubscription),
            {"active": examples.SHOWN, "for an operator": examples.SEEN},
        ),
        (_BAD_SUB, FORBIDDEN, NOT_FOUND),
        (SUBSCRIPTION_ID,),
    ),
    Operation(
        "GET /v1/subscriptions/{subscriptionId}/usage",
        "getUsage",
        "Look at the live counters",
        "What is used, held and left of every model, at the moment of asking. Of an ended term, its last windows.",
        Answer(200, "The counters.", (shapes.Usage,), {"one model": examples.USAGE}),
        (_BAD_SUB, FORBIDDEN, NOT_FOUND),
        (SUBSCRIPTION_ID,),
    ),
    Operation(
        "GET /v1/subscriptions/{subscriptionId}/history",
        "getHistory",
        "Look at the usage day by day",
        "Per day and model, in the subscription's time zone, the open day included, page by page; and what each term "
        "of the page's days was sold at. With a `cursor`, `from` and `to` are those of the first page, sent again or "
        "left out. What cannot be read at the moment is left out, so a page may be shorter than `limit`.",
        Answer(200, "A page.", (shapes.History,), {"two days": examples.HISTORY}),
        (bad("from", f"from must be less than {MOST_DAYS} days before to."), _BAD_SUB, FORBIDDEN, NOT_FOUND),
        (
            SUBSCRIPTION_ID,
            Parameter(
                "from",
                "query",
                {"type": "string", "format": "date"},
                "The first day; without it, the calendar month of `to` is shown up to `to`, and without both the last "
                f"{DEFAULT_DAYS} days.",
                "2026-11-24",
                required=False,
            ),
            Parameter(
                "to",
                "query",
                {"type": "string", "format": "date"},
                f"The last day, {MOST_DAYS} days at most in all; where it is left out or later, today or, once the "
                "term has ended, its last day.",
                "2026-11-25",
                required=False,
            ),
            limit(MOST_ROWS, MOST_ROWS),
            CURSOR,
        ),
    ),
    Operation(
        "GET /v1/subscriptions/{subscriptionId}/events",
        "listEvents",
        "Look at what happened to a subscription",
        "Its audit trail, newest first, page by page.",
        Answer(200, "A page.", (shapes.EventPage,), {"a purchase": {"events": [examples.EVENT], "next": None}}),
        (_BAD_PAGE, _BAD_SUB, FORBIDDEN, NOT_FOUND),
        (SUBSCRIPTION_ID, *PAGE),
    ),
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/renew",
        "renew",
        "Begin a new term",
        "Of an expired subscription, at once, with the same models, limits, months and time zone: a new key, and usage "
        "from zero, sold at the prices of now; with `expectedTotal`, at that total or not at all. The old key fails on "
        "the very next request.",
        Answer(
            200,
            "Renewed; of a repeat under the same `Idempotency-Key`, the subscription as it is now, without its key.",
            _SOLD,
            {"renewed": examples.RENEWED, "a repeat": examples.SOLD},
            _KEY_HEADERS,
        ),
        (
            bad("months", "Unknown field."),
            *_NOT_RENEWED,
            NOT_FOUND,
            _OTHER_PRICE,
            _TAKEN,
            Refusal(ErrorCode.SUBSCRIPTION_NOT_EXPIRED),
            Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED),
            Refusal(ErrorCode.ORDER_PENDING),
            Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"),
            Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=28140),
        ),
        (
            SUBSCRIPTION_ID,
            parts.idempotency_key("Makes the renewal safe to repeat: a repeat begins no second term."),
        ),
        body=Body(RenewalRequest, {"at any price": {}, "at this price": examples.EXPECTED}, required=False),
        others=(approval.waits({**examples.NEW_KEY, "status": "expired"}, {**approval.WAITS, "kind": "renewal"}),),
    ),
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/key",
        "regenerateKey",
        "Replace the key",
        "The old key fails on the very next request; usage and open holds stay. Each call makes another key, at most "
        f"{MAX_NEW_KEYS_PER_DAY} of a subscription in a UTC day.",
        Answer(
            200,
            "The subscription with its new key.",
            (shapes.SubscriptionWithKey,),
            {"a new key": examples.NEW_KEY},
            ("Cache-Control",),
        ),
        (
            _BAD_BODY,
            NOT_FOUND,
            Refusal(ErrorCode.SUBSCRIPTION_EXPIRED),
            Refusal(ErrorCode.SUBSCRIPTION_CANCELLED),
            Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED),
            Refusal(ErrorCode.SUBSCRIPTION_PENDING),
            Refusal(ErrorCode.TOO_MANY_NEW_KEYS, retry_after=28140),
        ),
        (SUBSCRIPTION_ID,),
        body=NO_BODY,
    ),
    Operation(
        "DELETE /v1/subscriptions/{subscriptionId}/key",
        "revokeKey",
        "Revoke the key",
        "It fails on the very next request, and there is no other until one is made; usage and open holds stay. A "
        "subscription that has no key or has ended stays as it is. Operators may revoke that of any account.",
        Answer(204, "Revoked."),
        (_BAD_BODY, FORBIDDEN, NOT_FOUND),
        (SUBSCRIPTION_ID,),
    ),
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/cancel",
        "cancel",
        "End a subscription now",
        "The key stops, and the account's place is free. What is open is still settled. One that has ended already is "
        "answered as it is.",
        Answer(200, "The subscription.", (shapes.Subscription,), {"cancelled": examples.CANCELLED}),
        (_BAD_BODY, NOT_FOUND),
        (SUBSCRIPTION_ID,),
        body=NO_BODY,
    ),
)
