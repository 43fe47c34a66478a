"""Asks the equations of what was read, and collects breaches. Rule: pure; the audit and the tests both ask by this."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from modelpass.entitlements import items as entitlement_items
from modelpass.schema import FAILURES_OF_READING
from ops.audit import entitlement_equations as of_entitlement
from ops.audit import order_equations as of_orders
from ops.audit import rows
from ops.audit import subscription_equations as of_subscription
from ops.audit.breaches import WITHIN_ONE_ITEM, Breach, Equation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelpass.entitlements.model import Entitlement
    from modelpass.schema import Item
    from ops.audit.rows import Beside, Family, Readings


@dataclass(slots=True)
class Verdict:
    """The breaches that were found, and how many equations were asked."""

    equations: int = 0
    breaches: list[Breach] = field(default_factory=list)

    def ask(self, *answers: Iterable[Breach]) -> None:
        """Take in the breaches of some equations, each of which counts as asked."""
        for breaches in answers:
            self.equations += 1
            self.breaches += breaches

    def add(self, other: Verdict) -> None:
        """Take in the breaches and the count of another verdict."""
        self.equations += other.equations
        self.breaches += other.breaches

    @property
    def within_items(self) -> list[Breach]:
        """The breaches that one read of one item decides."""
        return [b for b in self.breaches if b.equation in WITHIN_ONE_ITEM]


def counters(entitlement: Entitlement) -> Verdict:
    """Ask the equations that every step on an entitlement keeps."""
    verdict = Verdict()
    verdict.ask(*(equation(entitlement) for equation in of_entitlement.COUNTED))
    return verdict


def item(stored: Item, entitlement: Entitlement, most_holds: int) -> Verdict:
    """Ask the equations of an entitlement by itself, with at most `most_holds` open holds."""
    verdict = Verdict()
    verdict.ask(*(equation(entitlement) for equation in of_entitlement.OF_THE_ITEM))
    verdict.ask(
        of_entitlement.holds(entitlement, most_holds),
        of_entitlement.stored_start(stored, entitlement),
        of_entitlement.marks(stored),
    )
    return verdict


def windows(entitlement: Entitlement, beside: Beside, tickets: int, now_ms: int) -> Verdict:
    """Ask the equations of an entitlement together with its rows and its number of tickets in the history."""
    verdict = Verdict()
    verdict.ask(*(equation(entitlement, beside) for equation in of_entitlement.WITH_ROWS))
    verdict.ask(of_entitlement.tickets(entitlement, tickets, now_ms))
    return verdict


def family(stored: Family, most_holds: int, now_ms: int) -> Verdict:
    """Ask the equations of a subscription and of all that belongs to it.

    Those that compare items are left out where an item cannot be read.
    """
    found, verdict = rows.read(stored), Verdict()
    verdict.ask(found.unreadable)
    for one, entitlement in found.stored:
        verdict.add(_of_sense(rows.shown_key(one), partial(item, one, entitlement, most_holds)))
    if stored.row is not None:
        verdict.ask(of_entitlement.marks(stored.row))
    if found.subscription is not None:
        verdict.ask(of_subscription.state(found.subscription))
    if not found.unreadable:
        verdict.add(_of_sense(found.id, partial(_across, found, now_ms)))
    return verdict


def _of_sense(what: str, ask: Callable[[], Verdict]) -> Verdict:
    """A verdict, or the breach of an item whose values make so little sense that no equation can be asked of it."""
    try:
        return ask()
    except FAILURES_OF_READING as failure:
        verdict = Verdict()
        verdict.ask([rows.damaged(what, f"damaged values ({type(failure).__name__})")])
        return verdict


def _across(found: Readings, now_ms: int) -> Verdict:
    verdict, subscription = Verdict(), found.subscription
    if subscription is None:
        verdict.ask([Breach(Equation.OWNED, found.id, "a subscription", "none")])
        return verdict
    verdict.ask(*(equation(found, subscription) for equation in of_subscription.OF_THE_FAMILY))
    verdict.ask(of_subscription.sold(found, subscription, now_ms), of_subscription.place(found, subscription, now_ms))
    verdict.ask(*(equation(found, subscription) for equation in of_orders.OF_ORDERS))
    verdict.ask(of_orders.pending(found, subscription, now_ms))
    for entitlement in found.entitlements.values():
        tickets = found.tickets.get(entitlement_items.entitlement_pk(entitlement.id), 0)
        verdict.add(windows(entitlement, found.of(entitlement.id), tickets, now_ms))
        verdict.ask(of_subscription.thresholds(found, entitlement), of_orders.top_ups(found, entitlement))
    return verdict
