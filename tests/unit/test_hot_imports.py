"""Start of authorize and settle: what they load is listed here, module by module, so that nothing joins unseen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
OF_OTHERS = frozenset({"tzdata"})
"""Whatever is neither Python's own nor ours."""
OF_PYTHON = frozenset(
    {
        *("__future__", "abc", "base64", "binascii", "bisect", "codecs", "collections", "contextlib", "contextvars"),
        *("copyreg", "datetime", "decimal", "enum", "functools", "genericpath", "hashlib", "hmac", "importlib", "io"),
        *("itertools", "json", "keyword", "math", "numbers", "operator", "os", "posixpath", "random", "re", "reprlib"),
        *("stat", "string", "struct", "sys", "sysconfig", "time", "types", "typing", "warnings", "weakref", "zlib"),
        *("array", "errno", "select", "selectors", "socket", "ssl"),  # for the connection
        "zoneinfo",
    }
)
"""Whatever of Python's own is not private, by its outermost name."""
HEAVY = frozenset({"boto3", "botocore", "urllib3", "email", "http", "logging", "urllib"})
PROBE = """
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
def loaded_by(function: str, store_client: str) -> frozenset[str]:
    """The modules that a bare interpreter loads for a function's handler, by their outermost names."""
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "layers" / "modelpass"),
        "PYTHONTZPATH": "",
        "STORE_CLIENT": store_client,
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "unit",
        "AWS_SECRET_ACCESS_KEY": "unit",
        "DEPLOYMENT_KEY": "a-deployment-key-that-only-tests-use",
    }
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
    return frozenset(name.partition(".")[0] for name in told["modules"])


@pytest.mark.parametrize("function", ["authorize", "settle"])
def test_function_of_the_hot_path_loads_what_is_listed_and_no_more(function: str) -> None:
    loaded = loaded_by(function, "lean")
    of_python = {name for name in loaded if name in sys.stdlib_module_names}
    assert loaded - of_python - {"modelpass"} == OF_OTHERS
    assert {name for name in of_python if not name.startswith("_")} <= OF_PYTHON
    assert loaded.isdisjoint(HEAVY)


def test_what_is_heavy_is_seen_where_it_is_loaded() -> None:
    assert loaded_by("authorize", "boto3") >= HEAVY
