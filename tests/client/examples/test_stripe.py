"""What the example for Stripe guarantees: an order is carried out once, and no other payment is kept."""

from __future__ import annotations

import http.client
import importlib.util
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest

from local.machine import HOST, free_port
from tests.client.examples import stripe_events
from tests.client.examples.gateways import EXAMPLES, environment, started, uvicorn
from tests.client.examples.stripe_events import event, payment, session, signed
from tests.support import stack as support
from tests.support.http_answers import HttpAnswer
from tests.support.stack import PURCHASE_BODY, jwt_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.client.examples.stripe_events import Api
    from tests.support.stack import Answer, Json, Stack

COMPLETED = "checkout.session.completed"
EXPIRED = "checkout.session.expired"
SUCCEEDED = "checkout.session.async_payment_succeeded"
FAILED = "checkout.session.async_payment_failed"


@pytest.fixture(scope="module")
def stack(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack whose sales wait for approval; its clock stands still."""
    data = str(tmp_path_factory.mktemp("approval"))
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=data, PARAMETERS="SaleApproval=required") as running:
        running.move_clock(advanceSeconds=0)
        yield running
        running.note_permissions()


@pytest.fixture(scope="module")
def stripe() -> Iterator[Api]:
    with stripe_events.api() as running:
        yield running


@dataclass(frozen=True, slots=True)
class Shop:
    """The example, running."""

    port: int

    def send(self, path: str, body: bytes = b"", /, **headers: str) -> HttpAnswer[bytes]:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        with closing(http.client.HTTPConnection(HOST, self.port, timeout=30)) as connection:
            connection.request("POST", path, body, given)
            answer = connection.getresponse()
            return HttpAnswer(answer.status, dict(answer.getheaders()), answer.read())

    def hears(self, payload: bytes) -> int:
        """The status of the answer to an event, as Stripe sends it."""
        return self.send("/webhook", payload, Stripe_Signature=signed(payload)).status


@pytest.fixture(scope="module")
def shop(stack: Stack, stripe: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    port = free_port()
    given = environment(
        stack,
        MODELPASS_API=stack.url,
        MODELPASS_OPERATOR_TOKEN=jwt_of("billing", "operator"),
        STRIPE_API=stripe.url,
        STRIPE_API_KEY="sk_test_of_the_tests",
        STRIPE_WEBHOOK_SECRET=stripe_events.SECRET,
        SUCCESS_URL="https://shop.example/done",
    )
    with started(uvicorn("stripe", "app", port), given, tmp_path_factory.mktemp("shop"), port):
        yield Shop(port)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A purchase that waits for its payment."""

    stack: Stack
    account: str
    answered: Json

    @property
    def order_id(self) -> str:
        return str(self.answered["order"]["orderId"])

    @property
    def order(self) -> Json:
        answer = self.stack.api("GET", f"/v1/orders/{self.order_id}", self.account)
        assert answer.status == 200, answer
        order: Json = answer.json
        return order

    @property
    def subscription(self) -> Answer:
        return self.stack.api("GET", f"/v1/subscriptions/{self.answered['subscriptionId']}", self.account)

    def uses(self, request_id: str) -> Json:
        return self.stack.authorize(self.answered["apiKey"], request_id)


@pytest.fixture
def waiting(stack: Stack, new_account: Callable[[], str]) -> Waiting:
    return ordered(stack, new_account())


def ordered(stack: Stack, account: str) -> Waiting:
    answer = stack.api("POST", "/v1/subscriptions", account, PURCHASE_BODY)
    assert answer.status == 202, answer
    return Waiting(stack, account, answer.json)


def test_an_order_that_is_paid_is_carried_out_before_stripe_is_answered(shop: Shop, waiting: Waiting) -> None:
    assert waiting.uses("before")["error"]["code"] == "subscription_pending"
    paid = payment()
    assert shop.hears(event(COMPLETED, session(waiting.order_id, paid))) == 200
    assert waiting.uses("after")["allowed"] is True
    assert (waiting.order["status"], waiting.order["reference"]) == ("done", paid)


def test_an_event_that_comes_again_changes_nothing_and_nothing_goes_back(
    shop: Shop, stripe: Api, waiting: Waiting
) -> None:
    paid = payment()
    told = event(COMPLETED, session(waiting.order_id, paid))
    assert [shop.hears(told) for _ in range(3)] == [200] * 3
    assert waiting.order["status"] == "done"
    assert stripe.refunds_of(paid) == []


def test_a_second_payment_of_the_same_order_goes_back(shop: Shop, stripe: Api, waiting: Waiting) -> None:
    first, second = payment(), payment()
    assert shop.hears(event(COMPLETED, session(waiting.order_id, first))) == 200
    assert shop.hears(event(COMPLETED, session(waiting.order_id, second))) == 200
    assert waiting.order["reference"] == first
    assert (stripe.refunds_of(first), len(stripe.refunds_of(second))) == ([], 1)


def test_a_payment_that_comes_after_the_order_lapsed_goes_back_once(
    shop: Shop, stripe: Api, stack: Stack, waiting: Waiting
) -> None:
    stack.move_clock(advanceSeconds=60 * 60)
    paid = payment()
    told = event(COMPLETED, session(waiting.order_id, paid))
    assert [shop.hears(told) for _ in range(2)] == [200] * 2
    assert waiting.order["status"] == "lapsed"
    assert waiting.subscription.status == 404
    assert len(stripe.refunds_of(paid)) == 1


def test_a_checkout_that_expired_gives_the_place_back(shop: Shop, stack: Stack, waiting: Waiting) -> None:
    again = stack.api("POST", "/v1/subscriptions", waiting.account, PURCHASE_BODY)
    assert (again.status, again.error["code"]) == (409, "order_pending")
    assert shop.hears(event(EXPIRED, session(waiting.order_id, status="expired"))) == 200
    assert waiting.order["status"] == "rejected"
    ordered(stack, waiting.account)


def test_an_expiry_that_comes_after_the_payment_changes_nothing(shop: Shop, waiting: Waiting) -> None:
    assert shop.hears(event(COMPLETED, session(waiting.order_id, payment()))) == 200
    assert shop.hears(event(EXPIRED, session(waiting.order_id, status="expired"))) == 200
    assert waiting.order["status"] == "done"
    assert waiting.uses("still")["allowed"] is True


def test_a_payment_that_comes_after_the_expiry_goes_back(shop: Shop, stripe: Api, waiting: Waiting) -> None:
    paid = payment()
    assert shop.hears(event(EXPIRED, session(waiting.order_id, status="expired"))) == 200
    assert shop.hears(event(COMPLETED, session(waiting.order_id, paid))) == 200
    assert waiting.order["status"] == "rejected"
    assert len(stripe.refunds_of(paid)) == 1


@pytest.mark.parametrize(("ends", "becomes"), [(SUCCEEDED, "done"), (FAILED, "rejected")])
def test_a_payment_on_its_way_is_waited_for(shop: Shop, waiting: Waiting, ends: str, becomes: str) -> None:
    on_its_way = session(waiting.order_id, payment(), payment_status="unpaid")
    assert shop.hears(event(COMPLETED, on_its_way)) == 200
    assert waiting.order["status"] == "pending"
    arrived = {**on_its_way, "payment_status": "paid" if ends == SUCCEEDED else "unpaid"}
    assert shop.hears(event(ends, arrived)) == 200
    assert waiting.order["status"] == becomes


@pytest.mark.parametrize("how", ["unsigned", "another secret", "another body", "long ago"])
def test_what_stripe_did_not_sign_is_not_heard(shop: Shop, waiting: Waiting, how: str) -> None:
    told = event(COMPLETED, session(waiting.order_id, payment()))
    headers: dict[str, str] = {
        "unsigned": {},
        "another secret": {"Stripe_Signature": signed(told, "whsec_of_somebody")},
        "another body": {"Stripe_Signature": signed(told + b" ")},
        "long ago": {"Stripe_Signature": signed(told, at=int(time.time()) - 3600)},
    }[how]
    assert shop.send("/webhook", told, **headers).status == 400
    assert waiting.order["status"] == "pending"


def test_what_a_customer_can_write_into_a_payment_confirms_nothing(shop: Shop, waiting: Waiting) -> None:
    by_link = session(None, payment(), client_reference_id=waiting.order_id)
    assert shop.hears(event(COMPLETED, by_link)) == 200
    assert waiting.order["status"] == "pending"


def test_other_events_are_heard_and_change_nothing(shop: Shop, waiting: Waiting) -> None:
    intent = {"id": payment(), "object": "payment_intent", "metadata": {"modelpass_order": waiting.order_id}}
    assert shop.hears(event("payment_intent.succeeded", intent)) == 200
    assert waiting.order["status"] == "pending"


def test_an_event_is_asked_for_again_until_its_refund_is_made(
    shop: Shop, stripe: Api, stack: Stack, waiting: Waiting
) -> None:
    stack.move_clock(advanceSeconds=60 * 60)
    paid = payment()
    told = event(COMPLETED, session(waiting.order_id, paid))
    stripe.refuses = {"type": "api_error", "message": "Not now."}
    assert shop.hears(told) == 503
    stripe.refuses = None
    assert shop.hears(told) == 200
    assert len(stripe.refunds_of(paid)) == 1


def test_a_payment_that_went_back_long_ago_is_not_asked_for_again(
    shop: Shop, stripe: Api, stack: Stack, waiting: Waiting
) -> None:
    stack.move_clock(advanceSeconds=60 * 60)
    stripe.refuses = {"type": "invalid_request_error", "code": "charge_already_refunded", "message": "Refunded."}
    assert shop.hears(event(COMPLETED, session(waiting.order_id, payment()))) == 200
    stripe.refuses = None


def test_an_order_that_nobody_has_is_asked_for_again_and_not_refunded(shop: Shop, stripe: Api) -> None:
    paid = payment()
    assert shop.hears(event(COMPLETED, session("ord_of_another_deployment", paid))) == 503
    assert stripe.refunds_of(paid) == []


def test_an_order_has_one_checkout_with_its_price_and_its_time(shop: Shop, stripe: Api, waiting: Waiting) -> None:
    customer = {"Authorization": f"Bearer {jwt_of(waiting.account)}"}
    answers = [shop.send(f"/checkout/{waiting.order_id}", b"", **customer) for _ in range(2)]
    assert [answer.status for answer in answers] == [200] * 2
    assert answers[0].json == answers[1].json
    path, form, key = stripe.asked[-1]
    order = waiting.order
    assert (path, key) == ("/v1/checkout/sessions", f"checkout-{order['orderId']}")
    assert form["metadata[modelpass_order]"] == order["orderId"]
    amount, currency = (form[f"line_items[0][price_data][{name}]"] for name in ("unit_amount", "currency"))
    assert (f"{int(amount) / 100:.2f}", currency.upper()) == (order["price"]["total"], order["price"]["currency"])
    assert int(form["expires_at"]) == int(datetime.fromisoformat(order["lapsesAt"]).timestamp())


def test_for_an_order_that_soon_lapses_no_checkout_is_opened(shop: Shop, stripe: Api, waiting: Waiting) -> None:
    before = len(stripe.made)
    stripe.refuses = {"type": "invalid_request_error", "param": "expires_at", "message": "At least 30 minutes."}
    answer = shop.send(f"/checkout/{waiting.order_id}", Authorization=f"Bearer {jwt_of(waiting.account)}")
    stripe.refuses = None
    assert (answer.status, len(stripe.made)) == (409, before)


def test_nobody_pays_for_an_order_of_another_or_for_one_that_is_done(
    shop: Shop, stripe: Api, waiting: Waiting, new_account: Callable[[], str]
) -> None:
    before = len(stripe.asked)
    other = shop.send(f"/checkout/{waiting.order_id}", Authorization=f"Bearer {jwt_of(new_account())}")
    assert (other.status, other.json["error"]["code"]) == (404, "not_found")
    assert shop.send(f"/checkout/{waiting.order_id}").status == 401
    assert shop.hears(event(COMPLETED, session(waiting.order_id, payment()))) == 200
    done = shop.send(f"/checkout/{waiting.order_id}", Authorization=f"Bearer {jwt_of(waiting.account)}")
    assert done.status == 409
    assert len(stripe.asked) == before


def test_amounts_are_in_the_units_that_stripe_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MODELPASS_API", "MODELPASS_OPERATOR_TOKEN", "STRIPE_API_KEY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    spec = importlib.util.spec_from_file_location("stripe_example", EXAMPLES / "stripe" / "app.py")
    assert spec is not None
    assert spec.loader is not None
    app: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(app)
    cases = {("99.00", "USD"): 9900, ("0.125", "EUR"): 13, ("1500.00", "JPY"): 1500, ("5.00", "UGX"): 500}
    assert {case: app.in_minor_units(*case) for case in cases} == cases
    with pytest.raises(ValueError, match="KWD"):
        app.in_minor_units("1.000", "KWD")
