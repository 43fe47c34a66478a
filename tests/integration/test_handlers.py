"""The HTTP handlers as deployed, one at a time: each takes its sample event and answers as callers were told."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any

import pytest

from local import messages
from local.apigateway import http_api
from local.cloudformation.template import Route
from tests.support.handlers import FUNCTION_OF_SAMPLE, IN_FRONT_OF_SAMPLE, Service, http_sample, sample
from tests.support.world import DAY_MS, Clock

if TYPE_CHECKING:
    from tests.support.handlers import Json

NOT_OVER_HTTP = {"AuthorizeFunction", "SettleFunction", "DescribeKeyFunction", "ResetFunction", "SyntheticFunction"}
HTTP_SAMPLES = tuple(name for name, function in FUNCTION_OF_SAMPLE.items() if function not in NOT_OVER_HTTP)
NEVER_ISSUED = "sub_" + "a" * 24
pytestmark = pytest.mark.usefixtures("clock")


def body_with(path: str, value: object) -> str:
    """The sample purchase with one field of it or of its first model changed."""
    body = json.loads(sample("purchase")["body"])
    target = body["models"][0] if path.startswith("models[0].") else body
    target[path.rpartition(".")[2]] = value
    return json.dumps(body)


def test_every_function_and_every_route_has_a_sample_event(service: Service) -> None:
    assert set(FUNCTION_OF_SAMPLE.values()) == set(service.template.functions)
    keys = {(sample(name)["routeKey"], FUNCTION_OF_SAMPLE[name]) for name in HTTP_SAMPLES}
    assert keys == {(route.key, route.function) for route in service.template.routes}


@pytest.mark.parametrize("name", HTTP_SAMPLES)
def test_http_sample_has_the_form_that_the_gateway_builds(service: Service, name: str) -> None:
    event = sample(name)
    context = event["requestContext"]
    http = context["http"]
    raw = event.get("body", "").encode()
    claims = context["authorizer"]["jwt"]["claims"] if "authorizer" in context else None
    front, stage = IN_FRONT_OF_SAMPLE.get(name, ("", "$default"))
    path = event["rawPath"].removeprefix(front)  # API Gateway takes it off before it looks for the route
    request = messages.HttpRequest(
        http["method"], path, event["rawQueryString"], event["headers"], raw, http["sourceIp"]
    )
    operators = claims is not None and claims["aud"] in service.template.operators.audience
    api = service.template.operators if operators else service.template.customers
    route, variables = http_api.match_route(api.routes, request.method, request.raw_path)
    assert route == Route(event["routeKey"], FUNCTION_OF_SAMPLE[name], authorized=claims is not None)
    built = http_api._event(request, route, variables, claims, context["requestId"])
    for own in ("accountId", "apiId", "domainName", "domainPrefix", "time", "timeEpoch"):
        built["requestContext"][own] = context[own]
    built["rawPath"] = built["requestContext"]["http"]["path"] = front + path
    built["requestContext"]["stage"] = stage
    assert event == built


def test_purchase_sample_buys_what_the_body_for_curl_buys() -> None:
    event = sample("purchase")
    assert json.loads(event["body"]) == sample("purchase-body")
    assert int(event["headers"]["content-length"]) == len(event["body"])


def test_purchase_is_created_with_its_place_and_is_kept_by_no_cache(service: Service, account: str) -> None:
    answer = service.http("purchase", account)
    assert answer.status == 201
    made = answer.json
    assert answer.headers == {
        "Content-Type": "application/json",
        "Cache-Control": "no-store",
        "Location": f"/v1/subscriptions/{made['subscriptionId']}",
    }
    key = made.pop("apiKey")
    assert key.startswith("sk-custom-")
    assert made.pop("subscriptionId").startswith("sub_")
    units = {"claude-opus-4-6": "tokens", "nano-banana-2": "generations"}
    order = made.pop("order")
    assert (order["kind"], order["status"], order["price"]) == ("purchase", "done", made["price"])
    assert made == {
        "status": "active",
        "term": 1,
        "apiKeyMasked": f"sk-custom-…{key[-4:]}",
        "startsAt": "2026-11-23T00:00:00Z",
        "expiresAt": "2026-12-23T00:00:00Z",
        "timezone": "UTC",
        "autoRenew": False,
        "autoRenewMonths": 1,
        "label": None,
        "pendingChange": None,
        "models": [{**m, "unit": units[m["modelId"]]} for m in sample("purchase-body")["models"]],
        "price": service.http("quote", account).json,
    }


def test_purchase_repeated_is_told_as_a_replay_without_the_key(service: Service, account: str) -> None:
    first = service.http("purchase", account)
    again = service.http("purchase", account, body=json.dumps(sample("purchase-body"), indent=1))
    assert (again.status, again.headers) == (201, {**first.headers, "Idempotent-Replayed": "true"})
    assert again.json == {name: value for name, value in first.json.items() if name != "apiKey"}


def test_purchase_repeated_with_nulls_for_what_was_left_out_is_a_replay(service: Service, account: str) -> None:
    models = sample("purchase-body")["models"]
    first = service.http("purchase", account, body=json.dumps({"models": models}))
    again = service.http("purchase", account, body=json.dumps({"models": models, "months": None, "timezone": None}))
    assert (first.status, again.status, again.headers["Idempotent-Replayed"]) == (201, 201, "true")
    assert again.json["subscriptionId"] == first.json["subscriptionId"]


def test_idempotency_key_with_another_body_is_refused(service: Service, account: str) -> None:
    service.buy(account)
    answer = service.http("purchase", account, body=body_with("months", 2))
    assert (answer.status, answer.error) == (422, ("idempotency_key_reused", "Idempotency-Key"))


@pytest.mark.parametrize("key", ["order-2", None])
def test_second_subscription_of_an_account_is_refused(service: Service, account: str, key: str | None) -> None:
    service.buy(account)
    answer = service.http("purchase", account, headers={"idempotency-key": key})
    assert (answer.status, answer.error) == (409, ("active_subscription_exists", None))


@pytest.mark.parametrize(
    ("path", "value", "code"),
    [
        ("models", [], "invalid_request"),
        ("months", 13, "invalid_request"),
        ("timezone", "Mars/Olympus", "invalid_request"),
        ("colour", "red", "invalid_request"),
        ("models[0].modelId", "gpt-none", "unknown_model"),
        ("models[0].channelTier", "gold", "invalid_request"),
        ("models[0].dailyCallLimit", 0, "invalid_request"),
        ("models[0].dailyCallLimit", 50.0, "invalid_request"),
        ("models[0].dailyCallLimit", True, "invalid_request"),
        ("models[0].monthlyTokenCap", 10**15 + 1, "invalid_request"),
        ("models[0].colour", "red", "invalid_request"),
    ],
)
def test_field_at_fault_is_named(service: Service, account: str, path: str, value: object, code: str) -> None:
    answer = service.http("purchase", account, body=body_with(path, value))
    assert (answer.status, answer.error) == (400, (code, path))


@pytest.mark.parametrize(
    ("changes", "param"),
    [
        ({"body": "{"}, None),
        ({"body": "\ud800"}, None),
        ({"body": '{"months": 1, "months": 2}'}, "months"),
        ({"body": '{"months": ' + "9" * 5000 + "}"}, "models"),
        ({"body": "[" * 100_000}, None),
        ({"body": " " * (256 * 1024 + 1)}, None),
        ({"body": "not base64!", "isBase64Encoded": True}, None),
        ({"headers": {"content-type": "text/plain"}}, "Content-Type"),
        ({"headers": {"content-type": None}}, "Content-Type"),
        ({"headers": {"idempotency-key": "two words"}}, "Idempotency-Key"),
        ({"headers": {"idempotency-key": ""}}, "Idempotency-Key"),
        ({"headers": {"idempotency-key": "k" * 256}}, "Idempotency-Key"),
    ],
    ids=str,
)
def test_malformed_request_is_refused(service: Service, account: str, changes: Json, param: str | None) -> None:
    answer = service.http("purchase", account, **changes)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))


def test_body_in_base64_and_a_content_type_with_a_charset_are_read(service: Service, account: str) -> None:
    raw = b64encode(json.dumps(sample("purchase-body")).encode()).decode()
    headers = {"content-type": "Application/JSON; charset=utf-8"}
    assert service.http("purchase", account, body=raw, isBase64Encoded=True, headers=headers).status == 201


def test_renewal_begins_a_new_term_and_is_replayed_without_the_key(
    service: Service, account: str, clock: Clock
) -> None:
    bought = service.buy(account)
    refused = service.http("renew", account, bought["subscriptionId"])
    assert (refused.status, refused.error) == (409, ("subscription_not_expired", None))
    clock.advance(31 * DAY_MS)
    first = service.http("renew", account, bought["subscriptionId"])
    assert (first.status, first.headers["Cache-Control"], first.json["term"]) == (200, "no-store", 2)
    assert first.json["apiKey"] != bought["apiKey"]
    again = service.http("renew", account, bought["subscriptionId"], body="")
    assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert again.json == {name: value for name, value in first.json.items() if name != "apiKey"}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ('{"months": 2}', "months"),
        ('{"expectedTotal": 36.2}', "expectedTotal"),
        ('{"expectedTotal": "36,20"}', "expectedTotal"),
        ('{"expectedTotal": "36.20", "expectedTotal": "1"}', "expectedTotal"),
        ("null", None),
        ("[]", None),
    ],
)
def test_renewal_takes_an_expected_total_and_nothing_else(
    service: Service, account: str, body: str, param: str | None
) -> None:
    bought = service.buy(account)
    answer = service.http("renew", account, bought["subscriptionId"], body=body)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))


def test_purchase_at_another_total_is_refused_with_the_total_of_now_and_sold_at_that(
    service: Service, account: str
) -> None:
    refused = service.http("purchase", account, body=body_with("expectedTotal", "9.99"))
    assert (refused.status, refused.error) == (409, ("price_changed", "expectedTotal"))
    assert refused.json["error"]["type"] == "conflict_error"
    assert refused.json["error"]["message"] == "The total is 36.20 USD now."
    assert "Retry-After" not in refused.headers
    assert service.http("get-subscriptions", account).json["subscriptions"] == []
    sold = service.http("purchase", account, body=body_with("expectedTotal", "36.2"))
    assert (sold.status, sold.json["price"]["total"]) == (201, "36.20")
    again = service.http("purchase", account, body=body_with("expectedTotal", "36.2"))
    assert (again.headers["Idempotent-Replayed"], again.json["price"]) == ("true", sold.json["price"])
    other = service.http("purchase", account)
    assert (other.status, other.error) == (422, ("idempotency_key_reused", "Idempotency-Key"))


def test_renewal_at_another_total_is_refused_and_its_key_is_good_for_one_body(
    service: Service, account: str, clock: Clock
) -> None:
    bought = service.buy(account)
    clock.advance(31 * DAY_MS)

    def renew(body: str) -> Any:
        return service.http("renew", account, bought["subscriptionId"], body=body)

    refused = renew('{"expectedTotal": "36.21"}')
    assert (refused.status, refused.error) == (409, ("price_changed", "expectedTotal"))
    assert service.http("get-subscription", account, bought["subscriptionId"]).json["term"] == 1
    sold = renew('{"expectedTotal": "36.200"}')
    assert (sold.status, sold.json["term"], sold.json["price"]) == (200, 2, bought["price"])
    assert renew('{"expectedTotal": "36.200"}').headers["Idempotent-Replayed"] == "true"
    for other in ('{"expectedTotal": "36.20"}', "{}", ""):
        assert (renew(other).status, renew(other).error) == (422, ("idempotency_key_reused", "Idempotency-Key"))


@pytest.mark.parametrize("absent", ["", "{}", '{"expectedTotal": null}'])
def test_body_of_a_renewal_without_a_total_is_one_and_the_same(
    service: Service, account: str, clock: Clock, absent: str
) -> None:
    bought = service.buy(account)
    clock.advance(31 * DAY_MS)
    assert service.http("renew", account, bought["subscriptionId"], body=absent).json["term"] == 2
    for other in ("", "{}", '{"expectedTotal": null}'):
        again = service.http("renew", account, bought["subscriptionId"], body=other)
        assert (again.status, again.headers["Idempotent-Replayed"]) == (200, "true")


def test_quote_checks_the_form_of_an_expected_total_and_compares_it_with_nothing(
    service: Service, account: str
) -> None:
    answer = service.http("quote", account, body=body_with("expectedTotal", "9.99"))
    assert (answer.status, answer.json["total"]) == (200, "36.20")
    answer = service.http("quote", account, body=body_with("expectedTotal", "cheap"))
    assert (answer.status, answer.error) == (400, ("invalid_request", "expectedTotal"))


def test_renewal_is_quoted_at_the_price_and_the_instant_that_it_would_have(
    service: Service, account: str, clock: Clock
) -> None:
    bought = service.buy(account)
    quoted = service.http("quote-renewal", account, bought["subscriptionId"])
    assert (quoted.status, quoted.json) == (200, {**bought["price"], "bindsAt": bought["expiresAt"]})
    clock.advance(31 * DAY_MS)
    body = '{"renew": {"expectedTotal": "1"}}'
    quoted = service.http("quote-renewal", account, bought["subscriptionId"], body=body)
    renewed = service.http("renew", account, bought["subscriptionId"]).json
    assert quoted.json == {**renewed["price"], "bindsAt": renewed["startsAt"]}


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ("{}", "renew"),
        ('{"renew": null}', "renew"),
        ('{"renew": []}', "renew"),
        ('{"renew": true}', "renew"),
        ('{"renew": {"months": 2}}', "renew.months"),
        ('{"renew": {"expectedTotal": "-1"}}', "renew.expectedTotal"),
        ('{"renew": {}, "extend": {"months": 1}}', "extend"),
        ('{"change": {}}', "change.models"),
        ('{"extend": {}}', "extend.months"),
        ('{"colour": {}}', "colour"),
        ('{"renew": {}, "renew": {}}', "renew"),
        ("[]", None),
        ("null", None),
        ("", "Content-Type"),
    ],
)
def test_quote_of_anything_but_one_sale_is_refused_by_name(
    service: Service, account: str, body: str, param: str | None
) -> None:
    bought = service.buy(account)
    headers = {"content-type": "application/json" if body else None}
    answer = service.http("quote-renewal", account, bought["subscriptionId"], body=body, headers=headers)
    assert (answer.status, answer.error) == (400, ("invalid_request", param))


def test_renewal_of_a_cancelled_subscription_is_not_quoted(service: Service, account: str) -> None:
    bought = service.buy(account)
    service.http("cancel", account, bought["subscriptionId"])
    answer = service.http("quote-renewal", account, bought["subscriptionId"])
    assert (answer.status, answer.error) == (409, ("subscription_not_expired", None))
    assert "buy anew" in answer.json["error"]["message"]


def test_subscription_is_shown_without_its_key(service: Service, account: str) -> None:
    bought = service.buy(account)
    answer = service.http("get-subscription", account, bought["subscriptionId"])
    assert answer.status == 200
    without = {name: value for name, value in bought.items() if name not in ("apiKey", "order")}
    assert answer.json == {**without, "renewalBlockedBy": None}


def test_usage_shows_the_live_counters_of_every_model(service: Service, account: str) -> None:
    bought = service.buy(account)
    service.authorize(bought["apiKey"])
    service.settle(service.authorize(bought["apiKey"], requestId="second")["authorizationId"])
    answer = service.http("get-usage", account, bought["subscriptionId"])
    assert (answer.status, set(answer.json)) == (200, {"subscriptionId", "status", "models"})
    text, image = answer.json["models"]
    assert text == {
        "modelId": "claude-opus-4-6",
        "channelTier": "stable",
        "unit": "tokens",
        "daily": {"limit": 50, "used": 2, "remaining": 48, "resetsAt": "2026-11-24T00:00:00Z"},
        "monthly": {
            "limit": 5_000_000,
            "used": 1234,
            "held": 4000,
            "remaining": 4_994_766,
            "overrun": 0,
            "resetsAt": "2026-12-23T00:00:00Z",
        },
    }
    assert (image["unit"], image["daily"]["used"], image["monthly"]["remaining"]) == ("generations", 0, 200)


@pytest.mark.parametrize("name", ["get-subscription", "get-usage", "renew", "quote-renewal"])
def test_id_of_another_account_answers_just_as_an_unknown_one(service: Service, account: str, name: str) -> None:
    bought = service.buy(account)
    others = service.http(name, f"{account}-other", bought["subscriptionId"])
    assert (others.status, others.error) == (404, ("not_found", None))
    for unknown in (NEVER_ISSUED, "sub_", "x"):
        assert service.http(name, f"{account}-other", unknown) == others


def test_models_are_the_catalogue(service: Service, account: str) -> None:
    answer = service.http("get-models", account)
    assert answer.status == 200
    units = {"text": "tokens", "image": "generations", "video": "generations"}
    any_limits = {"dailyCallLimit": {"min": 1, "max": 10**9}, "monthlyTokenCap": {"min": 1, "max": 10**15}}
    offered = sample("../catalogue")["models"]
    assert {m["kind"] for m in offered} == set(units)
    assert answer.json["models"] == [
        {
            "modelId": m["modelId"],
            "kind": m["kind"],
            "unit": units[m["kind"]],
            "tiers": [{**tier, "available": True} for tier in m["tiers"]],
            "limits": m.get("limits", any_limits),
        }
        for m in offered
    ]


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/subscriptions", "/", "/v1/models/é%2F\u2028"])
def test_unknown_route_or_method_answers_in_the_envelope(service: Service, method: str, path: str) -> None:
    event = {**sample("not-found"), "rawPath": path}
    event["requestContext"]["http"] |= {"method": method, "path": path}
    answer = service.answer("not-found", event)
    assert (answer.status, answer.error) == (404, ("not_found", None))
    assert answer.json["error"]["type"] == "not_found_error"


@pytest.mark.parametrize("name", ["purchase", "renew", "get-subscription", "get-usage", "quote", "quote-renewal"])
@pytest.mark.parametrize("subject", ["", "a" * 256, "é" * 128], ids=["empty", "long", "long in bytes"])
def test_token_without_a_usable_subject_is_refused(service: Service, name: str, subject: str) -> None:
    answer = service.http(name, subject, NEVER_ISSUED)
    assert (answer.status, answer.error) == (400, ("invalid_request", "sub"))


@pytest.mark.parametrize("claims", [{}, {"sub": None}, {"sub": 7}], ids=str)
def test_token_whose_subject_is_no_text_is_refused(service: Service, claims: dict[str, Any]) -> None:
    event = http_sample("purchase", "")
    event["requestContext"]["authorizer"]["jwt"]["claims"] = claims
    answer = service.answer("purchase", event)
    assert (answer.status, answer.error) == (400, ("invalid_request", "sub"))


def test_longest_subject_buys(service: Service) -> None:
    assert service.buy("é" * 127 + "a")["status"] == "active"


def test_handlers_side_by_side_keep_to_their_own_event(service: Service, account: str) -> None:
    bought = service.buy(account)
    for _ in range(2):
        assert service.http("purchase", account).headers["Idempotent-Replayed"] == "true"
        assert service.answer("not-found", sample("not-found")).status == 404
        assert service.http("get-usage", account, bought["subscriptionId"]).json["status"] == "active"
        assert len(service.http("get-models", account).json["models"]) == 3


EVERY_CALL = pytest.mark.parametrize("name", [name for name in HTTP_SAMPLES if name != "not-found"])
"""Every route of the template: a test above holds that each has a sample."""


@EVERY_CALL
def test_parameter_that_a_call_does_not_know_is_named_and_nothing_is_changed(
    service: Service, account: str, name: str
) -> None:
    bought = service.buy(account)
    event = http_sample(name, account, bought["subscriptionId"])
    event |= {"rawQueryString": "colour=red", "queryStringParameters": {"colour": "red"}}
    before = service.items()
    answer = service.answer(name, event)
    assert (answer.status, answer.error) == (400, ("invalid_request", "colour"))
    assert service.items() == before


@EVERY_CALL
def test_customer_is_forbidden_an_operators_call_before_its_parameters_are_looked_at(
    service: Service, account: str, name: str
) -> None:
    event = http_sample(name, account, service.buy(account)["subscriptionId"])
    event |= {"rawQueryString": "colour=red", "queryStringParameters": {"colour": "red"}}
    authorizer = event["requestContext"].get("authorizer", {"jwt": {"claims": {}}})
    is_operators = authorizer["jwt"]["claims"].pop("scope", None) is not None
    assert service.answer(name, event).status == (403 if is_operators else 400)
