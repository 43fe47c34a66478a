"""Cold start: a fresh interpreter loads a handler, and says which modules that took. Each function may load these."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Final

import pytest

ROOT = Path(__file__).parents[2]
STORE: Final = frozenset({"boto3", "botocore", "dateutil", "jmespath", "s3transfer", "six", "urllib3"})
ROUTES: Final = frozenset({"aws_lambda_powertools"})
BODY: Final = frozenset({"annotated_types", "pydantic", "pydantic_core", "typing_inspection"})
NOT_COUNTED: Final = {
    "certifi",  # loaded by botocore where it is installed; it is not shipped
    "tzdata",  # its name and its path: it has no code
    "typing_extensions",  # as the version of Python wants it
}
MAY_LOAD: Final = {
    "authorize": frozenset(),
    "settle": frozenset(),
    "reset": STORE,
    "not_found": ROUTES | {"botocore", "jmespath"},  # Powertools looks whether they are there
    "cancel": STORE | ROUTES,
    "models": STORE | ROUTES,
    "regenerate": STORE | ROUTES,
    "renew": STORE | ROUTES,
    "subscriptions": STORE | ROUTES,
    "availability": STORE | ROUTES | BODY,
    "catalogue": STORE | ROUTES | BODY,
    "correct": STORE | ROUTES | BODY,
    "plan": STORE | ROUTES | BODY,
    "purchase": STORE | ROUTES | BODY,
    "quote": STORE | ROUTES | BODY,
}
"""Of what is not Python's own, by function. What a function need not load is not in its line."""
HOT: Final = frozenset({"authorize", "settle"})
OF_THE_API: Final = frozenset(MAY_LOAD) - HOT - {"reset"}
PROBE = """
import json, runpy, sys
handler = runpy.run_path(sys.argv[1])["lambda_handler"]
print(json.dumps({"callable": callable(handler), "modules": sorted(sys.modules)}))
"""


@cache
def modules_of(function: str, tracing: str = "Disabled") -> frozenset[str]:
    """The modules that are loaded once the handler's module is."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers" / "modelpass"),
        "PYTHONTZPATH": "",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "unit",
        "AWS_SECRET_ACCESS_KEY": "unit",
        "DEPLOYMENT_KEY": "a-deployment-key-that-only-tests-use",
        "DEPLOYMENT_KEYS_ACCEPTED": "",
        "POWERTOOLS_SERVICE_NAME": "modelpass",
        "POWERTOOLS_METRICS_NAMESPACE": "Modelpass",
        "TRACING": tracing,
        **({"STORE_CLIENT": "lean"} if function in HOT else {}),
    }
    tables = ("ENTITLEMENTS", "SUBSCRIPTIONS", "HISTORY", "EVENTS", "CATALOGUE")
    environment |= {f"{table}_TABLE": table.lower() for table in tables}
    app = ROOT / "functions" / function / "app.py"
    run = subprocess.run(
        [sys.executable, "-c", PROBE, str(app)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout)
    assert told["callable"]
    return frozenset(told["modules"])


def packages(modules: frozenset[str]) -> set[str]:
    """What is neither Python's own nor ours, by its outermost name."""
    outermost = {name.partition(".")[0] for name in modules} - {"__main__", "__mp_main__", "modelpass"}
    # An interpreter may be started with modules of its surroundings, such as those of a debugger.
    return outermost - set(sys.stdlib_module_names) - NOT_COUNTED - packages_of_the_interpreter()


@cache
def packages_of_the_interpreter() -> frozenset[str]:
    run = subprocess.run(
        [sys.executable, "-c", "import json, sys; print(json.dumps(sorted(sys.modules)))"],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return frozenset(name.partition(".")[0] for name in json.loads(run.stdout))


def loaded(modules: frozenset[str], names: tuple[str, ...]) -> list[str]:
    return [name for name in names if any(m == name or m.startswith(f"{name}.") for m in modules)]


def test_every_function_has_a_line() -> None:
    assert set(MAY_LOAD) == {app.parent.name for app in ROOT.glob("functions/*/app.py")}


@pytest.mark.parametrize("function", MAY_LOAD)
def test_function_starts_with_what_its_line_says_and_no_more(function: str) -> None:
    modules = modules_of(function)
    assert sorted(packages(modules) - MAY_LOAD[function]) == [], "loaded, and not in its line"
    assert sorted(MAY_LOAD[function] - packages(modules)) == [], "in its line, and not loaded"


@pytest.mark.parametrize("function", sorted(OF_THE_API))
def test_function_of_the_api_loads_the_resolver_and_none_of_the_hot_path(function: str) -> None:
    modules = modules_of(function)
    assert "modelpass.http" in modules
    assert loaded(modules, ("modelpass.router", "modelpass.commands_authorize", "modelpass.commands_settle")) == []


@pytest.mark.parametrize("function", ["authorize", "settle", "reset"])
def test_other_functions_load_no_resolver_and_no_tracer_whatever_is_traced(function: str) -> None:
    modules = modules_of(function, "Active")
    assert (
        loaded(modules, ("modelpass.http", "modelpass.tracing", "aws_lambda_powertools", "aws_xray_sdk", "pydantic"))
        == []
    )
    assert modules == modules_of(function)


def test_function_of_the_api_loads_the_tracer_when_requests_are_traced() -> None:
    assert loaded(modules_of("cancel", "Active"), ("aws_xray_sdk", "wrapt")) == ["aws_xray_sdk", "wrapt"]
