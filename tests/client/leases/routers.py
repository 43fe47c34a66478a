"""Simulated routers, their network and their time. Rule: one thread, one clock, one seed; nothing waits for real time.

Each router has a lease of its own. Requests come, begin as late as they may or at once, last, use at most what they
estimated and finish. Messages to the service take time, get lost on either way, or come long after a repeat did.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any

from modelpass_client.leases.demand import Age, Wish
from modelpass_client.leases.lease import Lease
from modelpass_client.leases.tuning import Tuning
from modelpass_client.policies import Policies
from modelpass_client.reports import Report

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelpass_client.grant import Grant
    from modelpass_client.leases.sends import Send

Json = dict[str, Any]

TIMEOUT_MS = 2000
TUNING = Tuning(longest_ms=8000, margin_ms=2000, hold_seconds=14)
POLICIES = Policies()


@dataclass
class Network:
    """How messages travel: `hung_until_ms` is the time until which nothing is answered."""

    least_ms: int = 5
    most_ms: int = 30
    lost: float = 0.0
    hung_until_ms: int = 0


@dataclass
class Sim:
    """Time, and what happens at which."""

    service: Any
    seed: int = 0
    now_ms: int = 1_000_000
    network: Network = field(default_factory=Network)
    skew_ms: int = 0
    """How far the clock of whichever machine serves a message may be off, either way."""
    on_served: Callable[[str, Json, Json], None] = lambda *_: None

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self._events: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = itertools.count()

    def at(self, at_ms: int, what: Callable[[], object]) -> None:
        heapq.heappush(self._events, (max(at_ms, self.now_ms), next(self._numbers), what))

    def after(self, ms: int, what: Callable[[], object]) -> None:
        self.at(self.now_ms + ms, what)

    def run(self, until_ms: int) -> None:
        while self._events and self._events[0][0] <= until_ms:
            self.now_ms, _, what = heapq.heappop(self._events)
            what()
        self.now_ms = max(self.now_ms, until_ms)

    def call(self, function: str, payload: Json, answered: Callable[[Json], None], lost: Callable[[], object]) -> None:
        """Send a message; one of both is called, once."""
        net, sent_ms = self.network, self.now_ms
        there, back = (self.random.randint(net.least_ms, net.most_ms) for _ in range(2))
        fate = self.random.random()
        hung = sent_ms < net.hung_until_ms
        if hung or fate < net.lost:
            self.after(TIMEOUT_MS, lost)
            if self.random.random() < 0.3:
                return  # it never arrives
            late = self.random.choice((there, there, self.random.randint(0, 3 * TIMEOUT_MS)))
            self.after(late, lambda: self._serve(function, payload))
            return
        self.after(there, lambda: self._carry(back, function, payload, answered))

    def _carry(self, back_ms: int, function: str, payload: Json, answered: Callable[[Json], None]) -> None:
        answer = self._serve(function, payload)
        self.after(back_ms, lambda: answered(answer))

    def _serve(self, function: str, payload: Json) -> Json:
        self.service.now_ms = self.now_ms + self.random.randint(-self.skew_ms, self.skew_ms)
        answer: Json = getattr(self.service, function)(payload)
        self.on_served(function, payload, answer)
        return answer


@dataclass
class Tally:
    """What really happened, as nobody but the simulation knows it."""

    wanted: int = 0
    begun: int = 0
    used: int = 0
    made: int = 0
    refused: list[Json] = field(default_factory=list)
    singles: int = 0
    sends: list[int] = field(default_factory=list)
    began: list[int] = field(default_factory=list)
    holds: set[str] = field(default_factory=set)
    """The request ids of holds for the lease."""
    lasts: int = 0


class Router:
    """A process with a lease, whose steady clock began at some other time."""

    def __init__(self, sim: Sim, name: str, tuning: Tuning = TUNING, *, key: str = "k") -> None:
        self.sim, self.name = sim, name
        self.tally = Tally()
        self.alive = True
        self._offset_ms = sim.random.randint(0, 10**9)
        self._wishes: dict[Wish, Callable[[], None]] = {}
        self._looks = False
        self._numbers = itertools.count()
        self.unbooked: dict[int, tuple[int, int]] = {}  # finished, by number: when, and how many units
        self._parts: dict[str, list[int]] = {}  # what each part reports, however often it is sent
        self.open: dict[Grant, tuple[int, int]] = {}
        self.key = key
        self.lease = Lease(
            key,
            "m",
            tuning=tuning,
            policies=POLICIES,
            settle=self._settle,
            wake=lambda _: self._look_soon(),
            clock=lambda: (sim.now_ms + self._offset_ms + 0.5) / 1000,  # the half keeps floats from rounding down
            age=Age(),
        )

    # -- requests

    def request(self, units: int, used: int, lasts_ms: int, *, calls: int = 1, waits_ms: int = 0) -> None:
        """One request, which begins `waits_ms` after it was granted, if it still may."""
        self.tally.wanted += 1
        grant = self.lease.grant(units, calls)
        if grant is not None:
            self._granted(grant, used, lasts_ms, waits_ms)
            return
        wish = self.lease.enlist(units, calls)
        self._wishes[wish] = lambda: self._poll(wish, used, lasts_ms, waits_ms)
        self._wishes[wish]()

    def _poll(self, wish: Wish, used: int, lasts_ms: int, waits_ms: int) -> None:
        grant = self.lease.poll(wish)
        if grant is not None:
            del self._wishes[wish]
            self._granted(grant, used, lasts_ms, waits_ms)
        elif wish.over:
            del self._wishes[wish]
            self._single(wish.units, wish.calls, used, lasts_ms, tries=2)

    def _granted(self, grant: Grant, used: int, lasts_ms: int, waits_ms: int) -> None:
        self.open[grant] = (grant.held_units, used)
        self.sim.after(waits_ms, lambda: self._begin(grant, used, lasts_ms))

    def _begin(self, grant: Grant, used: int, lasts_ms: int) -> None:
        if not self.alive:
            return
        if not grant.may_start():
            del self.open[grant]
            grant.void()
            return
        self.tally.begun += 1
        self.tally.began.append(self.sim.now_ms)
        self.sim.after(lasts_ms, lambda: self._finish(grant, used))

    def _finish(self, grant: Grant, used: int) -> None:
        if not self.alive:
            return
        del self.open[grant]
        self.tally.used += used
        self.tally.made += grant.held_calls
        grant.used(used)
        grant.finish()
        self.unbooked[next(self._numbers)] = self.sim.now_ms, used

    # -- one by one

    def _single(self, units: int, calls: int, used: int, lasts_ms: int, tries: int) -> None:
        if not self.alive:
            return
        self.tally.singles += 1
        asked_ms = self.sim.now_ms
        self._ask(
            {
                "apiKey": self.key,
                "modelId": "m",
                "requestId": f"{self.name}-{next(self._numbers)}",
                "attempt": f"{self.name}-{next(self._numbers)}",
                "estimatedUsage": units,
                "calls": calls,
                "holdSeconds": 30,
            },
            lambda answer: self._single_answered(answer, units, calls, used, lasts_ms, tries, asked_ms),
        )

    def _ask(self, payload: Json, answered: Callable[[Json], None]) -> None:
        def decided(answer: Json) -> None:
            if self.alive:
                answered(answer)

        self.sim.call("authorize", payload, decided, lambda: self._ask(payload, answered) if self.alive else None)

    def _single_answered(  # noqa: PLR0913, PLR0917 - what was asked, and when
        self, answer: Json, units: int, calls: int, used: int, lasts_ms: int, tries: int, asked_ms: int
    ) -> None:
        self.lease.note(answer)
        if answer["allowed"] and self.sim.now_ms - asked_ms > 4000:
            self._settle(answer["authorizationId"], Report(0, 0))  # too late to begin
        elif answer["allowed"]:
            self.tally.begun += 1
            self.sim.after(lasts_ms, lambda: self._single_finished(answer["authorizationId"], used, calls))
        elif tries > 1 and answer.get("monthly", {}).get("held"):
            self.sim.after(1000, lambda: self._single(units, calls, used, lasts_ms, tries - 1))
        else:
            self.tally.refused.append(answer)

    def _single_finished(self, authorization_id: str, used: int, calls: int) -> None:
        if not self.alive:
            return
        self.tally.used += used
        self.tally.made += calls
        self._settle(authorization_id, Report(used, calls))

    # -- sending

    def _look_soon(self) -> None:
        if not self._looks:
            self._looks = True
            self.sim.after(0, self._look)

    def _look(self) -> None:
        self._looks = False
        if not self.alive:
            return
        send = self.lease.next_send()
        if send is not None:
            self._send(send)
            return
        at_ms = self.lease.look_at_ms()
        if at_ms is not None:
            self.sim.at(at_ms - self._offset_ms, self._look_again)

    def _look_again(self) -> None:
        if not self._looks:
            self._look()

    def _send(self, send: Send) -> None:
        self.tally.sends.append(self.sim.now_ms)
        if send.function == "authorize":
            self.tally.holds.add(send.payload["requestId"])
        finished = self._parts.setdefault(send.payload.get("authorizationId", ""), list(self.unbooked))

        def answered(answer: Json) -> None:
            if not self.alive:
                return
            self.lease.answered(send, answer)
            for number in finished:
                self.unbooked.pop(number, None)
            for poll in [*self._wishes.values()]:
                poll()
            self._look_soon()

        def lost() -> None:
            if not self.alive:
                return
            self.lease.unanswered(send)
            for poll in [*self._wishes.values()]:
                poll()
            self._look_soon()

        self.sim.call(send.function, send.payload, answered, lost)

    def _settle(self, authorization_id: str, report: Report) -> None:
        """Report from the spool, which outlives the process."""
        self.tally.lasts += 1
        payload = {"authorizationId": authorization_id, "actualUsage": report.units, "calls": report.calls}

        def again() -> None:
            self.sim.call("settle", payload, lambda _: None, again)

        again()

    def kill(self) -> None:
        """End the process at once: nothing it knows reaches anybody."""
        self.alive = False

    def close(self) -> None:
        self.lease.close()
