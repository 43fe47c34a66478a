"""What is reported of a request that was made, and where reports go. Rule: values and types alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

UsageSource = Literal["reported", "counted", "estimated"]
"""Where a figure comes from: the upstream said it, the router counted it, or nobody knows better than the estimate."""

MAX_UNITS: Final = 10**15
"""The largest number of units that can be reported."""


def whole(value: object, most: int = MAX_UNITS) -> bool:
    """Whether this is a whole number from 0 on, as JSON knows one."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


@dataclass(frozen=True)
class Report:
    """What a request used: `units` of the model's unit, and how many `calls` were made (None: all that are held)."""

    units: int
    calls: int | None = None
    source: UsageSource = "reported"
    served_tier: str | None = None

    @property
    def bookable(self) -> bool:
        """Whether the service can book these figures."""
        return whole(self.units) and (self.calls is None or whole(self.calls))


VOID = Report(units=0, calls=0)
"""The report of a request that used nothing: it never reached the upstream, or failed there before any output."""


class Sink(Protocol):
    """Takes the report of a grant, once. It never blocks and never raises: a report that it was given is not lost."""

    def book(self, grant: Any, report: Report) -> None:
        """Take the one report of a `Grant`."""
