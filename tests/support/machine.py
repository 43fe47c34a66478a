"""The service under a state machine, and the ledger it must agree with: what the rules of `tests/property` share."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import replace
from fractions import Fraction
from typing import TYPE_CHECKING, Any, ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from modelpass.errors import Refused
from tests.support.faults import FaultAt
from tests.support.ledger import DAY_MS, SECOND_MS, rfc3339
from tests.support.ledger_sales import Catalogue, News, Order
from tests.support.world import IMAGE_MODEL, TEXT_MODEL, World, new_world

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.ledger import Book, Grant
    from tests.support.ledger_sales import Bought, Plan

Json = dict[str, Any]
Fault = tuple[str, int] | None

MOST_HOLDS = 4
ORDER_MS = 60 * 60 * SECOND_MS
PURCHASES_A_DAY = 10
MILLION = 10**6
STARTS_AT_MS = 1_769_855_400_250  # 2026-01-31T10:30:00.250Z: months are clamped, starts are cut to the second
MODELS = (TEXT_MODEL, IMAGE_MODEL)
TIERS = ("basic", "stable", "enterprise")
ACCOUNTS = st.sampled_from(("a", "b"))
FAULTS = st.none() | st.none() | st.tuples(st.sampled_from(("before", "after")), st.integers(0, 3))
ANY = st.integers(0, 10**6)
"""A number by which a rule chooses among the subscriptions, grants or corrections that exist when it runs."""


class Machine(RuleBasedStateMachine):
    """The service on tables of its own, and what the ledger knows of it."""

    may_approve: ClassVar[bool] = True

    def __init__(self, endpoint: str) -> None:
        super().__init__()
        world = new_world(endpoint)
        self.world = replace(world, deps=world.deps._replace(max_open_holds=MOST_HOLDS))
        self.world.clock.now_ms = STARTS_AT_MS
        self.bought: list[Bought] = []
        self.purchases: dict[tuple[str, str], Bought] = {}
        self.plans: dict[str, Plan] = {}
        self.catalogue = Catalogue()
        self.approval = False
        self.orders: list[Order] = []
        self.sold: dict[tuple[str, str, str], Json] = {}
        """The bodies of the sales that had an Idempotency-Key, by subscription and kind."""
        self.renewed: dict[tuple[str, str], int] = {}
        """Which term a renewal that had an Idempotency-Key was to begin, by subscription and key."""
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
        return self.world if fault is None else self.under(self.world, fault)

    @staticmethod
    def under(world: World, fault: tuple[str, int]) -> World:
        """The world under a fault."""
        return world.with_send(FaultAt(world.deps.send, fault[1], fault[0]))

    @property
    def newest(self) -> World:
        """The service as code runs it that writes the newest version, for calls that no version before had."""
        return self.world

    def newest_faulty(self, fault: Fault) -> World:
        """The same under a fault, or none."""
        return self.newest if fault is None else self.under(self.newest, fault)

    def place_taken(self, account: str, but: Bought | None = None) -> bool:
        """Whether a custom subscription, or one but this, or a plan holds the account's place."""
        plan = self.plans.get(account)
        custom = any(b.account == account and b is not but and b.holds_place(self.now_ms) for b in self.bought)
        return custom or (plan is not None and self.now_ms < plan.until_ms)

    def order_waits(self, account: str) -> bool:
        """Whether an order of the account waits for its confirmation."""
        return any(order.account == account and order.waits(self.now_ms) for order in self.orders)

    def refused_by_account(self, account: str, kind: str) -> set[str]:
        """Why nothing can be sold to an account now, whatever it is."""
        codes = {"order_pending"} if self.order_waits(account) else set()
        today = [o for o in self.orders if o.account == account and o.at_ms // DAY_MS == self.now_ms // DAY_MS]
        if kind == "purchase" and sum(o.kind == kind for o in today) >= PURCHASES_A_DAY:
            codes.add("too_many_purchases")
        return codes

    def take_order(
        self,
        bought: Bought,
        kind: str,
        answer: Json,
        total: Fraction,
        carry_out: Callable[[], None],
        window_ends_ms: int | None = None,
    ) -> None:
        """Note a sale that was answered: it is carried out now, or waits until then for its confirmation."""
        shown, price = answer["order"], answer["price"]
        assert (shown["kind"], shown["subscriptionId"], shown["at"]) == (kind, bought.id, rfc3339(self.now_ms))
        assert Fraction(price["total"]) == total == sum(Fraction(line["total"]) for line in price["lines"]), price
        assert shown["price"] == price
        made = Order(bought.account, bought.id, shown["orderId"], kind, self.now_ms, total)
        assert made.id not in {order.id for order in self.orders}
        self.orders.append(made)
        if not self.approval or total == 0:
            carry_out()
            assert (shown["status"], shown["lapsesAt"]) == ("done", None)
            return
        made.ended_as, made.carry_out, bought.waiting = "pending", carry_out, made
        made.lapses_at_ms = min(self.now_ms + ORDER_MS, window_ends_ms or self.now_ms + ORDER_MS)
        assert (shown["status"], shown["lapsesAt"]) == ("pending", rfc3339(made.lapses_at_ms))
        self.events["order.pending"] += 1

    def is_repeated(self, bought: Bought, kind: str, key: str | None, body: Json, answer: Json | str) -> bool:
        """Whether a sale repeats an Idempotency-Key; then it is answered as that sale was, and sells nothing."""
        first = None if key is None else self.sold.get((bought.id, kind, key))
        if first is None or self.of_earlier_term(bought, kind, key):
            return False
        if first != body:
            assert answer == "idempotency_key_reused"
        else:
            assert isinstance(answer, dict)
            assert (answer["replayed"], "apiKey" in answer) == (True, False)
        return True

    def of_earlier_term(self, bought: Bought, kind: str, key: str | None) -> bool:
        """Whether a key is that of a renewal before the current term: it may be used once more."""
        return kind == "renewal" and key is not None and self.renewed[bought.id, key] < len(bought.terms)

    def note_key(self, bought: Bought, kind: str, key: str | None, body: Json) -> None:
        """Keep what a sale with an Idempotency-Key was asked for."""
        if key is not None:
            self.sold[bought.id, kind, key] = body

    def bring_up(self) -> None:
        """Let changes bind, and terms go on or end, as whoever looks first makes them."""
        for bought in self.bought:
            order = bought.bring_up(self.catalogue, self.now_ms, approval=self.approval)
            if order is not None:
                self.orders.append(order)
                self.events["subscription.extended"] += 1

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

    def sellable(self, which: int) -> Bought:
        """One of all subscriptions."""
        return self.bought[which % len(self.bought)]

    def begun(self) -> list[Bought]:
        """The subscriptions that have had a term."""
        return [bought for bought in self.bought if bought.terms]


def spelled(total: Fraction, more: int = 0) -> str:
    """A total as a body has it, or one that differs by so many millionths."""
    millionths, rest = divmod(total * MILLION + more, 1)
    assert rest == 0, "no price of the ledger has finer parts"
    return f"{millionths // MILLION}.{millionths % MILLION:06d}"


def expecting(total: Fraction, more: int | None) -> Json:
    """The member of a body that expects a total, or one that differs; none where none is expected."""
    return {} if more is None else {"expectedTotal": spelled(total, more if total else abs(more))}


def refusable(command: Callable[[], Json]) -> Json | str:
    """What a command answers, or with which code it is refused."""
    try:
        return command()
    except Refused as refused:
        return refused.refusal.code.code
