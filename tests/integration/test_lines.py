"""Every request leaves one line: what was asked, what was decided, and what finds it again. `docs/logs.md` lists it."""

from __future__ import annotations

import importlib.util
import json
import re
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import pytest

from local.awslambda.process import Context
from local.machine import ROOT
from modelpass import schema
from modelpass.api.resolver import answer_preflights, resolver
from modelpass.entitlements.commands.authorize import Caches
from modelpass.runtime import telemetry, unreadable
from tests.support.asked import NAMED, OF_BEARERS, ROUTER, Customer, http_call, surprising
from tests.support.handlers import FUNCTION_OF_SAMPLE, INSIDE, Service, http_sample, sample
from tests.support.lines import Json, recorded
from tests.support.world import TEXT_MODEL

if TYPE_CHECKING:
    from modelpass.dynamodb.transport import Response
    from modelpass.schema import Request

PAGE = (ROOT / "docs" / "logs.md").read_text("utf-8")
EVERY = {"level", "message", "timestamp", "service", "_aws", "Decisions"}
EVERY |= {"command", "decision", "latencyMs", "storeRequests", "readUnits", "writeUnits", "coldStart"}
EVERY |= {"function_request_id"}
CATALOGUE = {"get-model", "put-model", "withdraw-model", "availability"}
CATALOGUE |= {"list-models", *(f"{name}-slash" for name in CATALOGUE)}
PLANS = {"put-plan", "delete-plan", "put-plan-slash", "delete-plan-slash"}
BY_OPERATORS = {"ApproveFunction", "LookFunction", "SuspendFunction"}
LOOKS = {name for name, function in FUNCTION_OF_SAMPLE.items() if function in BY_OPERATORS}
OPERATORS = {"correct", "release", *PLANS, *CATALOGUE, *LOOKS}
ROUTERS = {"authorize", "settle", "settle-part", "settle-batch", "describe-key"}
BEARERS = {*OF_BEARERS}
HTTP = sorted(set(FUNCTION_OF_SAMPLE) - ROUTERS - {"reset", "not-found"})
pytestmark = pytest.mark.usefixtures("clock", "few_shards")


@pytest.fixture
def customer(service: Service, account: str) -> Customer:
    return Customer(service, account, service.buy(account))


@pytest.fixture(scope="module")
def untouched(service: Service) -> Customer:
    """A customer for calls that change nothing."""
    return Customer(service, "acct_untouched", service.buy("acct_untouched"))


def elsewhere(customer: Customer, service: Service) -> Customer:
    """The same customer of another service."""
    return Customer(service, customer.account, service.buy(customer.account))


def names_of(name: str, line: Json) -> set[str]:
    """What the line of an HTTP call names beside what every line has."""
    path = sample(name)["requestContext"]["http"]["path"]
    named = {"apiRequestId", "operatorId" if name in OPERATORS else "accountId"}
    if name in {*BEARERS, "look-up-key"} or ("/orders/ord_" in path and name != "get-order"):
        named.add("subscriptionId")
    if "/subscriptions/sub_" in path or (name.startswith("purchase") and line["decision"] in {"ok", "replayed"}):
        named.add("subscriptionId")
    if "/models/" in path:
        named.add("modelId")
    if name in (PLANS | LOOKS) - {"look-at-pending-orders"}:
        named.add("accountId")
    return named | ({"accountId", "modelId"} if name in {"correct", "release"} else set())


def assert_embedded(line: Json) -> None:
    """What CloudWatch asks of the embedded metric format: every name it speaks of stands in the line."""
    assert set(line["_aws"]) == {"Timestamp", "CloudWatchMetrics"}
    counted = {}
    for directive in line["_aws"]["CloudWatchMetrics"]:
        assert directive["Namespace"] == "Modelpass"
        for metric in directive["Metrics"]:
            counted[metric["Name"]] = (metric["Unit"], directive["Dimensions"])
            assert isinstance(line[metric["Name"]], int)
        assert all(isinstance(line[name], str) for names in directive["Dimensions"] for name in names)
    known = {
        "Decisions": ("Count", [["command", "decision"]]),
        "Overruns": ("Count", [[]]),
        "TierBreaches": ("Count", [[]]),
        "UsageFarAboveEstimate": ("Count", [[]]),
        "UnreadableItems": ("Count", [[]]),
        "TiersUnreadSeconds": ("Seconds", [[]]),
        "ResetLagSeconds": ("Seconds", [[]]),
    }
    assert counted == {name: known[name] for name in counted}
    assert line["Decisions"] == 1


