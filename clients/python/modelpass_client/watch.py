"""Grants that nobody reported yet. Rule: each is booked before its hold ends, whoever forgot it.

A thread looks once a second, and does whatever else the client has to do now and then. What it looks at are buckets of
a second each, so that a grant costs two dictionary operations, however many are open.
"""

from __future__ import annotations

import collections
import contextlib
import logging
import threading
import time
from typing import TYPE_CHECKING, Final

from modelpass_client.forks import starts_anew

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.grant import Grant

LOG: Final = logging.getLogger("modelpass_client")

_TICK_SECONDS: Final = 1.0


class Watch:
    """Knows the open grants. Its methods never block; `abandon` is safe in `__del__` and in signal handlers."""

    def __init__(
        self,
        early_seconds: float,
        chores: Callable[[], object],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Book lost grants `early_seconds` before their hold ends, and do `chores` at each tick."""
        self._early, self._chores, self._clock = early_seconds, chores, clock
        self._begin()
        starts_anew(self)

    def _begin(self) -> None:
        self._buckets: dict[int, dict[int, Grant]] = {}
        self._deadlines: dict[int, int] = {}  # the bucket of each
        self._abandoned: collections.deque[tuple[Grant, BaseException]] = collections.deque()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._ends = threading.Event()
        self._lock = threading.RLock()
        self._draining = threading.RLock()

    def after_fork(self) -> None:
        """In a child: the grants of the parent are the parent's to report."""
        self._begin()

    def add(self, grant: Grant) -> None:
        """Watch a grant until it is booked."""
        with self._lock:
            now = self._clock()
            early = min(self._early, (grant.expires_at - now) / 2)  # short holds are not lost at once
            at = self._deadlines[id(grant)] = int(grant.expires_at - early)
            self._buckets.setdefault(at, {})[id(grant)] = grant

    def forget(self, grant: Grant) -> None:
        """Watch a grant no longer: it is booked."""
        with self._lock:
            at = self._deadlines.pop(id(grant), None)
            bucket = self._buckets.get(at) if at is not None else None
            if at is not None and bucket is not None:
                bucket.pop(id(grant), None)
                if not bucket:
                    del self._buckets[at]

    def abandon(self, grant: Grant, error: BaseException) -> None:
        """Have a grant finished by the thread, where what runs must not do it itself."""
        self._abandoned.append((grant, error))

    def drain(self) -> None:
        """Book what was abandoned; also what another thread is about to book has been booked then.

        A signal handler may have interrupted who that thread waits for: so this waits for it a second at most.
        """
        mine = self._draining.acquire(timeout=_TICK_SECONDS)
        try:
            with contextlib.suppress(IndexError):
                while True:
                    grant, error = self._abandoned.popleft()
                    grant.finish(error)
        finally:
            if mine:
                self._draining.release()

    def tick(self) -> None:
        """Book what was abandoned or lost by now."""
        self.drain()
        now = int(self._clock())
        with self._lock:
            due = [grant for at, bucket in self._buckets.items() if at <= now for grant in bucket.values()]
        for grant in due:
            if grant.lose():
                LOG.warning("A grant was about to end without a report: it is booked as its estimate.")
            self.forget(grant)  # also one that somebody claimed and never booked

    def stop(self) -> None:
        """Let the thread end."""
        self._ends.set()

    def finish_all(self) -> None:
        """Book every open grant as the policies say: nobody else will."""
        self.drain()
        with self._lock:
            open_grants = [grant for bucket in self._buckets.values() for grant in bucket.values()]
        for grant in open_grants:
            grant.settle()
            self.forget(grant)

    def start(self) -> None:
        """Start the thread, unless it runs."""
        if self._thread is not None or not self._starting.acquire(blocking=False):
            return
        try:
            self._thread = threading.Thread(target=self._run, name="modelpass-watch", daemon=True)
            self._thread.start()
        except RuntimeError:
            LOG.warning("No thread can be started: grants that nobody reports are not booked.")
        finally:
            self._starting.release()

    def _run(self) -> None:
        ends = self._ends
        while not ends.is_set():
            try:
                self.tick()
                self._chores()
            except Exception:  # the thread must go on
                LOG.exception("Looking after grants failed; it is tried again.")
            ends.wait(_TICK_SECONDS)
