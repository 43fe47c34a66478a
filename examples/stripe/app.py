"""Orders of Modelpass that are paid by Stripe. Rule: an order is carried out once, and no other payment is kept.

`README.md` says how it is run, and what becomes of which event; `docs/approval.md` has the whole way.
"""

from __future__ import annotations

import os
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any, Final

import httpx
import stripe
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

ORDER: Final = "modelpass_order"
"""The member of `metadata` that names the order. A customer cannot set it, but can set `client_reference_id`."""
SHORTEST, LONGEST = 31 * 60, 24 * 60 * 60
"""For how many seconds Stripe opens a checkout, at the least (30 minutes, and one for the way) and at the most."""
WITHOUT_CENTS: Final = frozenset(
    ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
)
WITH_MILS: Final = frozenset(["BHD", "JOD", "KWD", "OMR", "TND"])

CUSTOMERS: Final = httpx.Client(base_url=os.environ["MODELPASS_API"], timeout=10)
OPERATORS: Final = httpx.Client(
    base_url=os.environ.get("MODELPASS_OPERATOR_API", os.environ["MODELPASS_API"]),
    headers={"authorization": f"Bearer {os.environ['MODELPASS_OPERATOR_TOKEN']}"},
    timeout=10,
)
STRIPE: Final = stripe.StripeClient(
    os.environ["STRIPE_API_KEY"],
    base_addresses={"api": os.environ.get("STRIPE_API", "https://api.stripe.com")},
)


async def checkout(request: Request) -> Response:
    """`POST /checkout/{order_id}` with the customer's own token: where the order can be paid."""
    found = await run_in_threadpool(
        CUSTOMERS.get,
        f"/v1/orders/{request.path_params['order_id']}",
        headers={"authorization": request.headers.get("authorization", "")},
    )
    if found.status_code != httpx.codes.OK:
        return Response(found.content, found.status_code, media_type="application/json")
    order = found.json()
    if order["status"] != "pending":
        return JSONResponse({"error": f"This order is {order['status']}."}, 409)
    try:
        session = await run_in_threadpool(opened, order)
    except stripe.InvalidRequestError:  # it would be open for less than half an hour
        return JSONResponse({"error": "It is too late to pay for this order: withdraw it, and order again."}, 409)
    return JSONResponse({"url": session.url})


def opened(order: dict[str, Any]) -> stripe.checkout.Session:
    """The checkout of an order, the same one however often it is asked for: two would be paid twice.

    Stripe gives the same one for the same key only where all else is the same, so nothing here hangs on the clock.
    """
    price = order["price"]
    at, lapses = (int(datetime.fromisoformat(order[name]).timestamp()) for name in ("at", "lapsesAt"))
    line: Any = {
        "quantity": 1,
        "price_data": {
            "currency": price["currency"].lower(),
            "unit_amount": in_minor_units(price["total"], price["currency"]),
            "product_data": {"name": f"Models, {order['kind'].replace('_', '-')}"},
        },
    }
    return STRIPE.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "line_items": [line],
            "expires_at": at + min(max(lapses - at, SHORTEST), LONGEST),
            "success_url": os.environ["SUCCESS_URL"],
            "metadata": {ORDER: order["orderId"]},
            "payment_intent_data": {"metadata": {ORDER: order["orderId"]}},
        },
        {"idempotency_key": f"checkout-{order['orderId']}"},
    )


def in_minor_units(amount: str, currency: str) -> int:
    """An amount as Stripe takes it: cents, or whole units of a currency without cents; the half is rounded up."""
    if currency in WITH_MILS:
        raise ValueError(f"Prices in {currency} need rounding rules of their own")
    scale = 1 if currency in WITHOUT_CENTS else 100
    return int((Decimal(amount) * scale).to_integral_value(ROUND_HALF_UP))


async def webhook(request: Request) -> Response:
    """`POST /webhook`: what Stripe tells. Stripe sends an event again until it is answered 200, for three days."""
    try:
        event = STRIPE.construct_event(
            await request.body(), request.headers.get("stripe-signature"), os.environ["STRIPE_WEBHOOK_SECRET"]
        )
    except (ValueError, stripe.SignatureVerificationError):
        return Response("No event of Stripe's.", 400)
    try:
        await run_in_threadpool(heard, event)
    except (httpx.HTTPError, stripe.StripeError) as error:
        return Response(f"Not now: {type(error).__name__}", 503)
    return Response("Heard.")


def heard(event: stripe.Event) -> None:
    """Carry out what an event says; once more does no more. Raises when it has to be sent again."""
    session: Any = event.data.object
    if not event.type.startswith("checkout.session.") or ORDER not in (session.metadata or {}):
        return
    order_id = session.metadata[ORDER]
    match event.type:
        case "checkout.session.completed" if session.payment_status == "unpaid":
            return  # a bank transfer or a debit: another event says how it ends
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            paid(order_id, session.payment_intent or session.id)
        case "checkout.session.async_payment_failed":
            told(order_id, "rejection", {"reason": "The payment failed."})
        case "checkout.session.expired":
            told(order_id, "rejection", {"reason": "Nobody paid in time."})


def paid(order_id: str, payment: str) -> None:
    """Confirm an order that was paid; a payment that does not carry it out goes back."""
    order = told(order_id, "confirmation", {"reference": payment})
    if order is None or order["reference"] != payment:  # it lapsed, or another payment was the first
        refund(payment)


def told(order_id: str, what: str, body: dict[str, str]) -> dict[str, Any] | None:
    """The order as it is after a confirmation or rejection; None when it had ended another way. Raises else."""
    answer = OPERATORS.post(f"/v1/orders/{order_id}/{what}", json=body)
    if answer.status_code == httpx.codes.CONFLICT:
        return None
    order: dict[str, Any] = answer.raise_for_status().json()
    return order


def refund(payment: str) -> None:
    """Give a payment back, once; a checkout that cost nothing has none."""
    if not payment.startswith("pi_"):
        return
    try:
        STRIPE.v1.refunds.create({"payment_intent": payment}, {"idempotency_key": f"refund-{payment}"})
    except stripe.InvalidRequestError as error:
        if error.code != "charge_already_refunded":  # else a repeat came after Stripe has forgotten the key
            raise


app = Starlette(
    routes=[
        Route("/checkout/{order_id}", checkout, methods=["POST"]),
        Route("/webhook", webhook, methods=["POST"]),
    ]
)
