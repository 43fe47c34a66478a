"""Runs a task in many threads at once. Rule: all start together; what a task raises is raised by the call."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

from modelpass.errors import Refused

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


def refused_or_done_at_once(count: int, task: Callable[[int], Any]) -> list[Any]:
    """Run a task so many times, all starting together; what one is refused with is its result."""

    def run(number: int) -> Any:
        try:
            return task(number)
        except Refused as refused:
            return refused.refusal.code.code

    return at_once(count, run)
