"""The DynamoDB engine: dynoxide on a free loopback port. Rule: it ends with whoever started it, however they end.

It is a program from a registry, so it is told nothing: its environment is empty, but for PATH where it is no program of
npm's but one on PATH, which may be a script that needs one.
"""

from __future__ import annotations

import contextlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

from local.machine import HOST, ROOT, die_with_parent, free_port, stop
from ops.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION: Final = "1.2.1"
"""The version of dynoxide that everything is tested with."""
_PROGRAM: Final = "dynoxide"
_LOCKED: Final = "@dynoxide/linux-x64"
"""The one package that the lock file names, and `make setup` brings."""
_SET_UP: Final = ".ready"
"""What `make setup` leaves in the folder of npm's packages."""
_SYSTEMS: Final = {"Linux": "linux", "Darwin": "darwin"}
_PROCESSORS: Final = {"x86_64": "x64", "aarch64": "arm64", "arm64": "arm64"}
_FILE: Final = "modelpass.db"
_START_SECONDS: Final = 10.0
_PAUSE_SECONDS: Final = 0.01


def binary(modules: Path = ROOT / "node_modules") -> Path:
    """The engine's program: npm's for this platform, else a `dynoxide` on PATH.

    One on PATH may be of another version than `VERSION`; then a line on stderr says so. Raises `CommandError`, which
    names a command that gets one, where there is none.
    """
    package = _package()
    if package is not None:
        program = modules / package / _PROGRAM
        if program.is_file():
            return program
    found = shutil.which(_PROGRAM)
    if found is None:
        raise CommandError(
            f"The DynamoDB engine is missing: get it with `{_way_to_get(package, modules)}`, put a {_PROGRAM} on PATH, "
            "or set AWS_ENDPOINT_URL_DYNAMODB to a DynamoDB of your own."
        )
    _tell_of_another_version(found)
    return Path(found)


def _package() -> str | None:
    """The package of npm that holds the engine for this platform; None where dynoxide publishes none."""
    system, processor = _SYSTEMS.get(platform.system()), _PROCESSORS.get(platform.machine())
    return None if system is None or processor is None else f"@dynoxide/{system}-{processor}"


def _way_to_get(package: str | None, modules: Path) -> str:
    if package is None:
        return "cargo install dynoxide-rs"
    if package == _LOCKED and not (modules / _SET_UP).exists():
        return "make setup"
    return f"npm install --no-save {package}@{VERSION}"


def _tell_of_another_version(program: str) -> None:
    try:
        told = subprocess.run(
            [program, "--version"],
            env=_on_path(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_START_SECONDS,
            check=False,
        )
        version = told.stdout.decode(errors="replace").strip().rpartition(" ")[2]
    except (OSError, subprocess.TimeoutExpired):
        version = ""
    if version != VERSION:
        sys.stderr.write(f"The DynamoDB engine is {program}, of version {version or 'unknown'}; tested is {VERSION}.\n")


def _on_path() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", os.defpath)}


@contextlib.contextmanager
def running(
    data: Path | None = None, modules: Path = ROOT / "node_modules", port: int | None = None, host: str = HOST
) -> Iterator[str]:
    """Start the engine, in memory or on `data/modelpass.db`, and give its URL while it runs; raises `CommandError`."""
    port = port or free_port()
    program = binary(modules)
    command = [str(program), "--host", host, "--port", str(port)]
    if data is not None:
        command += ["--db-path", str(data / _FILE)]
    try:
        process = subprocess.Popen(
            command,
            env={} if program.is_relative_to(modules) else _on_path(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the stack alone, which stops the engine last
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
    except OSError as error:
        raise CommandError(f"The DynamoDB engine does not start: {error.strerror}.") from None
    try:
        url = f"http://{host}:{port}"
        _wait(process, url, f": {data / _FILE} may be damaged" if data else "")
        yield url
    finally:
        stop(process)


def _wait(process: subprocess.Popen[Any], url: str, hint: str) -> None:
    ends = time.monotonic() + _START_SECONDS
    while time.monotonic() < ends:
        if process.poll() is not None:
            raise CommandError(f"The DynamoDB engine stopped at once (status {process.returncode}){hint}.")
        try:
            with urlopen(url, timeout=1):  # noqa: S310
                return
        except OSError as error:
            if getattr(error, "code", None) is not None:
                return  # it answers, if with an error: it is there
            time.sleep(_PAUSE_SECONDS)
    raise CommandError("The DynamoDB engine does not answer.")
