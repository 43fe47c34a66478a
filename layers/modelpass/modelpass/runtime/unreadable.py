"""Stored items that cannot be read: passed over and reported, so that one of them spoils nothing but itself.

Rule: only for what is shown beside other items, such as a list. An item that decides something, or that is about to be
changed, is never passed over: whoever needs that very item fails with `UnreadableItemError`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from modelpass.runtime import telemetry
from modelpass.schema import UnreadableItemError, key_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelpass.schema import Item

_T = TypeVar("_T")

FAILURES: Final = (UnreadableItemError, LookupError, TypeError, ValueError, AttributeError)
"""What reading an item raises when its version is not understood, or when it has not the form of its version."""


def read_each(table: str, stored: Iterable[Item], read: Callable[[Item], _T]) -> list[_T]:
    """What `read` makes of each item, in their order, without those that it cannot read, which are reported."""
    found = []
    for item in stored:
        try:
            found.append(read(item))
        except FAILURES:
            report(table, item)
    return found


def report(table: str, item: Item) -> None:
    """Tell the operators of an item that was passed over: a line in the log, and the metric behind an alarm."""
    telemetry.report_unreadable(table, " ".join(str(part.get("S")) for part in key_of(item).values()))
