"""Faults and interleavings at the seam to the store. Rule: the request itself is real, only its way is not."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelpass.dynamodb.transport import Response, Send, StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.schema import Request


@dataclass(slots=True)
class FaultAt:
    """Fail one store call of a command: before it is carried out, after it, or by losing its reply for good.

    `before` and `after` fail once, so that a retry gets through; `lost` carries the call out and then fails every
    further call, as a store that went away.
    """

    send: Send
    at: int
    kind: str
    seen: int = 0

    @property
    def reached(self) -> bool:
        """Whether the command made the call that was to fail."""
        return self.seen > self.at

    def __call__(self, operation: str, request: Request) -> Response:
        number, self.seen = self.seen, self.seen + 1
        if number == self.at and self.kind == "before":
            raise StoreBusyError("injected")
        if number > self.at and self.kind == "lost":
            raise StoreBusyError("injected")
        if number == self.at:
            with contextlib.suppress(StoreError):  # a refused condition is a reply, too, and is lost like any other
                self.send(operation, request)
            raise StoreBusyError("injected")
        return self.send(operation, request)


@dataclass(slots=True)
class Interleave:
    """Run another command entirely before one store call of a command."""

    send: Send
    at: int
    other: Callable[[], object]
    seen: int = 0

    @property
    def reached(self) -> bool:
        """Whether the command made the call before which the other ran."""
        return self.seen > self.at

    def __call__(self, operation: str, request: Request) -> Response:
        number, self.seen = self.seen, self.seen + 1
        if number == self.at:
            self.other()
        return self.send(operation, request)
