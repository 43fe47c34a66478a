"""The line between core and edge: read from the package's own docstring, held by looking at every import and call."""

from __future__ import annotations

import ast
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

import modelpass
from local import audit

PACKAGE = Path(modelpass.__file__).parent
AUDIT = Path(audit.__file__).parent
FORBIDDEN = frozenset(
    {
        "asyncio",
        "aws_lambda_powertools",
        "boto3",
        "botocore",
        "logging",
        "os",
        "random",
        "secrets",
        "socket",
        "subprocess",
        "threading",
        "time",
        "urllib",
        "uuid",
    }
)
CLOCKS = frozenset({"now", "utcnow", "today"})
DYNAMIC = frozenset({"__import__", "import_module", "exec", "eval", "open", "print"})


def named(part: str) -> list[str]:
    return re.findall(r"`([a-z0-9_*]+)`", part)


def listed() -> tuple[list[str], list[str]]:
    """The pure modules and the edge, as the package tells them."""
    pure, _, edge = (modelpass.__doc__ or "").partition("Edge:")
    return named(pure), named(edge)


PURE, EDGE = listed()
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")


def is_edge(module: str) -> bool:
    return any(fnmatch(module, pattern) for pattern in EDGE)


def impurities(source: str) -> set[str]:
    """What a pure module must not do: imports anywhere in it, also inside functions and for types, and calls."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {name for name in imported(node) if is_forbidden(name)}
        elif isinstance(node, ast.Attribute) and node.attr in CLOCKS:
            found.add(f".{node.attr}")
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            found |= {f"{name}()"} & {f"{dynamic}()" for dynamic in DYNAMIC}
    return found


def imported(node: ast.Import | ast.ImportFrom) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = ("modelpass." if node.level else "") + (node.module or "")
    return [base, *(f"{base}.{alias.name}".replace("..", ".") for alias in node.names)]


def is_forbidden(name: str) -> bool:
    root, _, rest = name.partition(".")
    return root in FORBIDDEN or (root == "modelpass" and is_edge(rest.partition(".")[0]))


def test_every_module_is_on_one_side_of_the_line() -> None:
    sides = {module: (module in PURE) + is_edge(module) for module in MODULES}
    assert sides == dict.fromkeys(MODULES, 1)


def test_every_name_in_the_list_is_a_module() -> None:
    assert sorted(set(PURE)) == sorted(PURE)
    assert [name for name in PURE if name not in MODULES] == []
    assert [name for name in EDGE if not any(fnmatch(module, name) for module in MODULES)] == []


@pytest.mark.parametrize("module", named((audit.__doc__ or "").partition("Pure:")[2].partition("Edge:")[0]))
def test_equations_of_the_audit_read_no_clock_and_no_store(module: str) -> None:
    assert impurities((AUDIT / f"{module}.py").read_text("utf-8")) == set()


@pytest.mark.parametrize("module", PURE)
def test_pure_module_reads_no_clock_no_chance_no_store_and_no_edge(module: str) -> None:
    assert impurities((PACKAGE / f"{module}.py").read_text("utf-8")) == set()


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import os", {"os"}),
        ("import os.path as p", {"os.path"}),
        ("from time import time", {"time", "time.time"}),
        ("def f():\n    import boto3", {"boto3"}),
        ("def f():\n    from modelpass import store", {"modelpass.store"}),
        (
            "from modelpass.commands_settle import settle",
            {"modelpass.commands_settle", "modelpass.commands_settle.settle"},
        ),
        ("import modelpass.http", {"modelpass.http"}),
        ("from . import wiring", {"modelpass.wiring"}),
        ("if TYPE_CHECKING:\n    from modelpass.deps import Deps", {"modelpass.deps", "modelpass.deps.Deps"}),
        ("from datetime import datetime\ndatetime.now()", {".now"}),
        ("import datetime\nx = datetime.date.today", {".today"}),
        ("__import__('os')", {"__import__()"}),
        ("import importlib\nimportlib.import_module('os')", {"import_module()"}),
        ("print('x')", {"print()"}),
        ("from modelpass import items, keys\nimport hashlib", set()),
    ],
)
def test_what_is_impure_is_found(source: str, found: set[str]) -> None:
    assert impurities(source) == found
