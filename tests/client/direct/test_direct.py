"""The direct way: the service's own decisions in a router's process, and its secrets nowhere."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from local.dynamodb.provisioning import credentials as of_the_engine
from modelpass_client.client import Client
from modelpass_client.direct import NAMES, DirectBackend, settings_of_stack
from modelpass_client.errors import ConfigurationError, ModelpassError
from tests.support.embedded import KEY, given, settings_of
from tests.support.imports import CLIENT_PACKAGE, PACKAGE
from tests.support.world import TEXT_MODEL, expanded_template

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World

Json = dict[str, Any]
WITHOUT = """
import sys
from modelpass_client import direct, errors
assert "modelpass" not in sys.modules
BREAK
try:
    direct.DirectBackend({}, lambda: None)
except errors.ConfigurationError as error:
    print(error, error.__cause__, error.__suppress_context__)
"""


@pytest.fixture
def backend(live: World, engine: str) -> Iterator[DirectBackend]:
    with contextlib.closing(DirectBackend(settings_of(live, engine), given)) as made:
        yield made


def payload(api_key: str, request_id: str = "r-1", **more: Any) -> Json:
    return {"apiKey": api_key, "requestId": request_id, "modelId": TEXT_MODEL, "estimatedUsage": 10, **more}


def environment_of(live: World, engine: str) -> dict[str, str]:
    settings = settings_of(live, engine)
    told = {name: settings[setting] for name, setting in NAMES.items() if setting in settings}
    return {**of_the_engine(), **told}


def test_a_request_is_granted_and_settled(live: World, backend: DirectBackend) -> None:
    made = live.buy()
    granted = backend.authorize(payload(made["apiKey"]))
    settled = backend.settle({"authorizationId": granted["authorizationId"], "actualUsage": 4})
    assert (granted["allowed"], settled["settled"]) == (True, True)
    assert settled["monthly"]["used"] == 4
    assert backend.clock_ahead_ms == 0


def test_a_lease_holds_by_this_way_and_books_what_its_requests_used(live: World, backend: DirectBackend) -> None:
    bought = live.buy()
    with Client(backend) as client:
        lease = client.lease(bought["apiKey"], TEXT_MODEL)
        for _ in range(10):
            with lease.request(estimate=10) as grant:
                assert grant.authorization_id is None  # it is the lease's
                grant.used(3)
        lease.close()
    shown = live.entitlement(bought["subscriptionId"])
    assert (shown.counters.day_calls, shown.counters.month_used, shown.holds) == (10, 30, {})


def test_a_refusal_is_an_answer(live: World, backend: DirectBackend) -> None:
    answer = backend.authorize(payload(live.buy()["apiKey"], estimatedUsage=1001))
    assert (answer["allowed"], answer["error"]["code"]) == (False, "request_exceeds_limit")


def test_lines_go_where_the_router_says_and_hold_no_secret(live: World, engine: str) -> None:
    lines: list[str] = []
    with contextlib.closing(DirectBackend(settings_of(live, engine), given, log=lines.append)) as backend:
        made = live.buy()
        granted = backend.authorize(payload(made["apiKey"]))
    assert len(lines) == 1
    assert made["apiKey"] not in lines[0]
    assert granted["authorizationId"] not in lines[0]
    assert KEY not in lines[0]


def test_neither_repr_nor_errors_show_the_deployment_key(live: World, engine: str, backend: DirectBackend) -> None:
    assert repr(backend) == "DirectBackend()"
    with pytest.raises(ConfigurationError, match="DEPLOYMENT_KEY") as raised:
        DirectBackend({**settings_of(live, engine), "DEPLOYMENT_KEY": "much-too-short"}, given)
    assert "much-too-short" not in str(raised.value)
    assert raised.value.__cause__ is raised.value.__context__ is None
    assert isinstance(raised.value, ModelpassError)


def test_a_backend_is_made_of_an_environment_by_the_names_that_are_documented(live: World, engine: str) -> None:
    environment = {**environment_of(live, engine), "MODELPASS_MAX_OPEN_HOLDS": "1"}
    with contextlib.closing(DirectBackend.from_env(environment, credentials=given)) as backend:
        made = live.buy()
        answers = [backend.authorize(payload(made["apiKey"], f"r-{n}")) for n in range(2)]
    assert [answer["allowed"] for answer in answers] == [True, False]
    assert answers[1]["error"]["code"] == "too_many_open_holds"


def test_without_others_credentials_are_those_of_the_environment(live: World, engine: str) -> None:
    pytest.importorskip("modelpass_client.aws.credentials")
    with contextlib.closing(DirectBackend.from_env(environment_of(live, engine))) as backend:
        assert backend.authorize(payload(live.buy()["apiKey"]))["allowed"]


@pytest.mark.parametrize("name", [name for name in NAMES if name.endswith(("_TABLE", "_KEY", "_REGION"))])
def test_what_an_environment_lacks_is_named(live: World, engine: str, name: str) -> None:
    environment = environment_of(live, engine)
    del environment[name]
    with pytest.raises(ConfigurationError, match=name):
        DirectBackend.from_env(environment)


BROKEN = {
    "missing": "sys.modules['modelpass'] = None",
    "without its data": "sys.modules['tzdata'] = None",
    "another's of the same name": "import types; sys.modules['modelpass'] = types.ModuleType('modelpass')",
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN)
def test_without_the_services_package_it_is_said_how_to_install_it(broken: str) -> None:
    path = os.pathsep.join(map(str, (CLIENT_PACKAGE.parent, PACKAGE.parent)))
    ended = subprocess.run(
        [sys.executable, "-c", WITHOUT.replace("BREAK", broken)],
        env={"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "pip install ./layers/modelpass" in ended.stdout
    assert ended.stdout.rstrip().endswith("None True")


def test_after_a_fork_no_connection_is_shared(live: World, backend: DirectBackend) -> None:
    made = live.buy()
    backend.authorize(payload(made["apiKey"]))
    decisions: Any = backend._decisions
    (before,) = decisions._client._idle
    decisions._process = 0  # as in the child
    assert backend.authorize(payload(made["apiKey"], "r-2"))["allowed"]
    assert before[0].fileno() == -1


def test_a_key_is_described(live: World, backend: DirectBackend) -> None:
    answer = backend.describe_key({"apiKey": live.buy()["apiKey"]})
    assert [model["modelId"] for model in answer["models"]] == [TEXT_MODEL]


def stack(**parameters: str) -> Json:
    """What CloudFormation shows of a deployment of the template."""
    outputs = [{"OutputKey": name, "OutputValue": f"dev-{name}"} for name in expanded_template()["Outputs"]]
    return {
        "Outputs": outputs,
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
    }


def test_settings_are_found_in_what_cloudformation_shows_of_a_stack() -> None:
    parameters = {"MaxOpenHolds": "7", "SchemaVersionWritten": "2", "Stage": "dev"}
    assert set(parameters) <= set(expanded_template()["Parameters"])
    settings = settings_of_stack(stack(**parameters), region="eu-west-1", deployment_key=KEY)
    assert settings["TIERS_TABLE"] == "dev-TiersTableName"
    assert (settings["MAX_OPEN_HOLDS"], settings["SCHEMA_VERSION_WRITTEN"]) == ("7", "2")
    with contextlib.closing(DirectBackend(settings, given)) as backend:
        assert backend.clock_ahead_ms is None


def test_whether_sales_wait_is_told_by_the_stack() -> None:
    settings = settings_of_stack(stack(SaleApproval="required"), region="eu-west-1", deployment_key=KEY)
    assert settings["SALE_APPROVAL"] == "required"
    assert "SALE_APPROVAL" not in settings_of_stack(stack(), region="eu-west-1", deployment_key=KEY)


def test_a_stack_of_something_else_is_refused_by_name() -> None:
    with pytest.raises(ConfigurationError, match="EntitlementsTableName"):
        settings_of_stack({"Outputs": []}, region="eu-west-1", deployment_key=KEY)
