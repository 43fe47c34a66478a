"""What a run must have shown by its end: every documented answer, and every permission that is granted.

That each answer is documented, and each request permitted, is held where it happens. The workers of a run hand over
what they saw; a run of some tests only is not judged.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.support import documented, permitted
from tests.support.world import permits

if TYPE_CHECKING:
    from collections.abc import Iterator

    from _pytest.terminal import TerminalReporter

_PROBLEMS: Final = pytest.StashKey[list[str]]()
_NARROWED: Final = ("file_or_dir", "keyword", "markexpr", "deselect", "ignore", "lf", "collectonly")


_SEEN: Final[dict[str, set[Any]]] = {"answered": documented.ANSWERED, "asked": permitted.ASKED}


def _problems() -> Iterator[str]:
    for route, status, code in sorted(documented.listed() - documented.ANSWERED):
        yield f"docs/openapi.json: no test shows {route} {status} {code}"
    yield from permits().problems()


def pytest_testnodedown(node: Any) -> None:
    """A worker has ended: what it saw."""
    for name, seen in _SEEN.items():
        seen.update(tuple(row) for row in getattr(node, "workeroutput", {}).get(name, ()))


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Hand over what this worker saw; or, where all comes together, fail a whole run that lacks something."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput.update({name: sorted(seen) for name, seen in _SEEN.items()})
        return
    if exitstatus == pytest.ExitCode.OK and not any(session.config.getoption(name, None) for name in _NARROWED):
        session.config.stash[_PROBLEMS] = problems = list(_problems())
        if problems:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Name what is wrong."""
    for problem in terminalreporter.config.stash.get(_PROBLEMS, []):
        terminalreporter.write_line(f"FAILED {problem}", red=True)
