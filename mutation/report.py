"""What became of each mutant: a diff of every survivor, and a table. Rule: a survivor counts unless excused."""

from __future__ import annotations

import ast
import contextlib
import re
import subprocess
import sys
import tomllib
from collections import Counter, defaultdict
from pathlib import Path
from typing import Final, NamedTuple

from mutmut.mutation.diff_apply import get_diff_for_mutant

from mutation.modules import PACKAGE, ROOT
from mutation.workplace import FOLDER

EXCUSED: Final = Path(__file__).with_name("excused.toml")
COLUMNS: Final = ("killed", "timeout", "excused", "survived", "untested", "not reached")
UNSEEN: Final = ("survived", "untested")
_OUTCOMES: Final = {
    "no tests": "untested",
    "not checked": "not reached",
    "check was interrupted by user": "not reached",
    "suspicious": "survived",
    "segfault": "killed",
}
_NAME: Final = re.compile(r"modelpass\.([\w.]+)\.x(?:_|ǁ(\w+)ǁ)(\w+)__mutmut_\d+")


class Change(NamedTuple):
    """A mutant as `excused.toml` names it: in which function, the lines that go, and those that come.

    Without lines, it is every mutant of the function.
    """

    where: str
    before: str = ""
    after: str = ""


def outcomes() -> dict[str, str]:
    """By the name that mutmut gives each mutant."""
    listed = subprocess.run(
        [sys.executable, "-m", "mutmut", "results", "--all=1"], cwd=FOLDER, capture_output=True, text=True, check=True
    ).stdout
    told = re.findall(r"^ +(\S+): (.+)$", listed, re.MULTILINE)
    return {name: _OUTCOMES.get(status, status) for name, status in told}


def excuses() -> frozenset[Change]:
    """Those of `excused.toml`, each of which must say why."""
    entries = tomllib.loads(EXCUSED.read_text("utf-8")).get("mutant", [])
    unreasoned = [entry["where"] for entry in entries if not entry.get("why")]
    if unreasoned:
        raise SystemExit(f"excused.toml does not say why, of {', '.join(unreasoned)}.")
    return frozenset(Change(e["where"], e.get("before", "").strip(), e.get("after", "").strip()) for e in entries)


def show(found: dict[str, str], excused: frozenset[Change]) -> bool:
    """Print it all; true when every survivor is excused and no excuse is out of date."""
    unused = set(excused)
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for name, given in found.items():
        outcome = given
        module, of_class, function = _NAME.fullmatch(name).groups()  # type: ignore[union-attr]
        where = ".".join(filter(None, (module, of_class, function)))
        if outcome in UNSEEN:
            with contextlib.chdir(FOLDER):
                diff = get_diff_for_mutant(name).splitlines()[2:]
            named = {Change(where), Change(where, _lines(diff, "-"), _lines(diff, "+"))}
            unused -= named
            if named & excused:
                outcome = "excused"
            else:
                print(f"\n{_place(module, of_class, function, diff)}: {where} {outcome}", *diff[1:], sep="\n")
        elif outcome == "not reached":
            unused = {change for change in unused if change.where != where}
        table[module][outcome] += 1
    lost = [change for change in unused if any(change.where.startswith(f"{module}.") for module in table)]
    for change in lost:
        print(f"\nexcused.toml excuses what is no survivor, in {change.where}:\n-{change.before}\n+{change.after}")
    total = sum(table.values(), Counter())
    print(f"\n{'module':32}", *(f"{column:>12}" for column in COLUMNS), sep="")
    for module, row in [*sorted(table.items()), ("all", total)]:
        print(f"{module:32}", *(f"{row[column]:>12}" for column in COLUMNS), sep="")
    return not (lost or total["survived"] or total["untested"])


def _lines(diff: list[str], sign: str) -> str:
    return "\n".join(line[1:].strip() for line in diff if line.startswith(sign))


def _place(module: str, of_class: str, function: str, diff: list[str]) -> str:
    """File and line of the mutated code: of equal lines in the function, the one nearest to where the diff has it."""
    path = PACKAGE / f"{module.replace('.', '/')}.py"
    source = path.read_text("utf-8")
    body: list[ast.stmt] = ast.parse(source).body
    if of_class:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == of_class)
    of = next(node for node in body if isinstance(node, ast.FunctionDef) and node.name == function)
    at = next((i for i, line in enumerate(diff[1:]) if line.startswith("-")), 0)
    near = of.lineno + int(diff[0].split(",")[0].removeprefix("@@ -")) - 1 + at
    lines = source.splitlines()
    same = [n for n in range(of.lineno, (of.end_lineno or 0) + 1) if lines[n - 1].rstrip() == diff[1 + at][1:].rstrip()]
    return f"{path.relative_to(ROOT)}:{min(same, key=lambda n: abs(n - near), default=of.lineno)}"
