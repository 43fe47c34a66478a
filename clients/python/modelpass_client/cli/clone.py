"""The tools of a clone, which hold what the command line does not. Rule: they run in processes of their own.

They have packages and credentials of their own: those for deployments run in `.tools/ops`, an audit of what is on this
machine in `.venv`. This process reads none of their code, and hands them their settings by the environment alone.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from modelpass_client.cli.exits import Exit
from modelpass_client.cli.failures import Failure

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Told = Callable[[str], None]

HOME: Final = "MODELPASS_CLONE"
_MARKS: Final = ("Makefile", "ops/__main__.py", "layers/modelpass")
_DEPLOYED: Final = (".tools/ops", "ops")
_HERE: Final = (".venv", "local")


def folder() -> Path:
    """The clone: the one that the launcher names, or that the current folder or this file is in; raises `Failure`."""
    for candidate in _candidates():
        if all((candidate / mark).exists() for mark in _MARKS):
            return candidate
    raise Failure(
        Exit.USAGE,
        "This tool is in a clone of Modelpass's repository, and there is none here.",
        f"Run it in a clone as ./modelpass, or name the clone's folder in {HOME}.",
    )


def _candidates() -> Iterator[Path]:
    if os.environ.get(HOME):
        yield Path(os.environ[HOME])
    yield from (Path.cwd(), *Path.cwd().parents)
    yield from Path(__file__).resolve().parents


def run(tool: str, settings: Mapping[str, str | None], told: Told, errors: Told, *, here: bool = False) -> int:
    """Run a tool to its end, and give its exit status; each line that it prints is told by one of the two.

    Settings of None are taken out of its environment. `here` runs the tool for what is on this machine.
    """
    root = folder()
    venv, module = _HERE if here else _DEPLOYED
    _set_up(root, f"{venv}/.ready")
    environment = {name: value for name, value in {**os.environ, **settings}.items() if value is not None}
    environment |= {"PYTHONPATH": str(root / "layers" / "modelpass"), "PYTHONTZPATH": "", "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(  # noqa: S603 - the clone's own
        [str(root / venv / "bin" / "python"), "-m", module, tool],
        cwd=root,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        reader = threading.Thread(target=_pass_on, args=(process.stderr, errors))
        reader.start()
        try:
            _pass_on(process.stdout, told)
            return process.wait()
        except BaseException:
            process.send_signal(signal.SIGINT)  # a Ctrl-C has reached it as well; it ends by itself then
            raise
        finally:
            reader.join()


def _pass_on(stream: IO[str] | None, told: Told) -> None:
    for line in stream or ():
        told(line.rstrip("\n"))


def _set_up(root: Path, mark: str) -> None:
    if (root / mark).exists():
        return
    made = subprocess.run(["make", "--silent", mark], cwd=root, stdout=subprocess.DEVNULL, check=False)  # noqa: S603, S607
    if made.returncode:
        raise Failure(Exit.USAGE, "The packages of this tool cannot be set up.", f"Run `make {mark}` in {root}.")
