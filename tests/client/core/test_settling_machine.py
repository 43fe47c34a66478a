"""Whatever fails, restarts or is killed: each report is booked exactly once, as it was first told.

Processes share a folder, as those of one machine do. A process that is killed lets go of its lock, as the kernel does
for it, and of nothing else. The service books the first report of an authorization and says so to all others; it may
lose questions and answers, and so may the queue, which is worked off later.
"""

from __future__ import annotations

import os
import tempfile
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from modelpass_client.backend import BackendError
from modelpass_client.policies import Policies
from modelpass_client.reports import Report
from modelpass_client.settler import Settler
from modelpass_client.spool import Spool
from tests.client.core.backends import UNAVAILABLE, Clock, refusal

Json = dict[str, Any]

FAILURES = ("lost before", "lost after", "unavailable", "broken", "nonsense")
outcomes = st.sampled_from(("well", "well", *FAILURES))


class Service:
    """The service and its queue: what goes wrong next is told to them."""

    def __init__(self) -> None:
        self.booked: dict[str, int] = {}
        self.queued: list[Json] = []
        self.parked: set[str] = set()
        self.refuses: set[str] = set()
        self.next_settle = "well"
        self.next_send = "well"
        self.repeats = 0

    def book(self, payload: Json) -> Json:
        found = payload["authorizationId"]
        if found in self.refuses:
            return refusal("authorization_not_found", 404)
        replayed = found in self.booked
        self.repeats += replayed
        self.booked.setdefault(found, payload["actualUsage"])
        return {"settled": True, "replayed": True} if replayed else {"settled": True, "late": False}

    def settle(self, payload: Json) -> Json:
        happens, self.next_settle = self.next_settle, "well"
        if happens == "lost before":
            raise BackendError("refused", maybe_done=False)
        if happens == "lost after":
            self.book(payload)
            raise BackendError("lost", maybe_done=True)
        if happens == "broken":
            raise RuntimeError
        if happens == "nonsense":
            return {}
        return UNAVAILABLE if happens == "unavailable" else self.book(payload)

    def send(self, payload: Json) -> None:
        happens, self.next_send = self.next_send, "well"
        if happens != "lost before":
            self.queued.append(payload)
        if happens != "well":
            raise BackendError("lost", maybe_done=True)

    def work_off(self) -> None:
        for payload in self.queued:
            if not self.book(payload)["settled"]:
                self.parked.add(payload["authorizationId"])  # with its body, among the dead letters
        self.queued.clear()

    def authorize(self, payload: Json) -> Json:
        raise NotImplementedError

    describe_key = authorize

    def close(self) -> None:
        pass


class Disk(Spool):
    """A spool whose disk can be full."""

    full = False

    def put(self, authorization_id: str, payload: Json) -> None:
        if self.full:
            raise OSError
        super().put(authorization_id, payload)


