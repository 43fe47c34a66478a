"""The audit of a deployment's tables. Rule: writes nothing, and reports no breach that comes from reading in between.

It goes subscription by subscription. A first look reads everything that belongs to one, item after item. When an
equation does not hold there, the subscription is read again until two looks in a row are the same, so that everything
was stored like this at one moment between them. Items that belong to no subscription met so far are found by the keys
of all tables.
"""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from modelpass.entitlements import history as entitlement_history
from modelpass.ids import is_subscription_id
from modelpass.subscriptions import items as subscription_items
from modelpass.subscriptions import order_items
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

_, _ROW = subscription_items.subscription_key("")
_LOOKS: Final = 20
"""How often a subscription that changes at every look is read before it counts as busy."""


@dataclass(slots=True)
class Report:
    """How much was read and checked, and the breaches; `busy` subscriptions changed at every look.

    Of a busy subscription, only the equations of single items were checked.
    """

    items: Counter[str] = field(default_factory=Counter)
    equations: int = 0
    breaches: list[Breach] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Audit:
    """One pass over a deployment's tables; `tell` is called with each breach once, as soon as it is found.

    `most_holds` bounds the open holds of an entitlement, `workers` the subscriptions that are read at once.
    """

    reader: Reader
    now_ms: Callable[[], int]
    most_holds: int
    workers: int = 1
    tell: Callable[[Breach], object] = lambda _: None
    report: Report = field(default_factory=Report)
    _tickets: Counter[str] = field(default_factory=Counter)  # by the key of their entitlement
    _subjects: set[str] = field(default_factory=set)  # the subscriptions that have rows in the history
    _known: set[str] = field(default_factory=set)  # the subscriptions that were looked at
    _absent: set[str] = field(default_factory=set)  # those of `_known` that have no row
    _sold: set[int] = field(default_factory=set)  # hashes of entitlements' keys: they take a quarter of the memory
    _reported: set[Breach] = field(default_factory=set)

    def run(self) -> Report:
        """Look at everything once; raises `UnansweredError` and boto3's errors when a table cannot be read."""
        self._read_history()
        named = self._read_subscriptions()
        for subscription_id in sorted(named - self._known):
            self._require_subscription(subscription_id, f"what names {subscription_id}")
        for subject in sorted(self._subjects - self._known):
            self._require_subscription(subject, f"the history of {subject}")
        for pk in sorted(pk for pk in self._tickets if hash(pk) not in self._sold):
            self._require_sold(pk, f"a ticket of {pk}")
        for pk in self._keys(self.reader.tables.entitlements):
            if hash(pk) not in self._sold:
                self._require_sold(pk, pk)
        for pk in self._keys(self.reader.tables.events):
            if is_subscription_id(pk) and pk not in self._known:
                self._require_subscription(pk, f"an event of {pk}")
        return self.report

    def _read_history(self) -> None:
        """Count the tickets, and note which subscriptions have a history."""
        for page in self.reader.pages(self.reader.tables.history):
            self.report.items["history"] += len(page)
            for item in page:
                pk = item["pk"]["S"]
                if not item["sk"]["S"].startswith(entitlement_history.TICKET_PREFIX):
                    self._subjects.add(pk)
                    continue
                self._tickets[pk] += 1
                self._judge(_verdict_of(rows.unreadable(item, rows.read_ticket)))

    def _read_subscriptions(self) -> set[str]:
        """Check every subscription and every account's place; gives the subscriptions that places and lists name."""
        named: set[str] = set()
        with ThreadPoolExecutor(self.workers) as pool:
            for page in self.reader.pages(self.reader.tables.subscriptions):
                self.report.items["subscriptions"] += len(page)
                ids = [i["pk"]["S"] for i in page if i["sk"]["S"] == _ROW]
                self._known.update(ids)
                for verdict, sold in pool.map(self._look, ids):
                    self._sold.update(map(hash, sold))
                    self._judge(verdict)
                for item in page:
                    named.update(self._of_account(item))
                    if subscription_items.slot_account(item) is None:
                        named.add(item["pk"]["S"])  # an order may have lost its subscription's row
        return named

    def _keys(self, table: str) -> Iterator[str]:
        name = "entitlements" if table == self.reader.tables.entitlements else "events"
        for page in self.reader.pages(table, keys_only=True):
            self.report.items[name] += len(page)
            yield from (item["pk"]["S"] for item in page)

    def _of_account(self, item: Item) -> Iterator[str]:
        """Check the place that an item may be; gives the subscription that it, or an entry of a list, names."""
        account_id = subscription_items.slot_account(item)
        if account_id is None:
            return
        if item["sk"]["S"].startswith(subscription_items.BOUGHT):
            yield item.get("id", {}).get("S", "")
            return
        if item["sk"]["S"].startswith(order_items.ORDERS):
            unreadable = rows.unreadable(item, order_items.order_of_entry)
            self._judge(_verdict_of(unreadable))
            if not unreadable:
                yield order_items.order_of_entry(item)[0]
            return
        unreadable = rows.unreadable(item, subscription_items.slot_of)
        self._judge(_verdict_of(unreadable))
        if not unreadable:
            slot = subscription_items.slot_of(item)
            self._judge(_verdict_of(of_subscription.slot(account_id, slot)))
            if slot.kind is SlotKind.CUSTOM:
                yield slot.holder_id

    def _look(self, subscription_id: str) -> tuple[Verdict, list[str]]:
        """Check a subscription; gives the verdict, and the keys of the entitlements that were sold with it."""
        now_ms = self.now_ms()
        found = self.reader.family(subscription_id, self._tickets)
        verdict = checks.family(found, self.most_holds, now_ms)
        if verdict.breaches:
            verdict, found = self._look_again(subscription_id)
        return verdict, list(found.tickets)

    def _look_again(self, subscription_id: str) -> tuple[Verdict, Family]:
        """Check a subscription as it is at one moment; one that is busy by its single items alone."""
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

    def _require_subscription(self, subscription_id: str, what: str) -> None:
        """Check a subscription that `what` names, where it was not looked at yet: it may have been bought since."""
        if subscription_id in self._known:
            return
        self._known.add(subscription_id)
        if not is_subscription_id(subscription_id) or self.reader.family(subscription_id).row is None:
            self._absent.add(subscription_id)
            self._judge(_verdict_of([Breach(Equation.OWNED, what, "a subscription", "none")]))
            return
        verdict, sold = self._look(subscription_id)
        self._sold.update(map(hash, sold))
        self._judge(verdict)

    def _require_sold(self, pk: str, what: str) -> None:
        """Check who was sold an entitlement that belongs to no term met so far: its term may have begun since."""
        subscription_id = pk.partition("#")[0]
        self._require_subscription(subscription_id, what)
        if hash(pk) in self._sold or subscription_id in self._absent:
            return
        verdict, found = self._look_again(subscription_id)
        self._sold.update(map(hash, found.tickets))
        self._judge(verdict)
        if pk not in found.tickets:
            self._judge(_verdict_of([Breach(Equation.OWNED, what, "a term that it was sold with", "none")]))

    def _judge(self, verdict: Verdict) -> None:
        self.report.equations += verdict.equations
        for breach in verdict.breaches:
            if breach not in self._reported:
                self._reported.add(breach)
                self.report.breaches.append(breach)
                self.tell(breach)


def _verdict_of(breaches: Iterator[Breach] | list[Breach]) -> Verdict:
    verdict = Verdict()
    verdict.ask(breaches)
    return verdict
