"""Every built function in Lambda's runtime, alone: it starts, answers, is ended and started anew as on AWS."""

from __future__ import annotations

import json
import os
import re
import signal
from typing import TYPE_CHECKING, Any

import pytest

from local.awslambda.pool import FunctionError
from tests.runtime.conftest import INIT
from tests.runtime.requests import ACCOUNT, ask, buy
from tests.support.handlers import FUNCTION_OF_SAMPLE, http_sample, sample
from tests.support.stack import descendants

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.runtime.conftest import Deployment, Running
    from tests.support.relay import Relay

LAMBDAS_OWN = {
    *("AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_TIMEOUT", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE"),
    *(
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_LOG_FORMAT",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
    ),
    *("AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "_HANDLER"),
    *("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("PATH", "PYTHONPATH", "LANG", "LC_CTYPE"),
}
PROBE = """
import os, sys

def lambda_handler(event, context):
    return {"environment": dict(os.environ), "path": sys.path}
"""
HANGS_SECONDS = 3  # shorter than the function waits for its store, longer than a start takes
OFTEN = 20
MOST_REQUESTS = 1.3 * OFTEN
ANSWERS = {"ResetFunction": "windowsRolled", "AuthorizeFunction": "allowed", "SettleFunction": "settled"}
ANSWERS |= {"DescribeKeyFunction": "allowed"}  # of the sample, whose key was never issued


def event_of(function: str) -> Any:
    name = next(name for name, its in FUNCTION_OF_SAMPLE.items() if its == function)
    event = sample(name)
    return http_sample(name, ACCOUNT) if "authorizer" in event.get("requestContext", {}) else event


@pytest.mark.parametrize("function", sorted(set(FUNCTION_OF_SAMPLE.values())))
def test_every_function_starts_and_answers_its_sample(
    deployment: Deployment, function: str, record_property: Callable[[str, object], None]
) -> None:
    running = deployment.start(function)
    for _ in range(2):
        answer = running.invoke(event_of(function))
        if function in ANSWERS:
            assert ANSWERS[function] in answer
        else:
            assert answer["statusCode"] < 500, answer
    log = running.log.read_text("utf-8")
    (init_ms,) = re.findall(r"INIT REPORT\(durationMs: ([\d.]+)\)", log)  # one start for two invocations
    record_property("function", function)
    record_property(INIT, float(init_ms))


def test_a_function_has_the_environment_of_the_template_and_nothing_else(
    deployment: Deployment, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(PROBE)
    for name, function in deployment.template.functions.items():
        told = deployment.start(name, folder=tmp_path).invoke({})
        given = {key: value for key, value in told["environment"].items() if key not in LAMBDAS_OWN}
        assert given == function.environment
        layers = [str(layer) for layer in function.layers]
        assert told["path"][: 1 + len(layers)] == [str(tmp_path), *layers]
        assert not [path for path in told["path"] if "site-packages" in path and ".venv" in path]


@pytest.mark.parametrize(
    "parameters", [{"StoreClient": "boto3"}, {"Tracing": "Active"}], ids=lambda given: "=".join(*given.items())
)
def test_functions_answer_with_the_layers_that_a_parameter_gives_them(
    deploy: Callable[..., Deployment], engine: str, parameters: dict[str, str]
) -> None:
    deployment = deploy(engine, **parameters)
    key = buy(deployment.start("PurchaseFunction"))["apiKey"]
    allowed = ask(deployment.start("AuthorizeFunction"), key)
    assert allowed["allowed"]
    settle = deployment.start("SettleFunction")
    assert settle.invoke(sample("settle") | {"authorizationId": allowed["authorizationId"]})["settled"]
    assert deployment.start("NotFoundFunction").invoke(event_of("NotFoundFunction"))["statusCode"] == 404


def test_a_store_that_hangs_is_answered_in_time_and_the_next_call_recovers(
    deploy: Callable[[str], Deployment], relay: Relay
) -> None:
    deployment = deploy(relay.url)
    key = buy(deployment.start("PurchaseFunction"))["apiKey"]
    authorize = deployment.start("AuthorizeFunction")
    assert ask(authorize, key)["allowed"]
    relay.passing.clear()
    refused = ask(authorize, key, "r-2")
    assert (refused["allowed"], refused["statusCode"]) == (False, 503)
    relay.passing.set()
    assert granted_again(authorize, key)["allowed"]


@pytest.mark.parametrize("client", ["lean", "boto3"])
def test_a_store_that_throttles_is_asked_about_once_per_call_and_found_again(
    deploy: Callable[..., Deployment], relay: Relay, client: str
) -> None:
    deployment = deploy(relay.url, StoreClient=client)
    bought = buy(deployment.start("PurchaseFunction"))
    authorize, looking = deployment.start("AuthorizeFunction"), deployment.start("SubscriptionsFunction")
    look = http_sample("get-usage", ACCOUNT, bought["subscriptionId"])
    assert ask(authorize, bought["apiKey"])["daily"]["used"] == 1
    assert looking.invoke(look)["statusCode"] == 200
    asked: list[str] = []
    relay.before, relay.refusing = asked.append, "ThrottlingException"
    assert {ask(authorize, bought["apiKey"], f"r-{n}")["statusCode"] for n in range(OFTEN)} == {503}
    assert 0 < len(asked) <= MOST_REQUESTS
    asked.clear()
    assert {looking.invoke(look)["statusCode"] for _ in range(OFTEN)} == {503}
    assert 0 < len(asked) <= MOST_REQUESTS
    relay.refusing = None
    assert granted_again(authorize, bought["apiKey"])["daily"]["used"] == 2
    for running, place in ((authorize, "EntitlementsTable"), (looking, "SubscriptionsTable")):
        lines = [json.loads(line) for line in running.log.read_text("utf-8").splitlines() if line.startswith("{")]
        opened = [line for line in lines if line["message"] == "store_breaker_opened"]
        assert [(line["cause"], line["scope"], line["StoreBreakerOpened"]) for line in opened] == [
            ("throttled", "partition", 1)
        ]
        assert opened[0]["table"].endswith(place)


def granted_again(authorize: Running, key: str) -> Any:
    """Ask on until the breaker lets one request through, as it does after some seconds."""
    for number in range(20_000):
        answer = ask(authorize, key, f"again-{number}")
        if answer["allowed"]:
            return answer
        assert answer["statusCode"] == 503
    return answer


def test_a_function_that_outlasts_its_timeout_is_ended_and_the_next_call_recovers(
    deploy: Callable[[str], Deployment], relay: Relay
) -> None:
    deployment = deploy(relay.url)
    key = buy(deployment.start("PurchaseFunction"))["apiKey"]
    authorize = deployment.start("AuthorizeFunction", timeout_seconds=HANGS_SECONDS)
    assert ask(authorize, key)["allowed"]
    relay.passing.clear()
    with pytest.raises(FunctionError) as ended:
        ask(authorize, key, "r-2")
    assert ended.value.report["errorType"] == "Sandbox.Timedout"
    relay.passing.set()
    assert ask(authorize, key, "r-2")["allowed"]
    assert authorize.log.read_text("utf-8").count("INIT START") == 2


@pytest.mark.parametrize("landed", [False, True], ids=["before the write", "after the write"])
def test_an_authorize_that_crashes_counts_once_when_it_is_repeated(
    deploy: Callable[[str], Deployment], relay: Relay, *, landed: bool
) -> None:
    deployment = deploy(relay.url)
    key = buy(deployment.start("PurchaseFunction"))["apiKey"]
    authorize = deployment.start("AuthorizeFunction")
    assert ask(authorize, key, "r-1")["daily"]["used"] == 1
    crash_at(relay, authorize, "UpdateItem", landed=landed)
    with pytest.raises(FunctionError) as crashed:
        ask(authorize, key, "r-2")
    assert crashed.value.report["errorType"] == "Runtime.ExitError"
    again = ask(authorize, key, "r-2")
    assert (again["allowed"], again.get("replayed", False), again["daily"]["used"]) == (True, landed, 2)


def test_a_purchase_and_a_settle_that_crash_after_their_write_are_finished_by_a_repeat(
    deploy: Callable[[str], Deployment], relay: Relay
) -> None:
    deployment = deploy(relay.url)
    purchases, settles = deployment.start("PurchaseFunction"), deployment.start("SettleFunction")
    authorize, renewed = deployment.start("AuthorizeFunction"), deployment.start("RegenerateFunction")
    crash_at(relay, purchases, "TransactWriteItems", landed=True)
    with pytest.raises(FunctionError):
        buy(purchases, "order-1")
    bought = buy(purchases, "order-1")
    assert "apiKey" not in bought  # it was made, and its key was in the answer that nobody heard
    event = http_sample("regenerate", ACCOUNT, bought["subscriptionId"])
    key = json.loads(renewed.invoke(event)["body"])["apiKey"]
    granted = ask(authorize, key)
    crash_at(relay, settles, "UpdateItem", landed=True)
    report = {"authorizationId": granted["authorizationId"], "actualUsage": 4}
    with pytest.raises(FunctionError):
        settles.invoke(report)
    assert settles.invoke(report) == {"settled": True, "replayed": True}
    assert ask(authorize, key, "r-2")["monthly"]["used"] == 4


def crash_at(relay: Relay, running: Running, operation: str, *, landed: bool) -> None:
    """Let the function's process be killed once, when it sends this: before the engine has it, or after."""

    def crash(sent: str) -> None:
        if sent == operation:
            relay.before = relay.after = lambda _: None
            for pid in descendants(running.runtime.pid):
                os.kill(pid, signal.SIGKILL)
            if not landed:
                raise ConnectionAbortedError

    if landed:
        relay.after = crash
    else:
        relay.before = crash
