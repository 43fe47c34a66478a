"""The audit of a deployment's tables. Rule: changes nothing, and tells of no breach that only a change beside it made.

Subscription by subscription, a first look reads all that belongs to one, item after item. What the equations find
there is looked at again: until two looks in a row are the same, so that all of it was so at one moment between them.
What is stored and belongs to no subscription that was met is found by the keys of all tables.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from modelpass.entitlements import history as entitlement_history
from modelpass.ids import is_subscription_id
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions.model import SlotKind
from ops.audit import checks, rows
from ops.audit import subscription_equations as of_subscription
from ops.audit.breaches import Breach, Equation
from ops.audit.checks import Verdict

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelpass.schema import Item
    from ops.audit.reading import Reader
    from ops.audit.rows import Family

_LOOKS: Final = 20


@dataclass(slots=True)
class Report:
    """What was read and asked; of `busy` subscriptions, which changed at every look, items alone were checked."""

    items: Counter[str] = field(default_factory=Counter)
    equations: int = 0
    breaches: list[Breach] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Audit:
    """One pass over a deployment's tables; `tell` hears of every breach as it is found, once."""

    reader: Reader
    now_ms: Callable[[], int]
    most_holds: int
    workers: int = 1
    tell: Callable[[Breach], object] = lambda _: None
    report: Report = field(default_factory=Report)
    _tickets: Counter[str] = field(default_factory=Counter)
    _subjects: set[str] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)
    _absent: set[str] = field(default_factory=set)
    _sold: set[int] = field(default_factory=set)  # hashes of keys: a quarter of the memory
    _told: set[Breach] = field(default_factory=set)

    def run(self) -> Report:
        """Look at everything once."""
        self._read_history()
        named = self._read_subscriptions()
        for subscription_id in sorted(named - self._known):
            self._owned(subscription_id, f"what names {subscription_id}")
        for subject in sorted(self._subjects - self._known):
            self._owned(subject, f"the history of {subject}")
        for pk in sorted(pk for pk in self._tickets if hash(pk) not in self._sold):
            self._sold_once(pk, f"a ticket of {pk}")
        for pk in self._keys(self.reader.tables.entitlements):
            if hash(pk) not in self._sold:
                self._sold_once(pk, pk)
        for pk in self._keys(self.reader.tables.events):
            if is_subscription_id(pk) and pk not in self._known:
                self._owned(pk, f"an event of {pk}")
        return self.report

    def _read_history(self) -> None:
        """Count tickets, and note whose history there is."""
        for page in self.reader.pages(self.reader.tables.history):
            self.report.items["history"] += len(page)
            for item in page:
                pk = item["pk"]["S"]
                if not item["sk"]["S"].startswith(entitlement_history.TICKET):
                    self._subjects.add(pk)
                    continue
                self._tickets[pk] += 1
                self._judge(_asked(rows.unreadable(item, rows.read_ticket)))

    def _read_subscriptions(self) -> set[str]:
        """Check every subscription and every place; the subscriptions that places and lists name."""
        named: set[str] = set()
        with ThreadPoolExecutor(self.workers) as pool:
            for page in self.reader.pages(self.reader.tables.subscriptions):
                self.report.items["subscriptions"] += len(page)
                ids = [i["pk"]["S"] for i in page if subscription_items.account_of_key(i["pk"]["S"]) is None]
                self._known.update(ids)
                for verdict, sold in pool.map(self._look, ids):
                    self._sold.update(map(hash, sold))
                    self._judge(verdict)
                for item in page:
                    named.update(self._of_account(item))
        return named

    def _keys(self, table: str) -> Iterator[str]:
        name = "entitlements" if table == self.reader.tables.entitlements else "events"
        for page in self.reader.pages(table, keys_only=True):
            self.report.items[name] += len(page)
            yield from (item["pk"]["S"] for item in page)

    def _of_account(self, item: Item) -> Iterator[str]:
        """Check an account's place; the subscriptions that it, or an entry of a list, names."""
        account_id = subscription_items.slot_account(item)
        if account_id is None:
            return
        if item["sk"]["S"].startswith(subscription_items.BOUGHT):
            yield item.get("id", {}).get("S", "")
            return
        unreadable = rows.unreadable(item, subscription_items.slot_of)
        self._judge(_asked(unreadable))
        if not unreadable:
            slot = subscription_items.slot_of(item)
            self._judge(_asked(of_subscription.slot(account_id, slot)))
            if slot.kind is SlotKind.CUSTOM:
                yield slot.holder_id

    def _look(self, subscription_id: str) -> tuple[Verdict, list[str]]:
        """A subscription's equations, and the keys of the entitlements that were sold with it."""
        now_ms = self.now_ms()
        found = self.reader.family(subscription_id, self._tickets)
        verdict = checks.family(found, self.most_holds, now_ms)
        if verdict.breaches:
            verdict, found = self._look_again(subscription_id)
        return verdict, list(found.tickets)

    def _look_again(self, subscription_id: str) -> tuple[Verdict, Family]:
        """A subscription's equations, of one moment."""
        now_ms = self.now_ms()
        earlier = self.reader.family(subscription_id)
        for _ in range(_LOOKS):
            found = self.reader.family(subscription_id)
            if found == earlier:
                return checks.family(found, self.most_holds, now_ms), found
            earlier = found
        self.report.busy.append(subscription_id)
        verdict = checks.family(earlier, self.most_holds, now_ms)
        return Verdict(verdict.equations, verdict.within_items), earlier

    def _owned(self, subscription_id: str, what: str) -> None:
        """Something names a subscription that was not met: it may have been bought since."""
        if subscription_id in self._known:
            return
        self._known.add(subscription_id)
        if not is_subscription_id(subscription_id) or self.reader.subscription(subscription_id) is None:
            self._absent.add(subscription_id)
            self._judge(_asked([Breach(Equation.OWNED, what, "a subscription", "none")]))
            return
        verdict, sold = self._look(subscription_id)
        self._sold.update(map(hash, sold))
        self._judge(verdict)

    def _sold_once(self, pk: str, what: str) -> None:
        """An entitlement that no subscription was met to have been sold with: its term may have begun since."""
        subscription_id = pk.partition("#")[0]
        self._owned(subscription_id, what)
        if hash(pk) in self._sold or subscription_id in self._absent:
            return
        verdict, found = self._look_again(subscription_id)
        self._sold.update(map(hash, found.tickets))
        self._judge(verdict)
        if pk not in found.tickets:
            self._judge(_asked([Breach(Equation.OWNED, what, "a term that it was sold with", "none")]))

    def _judge(self, verdict: Verdict) -> None:
        self.report.equations += verdict.equations
        for breach in verdict.breaches:
            if breach not in self._told:
                self._told.add(breach)
                self.report.breaches.append(breach)
                self.tell(breach)


def _asked(breaches: Iterator[Breach] | list[Breach]) -> Verdict:
    verdict = Verdict()
    verdict.ask(breaches)
    return verdict
