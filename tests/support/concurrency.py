"""Many at once. Rule: all start together; what a task raises is raised here."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")


def at_once(count: int, task: Callable[[int], _T]) -> list[_T]:
    """Run a task so many times, each with its number."""
    gate = threading.Barrier(count)

    def run(number: int) -> _T:
        gate.wait()
        return task(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))
