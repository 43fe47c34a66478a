"""Pure files read no clock, no chance and no store, and import no file that does: seen from every import and call.

Which files have to be pure, `tests/support/rooms.py` says by the folder they stand in; of the audit, a list here.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Final

import pytest

from ops import audit
from tests.support.imports import imported
from tests.support.rooms import FILES, is_pure, pure_files

AUDIT: Final = Path(audit.__file__).parent
PURE_OF_THE_AUDIT: Final = (
    *("breaches", "checks", "entitlement_equations", "order_equations", "rows", "subscription_equations"),
)
EDGE_OF_THE_AUDIT: Final = ("audit", "command", "reading", "targets")
FORBIDDEN: Final = frozenset(
    {
        "asyncio",
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "concurrent",
        "http",
        "io",
        "logging",
        "multiprocessing",
        "os",
        "pathlib",
        "random",
        "secrets",
        "select",
        "selectors",
        "socket",
        "ssl",
        "subprocess",
        "tempfile",
        "threading",
        "time",
        "urllib",
        "uuid",
    }
)
"""Modules that read a clock, chance, a file or the network, or that write somewhere, by their outermost name."""
CLOCKS: Final = frozenset({"now", "utcnow", "today"})
"""Attributes of `datetime` and `date` that read the clock, whether they are called or handed on."""
CALLS: Final = frozenset({"__import__", "import_module", "exec", "eval", "open", "print"})
"""Functions that read or write, or that run code which cannot be seen here."""
CONSTANT_FILES: Final = {"modelpass.time_zones": {"open()"}}
"""What else a pure file may do: read files of a pinned package, which are the same whenever they are read."""


def impurities(source: str, importer: str) -> set[str]:
    """What a source does that a pure file must not: imports anywhere in it, clocks and calls."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {name for name in imported(ast.unparse(node), importer) if is_forbidden(name)}
        elif isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            found.add(f".{node.attr}")
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            found |= {f"{name}()"} if name in CALLS else set()
    return found


def is_forbidden(name: str) -> bool:
    """Whether a pure file must not import a module: it reads or writes, or is one of ours that is not pure."""
    return name.partition(".")[0] in FORBIDDEN or (
        name in FILES and name.startswith("modelpass.") and not is_pure(name)
    )


def test_pure_files_are_found() -> None:
    assert {"modelpass.errors", "modelpass.entitlements.rules"} <= set(pure_files())
    assert not {"modelpass.dynamodb.transport", "modelpass.runtime.wiring"} & set(pure_files())


def test_every_file_of_the_audit_is_of_one_kind_or_the_other() -> None:
    files = {path.stem for path in AUDIT.glob("*.py")} - {"__init__"}
    assert files == {*PURE_OF_THE_AUDIT, *EDGE_OF_THE_AUDIT}


@pytest.mark.parametrize("module", PURE_OF_THE_AUDIT)
def test_equations_of_the_audit_read_no_clock_and_no_store(module: str) -> None:
    assert impurities((AUDIT / f"{module}.py").read_text("utf-8"), f"ops.audit.{module}") == set()


@pytest.mark.parametrize("module", sorted(pure_files()))
def test_pure_module_reads_no_clock_no_chance_no_store_and_no_edge(module: str) -> None:
    assert impurities(pure_files()[module].read_text("utf-8"), module) == CONSTANT_FILES.get(module, set())


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os", {"os"}),
        ("import os.path as p", {"os.path"}),
        ("from time import time", {"time", "time.time"}),
        ("def f():\n    import boto3", {"boto3"}),
        ("def f():\n    from modelpass.dynamodb import transport", {"modelpass.dynamodb.transport"}),
        ("from modelpass.entitlements.commands.settle import settle", {"modelpass.entitlements.commands.settle"}),
        ("import modelpass.api.requests", {"modelpass.api.requests"}),
        ("from .commands import settle", {"modelpass.entitlements.commands.settle"}),
        ("if TYPE_CHECKING:\n    from modelpass.runtime.deps import Deps", {"modelpass.runtime.deps"}),
        ("from datetime import datetime\ndatetime.now()", {".now"}),
        ("import datetime\nx = datetime.date.today", {".today"}),
        ("__import__('os')", {"__import__()"}),
        ("import importlib\nimportlib.import_module('os')", {"import_module()"}),
        ("print('x')", {"print()"}),
        ("from modelpass import ids, times\nimport hashlib", set()),
    ],
)
def test_what_is_impure_is_found(source: str, found: set[str]) -> None:
    assert impurities(source, "modelpass.entitlements.rules") == found
