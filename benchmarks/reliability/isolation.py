"""What other customers' authorizes meet while one account uses every route at its limit. Rule: simulated, to the unit.

The attack is replayed (`attack`), and the authorizes are real: of the built function, in execution environments of
their own, through a store that has DynamoDB's limits. Both take from the same meter, in the order of one clock.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from benchmarks import page
from benchmarks.callers import ask
from benchmarks.probing import Took
from benchmarks.reliability import attack as attacks
from benchmarks.reliability.meter import READ, UNITS_PER_SECOND, WRITE, Meter
from benchmarks.reliability.stage import Stage, measured, ready
from benchmarks.setting import AUTHORIZE
from local import settings
from local.cloudformation import template

if TYPE_CHECKING:
    from benchmarks.reliability.attack import Attack, Trace
    from benchmarks.reliability.functions import Steered

Json = dict[str, Any]

SIZES: Final = (100, 1_000, 5_000)
SECONDS: Final = 30.0
WARM_SECONDS: Final = 3.0
"""So long before the attack begins, the first environments have been asked for the last time."""
OTHERS_PER_SECOND: Final = 10.0
ACCOUNTS: Final = 40
FIRST, MOST = 4, 30
"""Execution environments of the others: so many at the beginning, and at the most."""
_UNAVAILABLE: Final = 500


@dataclass(slots=True)
class Others:
    """Other customers, who ask at random times in environments that are started as Lambda starts them."""

    stage: Stage
    keys: list[str]
    chance: random.Random
    idle: list[Steered] = field(default_factory=list)
    busy: dict[Steered, float] = field(default_factory=dict)
    """Those that sleep between two tries, each with when it wakes."""
    asked: int = 0
    failed: int = 0

    def warm(self, size: int) -> None:
        """Let the first environments have been asked before."""
        self.idle = [self.stage.steered(AUTHORIZE) for _ in range(FIRST)]
        for number, one in enumerate(self.idle):
            assert one.ask(ask(self.keys[number], f"warm-{size}-{number}")).answer["allowed"]

    def begin(self) -> None:
        """One of them asks."""
        self.asked += 1
        if not self.idle and len(self.busy) >= MOST:
            self.failed += 1  # Lambda would turn it away
            return
        one = self.idle.pop() if self.idle else self.stage.steered(AUTHORIZE)
        one.begin(ask(self.chance.choice(self.keys), f"r-{self.stage.clock.seconds}"))
        self._rest(one)

    def wake(self) -> None:
        """The first that sleeps goes on."""
        one = min(self.busy, key=lambda sleeper: self.busy[sleeper])
        del self.busy[one]
        self._rest(one)

    def next_at(self) -> float:
        """When the first wakes; infinity when none sleeps."""
        return min(self.busy.values(), default=float("inf"))

    def stop(self) -> None:
        """End every environment."""
        for one in (*self.idle, *self.busy):
            one.stop()

    def _rest(self, one: Steered) -> None:
        found = one.rest()
        if not isinstance(found, Took):
            self.busy[one] = found
            return
        self.idle.append(one)
        refused = not found.answer["allowed"]
        assert not refused or found.answer["statusCode"] >= _UNAVAILABLE, found.answer
        self.failed += refused


def measure() -> dict[str, str]:
    """The table of this section."""
    with ready() as stage:
        assert not attacks.unknown_routes(stage), attacks.unknown_routes(stage)
        stage.offer(SIZES[0])
        keys = [stage.setting.buy()["apiKey"] for _ in range(ACCOUNTS)]
        attackers = {size: stage.setting.buy(models=stage.ordered()) for size in SIZES}
        rows = [_row(stage, size, attackers[size], keys) for size in SIZES]
    head = ["models", "routes", "calls a second", "units a second wanted of the busiest key"]
    head += ["others' authorizes", "failed", "share"]
    said = (
        f"{SECONDS:g} simulated seconds of each size; the keys' limits are {UNITS_PER_SECOND[READ]:,.0f} read and"
        f" {UNITS_PER_SECOND[WRITE]:,.0f} write units a second."
    )
    return {"isolation": f"{measured()} {said}\n\n{page.table(head, rows)}"}


def _row(stage: Stage, size: int, attacker: Json, keys: list[str]) -> list[page.Cell]:
    stage.offer(size)
    per_second = _limit_of_a_route()
    found = attacks.traces(stage, attacker)
    chance = random.Random(size)
    others = Others(stage, keys, chance)
    others.warm(size)
    stage.clock.seconds += WARM_SECONDS
    begins = stage.clock.seconds
    attack = attacks.Attack(found, per_second, begins, begins + SECONDS, chance)
    stage.store.meter = Meter()
    try:
        _run(stage, attack, others, stage.store.meter)
    finally:
        stage.store.meter = None
        others.stop()
    wanted = _wanted(found, per_second)
    counts: list[page.Cell] = [size, len(found), f"{per_second * len(found):,.0f}", f"{wanted:,.0f}"]
    return [*counts, others.asked, others.failed, f"{100 * others.failed / others.asked:.1f} %"]


def _run(stage: Stage, attack: Attack, others: Others, meter: Meter) -> None:
    """Go through attack and others in the order of time."""
    arrives = attack.begins + others.chance.expovariate(OTHERS_PER_SECOND)
    while True:
        at = min(arrives, attack.next_at(), others.next_at())
        if arrives >= attack.ends and not others.busy:
            return
        stage.clock.seconds = max(at, stage.clock.seconds)
        if at == others.next_at():
            others.wake()
        elif at == arrives:
            others.begin()
            arrives = at + others.chance.expovariate(OTHERS_PER_SECOND)
            arrives = arrives if arrives < attack.ends else float("inf")
        else:
            attack.go_on(meter)


def _wanted(found: dict[str, list[Trace]], per_second: float) -> float:
    """The read units a second that the attack would take of one key if nothing refused them."""
    of: dict[Any, float] = {}
    for calls in found.values():
        for call in calls:
            for request in call:
                for key, units in request:
                    if key.kind == READ:
                        of[key] = of.get(key, 0.0) + units * per_second / len(calls)
    return max(of.values())


def _limit_of_a_route() -> float:
    """Requests a second that each route takes by default."""
    return float(template.load(settings.template_file())["Parameters"]["ApiRequestsPerSecond"]["Default"])
