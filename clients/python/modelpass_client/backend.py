"""How requests reach the service, as types. Rule: no code that sends anything; the ways are in `aws` and `direct`.

A backend is synchronous and may be used by any number of threads. It bounds the time of each request by itself. What
the service answers, a refusal included, is returned as it came; only a request without an answer is an exception.
"""

from __future__ import annotations

from typing import Any, Protocol

Json = dict[str, Any]
"""A JSON object: the payload or the answer of one of the service's functions."""


class BackendError(Exception):
    """A request that got no answer: the service is unreachable, slow or throttled, or a function failed.

    `maybe_done` tells that it may have been carried out all the same: only a repeat of the same request can tell. The
    text names no key and no id.
    """

    def __init__(self, message: str, *, maybe_done: bool) -> None:
        super().__init__(message)
        self.maybe_done = maybe_done


class Backend(Protocol):
    """A way to the functions of the service. Each method raises `BackendError` when there is no answer."""

    def authorize(self, payload: Json) -> Json:
        """Ask whether a request may be made, and reserve what it may use."""

    def settle(self, payload: Json) -> Json:
        """Report what a request used."""

    def describe_key(self, payload: Json) -> Json:
        """Ask what an API key may use."""

    def close(self) -> None:
        """Let go of connections; the backend must not be used any more."""


class Queue(Protocol):
    """A second way for settles, for times in which the function does not answer."""

    def send(self, payload: Json) -> None:
        """Leave a settle in the queue, durably; raises `BackendError` when it may not be there."""
