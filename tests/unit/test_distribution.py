"""The package as a distribution: what it needs and names is what the project needs and names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from typing import Any, Final

from tests.support.imports import PACKAGE, ROOT, modules

FOLDER: Final = PACKAGE.parent
NEED_OTHERS: Final = ("modelpass.api", "modelpass.dynamodb.boto3_client", "modelpass.schedule")
"""What of the package is for functions alone, which have layers with the packages that it imports."""
IMPORTS: Final = """
import importlib, locale, logging, os, signal, sys, threading, warnings, zoneinfo
import email, email.utils  # what no part of this is about may come first

def of_the_process():
    root = logging.getLogger()
    return {
        "zones": zoneinfo.TZPATH,
        "streams": (sys.stdin, sys.stdout, sys.stderr, sys.displayhook, sys.excepthook),
        "signals": [signal.getsignal(n) for n in sorted(signal.valid_signals())],
        "logging": (root.level, list(root.handlers), list(root.filters), logging.raiseExceptions),
        "locale": [locale.setlocale(c) for c in (locale.LC_CTYPE, locale.LC_TIME, locale.LC_NUMERIC)],
        "warnings": list(warnings.filters),
        "threads": threading.active_count(),
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "path": list(sys.path),
        "hooks": (list(sys.meta_path), list(sys.path_hooks)),
    }

before, loaded = of_the_process(), set(sys.modules)
for name in sys.argv[1:]:
    importlib.import_module(name)
after = of_the_process()
assert before == after, [name for name in before if before[name] != after[name]]
others = {name.partition(".")[0] for name in set(sys.modules) - loaded} - set(sys.stdlib_module_names)
sys.exit(0 if others == {"modelpass", "tzdata"} else repr(others))
"""


def project(folder: str) -> dict[str, Any]:
    read: dict[str, Any] = tomllib.loads((ROOT / folder / "pyproject.toml").read_text("utf-8"))["project"]
    return read


def test_it_is_the_project_by_name_and_version_and_typed() -> None:
    ours, whole = project("layers/modelpass"), project(".")
    same = ("name", "version", "requires-python", "license")
    assert {name: ours[name] for name in same} == {name: whole[name] for name in same}
    assert (PACKAGE / "py.typed").is_file()


def test_it_needs_what_every_function_has_and_no_more() -> None:
    named = re.findall(r"^([a-z0-9-]+)", (FOLDER / "requirements.in").read_text("utf-8"), re.MULTILINE)
    assert [re.split(r"[<>=]", needed)[0] for needed in project("layers/modelpass")["dependencies"]] == named


def test_the_time_zones_of_the_functions_lie_within_what_it_accepts() -> None:
    (needed,) = project("layers/modelpass")["dependencies"]
    accepted = re.fullmatch(r"tzdata>=([0-9.]+),<([0-9.]+)", needed)
    pinned = re.search(r"^tzdata==([0-9.]+)", (FOLDER / "requirements.txt").read_text("utf-8"), re.MULTILINE)
    assert accepted is not None
    assert pinned is not None
    least, pin, below = (tuple(map(int, text.split("."))) for text in (accepted[1], pinned[1], accepted[2]))
    assert least <= pin < below


def test_what_a_build_leaves_is_never_committed() -> None:
    ignored = (ROOT / ".gitignore").read_text("utf-8").split()
    assert {"build/", "dist/", "*.egg-info/"} <= set(ignored)


def test_importing_it_needs_no_setting_loads_no_other_package_and_leaves_the_process_as_it_was() -> None:
    ours = [name for name in sorted(modules()) if name.partition(".")[0] == "modelpass"]
    chosen = [name for name in ours if not name.startswith(NEED_OTHERS)]
    assert {"modelpass.runtime.wiring", "modelpass.router.authorize", "modelpass.dynamodb.lean_client"} <= set(chosen)
    path = [str(FOLDER), *(entry for entry in sys.path if entry.endswith("site-packages"))]
    ended = subprocess.run(
        [sys.executable, "-c", IMPORTS, *chosen],
        env={"PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")
