"""Stripe as the example sees it: events of its shape, signed as it signs, and its API with a script.

Rule: nothing here is of Stripe's library, so that the example's use of it is held to the wire.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import itertools
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from local.machine import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]
SECRET: Final = "whsec_of_the_tests"
_HALF_AN_HOUR: Final = 30 * 60
_FAR: Final = 10**12
_NUMBERS: Final = itertools.count(1)


def signed(payload: bytes, secret: str = SECRET, at: int | None = None) -> str:
    """The header `Stripe-Signature` of a payload that was sent at a time (seconds), now unless it is given."""
    stamp = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{stamp}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={stamp},v1={mac},v0={'0' * 64}"


def session(order_id: str | None, payment: str | None = None, **more: Any) -> Json:
    """A checkout session as events carry it; `payment` is that of one which was paid."""
    return {
        "id": f"cs_test_{next(_NUMBERS):024d}",
        "object": "checkout.session",
        "after_expiration": None,
        "allow_promotion_codes": None,
        "amount_subtotal": 9900,
        "amount_total": 9900,
        "automatic_tax": {"enabled": False, "liability": None, "status": None},
        "client_reference_id": None,
        "created": 1_795_000_000,
        "currency": "usd",
        "customer": None,
        "customer_details": {"address": None, "email": "ada@example.com", "name": "Ada", "tax_exempt": "none"},
        "expires_at": 1_795_003_600,
        "livemode": False,
        "metadata": {} if order_id is None else {"modelpass_order": order_id},
        "mode": "payment",
        "payment_intent": payment,
        "payment_method_types": ["card"],
        "payment_status": "unpaid" if payment is None else "paid",
        "status": "complete",
        "success_url": "https://shop.example/done",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "url": None,
        **more,
    }


def event(kind: str, about: Json) -> bytes:
    """An event of a type about an object, as Stripe sends it."""
    told = {
        "id": f"evt_{next(_NUMBERS):024d}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1_795_000_100,
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }
    return json.dumps(told, indent=2).encode()


def payment() -> str:
    """The id of a payment that nobody has seen yet."""
    return f"pi_{next(_NUMBERS):024d}"


@dataclass(slots=True)
class Api:
    """Stripe's API: what it was asked, and what it made. What an Idempotency-Key has made once is answered again."""

    url: str
    asked: list[tuple[str, dict[str, str], str]] = field(default_factory=list)
    """The path, the form and the Idempotency-Key of each request."""
    forms: dict[str, dict[str, str]] = field(default_factory=dict)
    """The first form that came with each Idempotency-Key."""
    made: dict[str, Json] = field(default_factory=dict)
    refuses: Json | None = None
    """The error that it answers from now on."""

    def refunds_of(self, payment: str) -> list[str]:
        """The ids of the refunds that a payment has."""
        made = (one for one in self.made.values() if one["object"] == "refund")
        return [one["id"] for one in made if one["payment_intent"] == payment]


@contextlib.contextmanager
def api() -> Iterator[Api]:
    """Stripe's API on a free port."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            key = self.headers["Idempotency-Key"]
            running.asked.append((self.path, form, key))
            error = running.refuses
            if running.forms.setdefault(key, form) != form:
                error = {"type": "idempotency_error", "message": "Keys for idempotent requests can be used once."}
            elif key not in running.made and int(form.get("expires_at", _FAR)) < time.time() + _HALF_AN_HOUR:
                error = {"type": "invalid_request_error", "param": "expires_at", "message": "At least 30 minutes."}
            if error is not None:
                self.answer(400, {"error": error})
                return
            made = {"object": "refund", "id": f"re_{next(_NUMBERS):024d}", "payment_intent": form.get("payment_intent")}
            if self.path == "/v1/checkout/sessions":
                made = {**session(form["metadata[modelpass_order]"]), "url": f"https://checkout.stripe.com/c/{key}"}
            self.answer(200, running.made.setdefault(key, made))

        def answer(self, status: int, content: Json) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Stripe-Should-Retry", "false")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer((HOST, 0), Answers)
    server.daemon_threads = True
    running = Api(f"http://{HOST}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
