"""A change and a top-up over HTTP: statuses, headers and bodies, and every fault of a body by its name."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support.handlers import Service

TEXT: dict[str, Any] = {
    "modelId": "claude-opus-4-6",
    "channelTier": "stable",
    "dailyCallLimit": 50,
    "monthlyTokenCap": 5_000_000,
}


def body_of(**changed: Any) -> str:
    return json.dumps({"models": [{**TEXT, **changed}]})


def test_a_change_answers_200_with_its_order_and_what_waits(service: Service, account: str) -> None:
    name = service.http("purchase", account).json["subscriptionId"]
    answer = service.http("change", account, name, body=body_of(monthlyTokenCap=6_000_000))
    assert (answer.status, answer.json["order"]["kind"]) == (200, "change")
    assert answer.json["price"] == answer.json["order"]["price"]
    assert [m["modelId"] for m in answer.json["pendingChange"]["models"]] == [TEXT["modelId"]]
    shown = service.http("get-subscription", account, name).json
    assert shown["pendingChange"] == answer.json["pendingChange"]
    again = service.http("change", account, name, body=body_of(monthlyTokenCap=6_000_000))
    assert (again.status, again.headers.get("Idempotent-Replayed")) == (200, "true")


def test_a_top_up_answers_201_with_where_its_subscription_is(service: Service, account: str) -> None:
    name = service.http("purchase", account).json["subscriptionId"]
    answer = service.http("top-up", account, name, body=json.dumps({"modelId": TEXT["modelId"], "units": 1000}))
    assert (answer.status, answer.headers["Location"]) == (201, f"/v1/subscriptions/{name}")
    assert answer.json["order"]["topUp"] == {"modelId": TEXT["modelId"], "units": 1000}


@pytest.mark.parametrize(
    ("sample", "body", "code", "param"),
    [
        ("change", "{}", "invalid_request", "models"),
        ("change", '{"models": []}', "invalid_request", "models"),
        ("change", body_of(dailyCallLimit=0), "invalid_request", "models[0].dailyCallLimit"),
        ("change", body_of(modelId="nobody-has-it"), "unknown_model", "models[0].modelId"),
        ("change", json.dumps({"models": [TEXT, TEXT]}), "duplicate_model", "models[1].modelId"),
        ("change", json.dumps({"models": [TEXT], "colour": 1}), "invalid_request", "colour"),
        ("top-up", "{}", "invalid_request", "modelId"),
        ("top-up", json.dumps({"modelId": TEXT["modelId"], "units": 0}), "invalid_request", "units"),
        ("top-up", json.dumps({"modelId": TEXT["modelId"], "units": 1.5}), "invalid_request", "units"),
        ("top-up", json.dumps({"modelId": "veo-3", "units": 1}), "invalid_request", "modelId"),
        ("quote-renewal", '{"change": {"models": []}}', "invalid_request", "change.models"),
        (
            "quote-renewal",
            json.dumps({"change": {"models": [TEXT, TEXT]}}),
            "duplicate_model",
            "change.models[1].modelId",
        ),
        (
            "quote-renewal",
            json.dumps({"change": {"models": [{**TEXT, "modelId": "nobody-has-it"}]}}),
            "unknown_model",
            "change.models[0].modelId",
        ),
        ("quote-renewal", json.dumps({"topUp": {"modelId": "veo-3", "units": 1}}), "invalid_request", "topUp.modelId"),
    ],
)
def test_what_is_wrong_with_a_body_is_named(
    service: Service, account: str, sample: str, body: str, code: str, param: str
) -> None:
    name = service.http("purchase", account).json["subscriptionId"]
    answer = service.http(sample, account, name, body=body)
    assert (answer.json["error"]["code"], answer.json["error"]["param"]) == (code, param)


def test_a_quote_is_what_the_call_then_costs_and_says_when_it_binds(service: Service, account: str) -> None:
    bought = service.http("purchase", account).json
    name = bought["subscriptionId"]
    whole = json.dumps({"change": {"models": [TEXT]}})
    quoted = service.http("quote-renewal", account, name, body=whole).json
    assert (quoted["total"], quoted["bindsAt"]) == ("0.00", bought["expiresAt"])  # the other model goes then
    asked = json.dumps({"topUp": {"modelId": TEXT["modelId"], "units": 1_000_000}})
    assert service.http("quote-renewal", account, name, body=asked).json["total"] == "3.00"
    body = json.dumps({"modelId": TEXT["modelId"], "units": 1_000_000, "expectedTotal": "3"})
    assert service.http("top-up", account, name, body=body).json["price"]["total"] == "3.00"
