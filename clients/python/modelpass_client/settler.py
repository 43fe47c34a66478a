"""Reports, sent in the background until they are answered for good. Rule: a report is never dropped, and nobody waits.

    submit ─▸ spool ─▸ inbox ─▸ function ─┬─▸ settled or replayed: out of the spool
                         ▴                ├─▸ 400, 404: kept aside, counted, logged
                         └── back-off ◂───┴─▸ no answer, 5xx: later again, after some failures by the queue

Repeats are harmless, for the service books the first report of an authorization alone. What `submit` does is safe in
signal handlers and takes no lock that a thread in the background holds while it sends.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import queue
import random
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from modelpass_client.delivery import Delivery, Item, Outcome
from modelpass_client.dialect import Dialect
from modelpass_client.forks import starts_anew
from modelpass_client.spool import Spool, SpoolError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.backend import Backend, Queue
    from modelpass_client.grant import Grant
    from modelpass_client.policies import Policies
    from modelpass_client.reports import Report

Json = dict[str, Any]

LOG: Final = logging.getLogger("modelpass_client")

_MOST_DOUBLINGS: Final = 32  # the pause is at its longest by then, and floats have an end
_HURRIED_PAUSE_SECONDS: Final = 0.25
_LOOK_SECONDS: Final = 1.0
_FLUSH_STEP_SECONDS: Final = 0.01


class Settler:
    """Sends reports in threads of its own, which start with the first report.

    `counts` tells how many reports were `settled` (some of them were `replayed`), left to the queue (`queued`),
    `refused` for good, and how often a way failed (`failures`) or the spool did (`spool_failures`).
    """

    def __init__(  # noqa: PLR0913 - its clock, pause and chance are given by tests
        self,
        backend: Backend,
        policies: Policies,
        *,
        spool: Spool | None = None,
        queue: Queue | None = None,
        dialect: Dialect | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        """Start nothing yet."""
        self._backend, self._policies, self._spool, self._queue = backend, policies, spool, queue
        self.dialect = dialect or Dialect()
        self._clock, self._sleep, self._chance = clock, sleep, chance
        self.counts: dict[str, int] = dict.fromkeys(
            ("settled", "replayed", "queued", "refused", "failures", "spool_failures"), 0
        )
        self._begin()
        starts_anew(self)

    def _begin(self) -> None:
        self.open: dict[str, Item] = {}  # in memory, and not answered for good yet
        self._spilled = False  # more are in the spool
        self._inbox: queue.SimpleQueue[Item | None] = queue.SimpleQueue()
        self._later: list[tuple[float, int, Item]] = []
        self._numbers = itertools.count()
        self._later_lock = threading.RLock()  # reentrant, for a signal handler may come between
        self._counting = threading.RLock()
        self._starting = threading.Lock()
        self._threads: list[threading.Thread] = []
        self._urgent = False  # a flush goes on: no long pauses
        self._hurried = True  # since the flush began, nothing waits for times that were set before
        self._spool_takes = True  # the last report, at least
        self._delivery = Delivery(
            self._backend, self._queue, self.dialect, queue_after=self._policies.queue_after, clock=self._clock
        )
        self._closed = False

    def after_fork(self) -> None:
        """In a child: what the parent has open is the parent's to report."""
        self._begin()

    # -- taking reports

    def book(self, grant: Grant, report: Report) -> None:
        """Take the report of a grant that the service gave (a `Sink`)."""
        if grant.authorization_id is not None:
            self.submit(grant.authorization_id, report)

    def submit(self, authorization_id: str, report: Report) -> None:
        """Take a report. Once this returns it survives the end of the process, if the spool takes it."""
        payload: Json = {"authorizationId": authorization_id, "actualUsage": report.units, "usageSource": report.source}
        if report.calls is not None:
            payload["calls"] = report.calls
        if report.served_tier is not None:
            payload["servedTier"] = report.served_tier
        kept = self._keep(authorization_id, payload)
        if kept and len(self.open) >= self._policies.most_waiting:
            self._spilled = True
        else:
            self._enter(authorization_id, payload)
        self.start()

    @property
    def full(self) -> bool:
        """Whether so many reports wait, without a spool that takes more, that nothing more should be granted."""
        return len(self.open) >= self._policies.most_waiting and (self._spool is None or not self._spool_takes)

    @property
    def idle(self) -> bool:
        """Whether every report that was taken has been answered for good."""
        return not self.open and not self._spilled

    def _keep(self, found: str, payload: Json) -> bool:
        if self._spool is None:
            return False
        try:
            self._spool.put(found, payload)
        except SpoolError:
            self._spool_failed()
            self._spool_takes = False
            return False
        self._spool_takes = True
        return True

    def _enter(self, found: str, payload: Json) -> None:
        item = Item(found, payload)
        if self.open.setdefault(found, item) is item:  # else it is on its way already
            self._inbox.put(item)

    # -- sending them

    def step(self) -> bool:
        """Send one report that is due, if there is one. Threads do nothing else."""
        item = self._due()
        if item is None:
            return False
        self._attempt(item)
        return True

    def _due(self) -> Item | None:
        with contextlib.suppress(queue.Empty):
            while True:
                if (item := self._inbox.get_nowait()) is not None:
                    return item
        now = self._clock()
        with self._later_lock:
            if not self._hurried:
                self._hurried = True
                self._later = [(now, number, item) for _, number, item in sorted(self._later)]
            if self._later and self._later[0][0] <= now:
                return heapq.heappop(self._later)[2]
        return None

    def _attempt(self, item: Item) -> None:
        outcome = self._delivery.attempt(item)
        self._count(outcome.value)
        if outcome is Outcome.FAILED:
            self._again(item)
            return
        if outcome is Outcome.REPLAYED:
            self._count(Outcome.SETTLED.value)
        if outcome is Outcome.REFUSED:
            LOG.warning("A report was refused for good (%s) and is kept aside.", item.code)
        self._forget(item, refused=outcome is Outcome.REFUSED)
        self.open.pop(item.id, None)

    def _again(self, item: Item) -> None:
        item.failures += 1
        first = self._policies.first_pause_seconds
        longest = _HURRIED_PAUSE_SECONDS if self._urgent else self._policies.longest_pause_seconds
        pause = min(longest, first * 2 ** min(item.failures - 1, _MOST_DOUBLINGS))
        due = self._clock() + pause * (0.5 + self._chance() / 2)
        with self._later_lock:
            heapq.heappush(self._later, (due, next(self._numbers), item))

    def _forget(self, item: Item, *, refused: bool) -> None:
        if self._spool is None:
            return
        try:
            if refused:
                self._spool.refuse(item.id, item.payload, item.code)
            else:
                self._spool.done(item.id)
        except SpoolError:
            self._spool_failed()  # it will be sent again some day, and books once

    def _spool_failed(self) -> None:
        if self.counts["spool_failures"] == 0:
            LOG.error("The spool cannot be written to: reports live in memory alone meanwhile.")
        self._count("spool_failures")

    def _count(self, name: str) -> None:
        with self._counting:
            self.counts[name] += 1

    # -- what was left behind

    def recover(self) -> int:
        """Take over what processes that ended left in the folder, and what memory had no room for; how many."""
        if self._spool is None:
            return 0
        adopted = 0
        try:
            adopted = self._spool.adopt()
            self._spool.tidy()
        except SpoolError:
            self._spool_failed()
        self._spilled = True  # it may be, and looking costs little
        self.load()
        return adopted

    def load(self) -> None:
        """Send what memory had no room for, as far as it has some now."""
        most = self._policies.most_waiting
        room = most - len(self.open)
        if self._spool is None or not self._spilled or room <= 0:
            return
        self._spilled = False  # before looking: what is spilled from now on sets it again
        try:
            found = self._spool.pending(most + 1)
        except SpoolError:
            self._spilled = True
            self._spool_failed()
            return
        waiting = [(name, payload) for name, payload in found if name not in self.open]
        for name, payload in waiting[:room]:
            self._enter(name, payload)
        self._spilled = self._spilled or len(waiting) > room or len(found) > most
        if waiting:
            self.start()  # nothing else may be reported for long

    # -- threads

    def start(self) -> None:
        """Start the threads, unless they run. Where no thread can be started any more, the spool keeps the reports."""
        if self._threads or self._closed or self._policies.settle_threads == 0:
            return
        if not self._starting.acquire(blocking=False):
            return  # somebody is at it, perhaps the very thread that a signal handler interrupted
        try:
            if not self._threads:
                threads = [
                    threading.Thread(target=self._run, name="modelpass-settle", daemon=True)
                    for _ in range(self._policies.settle_threads)
                ]
                for thread in threads:
                    thread.start()
                self._threads = threads
        except RuntimeError:
            LOG.warning("No thread can be started: reports wait for the next process, if there is a spool.")
        finally:
            self._starting.release()

    def _run(self) -> None:
        inbox = self._inbox
        while not self._closed:
            if self.step():
                continue
            try:
                item = inbox.get(timeout=self._wait_seconds())
            except queue.Empty:
                continue
            if item is not None:  # None: look what has changed
                self._attempt(item)

    def _wake(self) -> None:
        for _ in self._threads:
            self._inbox.put(None)

    def _wait_seconds(self) -> float:
        with self._later_lock:
            until = self._later[0][0] - self._clock() if self._later else _LOOK_SECONDS
        return min(_LOOK_SECONDS, max(0.001, until))

    def flush(self, timeout: float) -> bool:
        """Send everything now, back-offs included, and wait until it is answered for good; False if time ran out.

        Takes no lock, so that a signal handler may call it whatever it interrupted.
        """
        self.start()
        ends = self._clock() + timeout
        self._urgent = True
        self.hurry()
        try:
            while not self.idle:
                if self._clock() >= ends:
                    return False
                self.load()
                if self._threads or not self.step():
                    self._sleep(_FLUSH_STEP_SECONDS)
        finally:
            self._urgent = False
        return True

    def hurry(self) -> None:
        """Send now what waits for a later time. Takes no lock."""
        self._hurried = False
        self._wake()

    def close(self, timeout: float) -> None:
        """Let the threads end after what they are sending; what is left stays in the spool."""
        self._closed = True
        self._wake()
        ends = self._clock() + timeout
        for thread in self._threads:
            thread.join(max(0.0, ends - self._clock()))
        if self._spool is not None and not any(thread.is_alive() for thread in self._threads):
            try:
                self._spool.close()
            except SpoolError:
                self._spool_failed()
