"""Many routers on one key, and what must be true of them. Rule: it asks answers and what really happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.client.leases.routers import TUNING, Network, Router, Sim

Json = dict[str, Any]

LONGEST_MS = TUNING.longest_ms
QUIET_MS = 60_000
"""So long after the last request everything is over: holds of killed routers have expired, reports have arrived."""


@dataclass
class Plan:
    """What happens: how many routers, how busy, and what goes wrong."""

    seed: int = 0
    routers: int = 3
    rates: tuple[int, ...] = (2, 20)
    seconds: int = 15
    estimate: int = 100
    lost: float = 0.0
    kills: int = 0
    hang_ms: int = 0
    skew_ms: int = 0


@dataclass
class Fleet:
    """A simulation of a plan against a service that has `authorize`, `settle` and a `now_ms` to be set."""

    service: Any
    plan: Plan
    start_ms: int = 1_000_000
    key: str = "k"
    late: int = 0
    overruns: list[Json] = field(default_factory=list)

    def __post_init__(self) -> None:
        plan = self.plan
        network = Network(lost=plan.lost)
        self.sim = Sim(self.service, plan.seed, self.start_ms, network, skew_ms=plan.skew_ms, on_served=self._served)
        self.routers = [Router(self.sim, str(number), key=self.key) for number in range(plan.routers)]
        self.end_ms = self.sim.now_ms + plan.seconds * 1000
        for router in self.routers:
            self._busy(router, self.sim.random.choice(plan.rates))
        for router in self.routers[: plan.kills]:
            self.sim.after(self.sim.random.randint(1000, plan.seconds * 1000), router.kill)
        if plan.hang_ms:
            self.sim.after(self.sim.random.randint(1000, plan.seconds * 1000), self._hang)

    def run(self) -> None:
        self.sim.run(self.end_ms)
        self.sim.network.lost = 0.0
        self.sim.run(self.end_ms + QUIET_MS)
        self.service.now_ms = self.sim.now_ms

    def _hang(self) -> None:
        self.sim.network.hung_until_ms = self.sim.now_ms + self.plan.hang_ms

    def _busy(self, router: Router, per_second: int) -> None:
        random, estimate = self.sim.random, self.plan.estimate

        def one() -> None:
            if not router.alive or self.sim.now_ms >= self.end_ms:
                return
            used = random.choice((0, estimate // 2, estimate, estimate))
            lasts = random.choice((50, 500, 2000, LONGEST_MS))
            router.request(estimate, used, lasts, waits_ms=random.choice((0, 0, 0, 3900)))
            self.sim.after(max(1, int(random.expovariate(per_second) * 1000)), one)

        self.sim.after(random.randint(1, 500), one)

    def _served(self, function: str, payload: Json, answer: Json) -> None:
        self.late += bool(answer.get("late"))
        if answer.get("monthly", {}).get("overrun"):
            self.overruns.append({"function": function, **payload, **answer})
        if "daily" in answer and answer["daily"]["used"] > answer["daily"]["limit"]:
            self.overruns.append({"function": function, **payload, **answer})

    # -- what must be true

    @property
    def used(self) -> int:
        return sum(router.tally.used for router in self.routers)

    @property
    def made(self) -> int:
        return sum(router.tally.made for router in self.routers)

    @property
    def lost_by_kills(self) -> int:
        """Units of requests that finished and that no answered part had when their process was killed."""
        killed = [router for router in self.routers if not router.alive]
        return sum(units for router in killed for _, units in router.unbooked.values())

    def assert_no_overshoot(self) -> None:
        assert not self.overruns, self.overruns[0]

    def assert_all_is_booked(self, booked: int) -> None:
        assert self.used - self.lost_by_kills <= booked <= self.used
        for router in self.routers:
            assert not router.alive or (router.lease.ended and not router.open)
