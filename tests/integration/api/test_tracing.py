"""Tracing: what functions send to X-Ray by its SDK, to a daemon of the test, and that they send nothing when off."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Final

import pytest

from local.dynamodb import provisioning
from local.machine import HOST, ROOT
from tests.support.handlers import http_sample, sample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.world import World

Json = dict[str, Any]
MARKER: Final = "what-only-a-body-says"
JWT: Final = "a-token-that-nobody-may-keep"
IDEMPOTENCY_KEY: Final = "an-order-that-nobody-may-keep"
TRACE: Final = "Root=1-6b03a680-1f2e3d4c5b6a798801234567;Parent=1f2e3d4c5b6a7988;Sampled=1"
PROBE: Final = """
import json, runpy, sys
from local.awslambda.process import Context
handler = runpy.run_path(sys.argv[1])["lambda_handler"]
answers = [handler(event, Context("function-1", "f", "128", "arn", 0.0)) for event in json.load(sys.stdin)]
sys.stderr.write(json.dumps([answers, sorted(sys.modules)]))
"""


@pytest.fixture
def daemon() -> Iterator[socket.socket]:
    """Where the SDK sends what it has to tell."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((HOST, 0))
        listening.settimeout(0)
        yield listening


def heard(daemon: socket.socket) -> list[Json]:
    """What was sent so far: a header, and JSON after a line's end."""
    told = []
    while True:
        try:
            told.append(json.loads(daemon.recv(65_536).partition(b"\n")[2]))
        except BlockingIOError:
            return told


def run(world: World, daemon: socket.socket, function: str, *events: Json, **more: str) -> tuple[list[Json], list[str]]:
    """The answers of a function in a process of its own, and the modules that it had loaded."""
    tables = {f"{name.upper()}_TABLE": table for name, table in world.tables._asdict().items() if name != "version"}
    environment = {
        **provisioning.CREDENTIALS,
        **tables,
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT / "layers" / "modelpass", ROOT))),
        "PYTHONTZPATH": "",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL_DYNAMODB": world.dynamodb.meta.endpoint_url,
        "DEPLOYMENT_KEY": "a-deployment-key-that-only-tests-use",
        "POWERTOOLS_SERVICE_NAME": "modelpass",
        "POWERTOOLS_METRICS_NAMESPACE": "Modelpass",
        # As Lambda says where a function runs, where its traces go, and which of them this is:
        "LAMBDA_TASK_ROOT": str(ROOT / "functions" / function),
        "AWS_XRAY_DAEMON_ADDRESS": f"{HOST}:{daemon.getsockname()[1]}",
        "_X_AMZN_TRACE_ID": TRACE,
        **more,
    }
    ended = subprocess.run(
        [sys.executable, "-c", PROBE, str(ROOT / "functions" / function / "app.py")],
        env=environment,
        input=json.dumps(events),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answers, modules = json.loads(ended.stderr)
    return answers, modules


def purchase(**changes: Any) -> Json:
    headers = {"authorization": f"Bearer {JWT}", "idempotency-key": IDEMPOTENCY_KEY}
    return http_sample("purchase", "acct_traced", headers=headers, **changes)


def test_nothing_is_told_or_loaded_unless_requests_are_traced(world: World, daemon: socket.socket) -> None:
    answers, modules = run(world, daemon, "purchase", purchase(), TRACING="Disabled")
    assert answers[0]["statusCode"] == 201
    assert [name for name in modules if name.startswith(("aws_xray_sdk", "wrapt"))] == []
    assert heard(daemon) == []


def test_request_and_its_requests_to_the_store_are_parts_of_the_trace(world: World, daemon: socket.socket) -> None:
    answers, _ = run(world, daemon, "purchase", purchase(), TRACING="Active")
    assert answers[0]["statusCode"] == 201
    *asked, whole = heard(daemon)
    assert (whole["name"], whole["trace_id"]) == ("## purchase", "1-6b03a680-1f2e3d4c5b6a798801234567")
    assert whole["parent_id"] == "1f2e3d4c5b6a7988"
    assert whole["annotations"] == {
        "command": "purchase",
        "decision": "ok",
        "accountId": "acct_traced",
        "subscriptionId": json.loads(answers[0]["body"])["subscriptionId"],
        "function_request_id": "function-1",
        "apiRequestId": sample("purchase")["requestContext"]["requestId"],
    }
    operations = ("TransactGetItems", "BatchGetItem", "TransactWriteItems")
    assert [part["name"] for part in asked] == [f"DynamoDB {operation}" for operation in operations]
    assert {part["parent_id"] for part in asked} == {whole["id"]}
    assert not [part for part in (*asked, whole) if {"fault", "error", "cause", "metadata"} & set(part)]


def test_trace_says_that_a_request_failed_and_nothing_that_was_sent_or_answered(
    world: World, daemon: socket.socket
) -> None:
    bodies = [f'{{"{MARKER}": 1}}', MARKER, json.dumps({"models": [], "timezone": MARKER})]
    answers, _ = run(world, daemon, "purchase", purchase(), *(purchase(body=b) for b in bodies), TRACING="Active")
    models = http_sample("get-models", "acct_traced")
    broken, _ = run(world, daemon, "models", models, TRACING="Active", CATALOGUE_TABLE=f"{MARKER}-table")
    told = heard(daemon)
    assert [a["statusCode"] for a in (*answers, *broken)] == [201, 400, 400, 400, 500]
    wholes = [part for part in told if part["name"].startswith("## ")]
    assert [part.get("error", False) for part in wholes] == [False, True, True, True, False]
    assert [part.get("fault", False) for part in wholes] == [False, False, False, False, True]
    assert [part["name"] for part in told if part.get("fault")] == ["DynamoDB Query", "## models"]
    text = json.dumps(told)
    made = json.loads(answers[0]["body"])
    secrets = (MARKER, JWT, IDEMPOTENCY_KEY, made["apiKey"], made["apiKeyMasked"][-4:], "claude-opus-4-6", "Exception")
    assert [secret for secret in secrets if secret in text] == []
