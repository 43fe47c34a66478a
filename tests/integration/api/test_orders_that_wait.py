"""The calls about orders that wait, by the handlers as they are deployed with `SaleApproval=required`."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from local.cloudformation.template import read, secret_values
from local.machine import ROOT
from modelpass.order_ids import order_id_of
from tests.support.handlers import Service, deployed_on, http_sample
from tests.support.lines import recorded
from tests.support.world import DAY_MS, expanded_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.handlers import Answer, Json
    from tests.support.world import Clock

pytestmark = pytest.mark.usefixtures("clock")
OPERATORS = ("confirm-order", "reject-order")
SALES = ("change", "extend", "top-up", "renew")
HOUR_MS = 3_600_000


@pytest.fixture(scope="module")
def service(engine: str) -> Iterator[Service]:
    expanded = copy.deepcopy(expanded_template())
    expanded["Parameters"]["SaleApproval"]["Default"] = "required"
    with deployed_on(engine) as made:
        made.template = read(expanded, ROOT, secret_values(expanded))
        yield made


@pytest.fixture
def waits(service: Service, account: str) -> Json:
    answer = service.http("purchase", account)
    assert (answer.status, answer.json["status"]) == (202, "pending"), answer
    assert answer.headers["Location"] == f"/v1/subscriptions/{answer.json['subscriptionId']}"
    assert answer.headers["Cache-Control"] == "no-store"
    found: Json = answer.json
    return found


def ask(service: Service, name: str, waits: Json, account: str = "billing", **changes: Any) -> Answer:
    return service.http(name, account, waits["subscriptionId"], **changes)


def ask_about(service: Service, name: str, account: str, order_id: str) -> Answer:
    """As the sample does, of another order than the subscription's first."""
    caller = account if name == "withdraw-order" else "billing"
    event = http_sample(name, caller, pathParameters={"orderId": order_id})
    return service.answer(name, event)


def sell(service: Service, name: str, account: str, waits: Json, **changes: Any) -> Answer:
    return ask(service, name, waits, account, **changes)


def test_an_order_is_confirmed_by_the_billing_system_and_seen_by_its_customer(
    service: Service, account: str, waits: Json
) -> None:
    assert ask(service, "get-order", waits, account).json == waits["order"]
    done = ask(service, "confirm-order", waits)
    assert (done.status, done.json["status"]) == (200, "done")
    assert ask(service, "get-order", waits, account).json == done.json
    assert ask(service, "get-subscription", waits, account).json["status"] == "active"
    assert service.authorize(waits["apiKey"])["allowed"]
    assert ask(service, "confirm-order", waits, body='{"reference": "another"}').json == done.json
    late = [ask(service, "reject-order", waits), ask(service, "withdraw-order", waits, account)]
    assert [(answer.status, answer.error) for answer in late] == [(409, ("order_confirmed", None))] * 2


def test_an_order_is_rejected_for_a_reason_and_never_confirmed(service: Service, account: str, waits: Json) -> None:
    rejected = ask(service, "reject-order", waits, body='{"reason": "No money."}')
    assert (rejected.status, rejected.json["status"], rejected.json["reason"]) == (200, "rejected", "No money.")
    assert ask(service, "reject-order", waits).json == rejected.json
    late = ask(service, "confirm-order", waits)
    assert (late.status, late.error) == (409, ("order_lapsed", None))
    assert ask(service, "get-subscription", waits, account).status == 404


def test_an_order_is_withdrawn_by_its_own_customer_alone(service: Service, account: str, waits: Json) -> None:
    assert ask(service, "withdraw-order", waits, "somebody else").status == 404
    withdrawn = ask(service, "withdraw-order", waits, account)
    assert (withdrawn.status, withdrawn.json["status"]) == (200, "withdrawn")
    assert ask(service, "withdraw-order", waits, account).json == withdrawn.json
    assert service.http("purchase", account).error[0] == "order_lapsed"  # under the same Idempotency-Key
    assert service.http("purchase", account, headers={"idempotency-key": None}).status == 202


def test_what_waits_is_answered_as_waiting_by_every_call(
    service: Service, account: str, waits: Json, clock: Clock
) -> None:
    assert service.http("purchase", account).headers["Idempotent-Replayed"] == "true"
    again = service.http("purchase", account, headers={"idempotency-key": None})
    assert (again.status, again.error) == (409, ("order_pending", None))
    assert service.authorize(waits["apiKey"])["error"]["code"] == "subscription_pending"
    key = service.http("get-key", "", headers={"authorization": f"Bearer {waits['apiKey']}"})
    assert (key.status, key.error[0]) == (403, "subscription_pending")
    assert ask(service, "regenerate", waits, account).error[0] == "subscription_pending"
    assert ask(service, "extend", waits, account).error[0] == "subscription_pending"
    assert ask(service, "get-usage", waits, account).json["models"] == []
    clock.advance(HOUR_MS)
    assert ask(service, "get-order", waits, account).json["status"] == "lapsed"
    assert ask(service, "regenerate", waits, account).status == 404
    assert ask(service, "cancel", waits, account).status == 404
    assert ask(service, "confirm-order", waits).error[0] == "order_lapsed"


@pytest.fixture
def running(service: Service, waits: Json) -> Json:
    assert ask(service, "confirm-order", waits).status == 200
    return waits


@pytest.fixture
def sellable(running: Json, clock: Clock, name: str) -> Json:
    """A subscription to which the sale of this name may be made: a renewal needs one whose term is over."""
    if name == "renew":
        clock.advance(31 * DAY_MS)
    return running


