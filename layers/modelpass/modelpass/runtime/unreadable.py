"""Stored items that cannot be read: passed over and reported, so that one of them spoils nothing but itself.

Rule: only what is shown beside other items, such as a list, or done to one item after the other is passed over. Whoever
needs one very item fails with `UnreadableItemError`. Every such item is reported, and none is changed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from modelpass.runtime import telemetry
from modelpass.schema import FAILURES_OF_READING, UnreadableItemError, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelpass.schema import Item

_T = TypeVar("_T")


def read_each(table: str, stored: Iterable[Item], read: Callable[[Item], _T]) -> list[_T]:
    """What `read` makes of each item, in their order, without those that it cannot read, which are reported."""
    found = []
    for item in stored:
        try:
            found.append(read(item))
        except FAILURES_OF_READING:
            report(table, item)
    return found


def read_one(table: str, stored: Item, read: Callable[[Item], _T]) -> _T:
    """What `read` makes of an item that is needed.

    When it cannot be read, it is reported, and `UnreadableItemError` is raised.
    """
    try:
        return read(stored)
    except FAILURES_OF_READING as failure:
        report(table, stored)
        raise UnreadableItemError from failure


def report(table: str, item: Item) -> None:
    """Tell the operators of an item that was passed over: a line in the log, and the metric behind an alarm."""
    telemetry.report_unreadable(table, " ".join(str(part.get("S")) for part in key_of(item).values()))
