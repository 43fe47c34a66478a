"""Which modules a function loads at its start. Rule: a fresh interpreter loads the handler, as a cold start does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the interpreter has loaded before is not counted: a debugger, for instance, may have it load modules of its own.
_PROBE = """
import sys
known = set(sys.modules)
scope = {"__name__": "app"}
with open(sys.argv[1], "rb") as app:
    exec(compile(app.read(), sys.argv[1], "exec"), scope)
loaded = set(sys.modules) - known
import json
print(json.dumps({"callable": callable(scope["lambda_handler"]), "modules": sorted(loaded)}))
"""


@cache
def modules_of(function: str, *, store_client: str = "boto3", tracing: str = "Disabled") -> frozenset[str]:
    """The modules that are loaded once the handler's module is, by their whole names."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers" / "modelpass"),
        "PYTHONTZPATH": "",
        "STORE_CLIENT": store_client,
        "TRACING": tracing,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "unit",
        "AWS_SECRET_ACCESS_KEY": "unit",
        "DEPLOYMENT_KEY": "a-deployment-key-that-only-tests-use",
        "DEPLOYMENT_KEYS_ACCEPTED": "",
        "POWERTOOLS_SERVICE_NAME": "modelpass",
        "POWERTOOLS_METRICS_NAMESPACE": "Modelpass",
    }
    called = ("SUBSCRIPTIONS", "PURCHASE", "RENEW", "CANCEL", "REGENERATE", "AUTHORIZE", "SETTLE")
    environment |= {f"{name}_FUNCTION": name.lower() for name in called}
    settings = ("SYNTHETIC_ACCOUNT", "SYNTHETIC_MODEL", "SYNTHETIC_TIER")
    environment |= {**dict.fromkeys(settings, "probe"), "ACCOUNT_CLAIM": "sub"}
    tables = ("ENTITLEMENTS", "SUBSCRIPTIONS", "HISTORY", "EVENTS", "CATALOGUE", "TIERS")
    environment |= {f"{table}_TABLE": table.lower() for table in tables}
    run = subprocess.run(
        [sys.executable, "-c", _PROBE, str(ROOT / "functions" / function / "app.py")],
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


def outermost(modules: frozenset[str]) -> frozenset[str]:
    """The same by their outermost names."""
    return frozenset(name.partition(".")[0] for name in modules)
