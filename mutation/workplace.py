"""A copy of this project that mutmut works in, below `.local/`. Rule: what is tested is as it is here, but the mutants.

mutmut calls a module by its path below `src/`, so the package lies there. The tests and all that they read lie beside
it, in the folder `mutants` that mutmut runs them in; there, `layers/modelpass/modelpass` leads to the mutated package.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from mutation.modules import PACKAGE, ROOT, git

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER: Final = ROOT / ".local" / "mutants"
LOG: Final = FOLDER / "mutmut.log"
SOURCE: Final = Path("src") / "modelpass"
PYTEST: Final = (
    *("-n0", "-p", "no:cacheprovider", "--hypothesis-profile=mutants"),
    *("--assert=plain", "--tb=no", "-p", "no:unraisableexception"),  # only whether a test fails matters
)
PASSED_OVER: Final = (
    *("unit/test_purity", "unit/test_import_rules", "unit/test_*_imports"),  # a mutated module imports mutmut
    *("unit/benchmarks/*", "unit/local/*", "unit/contract/*", "unit/test_docs"),  # of no pure module
    *("integration/dynamodb/*", "integration/local/*", "integration/ops/*", "integration/api/*"),  # likewise
    *("integration/test_*", "integration/router/*", "integration/schedule/test_reset_scale"),  # slow
    *("property/test_service", "property/test_side_by_side", "property/test_clocks"),  # likewise
)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """The folder is this process's alone."""
    FOLDER.parent.mkdir(exist_ok=True)
    with FOLDER.with_suffix(".lock").open("wb") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit("Another make mutants is running here.") from None
        yield


def make(modules: list[Path]) -> None:
    """Begin anew: nothing that an earlier run found out is believed."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    copied = FOLDER / "mutants"
    for name in git("ls-files", "--cached", "--others", "--exclude-standard").splitlines():
        path = ROOT / name
        if path.is_file():
            inside = FOLDER / SOURCE / path.relative_to(PACKAGE) if PACKAGE in path.parents else copied / name
            inside.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, inside)
    for module in modules:
        path = FOLDER / SOURCE / module.relative_to(PACKAGE)
        path.write_text(_without_decorators(path.read_text("utf-8")), "utf-8")
    (copied / "layers/modelpass/modelpass").symlink_to(copied / SOURCE)
    (copied / "node_modules").symlink_to(ROOT / "node_modules")


def _without_decorators(source: str) -> str:
    """Caches are left out, and properties made below their functions: mutmut passes over what is decorated."""
    source = re.sub(r"^@lru_cache\(.*\)\n", "", source, flags=re.MULTILINE)
    of_class = re.compile(r"^( +)@property\n(\1def (\w+)\(.*\n(?:\1 .*\n|\n(?=\1 ))*)", re.MULTILINE)
    return of_class.sub(r"\2\n\1\3 = property(\3)\n", source)


def run(modules: list[Path], mutants: list[str], tests: tuple[str, ...], seconds: float) -> bool:
    """Let mutmut try these mutants one by one, but no longer than this; says whether it came to an end."""
    settings = {
        "source_paths": [str(SOURCE)],
        "only_mutate": [str(SOURCE / module.relative_to(PACKAGE)) for module in modules],
        "pytest_add_cli_args": [*PYTEST, *(f"--ignore-glob=tests/{name}.py" for name in PASSED_OVER)],
        "pytest_add_cli_args_test_selection": list(tests),
        "process_isolation": "forkserver",  # each mutant begins in a process that has run no test
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    project = (ROOT / "pyproject.toml").read_text("utf-8")
    (FOLDER / "pyproject.toml").write_text("\n".join([project, "[tool.mutmut]", *lines, ""]), "utf-8")
    command = [sys.executable, "-m", "mutmut", "run", "--max-children=1", *mutants]
    with LOG.open("w") as log:
        mutmut = subprocess.Popen(command, cwd=FOLDER, stdout=log, stderr=log, start_new_session=True)
        try:
            status = mutmut.wait(seconds)
        except subprocess.TimeoutExpired:
            _pause(mutmut)
            return False
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(mutmut.pid, signal.SIGKILL)
            mutmut.wait()
    if status and "could not find any test case for any mutant" not in LOG.read_text("utf-8"):
        raise SystemExit(
            f"mutmut ended with status {status}. Do {', '.join(tests)} pass? Its log is {LOG.relative_to(ROOT)}."
        )
    return True


def _pause(mutmut: subprocess.Popen[bytes]) -> None:
    """Stop it, but not while it writes down what became of a mutant."""
    mutmut.send_signal(signal.SIGSTOP)
    while not all(map(_is_whole, (FOLDER / "mutants" / SOURCE).rglob("*.meta"))):
        mutmut.send_signal(signal.SIGCONT)
        time.sleep(0.1)
        mutmut.send_signal(signal.SIGSTOP)


def _is_whole(path: Path) -> bool:
    with contextlib.suppress(ValueError):
        json.loads(path.read_text("utf-8"))
        return True
    return False
