"""How orders that wait are answered and how they end: calls of customers and operators. Rule: as theirs."""

from __future__ import annotations

from typing import Any, Final

from contract.openapi import examples, order_shapes, parts
from contract.openapi.parts import FORBIDDEN, NOT_FOUND, ORDER_ID, Answer, Body, Operation, Parameter, bad
from modelpass.api import operator_bodies
from modelpass.api.requests import MOST_ENTRIES
from modelpass.errors import ErrorCode, Refusal

_REFERENCE: Final = {"reference": "pi_3Qv7example"}
_REASON: Final = {"reason": "Nobody paid in time."}
WAITS: Final[dict[str, Any]] = {
    **examples.ORDER,
    "status": "pending",
    "startsAt": None,
    "endsAt": None,
    "lapsesAt": "2026-11-24T17:11:00Z",
}
"""A purchase that waits."""
_LAPSED: Final = Refusal(ErrorCode.ORDER_LAPSED)
_CONFIRMED: Final = Refusal(ErrorCode.ORDER_CONFIRMED)
_ANY_ORDER_ID: Final = Parameter("orderId", "path", ORDER_ID.schema, "An order of any account.", ORDER_ID.example)


def waits(subscription: dict[str, Any], order: dict[str, Any], *headers: str) -> Answer:
    """The answer of a sale whose order waits for its confirmation, with the subscription as it is meanwhile."""
    pending = {**order, "status": "pending", "lapsesAt": WAITS["lapsesAt"]}
    return Answer(
        202,
        "Where sales need an approval (`SaleApproval`): the order waits until it is confirmed, or lapses.",
        (order_shapes.SoldWithKey, order_shapes.Sold),
        {"waits": {**subscription, "order": pending}},
        ("Cache-Control", "Idempotent-Replayed", *headers),
    )


OF_CUSTOMERS: Final = (
    Operation(
        "POST /v1/orders/{orderId}/withdrawal",
        "withdrawOrder",
        "Take an order back that waits",
        "Its place and its price are free at once, and a purchase has never been. One that was withdrawn already is "
        "answered as it is.",
        Answer(200, "The order.", (order_shapes.Order,), {"withdrawn": {**WAITS, "status": "withdrawn"}}),
        (bad("colour", "This call takes no body, or {}."), NOT_FOUND, _LAPSED, _CONFIRMED),
        (ORDER_ID,),
        body=parts.NO_BODY,
    ),
)

OF_OPERATORS: Final = (
    Operation(
        "GET /v1/pending-orders",
        "listPendingOrders",
        "List what waits for a confirmation",
        "The orders of all accounts that wait at the moment of asking, the one that lapses next first. One that was "
        "made within the last moments may not be listed yet. A page may have fewer than `limit`, or none, and still a "
        "next one.",
        Answer(
            200,
            "A page.",
            (order_shapes.PendingOrderPage,),
            {"a purchase": {"orders": [{"accountId": "acct_demo", **WAITS}], "next": None}},
        ),
        (bad("limit", f"limit must be a whole number from 1 to {MOST_ENTRIES}."), FORBIDDEN),
        parts.PAGE,
        operator=True,
    ),
    Operation(
        "POST /v1/orders/{orderId}/confirmation",
        "confirmOrder",
        "Carry out an order that waits",
        "At the price it was made at. Once this answers, what was ordered is in force in every process; the term of a "
        "purchase or a renewal begins now. Again, the answer is the same: the first reference stands.",
        Answer(
            200,
            "The order.",
            (order_shapes.Order,),
            {"confirmed": {**examples.ORDER, "lapsesAt": WAITS["lapsesAt"], **_REFERENCE}},
        ),
        (
            bad("reference", "reference must be 1 to 255 characters."),
            FORBIDDEN,
            Refusal(ErrorCode.SUBSCRIPTION_SUSPENDED),
            NOT_FOUND,
            _LAPSED,
        ),
        (_ANY_ORDER_ID,),
        body=Body(operator_bodies.ConfirmationRequest, {"a payment": _REFERENCE}),
        operator=True,
    ),
    Operation(
        "POST /v1/orders/{orderId}/rejection",
        "rejectOrder",
        "Let an order end that waits",
        "As the customer withdraws it. One that was rejected already is answered as it is: the first reason stands.",
        Answer(200, "The order.", (order_shapes.Order,), {"rejected": {**WAITS, "status": "rejected", **_REASON}}),
        (bad("reason", "reason must be 1 to 500 characters."), FORBIDDEN, NOT_FOUND, _LAPSED, _CONFIRMED),
        (_ANY_ORDER_ID,),
        body=Body(operator_bodies.RejectionRequest, {"not paid": _REASON}),
        operator=True,
    ),
)
