"""The operations by which customers buy more for a subscription, and look at what they bought. Rule: as theirs."""

from __future__ import annotations

from typing import Final

from contract.openapi import examples, order_shapes, parts, shapes
from contract.openapi.approval import waits
from contract.openapi.parts import FORBIDDEN, NOT_FOUND, ORDER_ID, PAGE, SUBSCRIPTION_ID, Answer, Body, Operation, bad
from modelpass.api.change_bodies import ChangeRequest, TopUpRequest
from modelpass.api.quote_bodies import QuoteRequest
from modelpass.api.requests import MOST_ENTRIES
from modelpass.api.subscription_bodies import ExtensionRequest, SettingsRequest
from modelpass.errors import ErrorCode, Refusal
from modelpass.subscriptions.model import MAX_MONTHS, MAX_SALES_PER_DAY

_BAD_MONTHS: Final = bad("months", f"months must be a whole number from 1 to {MAX_MONTHS}.")
_BAD_PAGE: Final = bad("limit", f"limit must be a whole number from 1 to {MOST_ENTRIES}.")
_ENDED: Final = (Refusal(ErrorCode.SUBSCRIPTION_EXPIRED), Refusal(ErrorCode.SUBSCRIPTION_CANCELLED))
_NOT_SOLD: Final = (
    Refusal(ErrorCode.UNKNOWN_MODEL, param="models[0].modelId"),
    Refusal(ErrorCode.TIER_NOT_OFFERED, param="models[0].channelTier"),
)
_OF_EVERY_SALE: Final = (
    Refusal(ErrorCode.SUBSCRIPTION_PENDING),
    Refusal(ErrorCode.PRICE_CHANGED, param="expectedTotal", message="The total is 99.00 USD now."),
    Refusal(ErrorCode.ORDER_PENDING),
    Refusal(ErrorCode.ACTIVE_SUBSCRIPTION_EXISTS),
    Refusal(ErrorCode.IDEMPOTENCY_KEY_REUSED, param="Idempotency-Key"),
    Refusal(ErrorCode.TOO_MANY_PURCHASES, retry_after=28140),
)
_TOO_LONG: Final = Refusal(ErrorCode.TERM_TOO_LONG, param="months")
_EXTENSION: Final = {"months": 1}
_CHANGE: Final = {"models": examples.PURCHASE_BODY["models"]}
_TOP_UP: Final = {"modelId": examples.TEXT_ID, "units": 1000000}

