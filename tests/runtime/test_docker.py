"""`sam local` in AWS's containers, where Docker is. Nothing else here needs Docker, so it is skipped where it is not.

The engine listens on Docker's bridge and not on 127.0.0.1: a container reaches this machine in no other way.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import subprocess
import time
from typing import TYPE_CHECKING, Any

import pytest

from local.cloudformation import template
from local.dynamodb import engine
from local.machine import HOST, ROOT, free_port
from local.run import prepare
from tests.support.handlers import EVENTS, FUNCTION_OF_SAMPLE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SAM = ROOT / ".tools" / "sam" / "bin" / "sam"
BRIDGE = ["docker", "network", "inspect", "bridge", "--format", "{{(index .IPAM.Config 0).Gateway}}"]
START_SECONDS = 120.0


def why_not() -> str:
    """Why containers cannot be run here; nothing when they can."""
    if shutil.which("docker") is None:
        return "Docker is not installed here: `sam local` runs functions in containers"
    known = subprocess.run(["docker", "info"], capture_output=True, check=False)
    return "" if known.returncode == 0 else "Docker is installed here, but does not answer"


pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def options(artifacts: Path) -> Iterator[list[str]]:
    """What tells `sam local` which build to run, and where its store is."""
    gateway = subprocess.run(BRIDGE, capture_output=True, text=True, check=True).stdout.strip()
    with engine.running(host=gateway) as endpoint:
        expanded = template.load(artifacts / "template.yaml")
        prepare(endpoint, template.read(expanded, artifacts, template.secret_values(expanded)), kept=False)
        chosen = ["Architecture=x86_64", f"StoreEndpoint={endpoint}"]
        yield ["--template", str(artifacts / "template.yaml"), "--parameter-overrides", *chosen]


@pytest.mark.parametrize("sample", FUNCTION_OF_SAMPLE)
def test_sam_local_invoke_answers_the_sample(options: list[str], sample: str) -> None:
    command = [str(SAM), "local", "invoke", FUNCTION_OF_SAMPLE[sample], "--event", str(EVENTS / f"{sample}.json")]
    ended = subprocess.run([*command, *options], capture_output=True, text=True, check=False)
    answer = json.loads(ended.stdout)
    assert ended.returncode == 0, ended.stderr
    assert "errorType" not in answer
    assert answer.get("statusCode", 200) < 500


def test_sam_local_start_api_answers(options: list[str]) -> None:
    port = free_port()
    command = [str(SAM), "local", "start-api", "--host", HOST, "--port", str(port), *options]
    with subprocess.Popen(command) as process:
        try:
            assert models_at(port)["models"]
        finally:
            process.terminate()


def models_at(port: int) -> Any:
    """The catalogue, asked for until the server answers."""
    ends = time.monotonic() + START_SECONDS
    while time.monotonic() < ends:
        with contextlib.suppress(ConnectionError), contextlib.closing(http.client.HTTPConnection(HOST, port)) as asked:
            asked.request("GET", "/v1/models")
            return json.loads(asked.getresponse().read())
    raise AssertionError("`sam local start-api` does not answer")
