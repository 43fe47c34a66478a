"""The parent's side of `probe`. Rule: whoever starts a probe stops it; what a function logs is written."""

from __future__ import annotations

import contextlib
import os
import select
import subprocess
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from local.awslambda.process import receive_frame, send_frame
from local.machine import ROOT, die_with_parent, stop
from local.run import surroundings

if TYPE_CHECKING:
    from local.cloudformation.template import Function

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Took:
    """What one invocation answered, and the CPU nanoseconds it took."""

    answer: Any
    cpu_ns: int


class ProbeError(Exception):
    """The probe is gone; its last words are the message."""


class Probe:
    """One function in a process of its own, asked in batches so that the driver is seldom between two of them."""

    def __init__(self, function: Function, python: str, module: str = "benchmarks.probe") -> None:
        read_end, write_end = os.pipe()
        self._log = tempfile.TemporaryFile(prefix="modelpass-bench-")  # noqa: SIM115 - closed by stop()
        self._process = subprocess.Popen(
            [python, "-m", module, str(write_end)],
            stdin=subprocess.PIPE,
            stdout=self._log,
            stderr=self._log,
            env={**surroundings(), **_environment(function)},
            cwd=function.folder,
            pass_fds=(write_end,),
            start_new_session=True,
            preexec_fn=die_with_parent,  # noqa: PLW1509 - no thread of this process starts a probe
        )
        os.close(write_end)
        self._replies = os.fdopen(read_end, "rb")
        self.python: str = self.heard()["python"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def run(self, events: list[Json]) -> list[Took]:
        """The handler, once for each event."""
        return [Took(done["answer"], done["ns"]) for done in self.ask("run", events=events)]

    def ask(self, what: str, **arguments: Any) -> Any:
        """The answer of one of `probe.Probe`'s methods; raises `ProbeError` when the probe is gone."""
        self.tell(what, **arguments)
        return self.heard()

    def tell(self, what: str, **arguments: Any) -> None:
        """Begin to ask; the answer is `heard` later. Raises `ProbeError` when the probe is gone."""
        assert self._process.stdin is not None
        try:
            send_frame(self._process.stdin, {"do": what, **arguments})
        except BrokenPipeError:
            raise ProbeError(self._last_words()) from None

    def answers_within(self, seconds: float) -> bool:
        """Whether there is something to be heard, an answer or the end of the probe, by then."""
        return bool(select.select([self._replies], [], [], seconds)[0])

    def heard(self) -> Any:
        """The answer to what was told; raises `ProbeError` when the probe is gone."""
        try:
            return receive_frame(self._replies)
        except EOFError:
            raise ProbeError(self._last_words()) from None

    def kill(self) -> None:
        """End it in the middle of whatever it does, as a crash would."""
        self._process.kill()

    def stop(self) -> None:
        """End the process."""
        if self._process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):
                self._process.stdin.close()
        stop(self._process)
        self._replies.close()
        self._log.close()

    def _last_words(self) -> str:
        self._log.seek(0)
        return self._log.read()[-2000:].decode(errors="replace")


def _environment(function: Function) -> dict[str, str]:
    return {
        **function.environment,
        "_HANDLER": function.handler,
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "PYTHONPATH": os.pathsep.join([*map(str, function.layers), str(ROOT)]),
    }
