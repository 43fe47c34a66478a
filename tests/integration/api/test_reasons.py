"""Why an operator calls stands in the line of every call of operators, whatever becomes of it, and nowhere else."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from tests.support.handlers import FUNCTION_OF_SAMPLE, http_sample
from tests.support.lines import recorded
from tests.support.world import template_of

if TYPE_CHECKING:
    from tests.support.handlers import Answer, Service

pytestmark = pytest.mark.usefixtures("clock", "few_shards")
BEHIND_THEIR_API = {r.function for r in template_of("").operators.routes} - {"NotFoundFunction"}
OURS = sorted(name for name, function in FUNCTION_OF_SAMPLE.items() if function in BEHIND_THEIR_API)
REASON = "ticket 4711: Stück für Stück"
HEADERS = {"x-request-reason": quote(REASON)}


def stopped(service: Service, name: str, **headers: str) -> Answer:
    """A call that is refused for its query, once it is known who calls and why."""
    return service.http(name, "anna", queryStringParameters={"colour": "red"}, headers=headers)


@pytest.mark.parametrize("name", OURS)
def test_every_call_of_operators_tells_its_reason_beside_who_calls(service: Service, name: str) -> None:
    with recorded() as output:
        answer = stopped(service, name, **HEADERS)
        stopped(service, name)
    assert answer.error == ("invalid_request", "colour")
    told, silent = output.decided()
    assert (told["operatorId"], told["reason"]) == ("anna", REASON)
    assert "reason" not in silent


@pytest.mark.parametrize("name", OURS)
def test_reason_that_cannot_be_taken_is_refused_by_name_before_anything_is_done(
    service: Service, account: str, name: str
) -> None:
    bought = service.buy(account)
    before = service.items()
    for given in ("two words", "%FF", "%0A", "a" * 201, quote(bought["apiKey"])):
        with recorded() as output:
            answer = service.http(name, "anna", bought["subscriptionId"], headers={"x-request-reason": given})
        assert (answer.status, answer.error) == (400, ("invalid_request", "X-Request-Reason"))
        assert (output.only()["operatorId"], "reason" in output.only()) == ("anna", False)
    assert service.items() == before


@pytest.mark.parametrize("name", OURS)
def test_reason_of_who_is_no_operator_is_not_even_read(service: Service, name: str) -> None:
    for given in (quote(REASON), "two words"):
        event = http_sample(name, "anna", headers={"x-request-reason": given})
        del event["requestContext"]["authorizer"]["jwt"]["claims"]["scope"]
        with recorded() as output:
            answer = service.answer(name, event)
        assert (answer.status, answer.error) == (403, ("forbidden", None))
        assert "reason" not in output.only()


def test_reason_is_stored_nowhere_and_changes_no_answer(service: Service, account: str) -> None:
    name = service.buy(account)["subscriptionId"]
    body = json.dumps({"reason": "a stolen card"})
    suspended = service.http("suspend", "anna", name, headers=HEADERS, body=body)
    assert suspended.json["suspension"]["reason"] == "a stolen card"
    stored: Any = service.items()
    assert "4711" not in repr(stored)
