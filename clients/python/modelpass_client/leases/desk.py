"""A hold with the grants that were made on it. Rule: taking a report is one append, which no lock can delay.

Reports are collected by whoever has the lease's lock next. Until then the request's estimate stays reserved, which errs
on the safe side; so a report may come from a signal handler or the garbage collector, whatever it interrupted.
"""

from __future__ import annotations

import collections
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.reports import Report, UsageSource

if TYPE_CHECKING:
    from modelpass_client.grant import Grant
    from modelpass_client.leases.rule import Hold

Json = dict[str, Any]

_NOT_OF_A_GRANT: Final = frozenset({"authorizationId", "heldUsage", "heldCalls", "holdExpiresAt", "replayed"})
_SHOWN: Final = ("daily", "monthly", "openHolds", "startWithinMs")
_DOUBT: Final[tuple[UsageSource, ...]] = ("reported", "counted", "estimated")


class Desk:
    """Where the grants of one hold are made and reported (a `Sink`). All but `book` needs the lease's lock."""

    def __init__(self, hold: Hold, answer: Json, now_ms: int) -> None:
        """Show on each grant what the answer showed."""
        self.hold = hold
        self.facts: Json = {name: value for name, value in answer.items() if name not in _NOT_OF_A_GRANT}
        self.open: dict[Grant, None] = {}
        self.sent_ms = now_ms
        """When the last part was made, or the hold was granted."""
        self.again_ms = 0
        """When the part under way may be sent again."""
        self.failures = 0
        self.number = 0
        """The number of the part under way."""
        self.reported: collections.deque[tuple[Grant, Report]] = collections.deque()
        self._source: UsageSource = "reported"
        self._breach: str | None = None

    @property
    def tier(self) -> object:
        """The service tier that must serve the requests."""
        return self.facts["channelTier"]

    @property
    def has_reports(self) -> bool:
        """Whether something finished that no part has yet."""
        return bool(self.reported) or self.hold.used_units > 0 or self.hold.used_calls > 0

    def book(self, grant: Grant, report: Report) -> None:
        """Take the one report of a grant."""
        self.reported.append((grant, report))

    def collect(self) -> None:
        """Count what was reported since the last time."""
        while self.reported:
            grant, report = self.reported.popleft()
            if grant not in self.open:
                continue  # it was taken for lost before
            held = grant.held_calls
            used = held if report.calls is None or report.calls > held else report.calls
            self.hold.finish(grant.held_units, held, report.units, used)
            del self.open[grant]
            if report.source != "reported":
                self._source = max(self._source, report.source, key=_DOUBT.index)
            if report.served_tier not in {None, self.tier}:
                self._breach = report.served_tier  # only a last report can tell it
                self.hold.stop()

    def lose(self, now_ms: int, longest_ms: int) -> None:
        """Book the estimate of grants that must have ended by now and that nobody reported."""
        before = now_ms - longest_ms
        lost = []
        for grant in self.open:  # in the order in which they were made, and so in that of their ends
            if grant.start_before * 1000 > before:
                break
            lost.append(grant)
        for grant in lost:
            if not grant.lose():  # somebody claimed it and has not booked it
                self.book(grant, Report(grant.held_units, source="estimated"))
        self.collect()

    def settle_all(self) -> None:
        """Book what is open as the policies say."""
        for grant in [*self.open]:
            if not grant.settle():
                self.book(grant, grant.outcome(None))
        self.collect()

    def show(self, answer: Json) -> None:
        """Show on the grants to come what a newer answer shows."""
        self.facts = {**self.facts, **{name: answer[name] for name in _SHOWN if name in answer}}

    def last(self) -> Report:
        """The last report of the hold."""
        units, calls = self.hold.last()
        return Report(units, calls, self._source, self._breach)
