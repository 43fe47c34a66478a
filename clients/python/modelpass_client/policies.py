"""What happens where nobody said what should. Rule: every default is written here, and nowhere else.

A policy is a plain value that is the same for all requests of a client. Figures are units of the model, seconds or
numbers; the README tells each with its default.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Final, Literal, get_args

from modelpass_client.errors import ConfigurationError

AfterOutput = Literal["counted", "estimated"]
BeforeOutput = Literal["prompt", "void"]

_MAX_HOLD_SECONDS: Final = 86_400
_CHOICES: Final = {"after_output": get_args(AfterOutput), "cancelled_before_output": get_args(BeforeOutput)}
_MAY_BE_ZERO: Final = frozenset({"lost_usage_seconds", "settle_threads", "async_waiting", "exit_seconds"})
_WHOLE: Final = frozenset({"hold_seconds", "unknown_output", "settle_threads", "queue_after", "most_waiting"}) | {
    "async_threads",
    "async_waiting",
    "lease_most_units",
    "lease_most_calls",
    "most_leases",
    "lease_threads",
}
_LATEST_START_SECONDS: Final = 4
_LEAST_AHEAD_SECONDS: Final = 1
_MOST_AHEAD_SECONDS: Final = 5


@dataclass(frozen=True)
class Policies:
    """How a client decides what nobody told it; raises `ConfigurationError` for a figure that cannot be."""

    hold_seconds: int = 900
    """How long a grant's units stay reserved: longer than any upstream request may take. 1 to 86,400."""
    unknown_output: int = 4_096
    """How much output is reserved where the request names no usable `max_tokens`. Send it upstream as the bound."""
    after_output: AfterOutput = "counted"
    """What a stream that broke after output is booked as: the prompt's and the delivered units, or the estimate."""
    cancelled_before_output: BeforeOutput = "prompt"
    """What a request is booked as that the customer left before any output: its prompt's units, or nothing.

    Nothing is booked, too, where the prompt's units are not known. A request that failed by itself is always void.
    """
    lost_usage_seconds: float = 10.0
    """How long before its hold ends a grant that nobody reported is booked as its estimate."""
    authorize_seconds: float = 5.0
    """How long asking may take, repeats after lost replies included; then the request is refused."""
    settle_threads: int = 4
    """How many reports are sent at the same time. 0: none by themselves; `flush` sends them in the calling thread."""
    first_pause_seconds: float = 0.25
    """How long a report waits after its first failure; twice as long after each further one, with jitter."""
    longest_pause_seconds: float = 60.0
    """The longest that a report waits before it is sent again."""
    queue_after: int = 3
    """After how many failures a report goes to the queue, if there is one."""
    most_waiting: int = 10_000
    """How many reports are kept in memory; more stay in the spool or, without one, nothing more is granted."""
    async_threads: int = 32
    """How many requests of an `AsyncClient` are under way to the service at the same time."""
    async_waiting: int = 128
    """How many more may wait for one of those; further ones are refused."""
    exit_seconds: float = 5.0
    """How long the end of the process waits for reports that are not answered yet."""
    hot_per_second: float = 20.0
    """From how many authorizes a second on a key gets a lease by itself, where leases are on."""
    longest_request_seconds: float = 600.0
    """How long a request on a lease may last; its hold lasts 4 seconds and `clock_difference_seconds` longer."""
    clock_difference_seconds: float = 5.0
    """How far apart the clocks of machines may be that decide: the service's, and routers' in direct mode."""
    lease_ahead_seconds: float = 3.0
    """For how long a lease holds what its own rate asks for, 1 to 5."""
    lease_idle_seconds: float = 3.0
    """How long after its last request a lease hands everything back."""
    lease_most_units: int = 10**15
    """The most units that a lease holds for requests to come."""
    lease_most_calls: int = 10**9
    """The most calls that a lease holds for requests to come."""
    most_leases: int = 256
    """How many leases a process has at the same time; further keys ask the service for each request."""
    lease_threads: int = 8
    """How many leases may wait for the service at the same time; the others go on with what they hold."""

    def __post_init__(self) -> None:
        """Refuse what cannot be a policy."""
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise ConfigurationError(f"{name} must be one of {', '.join(allowed)}.")
        for field in fields(self):
            if field.name not in _CHOICES:
                _check_figure(field.name, getattr(self, field.name))
        if self.hold_seconds > _MAX_HOLD_SECONDS:
            raise ConfigurationError(f"hold_seconds must be at most {_MAX_HOLD_SECONDS}.")
        if not _LEAST_AHEAD_SECONDS <= self.lease_ahead_seconds <= _MOST_AHEAD_SECONDS:
            raise ConfigurationError(
                f"lease_ahead_seconds must be from {_LEAST_AHEAD_SECONDS} to {_MOST_AHEAD_SECONDS}."
            )
        most = _MAX_HOLD_SECONDS - _LATEST_START_SECONDS - self.clock_difference_seconds
        if self.longest_request_seconds > most:
            raise ConfigurationError(f"longest_request_seconds must be at most {most:.0f}.")

    def output_bound(self, max_tokens: object, choices: int = 1) -> int:
        """The most output a request may bring, for its estimate, and to be sent upstream as its bound for a choice.

        What is no whole number above 0 (`"50"`, -5, None) counts as not said.
        """
        usable = isinstance(max_tokens, int) and not isinstance(max_tokens, bool) and max_tokens > 0
        return (max_tokens if usable else self.unknown_output) * max(1, choices)  # type: ignore[operator]


def _check_figure(name: str, value: object) -> None:
    kinds = (int,) if name in _WHOLE else (int, float)
    if not isinstance(value, kinds) or isinstance(value, bool):
        raise ConfigurationError(f"{name} must be a {'whole number' if name in _WHOLE else 'number'}.")
    if not (value > 0 or (value == 0 and name in _MAY_BE_ZERO)):  # also refuses what is not a number
        raise ConfigurationError(f"{name} must be above 0.")
