"""The build in Lambda's runtime, for the tests here. `make test-runtime` makes both; without them the tests fail."""

from __future__ import annotations

import contextlib
import itertools
from dataclasses import dataclass, replace
from typing import IO, TYPE_CHECKING, Any

import pytest

from local import settings
from local.awslambda import emulator
from local.awslambda.emulator import EmulatedRuntime, Tools
from local.cloudformation import template
from local.run import prepare, surroundings
from local.stack import arn
from tests.support import leaks
from tests.support.relay import Relay, relay_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from local.cloudformation.template import Function, Template

INIT = "INIT ms"
_prefixes = itertools.count(1)


@pytest.fixture(scope="session")
def artifacts() -> Path:
    """The folder of the build."""
    folder = settings.artifacts()
    assert folder is not None, "run `make test-runtime`: it builds what is tested here"
    return folder


@pytest.fixture(scope="session")
def tools(artifacts: Path) -> Tools:
    assert artifacts.is_dir()
    return emulator.tools(settings.lambda_python())


@pytest.fixture
def relay(engine: str) -> Iterator[Relay]:
    with relay_to(engine) as relay:
        yield relay


@dataclass(slots=True)
class Deployment:
    """One build with tables of its own, its functions invoked one by one; each runtime has a log of its own."""

    template: Template
    tools: Tools
    logs: Path
    cleanup: contextlib.ExitStack

    def start(self, name: str, **changes: Any) -> Running:
        """A runtime of this function; `environment` is added to what the template gives, other changes replace."""
        function = self.template.functions[name]
        environment = {**function.environment, **changes.pop("environment", {})}
        leaks.keep_environment(environment)
        path = self.logs / f"{name}-{next(_prefixes)}.log"
        log: IO[bytes] = self.cleanup.enter_context(path.open("wb"))
        changed = replace(function, environment=environment, **changes)
        runtime = EmulatedRuntime(changed, surroundings(), log, self.tools)
        self.cleanup.callback(runtime.stop)
        runtime.wait_ready()
        return Running(runtime, changed, path)


@dataclass(frozen=True, slots=True)
class Running:
    """One execution environment."""

    runtime: EmulatedRuntime
    function: Function
    log: Path

    def invoke(self, event: object, now_ms: int | None = None) -> Any:
        function = self.function
        answer = self.runtime.invoke(
            {
                "event": event,
                "requestId": "request",
                "nowMs": now_ms,
                "arn": arn(function.name),
                "timeoutSeconds": function.timeout_seconds,
            }
        )
        leaks.keep_answer(answer)
        return answer


@pytest.fixture
def deploy(artifacts: Path, tools: Tools, engine: str, tmp_path: Path) -> Iterator[Callable[..., Deployment]]:
    """Deploy the build: its functions reach the store at the URL that is given. Other parameters are the template's."""
    with contextlib.ExitStack() as cleanup:

        def deployed(endpoint: str, **parameters: str) -> Deployment:
            expanded = template.load(artifacts / "template.yaml", {"StoreEndpoint": endpoint, **parameters})
            secrets = template.secret_values(expanded)
            read = template.read(expanded, artifacts, secrets, f"built{next(_prefixes)}-")
            prepare(engine, read, kept=False)
            return Deployment(read, tools, tmp_path, cleanup)

        yield deployed
    for log in tmp_path.glob("*.log"):
        leaks.look_through(log.name, log.read_text("utf-8", errors="replace"))


@pytest.fixture
def deployment(deploy: Callable[[str], Deployment], engine: str) -> Deployment:
    return deploy(engine)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Show how long each function took to start."""
    rows = [dict(r.user_properties) for r in terminalreporter.stats.get("passed", []) if r.when == "call"]
    inits = sorted((row["function"], row[INIT]) for row in rows if INIT in row)
    if inits:
        terminalreporter.write_sep("-", "INIT of each function in Lambda's runtime, once, ms")
        for function, init_ms in inits:
            terminalreporter.write_line(f"{function:24}{init_ms:>8.0f}")
