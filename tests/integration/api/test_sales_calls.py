"""Extensions, settings and orders over HTTP: statuses, headers and refusals, from the handlers as they are deployed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.handlers import http_sample
from tests.support.world import DAY_MS, Clock

if TYPE_CHECKING:
    from tests.support.handlers import Answer, Json, Service

pytestmark = pytest.mark.usefixtures("clock")


@pytest.fixture
def bought(service: Service, account: str) -> Json:
    return service.buy(account)


def look_at_order(service: Service, account: str, order_id: str) -> Answer:
    event = http_sample("get-order", account)
    event["pathParameters"] = {"orderId": order_id}
    event["rawPath"] = f"/v1/orders/{order_id}"
    return service.answer("get-order", event)


def test_extension_answers_with_its_order_is_kept_by_no_cache_and_told_as_a_repeat(
    service: Service, account: str, bought: Json
) -> None:
    answer = service.http("extend", account, bought["subscriptionId"])
    assert (answer.status, answer.headers) == (
        200,
        {"Content-Type": "application/json", "Cache-Control": "no-store"},
    )
    assert (answer.json["expiresAt"], answer.json["order"]["kind"]) == ("2027-01-23T00:00:00Z", "extension")
    again = service.http("extend", account, bought["subscriptionId"])
    assert (again.status, again.headers["Idempotent-Replayed"], again.json) == (200, "true", answer.json)
    other = service.http("extend", account, bought["subscriptionId"], body='{"months": 2}')
    assert (other.status, other.error) == (422, ("idempotency_key_reused", "Idempotency-Key"))


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("{}", "months"),
        ('{"months": 0}', "months"),
        ('{"months": 13}', "months"),
        ('{"months": 1.0}', "months"),
        ('{"months": "1"}', "months"),
        ('{"months": 1, "months": 1}', "months"),
        ('{"months": 1, "label": "x"}', "label"),
        ('{"months": 1, "expectedTotal": 5}', "expectedTotal"),
        ("", "Content-Type"),
        ("[]", None),
    ],
)
def test_body_of_an_extension_that_is_not_as_it_must_be_is_refused_by_name(
    service: Service, account: str, bought: Json, body: str, param: str | None
) -> None:
    headers = {"content-type": "application/json" if body else None}
    answer = service.http("extend", account, bought["subscriptionId"], body=body, headers=headers)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))


def test_extension_is_refused_in_the_envelope_with_its_status(
    service: Service, account: str, bought: Json, clock: Clock
) -> None:
    name = bought["subscriptionId"]
    fresh: Json = {"headers": {"idempotency-key": None}}
    answer = service.http("extend", account, name, body='{"months": 12}', **fresh)
    assert (answer.status, answer.error) == (400, ("term_too_long", "months"))
    answer = service.http("extend", "somebody else", name, **fresh)
    assert (answer.status, answer.error) == (404, ("not_found", None))
    clock.advance(31 * DAY_MS)
    answer = service.http("extend", account, name, **fresh)
    assert (answer.status, answer.error) == (403, ("subscription_expired", None))


def test_settings_are_changed_and_shown_by_every_look(service: Service, account: str, bought: Json) -> None:
    answer = service.http("update", account, bought["subscriptionId"])
    assert answer.status == 200
    body = json.loads(http_sample("update", account)["body"])
    assert {name: answer.json[name] for name in body} == body
    assert answer.json == service.http("get-subscription", account, bought["subscriptionId"]).json
    for bad, param in (('{"label": 5}', "label"), ('{"autoRenew": 1}', "autoRenew"), ('{"months": 1}', "months")):
        refused = service.http("update", account, bought["subscriptionId"], body=bad)
        assert (refused.status, refused.error) == (400, ("invalid_request", param))
    assert service.http("update", "somebody else", bought["subscriptionId"]).status == 404


def test_orders_are_listed_and_looked_at_by_their_account_alone(service: Service, account: str, bought: Json) -> None:
    listed = service.http("get-orders", account)
    assert (listed.status, listed.json) == (200, {"orders": [bought["order"]], "next": None})
    of_one = service.http("get-subscription-orders", account, bought["subscriptionId"])
    assert (of_one.status, of_one.json) == (200, listed.json)
    order_id = bought["order"]["orderId"]
    one = look_at_order(service, account, order_id)
    assert (one.status, one.json) == (200, bought["order"])
    for other in (
        look_at_order(service, "somebody else", order_id),
        look_at_order(service, account, "ord_" + "a" * 32),
        service.http("get-subscription-orders", "somebody else", bought["subscriptionId"]),
    ):
        assert (other.status, other.error) == (404, ("not_found", None))
    assert service.http("get-orders", "somebody else").json == {"orders": [], "next": None}


def test_price_of_an_extension_is_quoted_and_then_sold(service: Service, account: str, bought: Json) -> None:
    quoted = service.http("quote-renewal", account, bought["subscriptionId"], body='{"extend": {"months": 2}}')
    assert (quoted.status, quoted.json["bindsAt"]) == (200, bought["expiresAt"])
    body = json.dumps({"months": 2, "expectedTotal": quoted.json["total"]})
    sold = service.http("extend", account, bought["subscriptionId"], body=body)
    assert sold.json["price"] == {name: value for name, value in quoted.json.items() if name != "bindsAt"}
