"""Cold start of the hot path: a fresh interpreter loads a handler, and says which modules that took."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# Powertools' own `__init__` names its Tracer, for 2 ms; the SDK behind it loads with the first Tracer made.
HEAVY = (
    "aws_lambda_powertools.event_handler",
    "aws_lambda_powertools.utilities.data_classes",
    "aws_lambda_powertools.utilities.parser",
    "aws_xray_sdk",
    "pydantic",
    "pydantic_core",
)
PROBE = """
import json, runpy, sys
handler = runpy.run_path(sys.argv[1])["lambda_handler"]
ours = [vars(module) for name, module in sys.modules.items() if name.startswith("modelpass")]
assert not any(type(value).__name__ == "Tracer" for names in ours for value in names.values())
print(json.dumps({"callable": callable(handler), "modules": sorted(sys.modules)}))
"""


@cache
def modules_of(function: str) -> tuple[str, ...]:
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
    return tuple(told["modules"])


def heavy(modules: tuple[str, ...]) -> list[str]:
    return [name for name in HEAVY if any(m == name or m.startswith(f"{name}.") for m in modules)]


@pytest.mark.parametrize("function", ["authorize", "settle"])
def test_handler_of_the_hot_path_starts_without_validation_routing_or_tracing(function: str) -> None:
    modules = modules_of(function)
    assert "modelpass.router" in modules
    assert heavy(modules) == []


def test_what_is_heavy_is_seen_where_it_is_loaded() -> None:
    modules = modules_of("purchase")
    assert "modelpass.http" in modules
    assert {"aws_lambda_powertools.event_handler", "pydantic"} <= set(heavy(modules))


def test_reset_needs_none_of_it_either() -> None:
    modules = modules_of("reset")
    assert "modelpass.commands_reset" in modules
    assert heavy(modules) == []