@pytest.mark.parametrize("name", SALES)
def test_every_sale_answers_202_with_its_order_and_nothing_else_is_sold_beside_it(
    service: Service, account: str, sellable: Json, name: str
) -> None:
    before = service.http("get-subscription", account, sellable["subscriptionId"]).json
    answer = sell(service, name, account, sellable)
    assert (answer.status, answer.json["order"]["status"]) == (202, "pending")
    assert {field: answer.json[field] for field in ("status", "expiresAt", "models")} == {
        field: before[field] for field in ("status", "expiresAt", "models")
    }
    for other in SALES:
        if (other == "renew") == (name == "renew"):
            refused = sell(service, other, account, sellable, headers={"idempotency-key": "another"})
            assert (refused.status, refused.error) == (409, ("order_pending", None))


@pytest.mark.parametrize("name", SALES)
def test_order_that_lapsed_is_told_so_by_every_call_and_the_next_one_waits_in_its_place(
    service: Service, account: str, sellable: Json, clock: Clock, name: str
) -> None:
    order_id = sell(service, name, account, sellable).json["order"]["orderId"]
    clock.advance(HOUR_MS)
    told = [ask_about(service, how, account, order_id) for how in ("reject-order", "withdraw-order", "confirm-order")]
    assert [(answer.status, answer.error) for answer in told] == [(409, ("order_lapsed", None))] * 3
    again = sell(service, name, account, sellable)
    assert again.status == (201 if name == "top-up" else 200)
    assert (again.headers["Idempotent-Replayed"], again.json["order"]["status"]) == ("true", "lapsed")
    fresh = sell(service, name, account, sellable, headers={"idempotency-key": "another"})
    assert fresh.status == 202


@pytest.mark.parametrize("name", ["change", "extend", "top-up"])
def test_what_waits_to_begin_is_sold_nothing_more_and_not_suspended(
    service: Service, account: str, waits: Json, name: str
) -> None:
    assert sell(service, name, account, waits).error == ("subscription_pending", None)
    answer = ask(service, "suspend", waits)
    assert (answer.status, answer.error) == (403, ("subscription_pending", None))
    for asked in ("get-key", "get-key-models"):
        told = service.http(asked, "", headers={"authorization": f"Bearer {waits['apiKey']}"})
        assert (told.status, told.error) == (403, ("subscription_pending", None))


def test_no_term_begins_while_it_is_suspended(service: Service, account: str, running: Json, clock: Clock) -> None:
    assert ask(service, "suspend", running).status == 200
    clock.advance(30 * DAY_MS - HOUR_MS // 2)
    assert ask(service, "resume", running).status == 200
    clock.advance(HOUR_MS)
    order_id = sell(service, "renew", account, running).json["order"]["orderId"]
    assert ask(service, "suspend", running).status == 200
    answer = ask_about(service, "confirm-order", account, order_id)
    assert (answer.status, answer.error) == (403, ("subscription_suspended", None))
    assert ask(service, "resume", running).status == 200
    assert ask_about(service, "confirm-order", account, order_id).status == 200


@pytest.mark.parametrize("name", OPERATORS)
def test_a_customer_neither_confirms_nor_rejects_and_is_told_so_before_anything_is_looked_at(
    service: Service, account: str, waits: Json, name: str
) -> None:
    event = http_sample(name, account, waits["subscriptionId"], body="no JSON", rawQueryString="a=b")
    event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"] = "customer"
    event["queryStringParameters"] = {"a": "b"}
    answer = service.answer(name, event)
    assert (answer.status, answer.error) == (403, ("forbidden", None))
    assert ask(service, "get-order", waits, account).json["status"] == "pending"


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("value", [None, "", 1, ["a"], "a" * 501])
def test_a_reference_and_a_reason_are_texts_of_some_length(
    service: Service, account: str, waits: Json, name: str, value: object
) -> None:
    field = "reference" if name == "confirm-order" else "reason"
    answer = ask(service, name, waits, body=json.dumps({field: value}))
    assert (answer.status, answer.error) == (400, ("invalid_request", field))
    assert ask(service, "get-order", waits, account).json["status"] == "pending"


@pytest.mark.parametrize("name", [*OPERATORS, "withdraw-order"])
def test_what_a_call_does_not_know_is_refused_by_name(service: Service, account: str, waits: Json, name: str) -> None:
    caller = account if name == "withdraw-order" else "billing"
    unknown = ask(service, name, waits, caller, body='{"colour": "red"}')
    assert (unknown.status, unknown.error[0]) == (400, "invalid_request")
    query = ask(service, name, waits, caller, queryStringParameters={"colour": "red"})
    assert (query.status, query.error) == (400, ("invalid_request", "colour"))
    nobody = service.http(name, caller, pathParameters={"orderId": order_id_of(waits["subscriptionId"], 7)})
    assert (nobody.status, nobody.error) == (404, ("not_found", None))
    assert ask(service, "get-order", waits, account).json["status"] == "pending"


@pytest.mark.parametrize("name", OPERATORS)
def test_the_line_of_an_operators_call_says_who_did_it_and_whose_order_it_was(
    service: Service, account: str, waits: Json, name: str
) -> None:
    with recorded("INFO") as written:
        ask(service, name, waits)
    line = written.only()
    told = {field: line[field] for field in ("operatorId", "accountId", "subscriptionId", "decision")}
    whose = {"accountId": account, "subscriptionId": waits["subscriptionId"]}
    assert told == {"operatorId": "billing", "decision": "ok", **whose}