OPERATIONS: Final = (
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/quotes",
        "quoteSale",
        "Ask what a renewal, an extension, a change or a top-up would cost",
        "At the prices of now, changing nothing: the body of one such call, by its name. `bindsAt` is when it would "
        "hold: a renewal when it would begin, an extension from the end of the term, a change now or with the next "
        "month window. Whether the account's place will be free by then is not looked at.",
        Answer(200, "The price.", (order_shapes.SaleQuote,), {"of a running term": examples.RENEWAL_QUOTE}),
        (
            bad("renew", "One of renew, extend, change, topUp is required."),
            Refusal(ErrorCode.DUPLICATE_MODEL, param="change.models[1].modelId"),
            _TOO_LONG._replace(param="extend.months"),
            *_NOT_SOLD,
            NOT_FOUND,
            *_ENDED,
            Refusal(
                ErrorCode.SUBSCRIPTION_NOT_EXPIRED,
                message="A cancelled subscription is never renewed: buy anew.",
            ),
        ),
        (SUBSCRIPTION_ID,),
        body=Body(
            QuoteRequest,
            {
                "a renewal": {"renew": {}},
                "an extension": {"extend": _EXTENSION},
                "a change": {"change": _CHANGE},
                "a top-up": {"topUp": _TOP_UP},
            },
        ),
    ),
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/extend",
        "extend",
        "Add months to a running term",
        "The key, the windows and the usage stay, and the term ends later, by whole months counted from its first day. "
        f"The current month and those after it are at most {MAX_MONTHS}. The months are sold at the prices of now, for "
        f"the list that will be in force in them. An account has at most {MAX_SALES_PER_DAY} sales a UTC day.",
        Answer(
            200,
            "Extended; of a repeat under the same `Idempotency-Key`, the subscription as it is now.",
            (order_shapes.Sold, shapes.Subscription),
            {"extended": examples.EXTENDED},
            ("Cache-Control", "Idempotent-Replayed"),
        ),
        (
            _BAD_MONTHS,
            _TOO_LONG,
            *_NOT_SOLD,
            NOT_FOUND,
            *_ENDED,
            *_OF_EVERY_SALE,
        ),
        (SUBSCRIPTION_ID, parts.idempotency_key("Makes the extension safe to repeat: a repeat adds no more months.")),
        body=Body(ExtensionRequest, {"a month": _EXTENSION, "at this price": {**_EXTENSION, **examples.EXPECTED}}),
        others=(waits(examples.SUBSCRIPTION, examples.EXTENSION),),
    ),
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/change",
        "change",
        "Change the models, tiers and limits of a running term",
        "The whole list as it is wanted. A line binds before the answer, in every process, where it is new or where "
        "neither figure nor tier nor what it costs today falls; any other, and a removal, waits for the next month "
        "window (`pendingChange`), and the next change replaces what waits. Charged is line by line what each costs "
        "more than before, the current month whole and each later month of the term; nothing is paid back.",
        Answer(
            200,
            "Changed; of a repeat under the same `Idempotency-Key`, the subscription as it is now.",
            (order_shapes.Sold, shapes.Subscription),
            {"a line removed": examples.CHANGED},
            ("Cache-Control", "Idempotent-Replayed"),
        ),
        (
            bad("models[0].dailyCallLimit", "models[0].dailyCallLimit must be from 1 to 200 for this model."),
            Refusal(ErrorCode.DUPLICATE_MODEL, param="models[1].modelId"),
            *_NOT_SOLD,
            NOT_FOUND,
            *_ENDED,
            *_OF_EVERY_SALE,
        ),
        (SUBSCRIPTION_ID, parts.idempotency_key("Makes the change safe to repeat: a repeat changes nothing.")),
        body=Body(ChangeRequest, {"the whole list": _CHANGE, "at this price": {**_CHANGE, **examples.EXPECTED}}),
        others=(waits(examples.SUBSCRIPTION, examples.CHANGED["order"]),),
    ),
    Operation(
        "POST /v1/subscriptions/{subscriptionId}/top-ups",
        "topUp",
        "Add units to the current month of a model",
        "They are there for the very next request, beside the cap (`monthly.topUp`), and gone with the month. A unit "
        "costs the `perUnit` of the tier. The cap and the top-ups of a month stay within the model's `limits`.",
        Answer(
            201,
            "Bought; of a repeat under the same `Idempotency-Key`, the subscription as it is now.",
            (order_shapes.Sold, shapes.Subscription),
            {"a million units": examples.TOPPED_UP},
            ("Cache-Control", "Idempotent-Replayed", "Location"),
        ),
        (
            bad("modelId", "modelId must be a model of the subscription."),
            Refusal(ErrorCode.UNKNOWN_MODEL, param="modelId"),
            Refusal(ErrorCode.TIER_NOT_OFFERED, param="modelId"),
            NOT_FOUND,
            *_ENDED,
            *_OF_EVERY_SALE,
        ),
        (SUBSCRIPTION_ID, parts.idempotency_key("Makes the top-up safe to repeat: a repeat adds nothing.")),
        body=Body(TopUpRequest, {"a million units": _TOP_UP, "at this price": {**_TOP_UP, "expectedTotal": "3.00"}}),
        others=(waits(examples.SUBSCRIPTION, examples.TOPPED_UP["order"], "Location"),),
    ),
    Operation(
        "PATCH /v1/subscriptions/{subscriptionId}",
        "updateSubscription",
        "Change the settings of a subscription",
        "Whether and for how long it renews itself, and its label; what is left out stays as it is, and an empty label "
        "takes it away. What has ended is not made to renew itself.",
        Answer(200, "The subscription.", (shapes.ShownSubscription,), {"changed": examples.SHOWN}),
        (
            bad("label", "label must be a text of at most 64 characters."),
            NOT_FOUND,
            *_ENDED,
        ),
        (SUBSCRIPTION_ID,),
        body=Body(SettingsRequest, {"to renew itself": examples.SETTINGS_BODY, "no longer": {"autoRenew": False}}),
    ),
    Operation(
        "GET /v1/orders",
        "listOrders",
        "List what the account bought",
        "Every order of every subscription, newest first, page by page: what, at which price, when, by whom and for "
        "which months. What is bought in between moves no page.",
        Answer(
            200, "A page.", (order_shapes.OrderPage,), {"two orders": {"orders": [examples.EXTENSION], "next": None}}
        ),
        (_BAD_PAGE,),
        PAGE,
    ),
    Operation(
        "GET /v1/orders/{orderId}",
        "getOrder",
        "Look at an order",
        "With its status at the moment of asking.",
        Answer(200, "The order.", (order_shapes.Order,), {"a purchase": examples.ORDER}),
        (bad("colour", "Unknown parameter."), FORBIDDEN, NOT_FOUND),
        (ORDER_ID,),
    ),
    Operation(
        "GET /v1/subscriptions/{subscriptionId}/orders",
        "listOrdersOfSubscription",
        "List what was bought of a subscription",
        "Newest first, page by page.",
        Answer(200, "A page.", (order_shapes.OrderPage,), {"a purchase": {"orders": [examples.ORDER], "next": None}}),
        (_BAD_PAGE, FORBIDDEN, NOT_FOUND),
        (SUBSCRIPTION_ID, *PAGE),
    ),
)
