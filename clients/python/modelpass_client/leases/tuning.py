"""How leases are kept, from the policies. Rule: pure; whole milliseconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelpass_client.leases.rule import MAX_CALLS, MAX_UNITS, Terms
from modelpass_client.leases.wire import MOST_START_MS

if TYPE_CHECKING:
    from modelpass_client.policies import Policies


@dataclass(frozen=True)
class Tuning(Terms):
    """Beside the terms of its holds: how often a lease books, and how much it wants."""

    part_ms: int = 900
    """How long after the last part what has finished since is booked: with the way there, within a second."""
    ahead_ms: int = 3000
    """For how long a lease holds what its rate asks for."""
    idle_ms: int = 3000
    """How long after the last request everything is handed back."""
    most_units: int = MAX_UNITS
    most_calls: int = MAX_CALLS


def tuning_of(policies: Policies) -> Tuning:
    """How the policies want leases to be kept."""
    longest_ms = int(policies.longest_request_seconds * 1000)
    margin_ms = int(policies.clock_difference_seconds * 1000)
    return Tuning(
        longest_ms=longest_ms,
        margin_ms=margin_ms,
        hold_seconds=-(-(longest_ms + MOST_START_MS + margin_ms) // 1000),
        ahead_ms=int(policies.lease_ahead_seconds * 1000),
        idle_ms=int(policies.lease_idle_seconds * 1000),
        most_units=policies.lease_most_units,
        most_calls=policies.lease_most_calls,
    )
