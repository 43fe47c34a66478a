"""Random grants, settles, corrections of calls, days and resets agree with a ledger that only adds and takes away."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from modelpass.errors import Refused
from modelpass.subscriptions.commands import daily_usage, queries
from modelpass.times import rfc3339
from tests.support.audit import assert_conserved
from tests.support.faults import FaultAt
from tests.support.world import DAY_MS, model

if TYPE_CHECKING:
    from tests.support.world import World

LIMIT, STEPS = 12, 120
KINDS = ("before", "after", "lost")


@dataclass(slots=True)
class Ledger:
    """How many calls each day counts, and what each grant may still give back."""

    world: World
    name: str
    key: str
    chance: random.Random
    days: Counter[int] = field(default_factory=Counter)
    open: list[tuple[str, int, int]] = field(default_factory=list)
    settled: list[str] = field(default_factory=list)
    numbers: int = 0

    @property
    def today(self) -> int:
        return self.world.clock.now_ms // DAY_MS

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    def authorize(self) -> None:
        calls = self.chance.randint(1, 4)
        answer = self.world.authorize(self.key, f"r-{self.number()}", 1, calls=calls, holdSeconds=900)
        assert answer["allowed"] == (self.days[self.today] + calls <= LIMIT)
        if answer["allowed"]:
            self.days[self.today] += calls
            self.open.append((answer["authorizationId"], self.today, calls))

    def settle(self) -> None:
        if not self.open:
            return
        authorization_id, day, held = self.open.pop(self.chance.randrange(len(self.open)))
        calls = self.chance.choice((0, held, self.chance.randint(0, held)))
        assert self.world.settle(authorization_id, 0, calls=calls)["settled"]
        self.days[day] -= min(held - calls, self.days[day])
        self.settled.append(authorization_id)

    def settle_again(self) -> None:
        if self.settled:
            assert self.world.settle(self.chance.choice(self.settled), 0, calls=0)["replayed"]

    def correct(self) -> None:
        calls = self.chance.choice((-5, -2, -1, 1, 3))
        back = self.chance.choice((0, 0, 1, 2)) * DAY_MS
        at_ms = self.world.clock.now_ms - back
        if at_ms < self.world.subscription(self.name).term.starts_at_ms:
            return
        day, ticket = at_ms // DAY_MS, f"ticket-{self.number()}"
        body = {"calls": calls, "at": rfc3339(at_ms)}
        fits = 0 <= self.days[day] + calls <= max(LIMIT, self.days[day])
        faulty = self.world.with_send(
            FaultAt(self.world.deps.send, self.chance.randrange(8), self.chance.choice(KINDS))
        )
        answers = [_outcome(faulty, self.name, ticket, body), _outcome(self.world, self.name, ticket, body)]
        assert set(answers) <= {calls if fits else "invalid_request", "temporarily_unavailable"}
        assert answers[1] != "temporarily_unavailable"
        self.days[day] += calls if fits else 0

    def let_time_go_on(self) -> None:
        self.world.clock.advance(self.chance.choice((1000, 600_000, DAY_MS // 3)))

    def reset(self) -> None:
        self.world.reset()

    def assert_counted(self) -> None:
        usage = queries.get_usage(self.world.deps, "acct", self.name)["models"][0]["daily"]
        assert (usage["used"], usage["remaining"]) == (self.days[self.today], LIMIT - self.days[self.today])


def _outcome(world: World, name: str, ticket: str, body: dict[str, Any]) -> Any:
    try:
        return world.correct(name, None, ticket, **body)["calls"]
    except Refused as refused:
        return refused.refusal.code.code


@pytest.mark.usefixtures("few_shards")
@pytest.mark.parametrize("seed", range(4))
def test_every_day_counts_what_was_granted_given_back_and_corrected(world: World, seed: int) -> None:
    made = world.buy(models=[model(calls=LIMIT, cap=10**6)])
    ledger = Ledger(world, made["subscriptionId"], made["apiKey"], random.Random(seed))
    steps = (ledger.authorize, ledger.authorize, ledger.settle, ledger.correct, ledger.correct, ledger.settle_again)
    for _ in range(STEPS):
        ledger.chance.choice((*steps, ledger.let_time_go_on, ledger.reset))()
        ledger.assert_counted()
    while ledger.open:
        ledger.settle()
    assert_conserved(world)
    first = world.subscription(made["subscriptionId"]).term.starts_at_ms // DAY_MS
    rows = {
        row["date"]: row["calls"]
        for row in daily_usage.get_history(world.deps, "acct", made["subscriptionId"], {})["days"]
    }
    for day in range(first, ledger.today + 1):
        assert rows.get(rfc3339(day * DAY_MS)[:10], 0) == ledger.days[day]
