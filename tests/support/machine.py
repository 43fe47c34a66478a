"""The service under a state machine, and the ledger it must agree with: what the rules of `tests/property` share."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from modelpass.errors import Refused
from tests.support.faults import FaultAt
from tests.support.ledger import News
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, World, new_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.ledger import Book, Bought, Grant, Plan

Json = dict[str, Any]
Fault = tuple[str, int] | None

MOST_HOLDS = 4
STARTS_AT_MS = 1_769_855_400_250  # 2026-01-31T10:30:00.250Z: months are clamped, starts are cut to the second
MODELS = (TEXT_MODEL, IMAGE_MODEL)
TIERS = ("basic", "stable", "enterprise")
ACCOUNTS = st.sampled_from(("a", "b"))
FAULTS = st.none() | st.none() | st.tuples(st.sampled_from(("before", "after")), st.integers(0, 3))
ANY = st.integers(0, 10**6)
"""A number by which a rule chooses among the subscriptions, grants or corrections that exist when it runs."""


class Machine(RuleBasedStateMachine):
    """The service on tables of its own, and what the ledger knows of it."""

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        world = new_world(endpoint)
        self.world = replace(world, deps=world.deps._replace(max_open_holds=MOST_HOLDS))
        self.world.clock.now_ms = STARTS_AT_MS
        self.bought: list[Bought] = []
        self.purchases: dict[tuple[str, str], Bought] = {}
        self.plans: dict[str, Plan] = {}
        self.news: defaultdict[str, News] = defaultdict(News)
        self.corrected: list[tuple[Bought, str, str, Json]] = []
        self.down: set[tuple[str, str]] = set()
        self.events: Counter[str] = Counter()

    @property
    def now_ms(self) -> int:
        """The instant of the clock, which the service and the ledger share."""
        return self.world.clock.now_ms

    def faulty(self, fault: Fault) -> World:
        """The world under a fault, or none."""
        if fault is None:
            return self.world
        return self.world.with_send(FaultAt(self.world.deps.send, fault[1], fault[0]))

    def place_taken(self, account: str) -> bool:
        """Whether a custom subscription or a plan holds the account's place."""
        plan = self.plans.get(account)
        custom = any(b.account == account and b.status(self.now_ms) == "active" for b in self.bought)
        return custom or (plan is not None and self.now_ms < plan.until_ms)

    def take_place(self, account: str) -> None:
        """Whoever takes the place tells that the plan before has ended, if nobody has."""
        plan = self.plans.pop(account, None)
        if plan is not None and plan.until_ms:
            self.events["plan.ended"] += 1

    def grants(self) -> list[tuple[Bought, Book, Grant]]:
        """Every grant there ever was."""
        return [
            (bought, book, grant)
            for bought in self.bought
            for term in bought.terms
            for book in term.values()
            for grant in book.grants
        ]


def refusable(command: Callable[[], Json]) -> Json | str:
    """What a command answers, or with which code it is refused."""
    try:
        return command()
    except Refused as refused:
        return refused.refusal.code.code
