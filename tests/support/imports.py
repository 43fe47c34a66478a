"""What each file of the project imports, read from its source. Rule: nothing is run, and no import is overlooked.

Imports inside functions and under `TYPE_CHECKING` count like any other: they say what a file knows of.
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
"""The package that every function shares; the other trees are named as their folders are."""
TREES: Final = ("functions", "deploy", "ops", "local", "contract", "benchmarks")


def modules() -> dict[str, Path]:
    """The files of the project but for the tests, by the names that they are imported under."""
    found = {name_of(path, PACKAGE, SHIPPED): path for path in PACKAGE.rglob("*.py")}
    for tree in TREES:
        found |= {name_of(path, ROOT / tree, tree): path for path in (ROOT / tree).rglob("*.py")}
    return found


def name_of(path: Path, folder: Path, name: str) -> str:
    """A file as a dotted name; a package is called as its folder is."""
    parts = path.relative_to(folder).with_suffix("").parts
    return ".".join((name, *(part for part in parts if part != "__init__")))


def imported(source: str, importer: str) -> set[str]:
    """The names that a source imports, each both as a module and as what is taken from it: `a`, `a.b`."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
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
    """Files that import each other in a circle, the first one again at the end; none, when there is no circle."""
    done: set[str] = set()

    def walk(name: str, way: list[str]) -> list[str]:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return []
        for other in sorted(edges[name]):
            found = walk(other, [*way, name])
            if found:
                return found
        done.add(name)
        return []

    for start in sorted(edges):
        found = walk(start, [])
        if found:
            return found
    return []
