"""What each file of the project imports, read from its source. Rule: nothing is run, and no import is overlooked.

Imports inside functions and under `TYPE_CHECKING` count like any other. An import by a name that is only known when the
program runs (`importlib.import_module`) cannot be read from a source; `tests/unit/test_purity.py` forbids it where it
matters.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = ROOT / "layers" / "modelpass" / "modelpass"
SHIPPED: Final = "modelpass"
"""The name of the package that every function shares."""
CLIENT: Final = "modelpass_client"
"""The name of the package that a router installs."""
CLIENT_PACKAGE: Final = ROOT / "clients" / "python" / CLIENT
TREES: Final = ("functions", "deploy", "ops", "local", "contract", "examples", "benchmarks", "mutation")
"""The other folders with Python in them, but for the tests; their files are named from the folder on."""


def modules() -> dict[str, Path]:
    """Every Python file of the project but for the tests, by its dotted name: `modelpass.errors`, `local.run`."""
    found = {dotted_name(path, PACKAGE, SHIPPED): path for path in PACKAGE.rglob("*.py")}
    found |= {dotted_name(path, CLIENT_PACKAGE, CLIENT): path for path in CLIENT_PACKAGE.rglob("*.py")}
    for tree in TREES:
        found |= {dotted_name(path, ROOT / tree, tree): path for path in (ROOT / tree).rglob("*.py")}
    return found


def dotted_name(path: Path, folder: Path, prefix: str) -> str:
    """The name that a file below a folder is imported under; an `__init__.py` has the name of its package."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join((prefix, *(part for part in parts if part != "__init__")))


def imported(source: str, importer: str) -> set[str]:
    """The names that the source of a module imports.

    A `from a import b` gives both `a` and `a.b`, for `b` may be a module or something in the module `a`.
    """
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:  # relative: so many packages up from the importer
                package = importer.split(".")[: -node.level]
                base = ".".join((*package, *([node.module] if node.module else [])))
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return found


def graph(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Which of these files each of them imports."""
    return {
        name: {other for other in imported(path.read_text("utf-8"), name) if other in files and other != name}
        for name, path in files.items()
    }


def circle(edges: Mapping[str, Iterable[str]]) -> list[str]:
    """Files that import each other in a circle, with the first repeated at the end; empty if there is no circle."""
    done: set[str] = set()

    def walk(name: str, path: list[str]) -> list[str]:
        if name in path:
            return [*path[path.index(name) :], name]
        if name in done:
            return []
        for other in sorted(edges[name]):
            found = walk(other, [*path, name])
            if found:
                return found
        done.add(name)
        return []

    for start in sorted(edges):
        found = walk(start, [])
        if found:
            return found
    return []
