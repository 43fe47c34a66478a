"""Ways to a service that is a script: they stand for the network, and know by heart what was booked."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from modelpass_client.backend import BackendError

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]

DAILY: Json = {"limit": 50, "used": 4, "remaining": 46, "resetsAt": "2026-11-28T00:00:00Z"}
MONTHLY: Json = {
    "limit": 5000,
    "used": 1,
    "held": 4000,
    "remaining": 999,
    "overrun": 0,
    "resetsAt": "2026-12-23T00:00:00Z",
}


def granted(number: int = 1, held: int = 4000, **more: Any) -> Json:
    return {
        "allowed": True,
        "authorizationId": f"id-{number}",
        "accountId": "acct",
        "subscriptionId": "sub_1",
        "modelId": "m",
        "channelTier": "stable",
        "unit": "tokens",
        "heldUsage": held,
        "holdExpiresAt": "2026-11-27T20:00:00Z",
        "daily": DAILY,
        "monthly": MONTHLY,
        **more,
    }


def refusal(code: str, status: int, param: str | None = None, **more: Any) -> Json:
    kinds = {400: "invalid_request_error", 404: "not_found_error", 429: "rate_limit_error"}
    error = {"message": "No.", "type": kinds.get(status, "service_unavailable_error"), "code": code, "param": param}
    return {"allowed": False, "settled": False, "statusCode": status, "error": error, **more}


UNAVAILABLE = refusal("temporarily_unavailable", 503, retryAfter=1)
LOST = BackendError("lost", maybe_done=True)


class Scripted:
    """A backend that answers as its script says, in turn, and then always with success. Exceptions are raised."""

    def __init__(self, *script: Json | Exception | Callable[[Json], Json]) -> None:
        self.script = list(script)
        self.asked: list[Json] = []
        self.settled: list[Json] = []
        self.closed = False
        self._lock = threading.Lock()

    def authorize(self, payload: Json) -> Json:
        with self._lock:
            self.asked.append(payload)
            return self._next(payload, lambda: granted(len(self.asked), payload["estimatedUsage"]))

    def settle(self, payload: Json) -> Json:
        with self._lock:
            self.settled.append(payload)
            return self._next(payload, lambda: {"settled": True, "late": False, "tierBreached": False})

    def describe_key(self, payload: Json) -> Json:
        return self._next(payload, lambda: {"status": "active"})

    def close(self) -> None:
        self.closed = True

    def _next(self, payload: Json, otherwise: Callable[[], Json]) -> Json:
        answer = self.script.pop(0) if self.script else otherwise()
        if isinstance(answer, Exception):
            raise answer
        return answer(payload) if callable(answer) else answer


class Scribe:
    """A queue that keeps what it is sent, or fails as often as it is told."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.sent: list[Json] = []

    def send(self, payload: Json) -> None:
        if self.failures:
            self.failures -= 1
            raise LOST
        self.sent.append(payload)


class Clock:
    """A clock that moves when somebody sleeps by it."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