@pytest.mark.parametrize("case", ROUTER)
def test_request_of_the_router_leaves_one_line_that_names_what_is_known(customer: Customer, case: str) -> None:
    prepare, command, decision, named = ROUTER[case]
    drive = prepare(customer)
    with recorded() as output:
        drive()
    line = output.only()
    assert set(line) == EVERY | named
    assert (line["command"], line["decision"], line["level"]) == (command, decision, "INFO")
    assert line["function_request_id"] == "lambda-request-1"
    asked = {"accountId": customer.account, "subscriptionId": customer.bought["subscriptionId"]}
    assert {name: line[name] for name in asked if name in line} == {n: v for n, v in asked.items() if n in line}
    assert_embedded(line)
    assert len(output.lines()) == 1 + (decision == "internal_error")


@pytest.mark.parametrize("name", HTTP)
def test_http_call_leaves_one_line_that_says_what_was_answered(
    customer: Customer, name: str, request: pytest.FixtureRequest
) -> None:
    if name in CATALOGUE:  # which is nobody else's there
        customer = elsewhere(customer, request.getfixturevalue("own_service"))
    drive = http_call(customer, name)
    with recorded() as output:
        answer: Any = drive()
    line = output.only()
    assert len(output.lines()) == 1
    repeated = "Idempotent-Replayed" in answer.headers
    assert line["decision"] == (answer.error[0] if answer.status >= 400 else "replayed" if repeated else "ok")
    assert set(line) == EVERY | names_of(name, line)
    assert line["apiRequestId"] == sample(name)["requestContext"]["requestId"]
    assert_embedded(line)


@pytest.mark.parametrize("name", HTTP)
def test_http_call_that_fails_leaves_one_line_and_one_error_with_the_same_ids(untouched: Customer, name: str) -> None:
    drive = http_call(untouched, name)
    with recorded() as output, untouched.service.sending(FUNCTION_OF_SAMPLE[name], surprising):
        drive()
    line = output.only()
    (failed,) = (other for other in output.lines() if other["message"] == "internal_error")
    assert (line["decision"], failed["level"]) == ("internal_error", "ERROR")
    for known in ("command", "apiRequestId", "function_request_id", "operatorId", "accountId", "subscriptionId"):
        assert line.get(known) == failed.get(known)
    assert failed["failure"].startswith("LookupError in surprising:")
    assert INSIDE not in output.getvalue()


@pytest.mark.parametrize("name", sorted(BEARERS))
def test_refused_bearer_is_named_only_where_the_key_is_one(untouched: Customer, name: str) -> None:
    with recorded() as output:
        for borne in (None, "Bearer", "Bearer sk-custom-none"):
            untouched.service.http(name, "nobody", headers={"authorization": borne})
    assert [(line["command"], line["decision"]) for line in output.decided()] == [("key", "invalid_api_key")] * 3
    assert [set(line) for line in output.decided()] == [EVERY | {"apiRequestId"}] * 3


@pytest.mark.parametrize("name", sorted({*HTTP} - BEARERS))
def test_refused_http_call_names_who_asked(untouched: Customer, name: str) -> None:
    event = http_sample(name, untouched.account, untouched.bought["subscriptionId"])
    event["requestContext"]["authorizer"]["jwt"]["claims"].pop("scope", None)
    if name not in OPERATORS:
        event |= {"queryStringParameters": {"colour": "red"}, "body": "{", "headers": {}}
    with recorded() as output:
        answer = untouched.service.answer(name, event)
    line = output.only()
    assert line["decision"] == ("forbidden" if name in OPERATORS else "invalid_request") == answer.error[0]
    assert (line["accountId"], "operatorId" in line) == (untouched.account, False)


def test_what_is_not_well_formed_is_never_named(customer: Customer) -> None:
    event = http_sample("get-usage", "a" * 256, "sub_no such id")
    with recorded() as output:
        customer.service.answer("get-usage", event)
        customer.service.answer("not-found", sample("not-found"))
        availability = json.dumps(http_sample("availability", customer.account)).replace(TEXT_MODEL, "m" * 129)
        customer.service.answer("availability", json.loads(availability))
    assert [set(line) & {*NAMED, "operatorId"} for line in output.decided()] == [set(), set(), {"operatorId"}]


