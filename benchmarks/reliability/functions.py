"""Built functions under the shared clock. Rule: a process is asked one thing at a time, and whoever starts it stops it.

The clock goes on only when every process has answered or sleeps, so that nothing depends on how fast this machine is.
"""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from benchmarks.probing import Probe, ProbeError, Took
from benchmarks.reliability.clock import NOW, UNTIL, WALL, Moment

if TYPE_CHECKING:
    from pathlib import Path

    from local.cloudformation.template import Function

Json = dict[str, Any]

_LOOK_SECONDS: Final = 0.0005
_PATIENCE: Final = 120_000  # looks, about a minute: what neither answers nor sleeps by then hangs
_numbers = itertools.count()


class Steered:
    """One execution environment of a function, whose time is the clock's."""

    def __init__(self, function: Function, python: str, clock: Moment, wall: float) -> None:
        folder: Path = clock.path.parent
        self._clock = clock
        self._until = Moment(folder / f"until-{next(_numbers)}")
        told = {NOW: str(clock.path), UNTIL: str(self._until.path), WALL: repr(wall)}
        steered = replace(function, environment={**function.environment, **told})
        self._probe = Probe(steered, python, "benchmarks.reliability.steered")

    def begin(self, event: object) -> None:
        """Let it begin with an event."""
        self._probe.tell("run", events=[event])

    def rest(self) -> Took | float:
        """Wait until it has answered, or sleeps: its answer, or when it wakes. Raises `ProbeError` when it is gone."""
        for _ in range(_PATIENCE):
            if self._probe.answers_within(_LOOK_SECONDS):
                (done,) = self._probe.heard()
                return Took(done["answer"], done["ns"])
            wakes = self._until.seconds
            if wakes > self._clock.seconds:
                return wakes
        raise ProbeError("it neither answers nor sleeps")

    def ask(self, event: object) -> Took:
        """Its answer to an event; while it sleeps, the clock goes on. Raises `ProbeError` when it is gone."""
        self.begin(event)
        while not isinstance(found := self.rest(), Took):
            self._clock.seconds = found
        return found

    def kill(self) -> None:
        """End it as a crash would."""
        self._probe.kill()

    def stop(self) -> None:
        """End it."""
        self._probe.stop()
        self._until.path.unlink(missing_ok=True)  # it may be stopped before its section ends