class Settling(RuleBasedStateMachine):
    """Two processes at most, each with a settler whose threads are this machine's steps."""

    @initialize(queue=st.booleans(), most=st.integers(1, 4))
    def begin(self, queue: bool, most: int) -> None:  # noqa: FBT001 - drawn
        self.folder = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.service = Service()
        self.policies = Policies(settle_threads=0, queue_after=2, most_waiting=most)
        self.queue = self.service if queue else None
        self.told: dict[str, int] = {}
        self.in_memory_alone: dict[str, Settler] = {}
        self.processes: list[tuple[Settler, Disk]] = []
        self.settlers: list[Settler] = []
        self.start_process()

    @precondition(lambda self: len(self.processes) < 2)
    @rule()
    def start_process(self) -> None:
        spool = Disk(self.folder.name)
        settler = Settler(
            self.service, self.policies, spool=spool, queue=self.queue, clock=self.clock, sleep=self.clock.sleep
        )
        settler.recover()
        self.processes.append((settler, spool))
        self.settlers.append(settler)

    @rule(which=st.integers(0, 1), units=st.integers(0, 9), refused=st.booleans(), full=st.booleans())
    def report(self, which: int, units: int, refused: bool, full: bool) -> None:  # noqa: FBT001 - drawn
        settler, spool = self.processes[which % len(self.processes)]
        found = f"id-{len(self.told)}"
        self.told[found] = units
        if refused:
            self.service.refuses.add(found)
        spool.full = full
        settler.submit(found, Report(units))
        spool.full = False
        if full:
            self.in_memory_alone[found] = settler

    @rule(which=st.integers(0, 1), number=st.integers(0, 20), units=st.integers(0, 9))
    def report_again(self, which: int, number: int, units: int) -> None:
        if self.told:
            found = f"id-{number % len(self.told)}"
            if found not in self.in_memory_alone:
                self.processes[which % len(self.processes)][0].submit(found, Report(self.told[found]))
        _ = units

    @rule(which=st.integers(0, 1), settle=outcomes, send=outcomes)
    def step(self, which: int, settle: str, send: str) -> None:
        self.service.next_settle, self.service.next_send = settle, send
        self.processes[which % len(self.processes)][0].step()
        self.service.next_settle = self.service.next_send = "well"

    @rule(seconds=st.sampled_from((0.2, 1.0, 70.0)))
    def time_goes_on(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(which=st.integers(0, 1))
    def look_around(self, which: int) -> None:
        settler, _ = self.processes[which % len(self.processes)]
        settler.recover()
        settler.load()

    @rule()
    def queue_is_worked_off(self) -> None:
        self.service.work_off()

    @precondition(lambda self: self.processes)
    @rule(which=st.integers(0, 1))
    def kill(self, which: int) -> None:
        settler, spool = self.processes.pop(which % len(self.processes))
        if spool._own is not None:
            os.close(spool._own._lock)  # the kernel does
        self._forget_memory_of(settler)
        if not self.processes:
            self.start_process()

    @rule(which=st.integers(0, 1), flush=st.booleans())
    def end_well(self, which: int, flush: bool) -> None:  # noqa: FBT001 - drawn
        settler, _ = self.processes.pop(which % len(self.processes))
        if flush:
            settler.flush(2)
        settler.close(0)
        self._forget_memory_of(settler)
        if not self.processes:
            self.start_process()

    def _forget_memory_of(self, settler: Settler) -> None:
        """What only memory had, because the disk was full, may be lost with its process; the documents say so."""
        for found, owner in list(self.in_memory_alone.items()):
            if owner is settler and found in settler.open and found not in self.service.booked:
                del self.in_memory_alone[found]
                self.told.pop(found, None)
                self.told[found] = -1

    @invariant()
    def what_is_booked_is_what_was_told(self) -> None:
        for found, units in getattr(self, "service", Service()).booked.items():
            assert self.told[found] in {units, -1}

    @invariant()
    def memory_is_bounded(self) -> None:
        for settler, _ in getattr(self, "processes", []):
            on_disk = [found for found in settler.open if found not in self.in_memory_alone]
            assert len(on_disk) <= self.policies.most_waiting

    def teardown(self) -> None:
        if not hasattr(self, "folder"):
            return
        for _ in range(60):
            for settler, _ in self.processes:
                settler.recover()
                settler.load()
                while settler.step():
                    pass
            self.clock.now += 70
        self.service.work_off()
        assert all(settler.idle for settler, _ in self.processes)
        expected = {found for found, units in self.told.items() if units >= 0}
        assert expected - self.service.refuses <= set(self.service.booked)
        aside = {found for _, spool in self.processes for found, _, _ in spool.refused()}
        kept = aside | self.service.parked | set(self.in_memory_alone)
        assert expected & self.service.refuses <= kept
        for settler, _ in self.processes:
            settler.close(0)
        self.folder.cleanup()


Settling.TestCase.settings = settings(max_examples=25, stateful_step_count=40, deadline=None)
TestSettling = Settling.TestCase
