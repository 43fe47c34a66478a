"""What is reported of a request that was made, and where reports go. Rule: values and types alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from modelpass_client.grant import Grant

UsageSource = Literal["reported", "counted", "estimated"]
"""Where a figure comes from: the upstream said it, the router counted it, or nobody knows better than the estimate."""


@dataclass(frozen=True)
class Report:
    """What a request used: `units` of the model's unit, and how many `calls` were made (None: all that are held)."""

    units: int
    calls: int | None = None
    source: UsageSource = "reported"
    served_tier: str | None = None


VOID = Report(units=0, calls=0)
"""The report of a request that used nothing: it never reached the upstream, or failed there before any output."""


class Sink(Protocol):
    """Takes the report of a grant, once. It never blocks and never raises: a report that it was given is not lost."""

    def book(self, grant: Grant, report: Report) -> None:
        """Take the one report of a grant."""
