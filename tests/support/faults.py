"""Ways to the store on which something happens at one call: a fault, another command, time that goes on.

Rule: the request itself is real and goes to the real engine, or nowhere; answers are never made up.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from modelpass.dynamodb.transport import Response, Send, StoreBusyError, StoreError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.schema import Request


@dataclass(slots=True)
class AtOneCall:
    """What the ways below share: they count the calls of a command, from 0, and act at the one whose number is `at`."""

    send: Send
    at: int
    seen: int = field(default=0, init=False)

    @property
    def reached(self) -> bool:
        """Whether the command made the call at which something was to happen."""
        return self.seen > self.at

    def count(self) -> int:
        """The number of the call that is made now."""
        self.seen += 1
        return self.seen - 1


@dataclass(slots=True)
class FaultAt(AtOneCall):
    """Fail one store call of a command: before it is carried out, after it, or by losing its reply for good.

    `before` and `after` fail once, so that a retry gets through; `lost` carries the call out and then fails every
    further call, as a store that went away.
    """

    kind: str

    def __call__(self, operation: str, request: Request) -> Response:
        number = self.count()
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
class Interleave(AtOneCall):
    """Run another command entirely before one store call of a command."""

    other: Callable[[], object]

    def __call__(self, operation: str, request: Request) -> Response:
        if self.count() == self.at:
            self.other()
        return self.send(operation, request)


@dataclass(slots=True)
class SlowReply(AtOneCall):
    """Carry a call out, let time go on, and then give its reply, or lose it."""

    meanwhile: Callable[[], None]
    lost: bool

    def __call__(self, operation: str, request: Request) -> Response:
        number = self.count()
        response = self.send(operation, request)
        if number == self.at:
            self.meanwhile()
            if self.lost:
                raise StoreBusyError("injected")
        return response
