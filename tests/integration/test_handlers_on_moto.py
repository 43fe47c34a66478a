"""The handlers on the template's own tables, as CloudFormation makes them of the template: keys, indexes and names fit.

Rule: one life, each call once. Whatever the handlers answer in detail is tested on the engine, which is faster.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support.handlers import Service, deployed_on_moto, http_sample, sample
from tests.support.world import DAY_MS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import Clock

ACCOUNT = "acct_of_moto"


@pytest.fixture
def service() -> Iterator[Service]:
    with deployed_on_moto() as made:
        yield made


def test_life_of_a_subscription_on_the_tables_of_the_template(service: Service, clock: Clock) -> None:
    bought = service.buy(ACCOUNT)
    name = bought["subscriptionId"]
    granted = service.authorize(bought["apiKey"])
    assert service.settle(granted["authorizationId"])["settled"]
    assert service.authorize(bought["apiKey"], requestId="another")["allowed"]
    usage = service.http("get-usage", ACCOUNT, name).json["models"][0]
    assert usage["daily"]["used"] == 2
    for sale in ("extend", "change", "top-up"):
        assert service.http(sale, ACCOUNT, name).status in {200, 201}
    assert [o["kind"] for o in service.http("get-orders", ACCOUNT).json["orders"]][-1] == "purchase"
    (listed,) = service.http("get-subscriptions", ACCOUNT).json["subscriptions"]
    assert listed["subscriptionId"] == name
    newer = service.http("regenerate", ACCOUNT, name).json["apiKey"]
    assert service.authorize(bought["apiKey"], requestId="too-late")["error"]["code"] == "invalid_api_key"
    assert service.authorize(newer, requestId="newer")["allowed"]
    assert service.http("suspend", "operator", name).json["status"] == "suspended"
    assert service.http("resume", "operator", name).json["status"] == "active"
    assert service.http("correct", "operator", name).status == 200
    clock.advance(100 * DAY_MS)
    told = service.invoke("ResetFunction", sample("reset"))
    assert (told["subscriptionsExpired"], told["more"]) == (1, False)
    assert service.http("get-history", ACCOUNT, name).json["days"]
    assert service.http("get-events", ACCOUNT, name).json["events"]
    assert service.http("renew", ACCOUNT, name).status == 200
    assert service.http("cancel", ACCOUNT, name).json["status"] == "cancelled"


def test_catalogue_and_plans_on_the_tables_of_the_template(service: Service, clock: Clock) -> None:
    assert clock.now_ms
    assert service.http("put-model", "operator").status == 200
    down = service.http("availability", "operator", body=json.dumps({"available": False, "reason": "Overloaded."}))
    assert (down.status, down.json["available"]) == (200, False)
    assert service.http("withdraw-model", "operator").status == 204
    event = http_sample("put-plan", "operator", pathParameters={"accountId": ACCOUNT})
    assert service.answer("put-plan", event).status == 200
