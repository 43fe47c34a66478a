"""Which shares of a limit are reached and not announced yet. Rule: pure; each is announced once per window.

What counts is used plus held, as callers see them: a hold that has expired no longer counts. Which thresholds of the
stored windows were announced is noted in the item (`announced`), so that a request that reaches nothing new writes
nothing more. A request that does is followed by one more write: the note and the event together. If that write is lost,
the next request or the reset finds the threshold reached and not announced, at the latest when the window is closed.
"""

from __future__ import annotations

from typing import Final

from modelpass.entitlements import windows
from modelpass.entitlements.change import Announcement, Change
from modelpass.entitlements.model import Entitlement, Threshold

_DAILY: Final = tuple(t for t in Threshold if not t.monthly)
_MONTHLY: Final = tuple(t for t in Threshold if t.monthly)
_LEAST: Final = min(t.percent for t in Threshold)


def announce(change: Change, now_ms: int) -> Change:
    """Let a step also announce what its stored windows had reached before it, whether it closes them or not."""
    return _with_announcements(change, _unannounced(change.before, now_ms))


def announcing_step(entitlement: Entitlement, now_ms: int) -> Change | None:
    """The step that announces what the windows in force have reached; None when there is nothing to announce."""
    now_ms = max(now_ms, entitlement.segment_start_ms)
    due = tuple(a for a in _unannounced(entitlement, now_ms) if now_ms < a.window_ends_at_ms)
    return _with_announcements(Change(entitlement, entitlement), due) if due else None


def _unannounced(entitlement: Entitlement, now_ms: int) -> tuple[Announcement, ...]:
    counters, limits = entitlement.counters, entitlement.limits
    taken = limits.monthly_cap - counters.month_left
    if counters.day_calls * 100 < limits.daily_call_limit * _LEAST and taken * 100 < limits.monthly_cap * _LEAST:
        return ()  # with nearly every request
    days = [t for t in _DAILY if t.reached_by(counters.day_calls, limits.daily_call_limit)]
    months = [t for t in _MONTHLY if t.reached_by(taken, limits.monthly_cap)]
    if entitlement.announced.issuperset((*days, *months)):
        return ()
    segment = windows.stored_segment(entitlement)
    expired = windows.expired_holds(entitlement, min(now_ms, segment.month_end_ms - 1))
    taken -= sum(h.units for h in expired if windows.of_stored_month(entitlement, h))
    reached = [(t, segment.day_end_ms) for t in days]
    reached += [(t, segment.month_end_ms) for t in months if t.reached_by(taken, limits.monthly_cap)]
    return tuple(Announcement(t, ends_at_ms, now_ms) for t, ends_at_ms in reached if t not in entitlement.announced)


def _with_announcements(change: Change, announcements: tuple[Announcement, ...]) -> Change:
    before, after = change.before, change.after
    # By `monthly`: is the window the same after the step?
    goes_on = {True: before.month == after.month, False: before.day == after.day}
    noted = frozenset(a.threshold for a in announcements if goes_on[a.threshold.monthly])
    return change._replace(after=after._replace(announced=after.announced | noted), announcements=announcements)
