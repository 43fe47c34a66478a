"""The command line, piped or at a terminal. Rule: it has a home and settings of this test alone.

At a terminal, each answer is typed once the question for it is seen, and what is shown is given as a person sees it.
"""

from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from typer.testing import CliRunner

from local.machine import ROOT
from modelpass_client.cli.app import NAME, app
from tests.support import leaks

if TYPE_CHECKING:
    from pathlib import Path

_LINE: Final = (sys.executable, "-m", "modelpass_client.cli")
_SECONDS: Final = 120
INTERRUPT: Final = "\x03"
"""Ctrl-C, as an answer."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it printed; at a terminal, all of it is `out`."""

    status: int
    out: str
    err: str = ""

    @property
    def json(self) -> Any:
        """The one document that was printed."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """The document on each line that was printed."""
        return [json.loads(line) for line in self.out.splitlines()]


@dataclass(frozen=True, slots=True)
class CommandLine:
    """Types commands for one person: a home, an address and, where it is one, a token."""

    home: Path
    url: str
    token: str | None = field(default=None, repr=False)

    def changes(self, more: dict[str, str]) -> dict[str, str | None]:
        """What the environment of whoever runs the tests becomes."""
        chosen = ("MODELPASS_", "AWS_", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "STACK", "DATA", "PORT")
        gone = dict.fromkeys(name for name in os.environ if name.startswith(chosen))
        own = {"XDG_CONFIG_HOME": str(self.home), "MODELPASS_URL": self.url, "MODELPASS_TOKEN": self.token}
        return {**gone, **own, **more}

    def environment(self, more: dict[str, str]) -> dict[str, str]:
        """The environment of a process of its own."""
        merged = {**os.environ, "PYTHONPATH": str(ROOT / "clients" / "python"), "TERM": "xterm", **self.changes(more)}
        return {name: value for name, value in merged.items() if value is not None}

    def typed(self, *words: str, given: str = "", shows_secret: bool = False, **more: str) -> Ended:
        """Type a command in this process, which is faster; else as `spawned`."""
        result = CliRunner().invoke(app, words, input=given, env=self.changes(more), prog_name=NAME)
        if not isinstance(result.exception, (SystemExit, type(None))):
            raise result.exception
        return _looked_through(Ended(result.exit_code, result.stdout, result.stderr), shows_secret=shows_secret)

    def spawned(self, *words: str, given: str = "", shows_secret: bool = False, **more: str) -> Ended:
        """Type a command with standard input piped in; fails when what it prints holds a secret that it must not."""
        run = subprocess.run(
            [*_LINE, *words],
            cwd=self.home,
            env=self.environment(more),
            input=given,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
        return _looked_through(Ended(run.returncode, run.stdout, run.stderr), shows_secret=shows_secret)

    def at_terminal(self, *words: str, answers: tuple[tuple[str, str], ...] = (), **more: str) -> Ended:
        """Type a command at a terminal of 100 columns, and each answer once its question is seen."""
        ours, theirs = pty.openpty()
        size = subprocess.run(["stty", "cols", "100", "rows", "40"], stdin=theirs, check=False)
        assert size.returncode == 0
        process = subprocess.Popen(
            ["setsid", "--ctty", *_LINE, *words],
            cwd=self.home,
            env=self.environment(more),
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        try:
            shown = _talk(ours, list(answers))
            status = process.wait(_SECONDS)
        finally:
            process.kill()
            process.wait()
            os.close(ours)
        assert "Traceback" not in shown, shown
        return Ended(status if status >= 0 else 128 - status, shown.replace("\r\n", "\n"))


def _looked_through(ended: Ended, *, shows_secret: bool) -> Ended:
    assert "Traceback" not in ended.err, ended.err
    leaks.look_through("Standard error of the command line", ended.err)
    if not shows_secret:
        leaks.look_through("Standard output of the command line", ended.out)
    return ended


def _talk(ours: int, answers: list[tuple[str, str]]) -> str:
    """What was shown until the command ended; fails when a question never comes."""
    shown, seen_until, deadline, stop = "", 0, time.monotonic() + _SECONDS, False
    while True:
        while not select.select([ours], [], [], 1.0)[0]:
            assert time.monotonic() < deadline, shown
            if stop:  # a Ctrl-C in the moment before Python waits for a line is lost
                os.write(ours, INTERRUPT.encode())
        try:
            chunk = os.read(ours, 65_536)
        except OSError:  # the terminal has no other end any more
            chunk = b""
        if not chunk:
            assert not answers, (answers, shown)
            return shown
        shown += chunk.decode(errors="replace")
        while answers and answers[0][0] in shown[seen_until:]:
            question, answer = answers.pop(0)
            seen_until = shown.index(question, seen_until) + len(question)
            stop = answer == INTERRUPT
            os.write(ours, answer.encode() if stop else f"{answer}\n".encode())
