"""What is documented is answered: after a whole run, every documented answer must have been seen in some test.

The other direction, that every answer is documented, is `documented`'s, at each answer. The workers of a run hand over
what they saw; a run of some tests only is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support import documented

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

_KEY: Final = "answered"
_MISSING: Final = pytest.StashKey[list[documented.Answered]]()
_NARROWED: Final = ("file_or_dir", "keyword", "markexpr", "deselect", "ignore", "lf", "collectonly")


def pytest_testnodedown(node: Any) -> None:
    """A worker has ended: what it saw."""
    documented.ANSWERED.update(tuple(seen) for seen in getattr(node, "workeroutput", {}).get(_KEY, ()))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Hand over what this worker saw; or, where all comes together, fail a whole run that lacks an answer."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput[_KEY] = sorted(documented.ANSWERED)
        return
    if exitstatus == pytest.ExitCode.OK and not any(session.config.getoption(name, None) for name in _NARROWED):
        missing = sorted(documented.listed() - documented.ANSWERED)
        session.config.stash[_MISSING] = missing
        if missing:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name what no test has shown."""
    for route, status, code in terminalreporter.config.stash.get(_MISSING, []):
        terminalreporter.write_line(f"FAILED docs/openapi.json: no test shows {route} {status} {code}", red=True)
