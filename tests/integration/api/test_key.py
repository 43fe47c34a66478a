"""What the bearer of an API key is told by the key alone: as authorize decides, and nothing of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelpass import api_keys
from tests.support.handlers import deployed_on_failing_store
from tests.support.lines import recorded
from tests.support.world import DAY_MS, IMAGE_MODEL, TEXT_MODEL, Clock

if TYPE_CHECKING:
    from tests.support.handlers import Answer, Json, Service

BOTH = pytest.mark.parametrize("name", ["get-key", "get-key-models"])
pytestmark = pytest.mark.usefixtures("clock")


def ask(service: Service, name: str, authorization: str | None, **changes: Any) -> Answer:
    return service.http(name, "", headers={"authorization": authorization}, **changes)


def bear(service: Service, name: str, api_key: str, **changes: Any) -> Answer:
    return ask(service, name, f"Bearer {api_key}", **changes)


def assert_refused_as_by_authorize(service: Service, name: str, api_key: str) -> str:
    """That both refuse the key, by the same status and in the same words; gives the code."""
    answer, decision = bear(service, name, api_key), service.authorize(api_key, requestId="asked-beside")
    assert (answer.status, answer.json) == (decision["statusCode"], {"error": decision["error"]})
    return answer.error[0]


def test_bearer_is_told_status_term_and_what_is_left_of_each_model(service: Service, account: str) -> None:
    bought = service.buy(account)
    granted = service.authorize(bought["apiKey"], estimatedUsage=4000)
    service.authorize(bought["apiKey"], requestId="open", estimatedUsage=500)
    service.settle(granted["authorizationId"], actualUsage=1200)
    answer = bear(service, "get-key", bought["apiKey"])
    described = service.describe_key(bought["apiKey"])
    assert (answer.status, answer.json) == (200, {n: v for n, v in described.items() if n != "accountId"})
    assert {name: answer.json[name] for name in ("status", "term", "subscriptionId", "expiresAt")} == {
        "status": "active",
        "term": 1,
        "subscriptionId": bought["subscriptionId"],
        "expiresAt": bought["expiresAt"],
    }
    shown, other = answer.json["models"]
    assert {name: shown[name] for name in bought["models"][0]} == bought["models"][0]
    assert (shown["daily"]["used"], shown["openHolds"]) == (2, 1)
    assert (shown["monthly"]["used"], shown["monthly"]["held"]) == (1200, 500)
    assert (other["modelId"], other["monthly"]["used"]) == (IMAGE_MODEL, 0)


def test_nothing_of_the_account_and_no_key_is_told(service: Service, account: str) -> None:
    bought = service.buy(account)
    for name in ("get-key", "get-key-models"):
        answer = bear(service, name, bought["apiKey"])
        assert account not in answer.body
        assert api_keys.API_KEY_PREFIX not in answer.body


def test_models_are_listed_as_ai_clients_list_them(service: Service, account: str) -> None:
    bought = service.buy(account)
    answer = bear(service, "get-key-models", bought["apiKey"])
    created = 1_795_392_000  # 2026-11-23T00:00:00Z, when the term began
    listed = {"object": "model", "created": created, "owned_by": "modelpass"}
    assert (answer.status, answer.json) == (
        200,
        {"object": "list", "data": [{"id": TEXT_MODEL, **listed}, {"id": IMAGE_MODEL, **listed}]},
    )


@BOTH
def test_scheme_is_taken_in_either_case_and_with_blanks(service: Service, account: str, name: str) -> None:
    api_key = service.buy(account)["apiKey"]
    for authorization in (f"bearer {api_key}", f"BEARER   {api_key} ", f" Bearer {api_key}"):
        assert ask(service, name, authorization).status == 200


@BOTH
@pytest.mark.parametrize(
    "authorization", [None, "", " ", "Bearer", "Bearer ", "Basic dTpw", "sk-custom-none", "Bearer: a"]
)
def test_without_a_key_the_header_is_named(service: Service, name: str, authorization: str | None) -> None:
    answer = ask(service, name, authorization)
    assert (answer.status, answer.error) == (401, ("invalid_api_key", "Authorization"))
    assert answer.json["error"]["type"] == "authentication_error"


@BOTH
@pytest.mark.parametrize("borne", ["sk", "sk-custom-", "sk-custom-" + "A" * 60, "sk-custom-" + "é" * 60, "a,b", "\x00"])
def test_what_was_never_issued_is_refused_before_the_store_is_asked(service: Service, name: str, borne: str) -> None:
    with recorded() as output:
        code = assert_refused_as_by_authorize(service, name, borne)
    assert code == "invalid_api_key"
    assert output.decided()[0]["storeRequests"] == 0


@BOTH
def test_forged_or_doubled_keys_are_refused(service: Service, account: str, name: str) -> None:
    api_key = service.buy(account)["apiKey"]
    forged = api_key[:-1] + ("A" if api_key[-1] != "A" else "B")
    assert assert_refused_as_by_authorize(service, name, forged) == "invalid_api_key"
    # API Gateway joins headers that come twice by commas.
    doubled = ask(service, name, f"Bearer {api_key},Bearer {api_key}")
    assert (doubled.status, doubled.error) == (401, ("invalid_api_key", "apiKey"))


@BOTH
def test_replaced_key_is_refused_as_authorize_refuses_it_and_the_new_one_taken(
    service: Service, account: str, name: str
) -> None:
    bought = service.buy(account)
    newer = service.http("regenerate", account, bought["subscriptionId"]).json["apiKey"]
    assert assert_refused_as_by_authorize(service, name, bought["apiKey"]) == "invalid_api_key"
    assert bear(service, name, newer).status == 200


@BOTH
def test_ended_subscription_is_refused_as_authorize_refuses_it(
    service: Service, account: str, clock: Clock, name: str
) -> None:
    cancelled = service.buy(f"{account}-cancels")
    service.http("cancel", f"{account}-cancels", cancelled["subscriptionId"])
    assert assert_refused_as_by_authorize(service, name, cancelled["apiKey"]) == "subscription_cancelled"
    expiring = service.buy(account)
    clock.advance(30 * DAY_MS - 1)
    assert bear(service, name, expiring["apiKey"]).status == 200
    clock.advance(1)
    assert assert_refused_as_by_authorize(service, name, expiring["apiKey"]) == "subscription_expired"
    renewed = service.http("renew", account, expiring["subscriptionId"]).json["apiKey"]
    assert assert_refused_as_by_authorize(service, name, expiring["apiKey"]) == "invalid_api_key"
    assert bear(service, name, renewed).status == 200


@BOTH
def test_unknown_parameter_is_refused_by_name_to_whoever_bears_a_key(service: Service, account: str, name: str) -> None:
    api_key = service.buy(account)["apiKey"]
    answer = bear(service, name, api_key, queryStringParameters={"colour": "red"})
    assert (answer.status, answer.error) == (400, ("invalid_request", "colour"))


@BOTH
def test_token_of_a_customer_is_no_key(service: Service, name: str) -> None:
    answer = ask(service, name, "Bearer eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhY2N0X2RlbW8ifQ.c2lnbmF0dXJl")
    assert (answer.status, answer.error) == (401, ("invalid_api_key", "apiKey"))


@BOTH
def test_store_that_is_busy_is_told_as_temporary(service: Service, account: str, name: str) -> None:
    api_key = service.buy(account)["apiKey"]
    with deployed_on_failing_store(400, "ThrottlingException", service.template) as busy, busy.impatient(name):
        answer = bear(busy, name, api_key)
    assert (answer.status, answer.error, answer.headers["Retry-After"]) == (503, ("temporarily_unavailable", None), "1")


@BOTH
def test_asking_changes_nothing_that_is_stored(service: Service, account: str, clock: Clock, name: str) -> None:
    bought: Json = service.buy(account)
    service.authorize(bought["apiKey"], holdSeconds=1)
    clock.advance(2 * DAY_MS)
    before = service.items()
    assert bear(service, name, bought["apiKey"]).status == 200
    assert service.items() == before
