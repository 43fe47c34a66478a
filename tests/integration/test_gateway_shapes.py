"""Every route of the template as API Gateway delivers it: behind a mapping, a named stage, and both; ids with slashes.

Sources differ on whether API Gateway decodes a path before it looks for the route, and whether a variable's value and
the path arrive decoded. So the calls with a model's id in the path are made in every form that one of them tells of.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import quote

import pytest

from tests.integration.test_handlers import HTTP_SAMPLES
from tests.support import documented
from tests.support.handlers import IN_FRONT_OF_SAMPLE, Answer, Service, http_sample, sample

if TYPE_CHECKING:
    from tests.support.handlers import Json

BEHIND = {"a mapping": ("/entitlements", "$default"), "a named stage": ("/prod", "prod"), "both": ("/a/b/v1", "prod")}
PLAIN = [name for name in HTTP_SAMPLES if name not in IN_FRONT_OF_SAMPLE]
OF_WHAT_IS_NOT_THERE = {"not-found", "get-model-slash", "availability-slash", "look-up-key", "release"}
LONGEST = "vendor/" + "m" * 114 + "@latest"
MODEL_IDS = ["openai/gpt-4o", "claude-3-5-sonnet@20240620", LONGEST, "/a", "a/", "a//b:c", ".."]
pytestmark = pytest.mark.usefixtures("clock")


def put_behind(event: Json, front: tuple[str, str]) -> Json:
    """The same event, of a request that came through a mapping or a stage."""
    prefix, event["requestContext"]["stage"] = front
    event["rawPath"] = event["requestContext"]["http"]["path"] = prefix + event["rawPath"]
    return event


def answer_to(service: Service, name: str, front: tuple[str, str] | None, account: str, subscription_id: str) -> Answer:
    event = http_sample(name, account, subscription_id) if name != "not-found" else sample(name)
    return service.answer(name, event if front is None else put_behind(event, front))


def test_samples_are_of_every_route_of_the_template(service: Service) -> None:
    assert {sample(name)["routeKey"] for name in PLAIN} == {route.key for route in service.template.routes}


@pytest.mark.parametrize("behind", BEHIND)
@pytest.mark.parametrize("name", PLAIN)
def test_route_answers_as_it_does_with_nothing_in_front(service: Service, account: str, name: str, behind: str) -> None:
    other = f"{account}-other"
    bought, bought_too = ("", "")
    if name not in {"purchase", "put-plan", "put-plan-slash"}:
        bought, bought_too = (service.buy(who)["subscriptionId"] for who in (account, other))
    plain = answer_to(service, name, None, account, bought)
    answer = answer_to(service, name, BEHIND[behind], other, bought_too)
    assert answer.status == plain.status
    assert answer.status < 400 or answer.error == plain.error
    assert answer.status != 404 or name in OF_WHAT_IS_NOT_THERE
    assert answer.headers.keys() == plain.headers.keys()


@pytest.mark.parametrize("name", ["purchase", "purchase-staged", "purchase-mapped-and-staged"])
def test_place_of_what_was_bought_is_where_the_caller_finds_it(service: Service, account: str, name: str) -> None:
    answer = service.http(name, account)
    front, _ = IN_FRONT_OF_SAMPLE.get(name, ("", ""))
    assert answer.status == 201
    assert answer.headers["Location"] == f"{front}/v1/subscriptions/{answer.json['subscriptionId']}"


class Form(NamedTuple):
    """How API Gateway may deliver a model's id in a path."""

    longer: bool
    value_encoded: bool
    path_encoded: bool


FORMS = {
    "decoded before the route is looked for": Form(longer=True, value_encoded=False, path_encoded=False),
    "the same, and the value is encoded": Form(longer=True, value_encoded=True, path_encoded=False),
    "decoded after it": Form(longer=False, value_encoded=False, path_encoded=False),
    "decoded after it, and the path is not": Form(longer=False, value_encoded=False, path_encoded=True),
    "never decoded, or once of twice": Form(longer=False, value_encoded=True, path_encoded=True),
}
CALLS = {
    "get-model": ("/v1/models/", ""),
    "put-model": ("/v1/models/", ""),
    "withdraw-model": ("/v1/models/", ""),
    "availability": ("/v1/models/", "/tiers/stable/availability"),
}
BODY = {
    "kind": "text",
    "tiers": [
        {"channelTier": "stable", "price": {"currency": "USD", "base": "9.00", "perUnit": "0.1", "perDailyCall": "0"}}
    ],
}


def call(service: Service, name: str, model_id: str, form: Form, front: tuple[str, str], **changes: Any) -> Answer:
    """The answer to an operator's call on a model, in a form in which it may be delivered."""
    before, after = CALLS[name]
    event = http_sample(name, "operator", **changes)
    documented_key = event["routeKey"]
    spelled = quote(model_id, safe="") if form.path_encoded else model_id
    event["rawPath"] = event["requestContext"]["http"]["path"] = before + spelled + after
    if form.longer and "/" in model_id:
        first, _, rest = (model_id + after).partition("/")
        key = f"{documented_key.partition(' ')[0]} /v1/models/{{modelId}}/{{rest+}}"
        event["routeKey"] = event["requestContext"]["routeKey"] = key
        event["pathParameters"] = {"modelId": first, "rest": quote(rest, safe="") if form.value_encoded else rest}
    else:
        event["pathParameters"]["modelId"] = quote(model_id, safe="") if form.value_encoded else model_id
    answer = service.answer(name, put_behind(event, front))
    documented.check(documented_key, answer.status, answer.headers, answer.body.encode())
    return answer


@pytest.mark.parametrize("front", [("", "$default"), BEHIND["both"]], ids=["nothing in front", "both"])
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("model_id", MODEL_IDS)
def test_model_is_put_turned_and_withdrawn_however_its_id_is_delivered(
    service: Service, model_id: str, form: str, front: tuple[str, str]
) -> None:
    body = json.dumps({"modelId": model_id, "confirm": True, **BODY})
    put = call(service, "put-model", model_id, FORMS[form], front, body=body)
    assert (put.status, put.json["modelId"]) == (200, model_id)
    shown = call(service, "get-model", model_id, FORMS[form], front)
    assert (shown.status, shown.body, shown.headers) == (put.status, put.body, put.headers)
    down = call(service, "availability", model_id, FORMS[form], front)
    assert (down.status, down.json["modelId"], down.json["available"]) == (200, model_id, False)
    up = call(service, "availability", model_id, FORMS[form], front, body='{"available": true}')
    assert (up.status, up.json["available"]) == (200, True)
    assert model_id in [m["modelId"] for m in service.models()]
    assert call(service, "withdraw-model", model_id, FORMS[form], front).status == 204
    assert model_id not in [m["modelId"] for m in service.models()]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("model_id", ["a b", "a#b", "a/b é", "m" * 129, "a%25b", "%"])
def test_what_can_be_no_id_is_refused_by_name_however_it_is_delivered(
    service: Service, model_id: str, form: str
) -> None:
    answer = call(service, "put-model", model_id, FORMS[form], ("", "$default"), body=json.dumps(BODY))
    assert (answer.status, answer.error) == (400, ("invalid_request", "modelId"))
