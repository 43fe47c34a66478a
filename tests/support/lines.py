"""What is logged in this process, read back line by line. Rule: what is taken is searched for secrets."""

from __future__ import annotations

import contextlib
import io
import json
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from modelpass.runtime import telemetry
from tests.support import leaks

if TYPE_CHECKING:
    from collections.abc import Iterator

Json = dict[str, Any]


class Recorded(io.StringIO):
    """All that is written to standard output and error in the meantime."""

    def lines(self) -> list[Json]:
        """Every line; each must be JSON."""
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def decided(self) -> list[Json]:
        """The lines of requests."""
        return [line for line in self.lines() if line.get("message") == "decided"]

    def only(self) -> Json:
        """The line of the one request there was."""
        (line,) = self.decided()
        return line


@contextlib.contextmanager
def recorded(level: str = "DEBUG") -> Iterator[Recorded]:
    """Record what is written, at the most talkative level or another."""
    written = Recorded()
    try:
        with (
            contextlib.redirect_stdout(written),
            contextlib.redirect_stderr(written),
            patch.object(telemetry, "of_function", telemetry.of_function._replace(level=level)),
        ):
            yield written
    finally:
        leaks.look_through("The log", written.getvalue())
