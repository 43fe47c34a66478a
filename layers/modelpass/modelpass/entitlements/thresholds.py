"""Which shares of a limit are used and not announced yet. Rule: pure; each is announced once per crossing.

What counts is what was really used: units that were settled or corrected, and calls. A call counts as it is granted,
for its request goes out at once; but a block, a grant of several calls, is a reservation while it is open and has not
expired, and an estimate always is: neither reaches anything.

Which thresholds of the stored windows were announced is noted in the item (`announced`), so that a request that reaches
nothing new writes nothing more. A request that does is followed by one more write: the note and the event together. If
that write is lost, the next request or the reset finds the threshold reached and not announced, at the latest when the
window is closed.

The limit of a month is its cap with what was bought beside it. A mark lapses when what is counted falls below its
threshold, or a raise or a top-up lifts the threshold above it: the next crossing is announced again. A correction, a
raise and a top-up take the mark away in their own write, and whoever else looks at the item by one more. Here the calls
of open blocks do count: so a mark and what makes it lapse never depend on whose clock says that a block has expired.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from modelpass.entitlements import windows
from modelpass.entitlements.change import Announcement, Change
from modelpass.entitlements.model import Threshold

if TYPE_CHECKING:
    from modelpass.entitlements.model import Entitlement

_DAILY: Final = tuple(t for t in Threshold if not t.monthly)
_MONTHLY: Final = tuple(t for t in Threshold if t.monthly)
_LEAST: Final = min(t.percent for t in Threshold)
_NONE: Final[frozenset[Threshold]] = frozenset()


def announce(change: Change, now_ms: int) -> Change:
    """Let an exact step also announce what its stored windows had reached before it, whether it closes them or not.

    In windows that go on, it takes away the marks of what they no longer reach.
    """
    before = change.before
    reached = _reached(before)
    return _with_marks(change, _unannounced(before, reached, now_ms), before.announced - reached)


def announcing_step(entitlement: Entitlement, now_ms: int) -> Change | None:
    """The step that announces what the windows in force have reached, and takes away the marks of what they have not.

    None when there is nothing to announce and nothing to take away.
    """
    reached = _reached(entitlement)
    if reached == entitlement.announced:
        return None  # with nearly every request
    now_ms = max(now_ms, entitlement.segment_start_ms)
    segment = windows.stored_segment(entitlement)
    in_force = {True: now_ms < segment.month_end_ms, False: now_ms < segment.day_end_ms}
    due = tuple(a for a in _unannounced(entitlement, reached, now_ms) if in_force[a.threshold.monthly])
    lapsed = frozenset(t for t in entitlement.announced - reached if in_force[t.monthly])
    return _with_marks(Change(entitlement, entitlement), due, lapsed) if due or lapsed else None


def without_lapsed(change: Change) -> Change:
    """Let a step that takes usage back, or lifts a limit, take away the marks of what is no longer reached after it."""
    return _with_marks(change, (), change.after.announced - _reached(change.after))


def _reached(entitlement: Entitlement) -> frozenset[Threshold]:
    """What the counters have reached, in which open blocks are counted."""
    calls, units = entitlement.counters.day_calls, entitlement.counters.month_used
    limit, cap = entitlement.limits.daily_call_limit, entitlement.month_limit
    if calls * 100 < limit * _LEAST and units * 100 < cap * _LEAST:
        return _NONE  # with nearly every request
    days = [t for t in _DAILY if calls >= t.least_of(limit)]
    return frozenset(days + [t for t in _MONTHLY if units >= t.least_of(cap)])


def _unannounced(entitlement: Entitlement, reached: frozenset[Threshold], now_ms: int) -> tuple[Announcement, ...]:
    if entitlement.announced.issuperset(reached):
        return ()
    limits, segment = entitlement.limits, windows.stored_segment(entitlement)
    reserved = _reserved_calls(entitlement, min(now_ms, segment.day_end_ms - 1))
    days = [Announcement(t, segment.day_end_ms, now_ms, t.least_of(limits.daily_call_limit) + reserved) for t in _DAILY]
    months = [Announcement(t, segment.month_end_ms, now_ms, t.least_of(entitlement.month_limit)) for t in _MONTHLY]
    due = [a for a in days if entitlement.counters.day_calls >= a.least]
    due += [a for a in months if entitlement.counters.month_used >= a.least]
    return tuple(a for a in due if a.threshold not in entitlement.announced)


def _reserved_calls(entitlement: Entitlement, now_ms: int) -> int:
    """The calls of the stored day that blocks reserve: neither settled nor, as those of expired ones, counted."""
    return sum(
        h.calls
        for h in entitlement.holds.values()
        if h.calls > 1 and h.expires_at_ms > now_ms and h.granted_at_ms >= entitlement.day_start_ms
    )


def _with_marks(change: Change, announcements: tuple[Announcement, ...], lapsed: frozenset[Threshold]) -> Change:
    before, after = change.before, change.after
    # By `monthly`: is the window the same after the step?
    goes_on = {True: before.month == after.month, False: before.day == after.day}
    noted = frozenset(a.threshold for a in announcements if goes_on[a.threshold.monthly])
    gone = frozenset(t for t in lapsed if goes_on[t.monthly])
    after = after._replace(announced=(after.announced | noted) - gone, lapses=after.lapses + bool(gone))
    return change._replace(after=after, announcements=announcements)
