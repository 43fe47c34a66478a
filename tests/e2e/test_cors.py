"""A stack with parameters of its own: open to two web origins, and with few open holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.e2e.test_lifecycle import assert_does_not_start
from tests.support import stack as support

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.stack import Answer, Stack

ONE, OTHER, EVIL = "https://console.example", "http://localhost:5173", "https://evil.example"
NAMES = ("allow-origin", "allow-methods", "allow-headers", "max-age", "expose-headers")


@pytest.fixture(scope="module")
def open_stack(engine: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    data = str(tmp_path_factory.mktemp("open"))
    parameters = f"CorsOrigins={ONE},{OTHER} MaxOpenHolds=2"
    with support.running(AWS_ENDPOINT_URL_DYNAMODB=engine, DATA=data, PARAMETERS=parameters) as running:
        yield running


def told(answer: Answer) -> dict[str, str]:
    headers = {name: answer.headers.get(f"access-control-{name}") for name in NAMES}
    return {name: value for name, value in headers.items() if value is not None}


def ask_first(stack: Stack, path: str, origin: str, method: str = "POST") -> Answer:
    return stack.send("OPTIONS", path, headers={"Origin": origin, "Access-Control-Request-Method": method})


@pytest.mark.parametrize("origin", [ONE, OTHER])
@pytest.mark.parametrize("path", ["/v1/models", "/v1/subscriptions", "/v1/key", "/v1/nothing"])
def test_a_preflight_is_answered_without_a_token(open_stack: Stack, path: str, origin: str) -> None:
    answer = ask_first(open_stack, path, origin)
    assert (answer.status, answer.body) == (204, b"")
    assert told(answer) == {
        "allow-origin": origin,
        "allow-methods": "GET,POST,PUT,PATCH,DELETE",
        "allow-headers": "Authorization,Content-Type,Idempotency-Key,If-Match,If-None-Match,X-Request-Reason",
        "max-age": "600",
    }


def test_an_answer_tells_who_may_read_it_and_which_headers(open_stack: Stack) -> None:
    answer = open_stack.api("GET", "/v1/models", "acct_page", Origin=OTHER)
    assert answer.status == 200
    exposed = "ETag,Location,Retry-After,Idempotent-Replayed,Modelpass-Held-By"
    assert told(answer) == {"allow-origin": OTHER, "expose-headers": exposed}
    refused = open_stack.api("GET", "/v1/subscriptions/none", "acct_page", Origin=OTHER)
    assert (refused.status, told(refused)) == (404, told(answer))


def test_a_page_that_has_the_key_alone_may_read_what_it_is_good_for_and_why_it_is_refused(open_stack: Stack) -> None:
    bought = open_stack.buy("acct_tool")
    headers = {"Origin": ONE, "Authorization": f"Bearer {bought['apiKey']}"}
    looked = open_stack.send("GET", "/v1/key", None, headers)
    assert (looked.status, looked.json["subscriptionId"]) == (200, bought["subscriptionId"])
    listed = open_stack.send("GET", "/v1/key/models", None, headers)
    assert [model["id"] for model in listed.json["data"]] == [model["modelId"] for model in bought["models"]]
    for without in ({"Origin": ONE}, {**headers, "Authorization": "Bearer sk-custom-none"}):
        refused = open_stack.send("GET", "/v1/key", None, without)
        assert (refused.status, refused.json["error"]["code"]) == (401, "invalid_api_key")
        assert told(refused)["allow-origin"] == told(looked)["allow-origin"] == ONE


def test_a_page_may_change_settings(open_stack: Stack) -> None:
    bought = open_stack.buy("acct_settings")
    path = f"/v1/subscriptions/{bought['subscriptionId']}"
    answer = open_stack.api("PATCH", path, "acct_settings", {"label": "team a"}, Origin=ONE)
    assert (answer.status, answer.json["label"], told(answer)["allow-origin"]) == (200, "team a", ONE)


def test_another_origin_and_no_origin_are_told_nothing(open_stack: Stack) -> None:
    assert told(ask_first(open_stack, "/v1/models", EVIL)) == {}
    assert told(open_stack.api("GET", "/v1/models", "acct_page", Origin=EVIL)) == {}
    assert told(open_stack.api("GET", "/v1/models", "acct_page")) == {}


def test_options_that_ask_nothing_are_no_route(open_stack: Stack) -> None:
    answer = open_stack.send("OPTIONS", "/v1/models", headers={"Origin": ONE})
    assert (answer.status, answer.error["code"]) == (404, "not_found")


def test_without_the_parameter_nothing_is_told_and_options_are_no_route(stack: Stack) -> None:
    answer = ask_first(stack, "/v1/models", ONE)
    assert (answer.status, answer.error["code"], told(answer)) == (404, "not_found", {})
    assert told(stack.api("GET", "/v1/models", "acct_page", Origin=ONE)) == {}


def test_functions_run_with_the_parameters_that_were_set(open_stack: Stack) -> None:
    key = open_stack.buy("acct_few")["apiKey"]
    answers = [open_stack.authorize(key, f"r-{number}") for number in range(3)]
    assert [a["allowed"] for a in answers] == [True, True, False]
    assert answers[-1]["error"]["code"] == "too_many_open_holds"


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ("MaxHolds=5", ("MaxHolds", "MaxOpenHolds")),
        ("MaxOpenHolds=0", ("MaxOpenHolds must be a whole number from 1 to 1000",)),
        ("LogLevel=LOUD", ("LogLevel must be one of DEBUG",)),
        ("CorsOrigins=console.example", ("CorsOrigins must be * or origins",)),
        (f"CorsOrigins={ONE}/", ("CorsOrigins must be * or origins", f"not '{ONE}/'")),
        ("SettleConcurrency=9", ("SettleConcurrency must be -1, 0 or at least SettleQueueConcurrency",)),
        ("MaxOpenHolds", ("PARAMETERS must be like",)),
    ],
)
def test_a_parameter_that_is_wrong_is_told_in_a_sentence(parameters: str, words: tuple[str, ...]) -> None:
    assert_does_not_start(*words, PARAMETERS=parameters)
