"""The harness's side of a driver: a process to ask. Rule: whoever starts one ends it; an answer has a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING, Any, Final

from local.machine import ROOT, die_with_parent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Json = dict[str, Any]
ANSWER_SECONDS: Final = 120.0
_STOP_SECONDS: Final = 5.0
_CHUNK_BYTES: Final = 65_536
_KEPT: Final = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONTZPATH")


class DriverError(Exception):
    """A driver does not start, does not answer in time, or says that it failed."""


class Driver:
    """One running driver."""

    def __init__(self, command: Sequence[str | Path], environment: Mapping[str, str]) -> None:
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        self._said = tempfile.TemporaryFile()  # noqa: SIM115 - a pipe that nobody reads would make it wait
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**kept, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._said,
            preexec_fn=die_with_parent,  # noqa: PLW1509
        )
        assert self.process.stdout is not None
        self._heard = b""
        self._waiting = selectors.DefaultSelector()
        self._waiting.register(self.process.stdout, selectors.EVENT_READ)
        self.reports: bool | None = None

    def ask(self, what: str, **arguments: Any) -> Json:
        """Ask the driver, and wait for its answer; raises `DriverError`."""
        if self.reports is None:
            self.reports = bool(self._answer()["reports"])
        self.tell(what, **arguments)
        return self.answer()

    def tell(self, what: str, **arguments: Any) -> None:
        """Ask the driver, and do not wait; raises `DriverError` when it has ended."""
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps({"do": what, **arguments}).encode() + b"\n")
            self.process.stdin.flush()
        except OSError:
            raise DriverError(self._last_words()) from None

    def answer(self) -> Json:
        """The answer to what the driver was asked last; raises `DriverError`."""
        answer = self._answer()
        if "error" in answer:
            raise DriverError(answer["error"])
        return answer

    def kill(self) -> None:
        """End it as a crash does."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it: it stops by itself when there is nothing more to hear."""
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()
        try:
            self.process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._waiting.close()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._said.close()

    def _answer(self) -> Json:
        ends = time.monotonic() + ANSWER_SECONDS
        while b"\n" not in self._heard:
            if not self._waiting.select(max(0, ends - time.monotonic())):
                self.kill()  # a late answer would be taken for that to the next question
                raise DriverError(f"no answer within {ANSWER_SECONDS:g} seconds")
            assert self.process.stdout is not None
            some = os.read(self.process.stdout.fileno(), _CHUNK_BYTES)
            if not some:
                raise DriverError(self._last_words())
            self._heard += some
        line, _, self._heard = self._heard.partition(b"\n")
        answer: Json = json.loads(line)
        return answer

    def _last_words(self) -> str:
        """The end of what it wrote before it ended."""
        self.process.wait()
        self._said.seek(0)
        lines = self._said.read().decode(errors="replace").strip().splitlines()
        return f"ended with status {self.process.returncode}: {lines[-1] if lines else 'silent'}"


@contextlib.contextmanager
def started(command: Sequence[str | Path], environment: Mapping[str, str]) -> Iterator[Driver]:
    """A driver, for as long as it is needed."""
    driver = Driver(command, environment)
    try:
        yield driver
    finally:
        driver.stop()
