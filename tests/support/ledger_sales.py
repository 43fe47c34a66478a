"""What accounts have bought, as a ledger: terms, lists, prices and orders. Rule: no code of the service is used.

A subscription is brought up to a moment in the order of the contract: an order lapsed, a change bound, the term
continued or ended. Prices are fractions; what a sale does is done at once, or when its order is confirmed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from tests.support.ledger import DAY_MS, NEW_KEYS_A_DAY, OFFSETS_MS, SECOND_MS, Book, Calendar, Line

if TYPE_CHECKING:
    from collections.abc import Callable

Json = dict[str, Any]
Lines = dict[str, Line]
"""A list: the line of each model, in order."""

RANKS = ("basic", "stable", "enterprise")
MOST_MONTHS_AHEAD = 12


@dataclass(slots=True)
class Catalogue:
    """What a month costs: a base, for each unit of the cap, for each call of the daily limit."""

    prices: dict[tuple[str, str], tuple[str, str, str]] = field(
        default_factory=lambda: {
            ("claude-opus-4-6", "basic"): ("5.00", "0.000002", "0.02"),
            ("claude-opus-4-6", "stable"): ("12.00", "0.000003", "0.04"),
            ("claude-opus-4-6", "enterprise"): ("40.00", "0.000005", "0.08"),
            ("nano-banana-2", "basic"): ("3.00", "0.02", "0.01"),
            ("nano-banana-2", "stable"): ("6.00", "0.03", "0.02"),
            ("nano-banana-2", "enterprise"): ("20.00", "0.05", "0.04"),
        }
    )
    withdrawn: set[str] = field(default_factory=set)

    def offers(self, lines: Lines) -> bool:
        return not self.withdrawn & lines.keys()

    def month(self, model_id: str, line: Line | None) -> Fraction:
        """What a month of a line costs; nothing where there is no line."""
        if line is None:
            return Fraction(0)
        base, per_unit, per_call = map(Fraction, self.prices[model_id, line.tier])
        return base + per_unit * line.cap + per_call * line.limit

    def monthly(self, lines: Lines) -> Fraction:
        return sum((self.month(model_id, line) for model_id, line in lines.items()), Fraction(0))

    def top_up(self, model_id: str, line: Line, units: int) -> Fraction:
        return Fraction(self.prices[model_id, line.tier][1]) * units


@dataclass(slots=True)
class Order:
    """One sale: what it cost, and, while it waits, until when and what its confirmation does."""

    account: str
    subscription_id: str
    id: str
    kind: str
    at_ms: int
    total: Fraction
    ended_as: str = "done"
    lapses_at_ms: int | None = None
    reference: str | None = None
    carry_out: Callable[[], None] | None = None

    def status(self, now_ms: int) -> str:
        waits = self.ended_as == "pending"
        return "lapsed" if waits and self.lapses_at_ms is not None and now_ms >= self.lapses_at_ms else self.ended_as

    def waits(self, now_ms: int) -> bool:
        return self.status(now_ms) == "pending"


@dataclass(frozen=True, slots=True)
class PendingChange:
    """The whole list that will be in force from an instant."""

    binds_at_ms: int
    lines: Lines


@dataclass(frozen=True, slots=True)
class PricedChange:
    """What a change costs by line, the list in force after it, and the list to come where something waits."""

    totals: dict[str, Fraction]
    now: Lines
    to_come: Lines

    @property
    def total(self) -> Fraction:
        return sum(self.totals.values(), Fraction(0))


@dataclass(slots=True)
class Bought:
    """One subscription: its terms, newest last, each with its key and a book for each model.

    One whose purchase waits for its confirmation has no term yet, and never has one once that order has ended.
    """

    account: str
    id: str
    body: Json
    terms: list[dict[str, Book]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    purchase: Order | None = None
    """The order of the purchase, where it had to wait."""
    waiting: Order | None = None
    """The newest order that had to wait."""
    cancelled: bool = False
    suspended: bool = False
    ended: bool = False
    """It was decided that the current term is over."""
    auto_renew: bool = False
    auto_renew_months: int | None = None
    label: str | None = None
    sold_months: int = 1
    revoked: bool = False
    pending_change: PendingChange | None = None
    shows_part: bool = False
    """The price shown lacks what a removed line cost, or what was sold for a list to come that never came."""
    charged: list[Fraction] = field(default_factory=list)
    """What was charged in each term, top-ups included."""
    new_key_day: int = 0
    new_keys: int = 0

    @property
    def calendar(self) -> Calendar:
        return next(iter(self.terms[-1].values())).calendar

    def is_there(self, now_ms: int) -> bool:
        """Whether it can be found at all."""
        return bool(self.terms) or (not self.cancelled and self.purchase is not None and self.purchase.waits(now_ms))

    def in_force(self, now_ms: int) -> Lines:
        return {m: book.line(now_ms) for m, book in self.terms[-1].items() if book.in_force(now_ms)}

    def to_come(self, now_ms: int) -> Lines:
        return self.in_force(now_ms) if self.pending_change is None else self.pending_change.lines

    def count_new_key(self, now_ms: int) -> bool:
        """Count a new key of a UTC day; False, and nothing is counted, once the day has had its hundred."""
        if now_ms // DAY_MS > self.new_key_day:
            self.new_key_day, self.new_keys = now_ms // DAY_MS, 0
        if self.new_keys >= NEW_KEYS_A_DAY:
            return False
        self.new_keys += 1
        return True

    def expired(self, now_ms: int) -> bool:
        return bool(self.terms) and now_ms >= self.calendar.ends_at_ms

    def status(self, now_ms: int) -> str:
        if self.cancelled:
            return "cancelled"
        if self.suspended:
            return "suspended"
        if not self.terms:
            return "pending"
        return "expired" if self.expired(now_ms) else "active"

    def runs(self, now_ms: int) -> bool:
        """Whether its term does: suspended or not."""
        return bool(self.terms) and not self.cancelled and not self.expired(now_ms)

    def holds_place(self, now_ms: int) -> bool:
        """Whether the account's place is taken by it: by its term, or by an order that begins one."""
        keeps = self.waiting is not None and self.waiting.waits(now_ms) and self.waiting.kind in {"purchase", "renewal"}
        return self.runs(now_ms) or keeps

    def begin_term(self, api_key: str, lines: Lines, months: int, now_ms: int) -> None:
        starts_at_ms = now_ms - now_ms % SECOND_MS
        term = Calendar(starts_at_ms, months, OFFSETS_MS[self.body["timezone"]])
        self.keys.append(api_key)
        self.revoked = self.ended = self.shows_part = False
        self.pending_change = None
        self.terms.append({m: Book(m, term, [(starts_at_ms, line)]) for m, line in lines.items()})
        self.charged.append(Fraction(0))

    def bind_change(self, now_ms: int) -> None:
        """What waits is in force from its instant on, if the term has come to it."""
        change = self.pending_change
        if change is None or now_ms < change.binds_at_ms or change.binds_at_ms >= self.calendar.ends_at_ms:
            return
        for model_id, book in self.terms[-1].items():
            line = change.lines.get(model_id)
            if line is not None or book.in_force(change.binds_at_ms):
                self.shows_part |= line is None
                book.lines.append((change.binds_at_ms, line))
        self.pending_change = None

    def bring_up(self, catalogue: Catalogue, now_ms: int, *, approval: bool) -> Order | None:
        """Let a change bind, and the term go on or end; the order by which it went on, if it did."""
        if not self.terms:
            return None
        self.bind_change(now_ms)
        if self.cancelled or self.ended or not self.expired(now_ms):
            return None
        lines = self.to_come(now_ms)
        if not self.auto_renew or self.suspended or approval or not catalogue.offers(lines):
            self.ended = True
            return None
        period = self.auto_renew_months or self.sold_months
        months = period
        while self.calendar.month_start(self.calendar.months + months) <= now_ms:
            months += period
        total = catalogue.monthly(lines) * months
        self.extend(months, total)
        self.bind_change(now_ms)
        return Order(self.account, self.id, "", "renewal", now_ms, total)

    def extend(self, months: int, total: Fraction) -> None:
        self.calendar.months += months
        self.charged[-1] += total
        self.shows_part |= self.pending_change is not None

    def too_long(self, months: int, now_ms: int) -> bool:
        """Whether the window in force and those after it would be too many."""
        calendar = self.calendar
        return calendar.months + months - calendar.month(now_ms) > MOST_MONTHS_AHEAD

    def price_change(self, catalogue: Catalogue, wanted: Lines, now_ms: int) -> PricedChange:
        """What it costs to have another list, line by line, and what of it binds now."""
        in_force, later = self.in_force(now_ms), self.to_come(now_ms)
        windows_later = self.calendar.months - self.calendar.month(now_ms) - 1
        totals, now = {}, {}
        for model_id, line in wanted.items():
            old, then = in_force.get(model_id), later.get(model_id)
            price = catalogue.month(model_id, line)
            binds = old is None or line == old or self._rises(catalogue, model_id, old, line)
            at_once = max(Fraction(0), price - catalogue.month(model_id, old)) if binds else Fraction(0)
            totals[model_id] = at_once + max(Fraction(0), price - catalogue.month(model_id, then)) * windows_later
            now[model_id] = line if binds or old is None else old
        removed = {model_id: line for model_id, line in in_force.items() if model_id not in wanted}
        return PricedChange(totals, {**now, **removed}, wanted)

    @staticmethod
    def _rises(catalogue: Catalogue, model_id: str, old: Line, new: Line) -> bool:
        return (
            new.limit >= old.limit
            and new.cap >= old.cap
            and RANKS.index(new.tier) >= RANKS.index(old.tier)
            and catalogue.month(model_id, new) >= catalogue.month(model_id, old)
        )

    def change(self, priced: PricedChange, now_ms: int) -> None:
        """Put the list in force that binds now, and let the rest wait for the next month window."""
        before, calendar, term = self.in_force(now_ms), self.calendar, self.terms[-1]
        for model_id, line in priced.now.items():
            if model_id not in term:
                term[model_id] = Book(model_id, calendar, [(now_ms, line)])
            elif before.get(model_id) != line:
                term[model_id].lines.append((now_ms, line))
                term[model_id].rearm(now_ms)
        waits = priced.now != priced.to_come
        self.pending_change = PendingChange(calendar.month_end(now_ms), priced.to_come) if waits else None
        self.charged[-1] += priced.total

    def top_up(self, model_id: str, units: int, total: Fraction, now_ms: int) -> None:
        book = self.terms[-1][model_id]
        book.top_ups.append((now_ms, units))
        book.rearm(now_ms)
        self.charged[-1] += total


@dataclass(slots=True)
class Plan:
    """A plan of another system: until when it holds its account's place."""

    id: str
    until_ms: int


@dataclass(slots=True)
class News:
    """The instants of all news of plans that an account's place has taken in, as they came.

    `elsewhere` are those which told that another plan has ended than the one that held the place.
    """

    applied: list[int] = field(default_factory=list)
    elsewhere: list[int] = field(default_factory=list)

    def outdated(self, as_of_ms: int | None, *, of_holder: bool) -> bool:
        known = self.applied if of_holder else self.applied + self.elsewhere
        return as_of_ms is not None and any(as_of_ms < at_ms for at_ms in known)

    def take(self, as_of_ms: int | None) -> None:
        self.applied += [] if as_of_ms is None else [as_of_ms]


def lines_of(models: list[Json]) -> Lines:
    """The list that a body names."""
    return {m["modelId"]: Line(m["channelTier"], m["dailyCallLimit"], m["monthlyTokenCap"]) for m in models}
