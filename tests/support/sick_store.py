"""A store that throttles, fails or hangs for a while, and what a process of the service makes of it.

Rule: a request is real and goes to the real engine, or nowhere; time is a steady clock that hanging and pauses move.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from modelpass.dynamodb.circuit_breaker import LONGEST_REST_SECONDS
from modelpass.dynamodb.retries import Pacing
from modelpass.dynamodb.transport import READ_SECONDS, Cause, Response, Send, StoreBusyError, StoreError
from tests.support.world import guarded

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass.schema import Request
    from tests.support.world import World

REASONS = {
    Cause.THROTTLED: "ThrottlingException",
    Cause.FAILED: "InternalServerError",
    Cause.SILENT: "TimeoutError",
}


def everything(_: Request) -> bool:
    """Whatever is asked, the store is sick."""
    return True


@dataclass(slots=True)
class SickStore:
    """The way to a store that is sick in one way while `cause` is set, for the requests that `of` names."""

    send: Send
    cause: Cause | None = None
    of: Callable[[Request], bool] = everything
    late: bool = False
    """Whether what it loses the reply to is carried out."""
    seconds: float = 1000.0
    asked: int = 0
    """How many requests have reached it."""

    def __call__(self, operation: str, request: Request) -> Response:
        self.asked += 1
        if self.cause is None or not self.of(request):
            return self.send(operation, request)
        if self.cause is Cause.SILENT:
            self.seconds += READ_SECONDS
        if self.late and self.cause is not Cause.THROTTLED:
            with contextlib.suppress(StoreError):
                self.send(operation, request)
        raise StoreBusyError(REASONS[self.cause], self.cause)

    def rest(self) -> None:
        """Let the longest rest of a breaker go by."""
        self.seconds += LONGEST_REST_SECONDS

    def sleep(self, seconds: float) -> None:
        """Let a pause go by."""
        self.seconds += seconds


@dataclass(slots=True)
class Process:
    """One process of the service on a store that may be sick, with its breaker on."""

    store: SickStore
    world: World
    held: list[float] = field(default_factory=list)
    """How many seconds each authorize took."""

    def authorize(self, api_key: str, request_id: str) -> str:
        """Ask once; `granted`, or the code of the refusal."""
        began = self.store.seconds
        answer = self.world.authorize(api_key, request_id)
        self.held.append(self.store.seconds - began)
        return "granted" if answer["allowed"] else answer["error"]["code"]


def process_of(world: World) -> Process:
    """A process that has just started, and has asked the store nothing yet."""
    store = SickStore(world.store)
    pacing = Pacing(lambda: store.seconds, store.sleep, lambda: 0.5)
    return Process(store, replace(world, deps=guarded(world.deps._replace(send=store, pacing=pacing))))