def test_every_message_of_a_batch_has_a_line_of_its_own_with_its_own_figures(customer: Customer) -> None:
    granted = [customer.service.authorize(customer.bought["apiKey"], requestId=f"b-{n}") for n in range(2)]
    good = [json.dumps({"authorizationId": g["authorizationId"], "actualUsage": 1}) for g in granted]
    template = sample("settle-batch")["Records"][0]
    bodies = [good[0], "no JSON", good[1], good[0]]
    records = [{**template, "messageId": f"m-{n}", "body": body} for n, body in enumerate(bodies)]
    with recorded() as output:
        customer.service.invoke("SettleFunction", {"Records": records})
    told = [(line["messageId"], line["decision"], line["storeRequests"]) for line in output.decided()]
    assert told == [
        ("m-0", "settled", 1),
        ("m-1", "invalid_request", 0),
        ("m-2", "settled", 1),
        ("m-3", "replayed", 1),
    ]
    assert {line["function_request_id"] for line in output.decided()} == {"lambda-request-1"}


def test_message_that_found_no_time_has_a_line_as_well(customer: Customer) -> None:
    deps = customer.service.module("SettleFunction").deps
    late = deps._replace(pacing=deps.pacing._replace(monotonic=iter([0.0, *[99.0] * 3]).__next__))
    with recorded() as output, patch.object(customer.service.module("SettleFunction"), "deps", late):
        records = sample("settle-batch")["Records"]
        answer = customer.service.invoke("SettleFunction", {"Records": records})
    assert len(answer["batchItemFailures"]) == len(records) == 3
    assert [line["decision"] for line in output.decided()] == ["temporarily_unavailable"] * 3


def test_line_tells_how_long_all_of_it_took_and_how_often_the_store_was_asked(
    customer: Customer, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds, module = [5.0], customer.service.module("AuthorizeFunction")

    send = module.deps.send

    def slow(operation: str, request: Request) -> Response:
        seconds[0] += 0.125
        response: Response = send(operation, request)
        return response

    monkeypatch.setattr(telemetry, "steady_seconds", lambda: seconds[0])
    customer.authorize(requestId="opens-the-window")()
    customer.service.invoke("ResetFunction", sample("reset"))  # since then, the tiers that are down are in one place
    deps = module.deps._replace(send=slow)
    with recorded() as output, patch.multiple(module, deps=deps, caches=Caches.empty(deps)):
        customer.authorize()()
    line = output.only()
    assert (line["storeRequests"], line["latencyMs"]) == (2, 250.0)  # which tiers are down, and the grant


def test_reset_that_fails_leaves_its_line_before_it_tells_lambda(service: Service) -> None:
    with recorded() as output, service.sending("ResetFunction", surprising), pytest.raises(LookupError):
        service.invoke("ResetFunction", sample("reset"))
    line = output.only()
    assert (line["command"], line["decision"]) == ("reset", "internal_error")
    assert [other["message"] for other in output.lines()] == ["internal_error", "decided"]


def test_event_that_is_none_of_api_gateways_leaves_its_line_before_it_tells_lambda(service: Service) -> None:
    events: list[object] = [{}, {"requestContext": None}, []]
    for event in events:
        with recorded() as output, pytest.raises((AttributeError, KeyError, TypeError)):
            service.invoke("QuoteFunction", event)
        assert (output.only()["command"], output.only()["decision"]) == ("quote", "internal_error")


def test_first_request_of_a_process_is_a_cold_start_and_no_other() -> None:
    spec = importlib.util.find_spec("modelpass.runtime.telemetry")
    assert spec is not None
    assert spec.loader is not None
    fresh: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fresh)
    with recorded() as output:
        for _ in range(3):
            with fresh.Line("authorize", "r"):
                fresh.decided("granted")
    assert [line["coldStart"] for line in output.decided()] == [True, False, False]


@pytest.mark.parametrize("level", ["WARNING", "ERROR"])
def test_who_wants_fewer_lines_still_counts_every_decision(customer: Customer, level: str) -> None:
    with recorded(level) as output:
        customer.authorize(calls=51)()
    (line,) = output.lines()
    assert set(line) == {"_aws", "command", "decision", "Decisions"}
    assert line["decision"] == "request_exceeds_limit"
    assert_embedded(line)


