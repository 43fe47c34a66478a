"""The threads that send what leases want sent. Rule: a lease that waits for the service holds up no other.

One thread knows when each lease is to be looked at; a few look and send. A lease is in the hands of one at a time. To
wake a lease is one put into a queue, safe in signal handlers.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import queue
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.leases.lease import Lease

LOG: Final = logging.getLogger("modelpass_client")

_AFTER_FAILURE_MS: Final = 1000
_LONGEST_WAIT_SECONDS: Final = 60.0


class Senders:
    """Threads, of which there are none before the first lease wakes."""

    def __init__(self, look: Callable[[Lease], int | None], clock: Callable[[], float], most: int) -> None:
        """`look` sends what a lease wants sent, and tells when (in milliseconds of the clock) to look again."""
        self._look, self._clock, self._most = look, clock, most
        self._inbox: queue.SimpleQueue[tuple[Lease | None, bool]] = queue.SimpleQueue()
        self._work: queue.SimpleQueue[Lease | None] = queue.SimpleQueue()
        self._again: dict[Lease, int | None] = {}
        self._starting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._closed = False

    def wake(self, lease: Lease) -> None:
        """Have a lease looked at now."""
        self._inbox.put((lease, False))
        if not self._threads:
            self._start(self._dispatch, "modelpass-leases", at_most=1, waits=False)

    def close(self) -> None:
        """Let the threads end after what they have under way."""
        self._closed = True
        self._inbox.put((None, False))
        for _ in self._threads:
            self._work.put(None)

    def _start(self, runs: Callable[[], None], name: str, at_most: int, *, waits: bool) -> None:
        if not self._starting.acquire(blocking=waits):
            return  # somebody is at it, perhaps the very thread that a signal handler interrupted
        try:
            if len(self._threads) < at_most and not self._closed:
                thread = threading.Thread(target=runs, name=name, daemon=True)
                thread.start()
                self._threads.append(thread)
        except RuntimeError:
            LOG.warning("No thread can be started: leases cannot report.")
        finally:
            self._starting.release()

    def _dispatch(self) -> None:
        plan = _Plan()
        while not self._closed:
            now_ms = int(self._clock() * 1000)
            for lease in plan.due(now_ms):
                self._hand_out(lease, len(plan.busy))
            wait = plan.wait_seconds(now_ms)
            try:
                woken, back = self._inbox.get(timeout=wait)
            except queue.Empty:
                continue
            if woken is not None and back:
                plan.back(woken, self._again.pop(woken, None))
            elif woken is not None:
                plan.wake(woken)

    def _hand_out(self, lease: Lease, busy: int) -> None:
        self._work.put(lease)
        if len(self._threads) - 1 < busy:
            self._start(self._send, "modelpass-lease", at_most=self._most + 1, waits=True)

    def _send(self) -> None:
        while (lease := self._work.get()) is not None:
            try:
                at_ms = self._look(lease)
            except Exception:  # the thread must go on
                LOG.exception("Looking after a lease failed; it is tried again.")
                at_ms = int(self._clock() * 1000) + _AFTER_FAILURE_MS
            self._again[lease] = at_ms
            self._inbox.put((lease, True))


class _Plan:
    """When each lease is to be looked at; of the dispatching thread alone."""

    def __init__(self) -> None:
        self.busy: dict[Lease, bool] = {}  # in the hands of a thread, and whether it woke meanwhile
        self._times: list[tuple[int, int, Lease]] = []
        self._at: dict[Lease, int] = {}
        self._numbers = itertools.count()

    def wake(self, lease: Lease) -> None:
        """Have a lease looked at as soon as it is in nobody's hands."""
        if lease in self.busy:
            self.busy[lease] = True
        else:
            self._set(lease, 0)

    def back(self, lease: Lease, at_ms: int | None) -> None:
        """Take a lease back that is to be looked at again at some time; None: not before it wakes."""
        if self.busy.pop(lease, False):
            at_ms = 0
        if at_ms is not None:
            self._set(lease, at_ms)

    def due(self, now_ms: int) -> list[Lease]:
        """The leases to be looked at now; they are busy from now on."""
        found = []
        while self._times and self._times[0][0] <= now_ms:
            at_ms, _, lease = heapq.heappop(self._times)
            if self._at.get(lease) == at_ms:
                del self._at[lease]
                self.busy[lease] = False
                found.append(lease)
        return found

    def wait_seconds(self, now_ms: int) -> float:
        """How long nothing is due."""
        return min(_LONGEST_WAIT_SECONDS, (self._times[0][0] - now_ms) / 1000 if self._times else _LONGEST_WAIT_SECONDS)

    def _set(self, lease: Lease, at_ms: int) -> None:
        if at_ms < self._at.get(lease, at_ms + 1):
            self._at[lease] = at_ms
            heapq.heappush(self._times, (at_ms, next(self._numbers), lease))
