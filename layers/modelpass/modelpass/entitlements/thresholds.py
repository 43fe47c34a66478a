"""Which shares of a limit are reached, and who has been told. Rule: once per window each; pure.

Counted are used and held, as callers see them: a hold that has expired counts no more. What was told of the stored
windows is a mark in the item (`announced`), so a request that reaches nothing new writes nothing more. A request that
does is followed by one more write: the mark and the event together. If that one is lost, the next request or the reset
finds the share reached and not told; at the latest, when the window is closed.
"""

from __future__ import annotations

from typing import Final

from modelpass.entitlements import windows
from modelpass.entitlements.change import Announcement, Change
from modelpass.entitlements.model import Entitlement, Threshold

_DAILY: Final = tuple(t for t in Threshold if not t.monthly)
_MONTHLY: Final = tuple(t for t in Threshold if t.monthly)
_LEAST: Final = min(t.percent for t in Threshold)


def tell(change: Change, now_ms: int) -> Change:
    """Let a step also tell what its windows, current or closing, have reached before it and nobody has told."""
    return _told(change, _news(change.before, now_ms))


def to_tell(entitlement: Entitlement, now_ms: int) -> Change | None:
    """A step that tells what windows in force have reached; None when there is nothing to tell."""
    now_ms = max(now_ms, entitlement.segment_start_ms)
    news = tuple(a for a in _news(entitlement, now_ms) if now_ms < a.window_ends_at_ms)
    return _told(Change(entitlement, entitlement), news) if news else None


def _news(entitlement: Entitlement, now_ms: int) -> tuple[Announcement, ...]:
    counters, limits = entitlement.counters, entitlement.limits
    taken = limits.monthly_cap - counters.month_left
    if counters.day_calls * 100 < limits.daily_call_limit * _LEAST and taken * 100 < limits.monthly_cap * _LEAST:
        return ()  # as it is with nearly every request
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


def _told(change: Change, news: tuple[Announcement, ...]) -> Change:
    before, after = change.before, change.after
    kept = {True: before.month == after.month, False: before.day == after.day}
    marks = frozenset(a.threshold for a in news if kept[a.threshold.monthly])
    return change._replace(after=after._replace(announced=after.announced | marks), announcements=news)