def test_preflight_is_told_as_what_it_is() -> None:
    app = resolver("not_found")
    answer_preflights(app)
    headers = {"origin": "https://console.example", "access-control-request-method": "PUT"}
    asked = {"http": {"method": "OPTIONS", "path": "/v1/models"}, "stage": "$default", "requestId": "api-1"}
    event = {"routeKey": "$default", "rawPath": "/v1/models", "headers": headers, "requestContext": asked}
    with recorded() as output:
        answer = app.resolve(event, Context("r", "f", "128", "arn", 0.0))  # type: ignore[arg-type] # as far as read
    assert answer["statusCode"] == 204
    line = output.only()
    assert (line["command"], line["decision"], line["apiRequestId"]) == ("preflight", "ok", "api-1")


def test_page_lists_every_field_and_no_other(customer: Customer) -> None:
    seen = {"messageId", "failure", "unusable", "unknownFields"}  # the last two are shown by queued settles
    seen |= {"table", "item", "UnreadableItems"}  # these are shown below
    seen |= {"UnauthorizedCalls"}  # comes of the access log
    seen |= {"step", "answered", "SyntheticAuthorizes"}  # shown by the synthetic customer
    seen |= {"scope", "cause", "StoreBreakerOpened"}  # shown by tests/unit/runtime/test_breaker_lines.py
    seen |= {"usageSource", "continued", "notContinued"}  # tests/integration/router/test_lines_of_parts.py shows them
    seen |= {"TiersUnreadSeconds"}  # tests/integration/entitlements/test_tiers_unread.py shows it
    seen |= {"clock", "clockAheadMs"}  # shown by tests/integration/embedded/test_clock_check.py
    with recorded() as output:
        for prepare, *_ in ROUTER.values():
            prepare(customer)()
        for name in ("correct", "put-plan"):
            http_call(customer, name, headers={"x-request-reason": "ticket%204711"})()
    for line in output.lines():
        seen |= set(line)
    listed = set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Metrics")[0], re.MULTILINE))
    listed |= set(re.findall(r"^\| `(\w+)` \|", PAGE.partition("## Metrics")[2].partition("\n## ")[0], re.MULTILINE))
    assert listed == seen


def test_each_item_that_cannot_be_read_is_passed_over_and_counted() -> None:
    key = {"pk": {"S": "account#a"}, "sk": {"S": "slot"}}
    stored = [{**key, "v": {"N": "99"}}, {**key, "v": {"N": "2"}, "x": {"S": "1"}}, {"pk": {"S": "b"}, "v": {"N": "2"}}]
    with recorded() as output, telemetry.Line("models", "function-1"):
        assert unreadable.read_each("the-table", stored, lambda item: schema.current(item)["x"]["S"]) == ["1"]
        telemetry.decided("ok")
    first, second, line = output.lines()
    assert (first["level"], first["message"], first["function_request_id"]) == (
        "ERROR",
        "unreadable_item",
        "function-1",
    )
    assert [(found["table"], found["item"]) for found in (first, second)] == [
        ("the-table", "account#a slot"),
        ("the-table", "b"),
    ]
    assert_embedded(line)
    assert line["UnreadableItems"] == 2


def test_page_names_every_command() -> None:
    (row,) = re.findall(r"^\| `command` \|.*: (.+?) \|$", PAGE, re.MULTILINE)
    apps = "".join(app.read_text("utf-8") for app in (ROOT / "functions").glob("*/app.py"))
    resolvers = set(re.findall(r'resolver\("(\w+)"\)', apps))
    assert set(re.findall(r"`(\w+)`", row)) == resolvers | {
        "authorize",
        "settle",
        "describe_key",
        "reset",
        "preflight",
        "availability",
        "release",
        "synthetic",
    }


def test_example_of_the_page_is_a_line_as_it_is_written(customer: Customer) -> None:
    (example,) = re.findall(r"^```json\n(.+?)^```", PAGE, re.MULTILINE | re.DOTALL)
    with recorded() as output:
        customer.authorize()()
    line = output.only()
    shown = json.loads(example)
    assert list(shown) == list(line)
    assert [type(value) for value in shown.values()] == [type(value) for value in line.values()]
