"""What the log says of parts, and of where the figure of a settle comes from. `docs/logs.md` lists the fields."""

from __future__ import annotations

import pytest

from tests.support.asked import Customer, surprising
from tests.support.handlers import Service, sample
from tests.support.lines import Json, recorded
from tests.support.world import TEXT_MODEL

pytestmark = pytest.mark.usefixtures("clock", "few_shards")


@pytest.fixture
def customer(service: Service, account: str) -> Customer:
    return Customer(service, account, service.buy(account))


def granted(customer: Customer, request_id: str = "stream") -> str:
    answer = customer.service.authorize(customer.bought["apiKey"], requestId=request_id)
    found: str = answer["authorizationId"]
    return found


def part(customer: Customer, of: str, **changed: object) -> Json:
    event = sample("settle-part")
    event |= {"authorizationId": of, "continue": {**event["continue"], "apiKey": customer.bought["apiKey"]}, **changed}
    answer: Json = customer.service.invoke("SettleFunction", event)
    return answer


def test_line_of_a_part_tells_that_its_hold_goes_on_and_names_no_key(customer: Customer) -> None:
    first = granted(customer)
    with recorded() as output:
        answer = part(customer, first)
        part(customer, first)
    assert answer["continued"]
    lines = output.decided()
    assert [(line["decision"], line["continued"], "notContinued" in line) for line in lines] == [
        ("settled", True, False),
        ("replayed", True, False),
    ]
    for line in lines:
        assert (line["subscriptionId"], line["modelId"]) == (customer.bought["subscriptionId"], TEXT_MODEL)
        assert line["accountId"] == customer.account
    for secret in (customer.bought["apiKey"], first, answer["authorizationId"]):
        assert secret not in output.getvalue()


def test_line_of_a_part_that_is_booked_and_goes_no_further_is_told_as_settled_and_says_why(customer: Customer) -> None:
    first = granted(customer)
    wishes = {**sample("settle-part")["continue"], "apiKey": "sk-custom-never-issued"}
    with recorded() as output:
        answer = part(customer, first, **{"continue": wishes})
    assert (answer["settled"], answer["continued"]) == (True, False)
    line = output.only()
    assert (line["decision"], line["continued"], line["notContinued"]) == ("settled", False, "invalid_api_key")
    assert "never-issued" not in output.getvalue()


def test_line_of_a_refused_part_says_what_was_reported_and_never_what_was_sent(customer: Customer) -> None:
    first = granted(customer)
    wishes = {**sample("settle-part")["continue"], "holdSeconds": "a secret"}
    with recorded() as output:
        part(customer, first, **{"continue": wishes})
    line = output.only()
    assert (line["decision"], line["actualUsage"], line["calls"]) == ("invalid_request", 310, 0)
    assert "a secret" not in output.getvalue()


def test_first_part_of_a_process_reads_which_tiers_are_down_and_the_next_does_not(customer: Customer) -> None:
    customer.service.invoke("ResetFunction", sample("reset"))
    with customer.service.sending("SettleFunction", customer.service.module("SettleFunction").deps.send):
        first = granted(customer)
        with recorded() as output:
            second = part(customer, first)["authorizationId"]
            part(customer, second)
    assert [line["storeRequests"] for line in output.decided()] == [2, 1]


@pytest.mark.parametrize(("source", "units"), [(None, None), ("reported", None), ("counted", 7), ("estimated", 7)])
def test_line_tells_where_a_figure_comes_from_and_the_units_of_one_of_the_routers_own(
    customer: Customer, source: str | None, units: int | None
) -> None:
    event = {"authorizationId": granted(customer), "actualUsage": 7, "usageSource": source}
    with recorded() as output:
        customer.service.invoke("SettleFunction", event)
    line = output.only()
    assert (line["decision"], line.get("usageSource"), line.get("actualUsage")) == ("settled", source, units)


def test_part_on_a_store_that_fails_strangely_is_told_as_internal_error(customer: Customer) -> None:
    first = granted(customer)
    with recorded() as output, customer.service.sending("SettleFunction", surprising):
        answer = part(customer, first)
    assert (answer["settled"], answer["error"]["code"]) == (False, "internal_error")
    assert output.decided()[-1]["decision"] == "internal_error"
    assert part(customer, first)["continued"]
