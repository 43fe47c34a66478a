"""When a customer is reminded that a term ends. Rule: pure; told once for each end, and the last of them alone.

Which were told is marked in the row, which forgets it when the end moves.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelpass.subscriptions.model import REMINDERS
from modelpass.times import DAY_MS

if TYPE_CHECKING:
    from modelpass.subscriptions.model import Subscription


class Reminder(NamedTuple):
    """A reminder that is due: the most days that are left, and the marks of the row once it was told."""

    days: int
    marks: int


def reminder_at(found: Subscription, now_ms: int) -> Reminder | None:
    """The reminder that is due now; where several are, only the one nearest to the end is told."""
    due = [(bit, before) for bit, before in REMINDERS if found.expires_at_ms - before <= now_ms]
    marks = found.reminded
    for bit, _ in due:
        marks |= bit
    if marks == found.reminded:
        return None
    return Reminder(min(before for _, before in due) // DAY_MS, marks)
